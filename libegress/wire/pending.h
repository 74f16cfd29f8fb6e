#ifndef EGRESS_WIRE_PENDING_H
#define EGRESS_WIRE_PENDING_H

#include "xds/stream.h"

/*
 * The memory of requests that were not taken yet, of one client and of all together: those that have not come whole,
 * and what is held of clients that are slowed. Thread: the loop's.
 */
typedef struct egress__pending_all {
  size_t bytes, max_bytes;
} egress__pending_all;

typedef struct egress__pending {
  const egress_alloc *alloc;
  egress__pending_all *all; /* of which these bytes are a part */
  size_t bytes, max_bytes;
} egress__pending;

/**
 * Makes the `*size` bytes of `*bytes` (NULL: none yet) so many as `to`, which is not less.
 *
 * Returns 0; or, with both as they were, EGRESS_ELIMIT: the client, or all, would take more than they may, and
 * `fault` is filled; EGRESS_ENOMEM.
 */
int egress__pending_grow(egress__pending *pending, uint8_t **bytes, size_t *size, size_t to,
                         egress__stream_fault *fault);

/** Drops the first `count` of the bytes, which are not all. */
void egress__pending_drop(egress__pending *pending, uint8_t **bytes, size_t *size, size_t count);

/** Frees them: `*bytes` is NULL then, as it may be before. */
void egress__pending_free(egress__pending *pending, uint8_t **bytes, size_t *size);

#endif
