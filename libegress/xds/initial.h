#ifndef EGRESS_XDS_INITIAL_H
#define EGRESS_XDS_INITIAL_H

#include "base/arena.h"
#include "base/map.h"
#include "xds/request.h"

/** The initial_resource_versions of a type: what a client held when it came. Lives until the type's first answer. */
typedef struct egress__initial {
  egress__arena arena;
  egress__map versions; /* name -> version */
  int stale;            /* it may have forgotten them since; only the names still say what to tell it is gone */
} egress__initial;

/** `out` is NULL for a request without any. Returns 0 or EGRESS_ENOMEM. */
int egress__initial_new(egress__initial **out, const egress_alloc *alloc, const egress__request *request);
void egress__initial_free(egress__initial *initial);

/** 1 when the client holds `name` in this version; `initial` may be NULL. */
int egress__initial_has(const egress__initial *initial, const char *name, const char *version);

/** The client asks for `name`, or for everything ("*"): it may not hold it any more. `initial` may be NULL. */
void egress__initial_forget(egress__initial *initial, egress__span name);

#endif
