#ifndef EGRESS_RESOURCE_RESOURCE_H
#define EGRESS_RESOURCE_RESOURCE_H

#include <egress/resource.h>

#include "base/protowire.h"

/*
 * A resource holds its wire form once. As field 2 of DeltaDiscoveryResponse it is
 *   0x12 LEN { name (3), version (1), 0x12 LEN Any }
 * and as field 2 of DiscoveryResponse it is just the end of that: 0x12 LEN Any. Both spans point into the same bytes.
 */

/** `resources` entry of DiscoveryResponse, tag included. */
egress__span egress__resource_sotw_entry(const egress_resource *resource);

/** `resources` entry of DeltaDiscoveryResponse, tag included. */
egress__span egress__resource_delta_entry(const egress_resource *resource);

/** The content hash behind the version, two halves: for sums over sets. */
void egress__resource_hash(const egress_resource *resource, uint64_t out[2]);

#endif
