#ifndef EGRESS_BASE_BLOB_H
#define EGRESS_BASE_BLOB_H

#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

#include "base/alloc.h"

/** Bytes that are written once and then shared by reference, also across threads: part of a response. */
typedef struct egress__blob {
  atomic_uint refs;
  const egress_alloc *alloc;
  size_t size;
  uint8_t bytes[];
} egress__blob;

/** `size` bytes to be filled by the caller before it is shared; one reference; NULL when out of memory. */
egress__blob *egress__blob_new(const egress_alloc *alloc, size_t size);

egress__blob *egress__blob_ref(egress__blob *blob);

/** 1 when others than the caller, who has one reference, have some. */
int egress__blob_is_shared(const egress__blob *blob);

/** NULL is allowed. Thread: any. */
void egress__blob_unref(egress__blob *blob);

#endif
