#ifndef EGRESS_XDS_MEMBERS_H
#define EGRESS_XDS_MEMBERS_H

#include "snapshot/type_set.h"
#include "xds/subscription.h"

/**
 * A walk over the resources that a name stands for: the one that is called so, or those of a glob, which are in one
 * range of a set.
 */
typedef struct egress__members {
  egress_resource *own; /* NULL: a glob's, or none */
  egress__glob glob;
  egress__cursor at; /* of a glob */
} egress__members;

/** Those in `set`; NULL: the empty one. */
egress__members egress__members_of(const egress__name *name, const egress__type_set *set);

/** Those that are told for a name that is owed: none for one that is not wanted, of which only the end is told. */
egress__members egress__members_owed(const egress__subscription *sub, const egress__name *name,
                                     const egress__type_set *set);

/** The next one; borrowed; NULL at the end. */
egress_resource *egress__members_next(egress__members *members);

#endif
