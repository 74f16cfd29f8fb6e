#ifndef EGRESS_POLICY_DOCUMENT_H
#define EGRESS_POLICY_DOCUMENT_H

#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "policy/fault.h"

enum {
  EGRESS__MAX_POLICY_BYTES = 16 << 20, /* 10,000 hosts take under 1 MiB; Envoy would choke long before this */
  EGRESS__MAX_DEPTH = 16,              /* the deepest key of the format is five deep */
  EGRESS__MAX_NODES = 1000000          /* 64 bytes each: what a hostile 16 MiB of `[,,` may cost */
};

typedef enum egress__node_kind {
  EGRESS__NODE_SCALAR,
  EGRESS__NODE_LIST,
  EGRESS__NODE_MAP,
  EGRESS__NODE_BROKEN /* already reported: to be passed over in silence */
} egress__node_kind;

/** A value of the YAML text and where it stands. */
typedef struct egress__node {
  egress__node_kind kind;
  int plain;                      /* a scalar without quotes: only such may be a number, a truth value or nothing */
  uint32_t line, column;          /* from 1, in characters */
  const char *text;               /* of a scalar, NUL-terminated, no other NUL in it */
  size_t size;                    /* bytes of `text` */
  const struct egress__node *key; /* in a map: the scalar before the colon */
  struct egress__node *first;     /* of a list or map */
  struct egress__node *next;      /* in its list or map */
  size_t count;                   /* of a list or map */
} egress__node;

/**
 * Reads one YAML document into a tree in `arena`. Scalars stay text: nothing is taken for a number or a truth value.
 * Duplicate keys, anchors, aliases, tags and keys that are no text are faults; reading goes on behind them.
 *
 * Returns 0, with `out` NULL for a text that holds nothing; EGRESS_ESYNTAX, EGRESS_ELIMIT, EGRESS_ENOMEM. libyaml takes
 * its own memory from malloc.
 */
int egress__document_read(egress__node **out, egress__arena *arena, const char *text, size_t size,
                          egress__faults *faults);

/** 1 for a plain scalar that means nothing: empty, `~` or `null`. */
int egress__node_is_null(const egress__node *node);

#endif
