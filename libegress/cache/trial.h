#ifndef EGRESS_CACHE_TRIAL_H
#define EGRESS_CACHE_TRIAL_H

#include "cache/group.h"

/*
 * Whether a group's new snapshot is any good: who is given it, what becomes of it when a client refuses it. Groups
 * without settings take all of this in passing: everybody is given what is set. Thread: the cache's.
 */

/** The group has a new snapshot, in the place of `replaced` (NULL: none), whose reference is taken over. */
void egress__trial_begin(egress__group *group, egress_snapshot *replaced);

/** The group's settings may be others. */
void egress__trial_adjust(egress__group *group);

/** The group has no snapshot any more: its streams keep what they have. */
void egress__trial_end(egress__group *group);

/* A stream for which `group`'s snapshot counts has come; is about to go (returns what `left` needs); has gone. */
void egress__trial_joined(egress__group *group, egress__watch *watch);
int egress__trial_counts(const egress__group *group, const egress__watch *watch);
void egress__trial_left(egress__group *group, int accepted);

/** The group's snapshot does not count any more for some streams that it counted for. */
void egress__trial_lost(egress__group *group);

/** SOAKING: goes on when its time is over. Returns in how many milliseconds that is; UINT64_MAX: it does not soak. */
uint64_t egress__trial_tick(egress__group *group, uint64_t now_ms);

#endif
