#ifndef EGRESS_WIRE_QUOTA_H
#define EGRESS_WIRE_QUOTA_H

#include <egress/peer.h>

#include "base/map.h"
#include "wire/service.h"

/** How many streams each client has that has any. Thread: the loop's. */
typedef struct egress__quota_peer {
  size_t streams;
  size_t name_size;
  char name[];
} egress__quota_peer;

/**
 * Counts one more stream of a client. A client is its verified SPIFFE ID, whatever machines have that, or else its
 * address without the port; all of unix sockets are one.
 *
 * Returns 0, EGRESS_ELIMIT: it has `max` already; EGRESS_ENOMEM.
 */
int egress__quota_take(egress__quota_peer **out, egress__map *peers, const egress_peer *who, uint32_t max);

/**
 * Whether there is room for one more stream, of this client: max_streams and max_peer_streams. A stream that is let in
 * is the caller's to count in call_count.
 *
 * Returns 0: `*out` is set, unless clients are not counted; EGRESS_ELIMIT, with `fault` filled; EGRESS_ENOMEM.
 */
int egress__quota_admit(egress__quota_peer **out, const egress__caller *caller, egress__stream_fault *fault);

/** A stream has ended; NULL is allowed. */
void egress__quota_give(egress__map *peers, egress__quota_peer *peer);

#endif
