#ifndef EGRESS_BASE_DOCUMENT_H
#define EGRESS_BASE_DOCUMENT_H

#include <stddef.h>
#include <stdint.h>

#include <egress/document.h>

#include "base/arena.h"
#include "base/fault.h"

typedef enum egress__node_kind {
  EGRESS__NODE_SCALAR,
  EGRESS__NODE_LIST,
  EGRESS__NODE_MAP,
  EGRESS__NODE_BROKEN /* already reported: to be passed over in silence */
} egress__node_kind;

/** A value of a text in YAML or JSON and where it stands. */
typedef struct egress__node {
  egress__node_kind kind;
  int plain;                      /* a scalar without quotes: only such may be a number, a truth value or nothing */
  uint32_t line, column;          /* from 1, in characters */
  const char *text;               /* of a scalar; a NUL behind it, and in it where the rules allow that */
  size_t size;                    /* bytes of `text` */
  const struct egress__node *key; /* in a map: the scalar before the colon */
  struct egress__node *first;     /* of a list or map */
  struct egress__node *next;      /* in its list or map */
  size_t count;                   /* of a list or map */
} egress__node;

enum { EGRESS__DOCUMENT_DEPTH = 136 /* a frame of 24 bytes each on our stack; the JSON that we print goes to 130 */ };

/** What is read, and how much of it. */
typedef struct egress__document_rules {
  const char *what;          /* such as "a policy" */
  const char *anchor_advice; /* what to do without YAML's anchors, behind a semicolon; "" */
  size_t max_bytes;
  size_t max_values; /* 64 bytes each: what a hostile text may cost */
  size_t max_depth;  /* lists and maps in each other, at most EGRESS__DOCUMENT_DEPTH */
  int nul_allowed;   /* in text */
} egress__document_rules;

/** The limits of all texts that are no policies. */
extern const egress__document_rules egress__document_rules_default;

/**
 * Reads one YAML document into a tree in `arena`. Scalars stay text: nothing is taken for a number or a truth value.
 * Duplicate keys, anchors, aliases, tags and keys that are no text are faults; reading goes on behind them.
 *
 * Returns 0, with `out` NULL for a text that holds nothing; EGRESS_ESYNTAX, EGRESS_ELIMIT, EGRESS_ENOMEM. libyaml takes
 * its own memory from malloc.
 */
int egress__document_read_yaml(egress__node **out, egress__arena *arena, const char *text, size_t size,
                               const egress__document_rules *rules, egress__faults *faults);

/**
 * Reads JSON (RFC 8259) into the same tree. Text stands in quotes; a plain scalar is a number, `true`, `false` or
 * `null` as JSON writes them. Duplicate keys are faults. A byte order mark in front is passed over.
 *
 * Returns 0; EGRESS_ESYNTAX, also for a text that holds nothing; EGRESS_ELIMIT; EGRESS_ENOMEM.
 */
int egress__document_read_json(egress__node **out, egress__arena *arena, const char *text, size_t size,
                               const egress__document_rules *rules, egress__faults *faults);

/** 1 for a plain scalar that means nothing: empty, `~` or `null`. */
int egress__node_is_null(const egress__node *node);

/** What a value means in JSON, and in YAML by its core schema. */
typedef enum egress__node_type {
  EGRESS__TYPE_NULL,
  EGRESS__TYPE_BOOL,
  EGRESS__TYPE_NUMBER,      /* as JSON writes it */
  EGRESS__TYPE_YAML_NUMBER, /* as only YAML writes it: 0x10, 010, +1, .5, .inf */
  EGRESS__TYPE_TEXT,
  EGRESS__TYPE_LIST,
  EGRESS__TYPE_MAP,
  EGRESS__TYPE_BROKEN
} egress__node_type;

egress__node_type egress__node_type_of(const egress__node *node);

/** Of EGRESS__TYPE_BOOL: 1 for true. */
int egress__node_is_true(const egress__node *node);

/** The value of a key of a map; NULL: there is none. */
const egress__node *egress__node_member(const egress__node *map_node, const char *key);

/** 1 for a number as JSON writes it. */
int egress__text_is_number(const char *text, size_t size);

#endif
