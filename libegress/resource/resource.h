#ifndef EGRESS_RESOURCE_RESOURCE_H
#define EGRESS_RESOURCE_RESOURCE_H

#include <egress/resource.h>

#include "base/protowire.h"

struct ProtobufCMessage;

/*
 * A resource holds its wire form once. As field 2 of DeltaDiscoveryResponse it is
 *   0x12 LEN { name (3), version (1), its aliases (4), ttl (6) if it has one, 0x12 LEN Any }
 * and as field 2 of DiscoveryResponse just the end of that: 0x12 LEN Any. The other forms are put together of its
 * parts.
 */

/** How a resource is told: as `resources` entry of a response. */
typedef enum egress__form {
  EGRESS__FORM_SOTW,      /* DiscoveryResponse: an Any of the message */
  EGRESS__FORM_SOTW_TTL,  /* the same, but with a time to live an Any of the Resource */
  EGRESS__FORM_DELTA,     /* DeltaDiscoveryResponse, without time to live */
  EGRESS__FORM_DELTA_TTL, /* with it */
  EGRESS__FORM_HEARTBEAT  /* with it and without the message; nothing where there is none */
} egress__form;

enum { EGRESS__FORM_COUNT = EGRESS__FORM_HEARTBEAT + 1 };

/** Bytes of a form, tag included. */
size_t egress__resource_form_size(const egress_resource *resource, egress__form form);

/** Writes a form; returns the first byte behind. */
uint8_t *egress__resource_put(uint8_t *to, const egress_resource *resource, egress__form form);

/** The content hash behind the version, low half first: for sums over sets. */
void egress__resource_hash(const egress_resource *resource, uint64_t out[2]);

/** Where the resource came from: for what is made of it. */
const egress_alloc *egress__resource_alloc(const egress_resource *resource);

/** 1 when resources of the type are secrets: what is in them is for their clients only. */
int egress__is_secret(const char *type_url);

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
