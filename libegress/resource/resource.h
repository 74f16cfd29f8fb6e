#ifndef EGRESS_RESOURCE_RESOURCE_H
#define EGRESS_RESOURCE_RESOURCE_H

#include <egress/resource.h>

#include "base/protowire.h"

struct ProtobufCMessage;

/*
 * A resource holds its wire form once. As field 2 of DeltaDiscoveryResponse it is
 *   0x12 LEN { name (3), version (1), 0x12 LEN Any }
 * and as field 2 of DiscoveryResponse it is just the end of that: 0x12 LEN Any. Both spans point into the same bytes.
 */

/** `resources` entry of DiscoveryResponse, tag included. */
egress__span egress__resource_sotw_entry(const egress_resource *resource);

/** `resources` entry of DeltaDiscoveryResponse, tag included. */
egress__span egress__resource_delta_entry(const egress_resource *resource);

/** The content hash behind the version, low half first: for sums over sets. */
void egress__resource_hash(const egress_resource *resource, uint64_t out[2]);

/** Where the resource came from: for what is made of it. */
const egress_alloc *egress__resource_alloc(const egress_resource *resource);

enum { EGRESS__VERSION_TEXT = 33 };

/** A hash as a version: 32 hexadecimal digits and a NUL, high half first. */
void egress__version_format(char out[EGRESS__VERSION_TEXT], const uint64_t hash[2]);

/**
 * As egress_resource_new, of a protobuf-c struct, packed straight into the wire form. The struct, and each one that it
 * points to, must have been initialised by its own INIT macro: unset strings are told by their address.
 */
int egress__resource_pack(egress_resource **out, const char *type_url, const char *name,
                          const struct ProtobufCMessage *message, const egress_alloc *alloc);

#endif
