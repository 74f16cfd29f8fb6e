#ifndef EGRESS_XDS_BEAT_H
#define EGRESS_XDS_BEAT_H

#include "xds/answer.h"

/*
 * Heartbeats: what has a time to live is told again before that is over, all of a type at the pace of its shortest.
 * They change nothing of what the client has, wants or is owed.
 */

enum { EGRESS__BEATS_PER_TTL = 3 /* one may be late, or wait for an answer, and the next still comes in time */ };

/** When the next heartbeat is due, in the time of egress__stream_config; UINT64_MAX: none as things stand. */
uint64_t egress__beat_due(const egress__track *track);

/** To be called before a response counts as made, or as needless: what it tells begins to live. */
void egress__beat_told(egress__track *track, uint64_t now_ms);

/** A heartbeat was made, or there was nothing to refresh. */
void egress__beat_done(egress__track *track, uint64_t now_ms);

/** Adds what has a time to live and is surely held by the client, which wants it. Returns 0 or EGRESS_ENOMEM. */
int egress__beat_collect(egress__answer *answer, const egress__track *track);

/* The body of a heartbeat, in either variant. Return 1: `body` has one reference for the caller; 0: there is nothing to
   refresh; EGRESS_ENOMEM. */
int egress__sotw_beat(egress__blob **body, const egress__track *track, egress__steps *steps);
int egress__delta_beat(egress__blob **body, const egress__track *track, egress__steps *steps);

#endif
