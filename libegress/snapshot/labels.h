#ifndef EGRESS_SNAPSHOT_LABELS_H
#define EGRESS_SNAPSHOT_LABELS_H

#include "base/vec.h"

enum { EGRESS__LABEL_MAX = 255 /* must fit the tail of every response */ };

/** A type and what clients are told as its version. */
typedef struct egress__label {
  char *type_url;
  char *text; /* NULL: its version by content */
} egress__label;

/** Labels of types; `{0}`: all by content. What is what never depends on them, only what is shown and sent. */
typedef struct egress__labels {
  char *all; /* of types that are not in the list; NULL: by content */
  EGRESS__VEC(egress__label) list;
} egress__labels;

/** NULL: by content. */
const char *egress__labels_get(const egress__labels *labels, const char *type_url);

/** Labels one type, or with `type_url` NULL those not in the list. Returns 0 or EGRESS_ENOMEM: nothing changed. */
int egress__labels_set(egress__labels *labels, const egress_alloc *alloc, const char *type_url, const char *text);

/** Returns 0 or EGRESS_ENOMEM. */
int egress__labels_copy(egress__labels *out, const egress__labels *from, const egress_alloc *alloc);

/** They are `{0}` again. */
void egress__labels_dispose(egress__labels *labels, const egress_alloc *alloc);

#endif
