#ifndef EGRESS_RESOURCE_ALIAS_H
#define EGRESS_RESOURCE_ALIAS_H

#include "resource/resource.h"

/** Aliases as a resource keeps them: in normal form, in byte order, none twice. */
typedef struct egress__aliases {
  const egress_alloc *alloc;
  const char **items; /* what they point to stands behind them */
  size_t count;
} egress__aliases;

/** Returns 0; EGRESS_EINVAL: one is not as egress_resource_with_aliases says; EGRESS_ELIMIT: too many; EGRESS_ENOMEM.
 */
int egress__aliases_read(egress__aliases *out, const char *const *aliases, size_t count, const egress_alloc *alloc);

void egress__aliases_dispose(egress__aliases *aliases);

/**
 * An item of an index: its name is alias `index` of `target`, which it holds. It is never sent. One reference for the
 * caller; NULL when out of memory.
 */
egress_resource *egress__alias_new(egress_resource *target, size_t index, const egress_alloc *alloc);

/** Of such an item, what it is an alias of; borrowed. */
egress_resource *egress__alias_target(const egress_resource *item);

/**
 * What tells a client of delta that there is nothing of a name that it asked for on demand: an entry with name and
 * alias and no message. One reference for the caller; NULL when out of memory.
 */
egress_resource *egress__resource_new_absent(const char *type_url, const char *name, const egress_alloc *alloc);

#endif
