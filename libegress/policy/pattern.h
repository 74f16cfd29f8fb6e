#ifndef EGRESS_POLICY_PATTERN_H
#define EGRESS_POLICY_PATTERN_H

#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/buf.h"

/** The three forms of a host pattern. */
typedef enum egress__pattern_kind {
  EGRESS__PATTERN_EXACT, /* no star: one name */
  EGRESS__PATTERN_GLOB,  /* a fixed number of labels, some with stars: `*.example.com`, `api-*.example.com` */
  EGRESS__PATTERN_DEEP   /* leading `**.`: one or more labels, then as above; `**` alone has nothing behind it */
} egress__pattern_kind;

/** A host pattern in canonical form. `*` alone and `**` are the same pattern: every valid name. */
typedef struct egress__pattern {
  const char *text; /* canonical, NUL-terminated, owned by the policy's arena: `**.example.com`, `**` */
  uint16_t size;
  uint16_t anchor; /* where the longest literal suffix of whole labels starts; `size`: there is none */
  egress__pattern_kind kind;
} egress__pattern;

/**
 * Reads a pattern.
 *
 * :param fault: on EGRESS_EPOLICY: what is wrong, in `arena`.
 * Returns 0, EGRESS_EPOLICY or EGRESS_ENOMEM.
 */
int egress__pattern_parse(egress__pattern *out, egress__arena *arena, const char *text, size_t size,
                          const char **fault);

/** The longest literal suffix of whole labels: `example.com` for `**.example.com`; "" when there is none. */
const char *egress__pattern_suffix(const egress__pattern *pattern);

/** 1 when `name`, a normalised host name, matches. */
int egress__pattern_match(const egress__pattern *pattern, const char *name, size_t size);

/** 0 when no name can match both; 1 when one may. */
int egress__pattern_meets(const egress__pattern *a, const egress__pattern *b);

/** 1 when every name that matches `inner` surely matches `outer`; 0 also where that is only hard to see. */
int egress__pattern_covers(const egress__pattern *outer, const egress__pattern *inner);

/** 1 when `pattern` matches every name strictly below `suffix` ("" for all names). */
int egress__pattern_covers_below(const egress__pattern *pattern, const char *suffix, size_t size);

/** 0 when `pattern` matches no name strictly below `suffix`; 1 when it may. */
int egress__pattern_meets_below(const egress__pattern *pattern, const char *suffix, size_t size);

/** Writes the pattern as an RE2 expression for whole, lower-case, valid names. */
void egress__pattern_regex(egress__buf *buf, const egress__pattern *pattern);

/**
 * The same for names of which it is known that they are below the pattern's suffix: the suffix is only counted, so
 * that patterns that differ in nothing else have the same expression.
 */
void egress__pattern_regex_below(egress__buf *buf, const egress__pattern *pattern);

#endif
