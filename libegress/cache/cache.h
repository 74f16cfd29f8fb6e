#ifndef EGRESS_CACHE_CACHE_H
#define EGRESS_CACHE_CACHE_H

#include <egress/cache.h>

#include "cache/step.h"

/*
 * The cache as streams see it. A group exists as long as it has a snapshot or a watcher. Which snapshot counts for it:
 * its own, else that of "*", else none. A snapshot that is forgotten before it was taken leaves everybody with the one
 * taken last.
 */
typedef struct egress__group egress__group;

/** One stream's place in its group; part of the stream, which joins at most one group. Thread: the cache's. */
typedef struct egress__watch {
  egress__group *group; /* NULL: not joined */
  struct egress__watch *next, *previous;
  uint8_t changed; /* the snapshot that counts may be another than the one taken last; whoever takes it sets 0 */
  /* The snapshot that counts for the group may be another one now. Must not call back into the cache. */
  void (*on_change)(struct egress__watch *watch);
} egress__watch;

/** Finds the node's group and joins it. Returns 0; EGRESS_EINVAL: the group function refused; EGRESS_ENOMEM. */
int egress__cache_join(egress_cache *cache, const egress_node *node, egress__watch *watch);

/** Leaves; a watch that never joined may leave too. */
void egress__watch_leave(egress__watch *watch);

/** The snapshot that counts for the group now; borrowed; NULL: none. */
egress_snapshot *egress__group_snapshot(const egress__group *group);

const char *egress__group_name(const egress__group *group);

/** The steps that streams of this cache share. */
egress__steps *egress__cache_steps(egress_cache *cache);

#endif
