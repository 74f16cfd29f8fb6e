#ifndef EGRESS_CACHE_BRIDGE_H
#define EGRESS_CACHE_BRIDGE_H

#include <egress/cache.h>

#include "snapshot/snapshot.h"

/**
 * A snapshot between two others: the second, and of the first the clusters and endpoints that the second has not. So a
 * client can be brought to the second one without ever having routes to clusters that are gone: make before break.
 * Made once for all streams that go the same way, and gone with the last of them. Thread: the cache's.
 */
typedef struct egress__bridge {
  struct egress__bridge *next;
  egress_cache *cache;
  size_t users;
  const egress__type_set *from[2]; /* of the first: clusters, endpoints; NULL: it has none */
  egress_snapshot *to;             /* the second */
  egress_snapshot *snap;           /* what is between them */
} egress__bridge;

/** Takes the bridge between two snapshots, which is made when there is none. Returns 0 or EGRESS_ENOMEM. */
int egress__bridge_take(egress__bridge **out, egress_cache *cache, const egress_snapshot *from, egress_snapshot *to);

/** Gives it back; NULL is allowed. */
void egress__bridge_release(egress__bridge *bridge);

/** Sets `removes` to 1 when `to` lacks clusters or endpoints that `from` has. Returns 0 or EGRESS_ENOMEM. */
int egress__bridge_is_needed(int *removes, egress_cache *cache, const egress_snapshot *from, const egress_snapshot *to);

#endif
