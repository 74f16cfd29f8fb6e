#ifndef EGRESS_XDS_ANSWER_H
#define EGRESS_XDS_ANSWER_H

#include "base/vec.h"
#include "xds/track.h"

/** What one stream is told of one type, while it is put together. No name is in it twice. */
typedef struct egress__answer {
  const egress_alloc *alloc;
  EGRESS__VEC(egress_resource *) puts;
  EGRESS__VEC(const char *) removed;
  EGRESS__VEC(egress_resource *) made; /* of `puts`, those that are this answer's own */
} egress__answer;

void egress__answer_dispose(egress__answer *answer);

/** Adds a resource. Returns 0 or EGRESS_ENOMEM. */
int egress__answer_put(egress__answer *answer, egress_resource *resource);

/** Adds one that was made for this answer, and is its own then; NULL: there was no memory for it. Likewise. */
int egress__answer_put_own(egress__answer *answer, egress_resource *made);

/** Adds what of `changes` (NULL: none) the client wants and does not hold, but no name that is owed. */
int egress__answer_changes(egress__answer *answer, const egress__track *track, const egress__step *changes);

/** Adds what is owed, as `to` has it; `step` 1: also what is owed later. */
int egress__answer_owed(egress__answer *answer, const egress__track *track, const egress__type_set *to, int step);

/**
 * Virtual hosts, of which the client wants none yet: an Envoy whose routes have some on demand (VHDS) says only that,
 * and not for which routes; it gets ready when it is told anything below the name of these, or after 15 seconds. So for
 * all route configurations that have virtual hosts on demand it is told that there is nothing of the host "". Not
 * handled: routes that come later, for which Envoy says nothing at all. Returns 0 or EGRESS_ENOMEM.
 */
int egress__answer_start(egress__answer *answer, const egress__track *track);

/** What changes for the client on the way to `to`; NULL when nothing that it wants by name can have. */
int egress__track_changes(egress__step **out, const egress__track *track, egress__steps *steps,
                          const egress__type_set *to);

/*
 * The body of the response that a track is due, in either variant; `step` 1: bring the client to `to`, else only pay
 * what is owed. Nothing is taken as sent yet.
 * Return 1: `body` has one reference for the caller; 0: there is nothing to say; EGRESS_ENOMEM.
 */
int egress__sotw_answer(egress__blob **body, egress__track *track, egress__steps *steps, const egress__type_set *to,
                        int step);
int egress__delta_answer(egress__blob **body, egress__track *track, egress__steps *steps, const egress__type_set *to,
                         int step);

/* Takes over the subscription that a request carries. Return 0, EGRESS_ENOMEM or EGRESS_ELIMIT. */
int egress__sotw_subscribe(egress__track *track, const egress__request *request);
int egress__delta_subscribe(egress__track *track, const egress__request *request);

/** A request of state of the world that is not to be answered: a newer response is on its way to the client. */
void egress__sotw_overtaken(egress__track *track, const egress__request *request);

#endif
