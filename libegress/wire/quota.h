#ifndef EGRESS_WIRE_QUOTA_H
#define EGRESS_WIRE_QUOTA_H

#include <egress/peer.h>

#include "wire/pending.h"
#include "wire/server.h"
#include "xds/budget.h"

/**
 * What one client takes of what all share, while it has a connection. A client is its verified SPIFFE ID, whatever
 * machines have that, or else its address without the port; all of unix sockets are one. Thread: the loop's.
 */
typedef struct egress__quota_peer {
  size_t refs; /* its connections, and its streams: one that has ended may outlive them */
  size_t streams;
  egress__remembered remembered;
  egress__pending pending;
  size_t name_size;
  char name[];
} egress__quota_peer;

/** A client has one more connection. Returns 0 or EGRESS_ENOMEM. */
int egress__quota_join(egress__quota_peer **out, egress_server *server, const egress_peer *who);

/** It has one less; NULL is allowed. */
void egress__quota_leave(egress_server *server, egress__quota_peer *peer);

/**
 * Counts one more stream of a client, if there is room for it: max_streams and max_peer_streams. Returns 0;
 * EGRESS_ELIMIT, with `fault` filled.
 */
int egress__quota_take(egress_server *server, egress__quota_peer *peer, egress__stream_fault *fault);

/** A stream has ended; NULL is allowed. */
void egress__quota_give(egress_server *server, egress__quota_peer *peer);

#endif
