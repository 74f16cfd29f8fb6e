#ifndef EGRESS_WIRE_QUOTA_H
#define EGRESS_WIRE_QUOTA_H

#include "base/map.h"
#include "wire/gate.h"

/** How many streams each client has that has any. Thread: the loop's. */
typedef struct egress__quota_peer {
  size_t streams;
  size_t name_size;
  char name[];
} egress__quota_peer;

/**
 * Counts one more stream of the client of `call`, which came in by `gate` from `address`. A client is its verified
 * SPIFFE ID, whatever machines have that, or else its address without the port; all of unix sockets are one.
 *
 * Returns 0, EGRESS_ELIMIT: it has `max` already; EGRESS_ENOMEM.
 */
int egress__quota_take(egress__quota_peer **out, egress__map *peers, const egress__gate *gate, grpc_call *call,
                       const char *address, uint32_t max);

/** A stream has ended; NULL is allowed. */
void egress__quota_give(egress__map *peers, egress__quota_peer *peer);

#endif
