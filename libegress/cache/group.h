#ifndef EGRESS_CACHE_GROUP_H
#define EGRESS_CACHE_GROUP_H

#include "base/map.h"
#include "cache/cache.h"

/* What the files of this room share of a cache. Thread: the cache's. */

/** How snapshots are tried; all numbers as the options say, with 100 in the place of 0 percent. */
typedef struct egress__trial_settings {
  egress_on_nack on_nack;
  uint32_t good_percent, rollout_percent, soak_ms;
} egress__trial_settings;

/** The trial of a group's own snapshot. */
typedef struct egress__trial {
  egress_trial state;
  uint32_t limit;        /* STAGED, SOAKING: streams whose bucket is below are given the snapshot */
  egress_snapshot *good; /* the last good one before the group's snapshot; NULL: none, or nothing is tried */
  /* While it is under way: streams that have to say how they take it, and those of them that have accepted it. */
  size_t waited, accepted;
  uint64_t until_ms; /* SOAKING: its end; 0: not known yet */
} egress__trial;

struct egress__group {
  egress_cache *cache;
  egress_snapshot *snap; /* its own; NULL: none */
  egress__watch *watches;
  egress__trial trial;
  egress__trial_settings settings;
  uint8_t has_settings; /* else those of "*" */
  char name[];
};

struct egress_cache {
  const egress_alloc *alloc;
  size_t refs;
  egress_group_fn group;
  void *user;
  uint32_t answer_ms;    /* how long a question is open; 0: none is asked */
  uint8_t has_globs;     /* names of any kind may be globs */
  egress__map groups;    /* name -> egress__group */
  egress__map questions; /* cache/question.h */
  size_t settings_count; /* groups that have settings; 0: nothing is tried anywhere */
  egress__observer *observers;
  struct egress__bridge *bridges; /* those that streams are on (cache/bridge.h) */
  egress__steps steps;
};

/** "*", if there is such a group; else NULL. */
egress__group *egress__group_every(const egress_cache *cache);

/** The group whose snapshot counts for `group`: itself or "*"; NULL: none does. */
egress__group *egress__group_serving(egress__group *group);

/** Calls `visit` for each stream for which `group`'s own snapshot counts, or would if it had one. */
void egress__group_visit(egress__group *group, void (*visit)(egress__group *group, egress__watch *watch));

/** Asks those who observe the cache for egress__cache_tick. */
void egress__cache_ask_for_tick(const egress_cache *cache);

/** Gives back a reference of the group's to a snapshot (NULL: none) that is not to be sent any more. */
void egress__group_forget(egress__group *group, egress_snapshot *snap);

#endif
