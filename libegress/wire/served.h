#ifndef EGRESS_WIRE_SERVED_H
#define EGRESS_WIRE_SERVED_H

#include "wire/server.h"

/* The caches that a server serves: its own, and those that its `choose` has told. Thread: the loop's. */

/** The server's own cache is the first. */
void egress__served_init(egress_server *server, egress_cache *cache);

/** Gives all caches back. */
void egress__served_dispose(egress_server *server);

/** Which cache has a type for a node: as `choose` of egress__stream_config says. */
int egress__served_choose(egress_cache **out, egress_server *server, const egress_node *node, const char *type_url,
                          egress__stream_fault *fault);

/** Serving begins: goes on with trials that another server of these caches left off. */
void egress__served_start(egress_server *server);

#endif
