#ifndef EGRESS_SNAPSHOT_CHUNK_H
#define EGRESS_SNAPSHOT_CHUNK_H

#include <stdatomic.h>
#include <stdint.h>

#include "resource/resource.h"

/*
 * A change copies the chunk it falls into, an item a word, and the list of all chunks, two words each: of 100,000 items
 * both take about as long.
 */
enum {
  EGRESS__CHUNK_MAX = 256,
  EGRESS__CHUNK_MIN = 64 /* far from half a full one, so that a name that comes and goes does not split and join */
};

/** Some items of a set, 1..EGRESS__CHUNK_MAX, sorted by name in byte order. Immutable and shared. */
typedef struct egress__chunk {
  atomic_uint refs;
  const egress_alloc *alloc;
  uint64_t sum[2]; /* of the items' hashes */
  uint32_t ttl_ms; /* the shortest of the items' times to live; 0: none has one */
  size_t count;
  size_t error_count; /* of the items, those that are errors */
  egress_resource *items[];
} egress__chunk;

/** Takes a reference on each item; one reference for the caller; NULL when out of memory. */
const egress__chunk *egress__chunk_new(const egress_alloc *alloc, egress_resource *const *items, size_t count);

/* NULL is allowed. Thread: any. */
const egress__chunk *egress__chunk_ref(const egress__chunk *chunk);
void egress__chunk_unref(const egress__chunk *chunk);

/** Order of `name`, text without NUL, and the item's name: below, equal to or above 0. */
int egress__compare_name(egress__span name, const egress_resource *item);

/** Index of the first item whose name is not before `name`; `chunk->count` when there is none. */
size_t egress__chunk_lower_bound(const egress__chunk *chunk, egress__span name);

/** The shorter of two times to live, of which 0 is none. */
uint32_t egress__shorter_ttl(uint32_t a, uint32_t b);

/** Adds modulo 2^128, low half first. */
void egress__sum_add(uint64_t sum[2], const uint64_t more[2]);

#endif
