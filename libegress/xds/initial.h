#ifndef EGRESS_XDS_INITIAL_H
#define EGRESS_XDS_INITIAL_H

#include "base/map.h"
#include "xds/budget.h"
#include "xds/request.h"

/** The initial_resource_versions of a type: what a client held when it came. Lives until the type's first answer. */
typedef struct egress__initial {
  egress__budget *budget;
  egress__map versions; /* name -> version */
  size_t text_bytes;
  int stale;    /* it may have forgotten them since; only the names still say what to tell it is gone */
  char texts[]; /* all names and versions */
} egress__initial;

/**
 * `out` is NULL for a request without any. `budget` is the stream's and outlives it.
 * Returns 0, EGRESS_ENOMEM or EGRESS_ELIMIT.
 */
int egress__initial_new(egress__initial **out, const egress_alloc *alloc, egress__budget *budget,
                        const egress__request *request);
void egress__initial_free(egress__initial *initial);

/** 1 when the client holds `name` in this version; `initial` may be NULL. */
int egress__initial_has(const egress__initial *initial, const char *name, const char *version);

/** The client asks for `name`: it may not hold it any more. `initial` may be NULL. */
void egress__initial_forget(egress__initial *initial, egress__span name);

/** It asks for many: nobody knows any more what it holds. `initial` may be NULL. */
void egress__initial_forget_all(egress__initial *initial);

#endif
