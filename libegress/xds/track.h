#ifndef EGRESS_XDS_TRACK_H
#define EGRESS_XDS_TRACK_H

#include "cache/step.h"
#include "xds/initial.h"
#include "xds/record.h"
#include "xds/subscription.h"

/*
 * One type of resource on one stream: each type has a nonce, a subscription and a fate of its own. What the client has
 * is known as whole sets, shared with everybody; only debts and its own list of names are per stream.
 */

typedef enum egress__phase {
  EGRESS__PHASE_FRESH,    /* no response was sent yet */
  EGRESS__PHASE_WAITING,  /* one is in flight: nothing else of this type goes out */
  EGRESS__PHASE_ACCEPTED, /* the last one was accepted */
  EGRESS__PHASE_REFUSED   /* the last one was refused */
} egress__phase;

/** Places in the order in which types are sent; all others come last. */
typedef enum egress__rank {
  EGRESS__RANK_CLUSTER,
  EGRESS__RANK_ENDPOINT,
  EGRESS__RANK_LISTENER,
  EGRESS__RANK_ROUTE,
  EGRESS__RANK_OTHER
} egress__rank;

/** The heartbeats of a type (xds/beat.h). */
typedef struct egress__beat {
  uint64_t since_ms; /* what the client has was told then, or later */
  uint8_t owed;      /* but some of that nobody knows when: the next is due at once */
  uint8_t sent;      /* the response in flight is one */
  uint8_t refused;   /* the last one was refused: there is none before the next response */
} egress__beat;

typedef struct egress__track {
  struct egress__track *next;    /* in the order in which types are sent */
  struct egress__source *source; /* where the type comes from */
  const egress_alloc *alloc;
  egress__subscription want;
  egress__bases has;        /* the last of the sets is the one sent last */
  egress__initial *initial; /* NULL: none, or answered */
  uint64_t nonce;           /* of the last response */
  uint8_t phase;            /* an egress__phase */
  uint8_t stepping;         /* the response in flight, or refused, led to the last set; else it only paid debts */
  uint8_t rank;             /* an egress__rank */
  uint8_t waits_for;        /* changes are told on types below this rank first; 0: on none */
  uint8_t relabelled;       /* state of the world: what was sent last has another label now */
  uint8_t mixed;            /* it was told names as another set than the last has them */
  uint8_t objected;         /* the client has refused what it is being brought to, or a part of it */
  uint8_t told_ttl;         /* the client is told times to live */
  uint8_t told_absence;     /* delta: that there is nothing of a name is told by an entry without message (VHDS) */
  uint8_t whole;            /* in a DiscoveryResponse, what is absent is deleted; an empty list may mean everything */
  egress__beat beat;
  uint64_t asked_until_ms; /* the first of the questions to the embedder is overdue then; UINT64_MAX: none is open */
  egress__record record;   /* to be shown, never to decide by */
  char type_url[];
} egress__track;

/** Returns NULL when out of memory. `budget` is the stream's and outlives the track. */
egress__track *egress__track_new(const egress_alloc *alloc, egress__span type_url, egress__budget *budget);
void egress__track_free(egress__track *track);

/** 1 when the set `to` (NULL: empty) is not what was sent last. */
int egress__track_differs(const egress__track *track, const egress__type_set *to);

/** 1 when the client has to be brought to `to`, as far as it wants any of it. */
int egress__track_must_step(const egress__track *track, const egress__type_set *to);

/** From where: what counts of `has` for what is wanted. */
egress__bases egress__track_from(const egress__track *track);

/** Holds `to`, which equals the last set, instead of that, so that the older one can go. */
void egress__track_refresh(egress__track *track, const egress__type_set *to);

/** A response was made; `step` 1: it leads to `to`, else it only pays debts. */
void egress__track_sent(egress__track *track, const egress__type_set *to, int step, uint64_t nonce);

/** There was nothing to say, likewise. */
void egress__track_settled(egress__track *track, const egress__type_set *to, int step);

/** A response told names as `to` has them, which differs from the last set: the client has something of both. */
void egress__track_mixed(egress__track *track, const egress__type_set *to);

/** All that is new in `to` was refused, with more: it counts as sent and refused likewise. */
void egress__track_pass(egress__track *track, const egress__type_set *to);

/** A heartbeat was made: a response that tells nothing new. */
void egress__track_beaten(egress__track *track, uint64_t nonce);

/* The client's answer to the response in flight. */
void egress__track_accepted(egress__track *track);
void egress__track_refused(egress__track *track);

#endif
