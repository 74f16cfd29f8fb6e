#ifndef EGRESS_CACHE_STEP_H
#define EGRESS_CACHE_STEP_H

#include "base/blob.h"
#include "snapshot/snapshot.h"

/*
 * What a client has to be told so that it gets from what it may have to a new set of resources. Most streams of a
 * group take the same step, so a step and its packed forms are made once and kept for the others; the packed forms,
 * which may be megabytes, only while somebody is sent them, and a moment longer.
 */

struct egress__steps;

enum {
  EGRESS__BASES_MAX = 4,      /* the set last accepted and three that were refused since */
  EGRESS__STEPS_MAX = 64,     /* 16 groups of four types each; where more are busy at once, steps are made anew */
  EGRESS__STEPS_KEPT_MS = 100 /* after so long, what nobody is being sent is let go of */
};

/** All that a client may have of one type: after a refusal nobody knows how much of a response it took over. */
typedef struct egress__bases {
  const egress__type_set *sets[EGRESS__BASES_MAX]; /* NULL: the empty set */
  uint8_t count;
  uint8_t nothing; /* it may also have none of them at all */
} egress__bases;

/** Resources one after the other: those of an array, or all of a set. */
typedef struct egress__puts {
  egress_resource *const *items; /* of the array, those still ahead */
  size_t count;
  egress__cursor all; /* its set is NULL for an array */
} egress__puts;

/** The next one; borrowed; NULL at the end. */
egress_resource *egress__puts_next(egress__puts *puts);

typedef struct egress__step {
  struct egress__step *next;
  struct egress__steps *steps;
  egress__bases from;
  const egress__type_set *to;
  uint8_t all;            /* everything in `to` is put */
  egress_resource **puts; /* else what some base has not, or not like this; by name */
  size_t put_count;
  const char **removed; /* names of the bases that `to` has not, in order */
  size_t removed_count;
  egress__blob *bodies[EGRESS__FORM_COUNT]; /* packed; NULL: not now */
  egress__blob *whole[EGRESS__FORM_COUNT];  /* of state of the world, likewise */
} egress__step;

/** The steps of a cache, the one used last first. None leads to a set that a group has no more. */
typedef struct egress__steps {
  const egress_alloc *alloc;
  egress__step *first;
  size_t count;
  size_t packed;    /* forms that are kept, of all steps */
  uint64_t look_ms; /* when they are looked at; 0: not known yet */
  /* Something is packed where nothing was: egress__steps_tick is wanted. Set by the owner, who may leave it NULL. */
  void (*on_packed)(struct egress__steps *steps);
} egress__steps;

void egress__steps_init(egress__steps *steps, const egress_alloc *alloc);
void egress__steps_dispose(egress__steps *steps);

/** A group has `snap` in the place of `replaced`; either may be NULL. Nobody is led to what is gone any more. */
void egress__steps_replaced(egress__steps *steps, const egress_snapshot *replaced, const egress_snapshot *snap);

/**
 * Time has passed: lets go of what is packed and nobody is being sent. Returns in how many milliseconds this is to be
 * called again; UINT64_MAX: when on_packed asks.
 */
uint64_t egress__steps_tick(egress__steps *steps, uint64_t now_ms);

/** The step; borrowed until the next call on `steps`. `to` NULL: the empty set. Returns 0 or EGRESS_ENOMEM. */
int egress__steps_get(egress__step **out, egress__steps *steps, const egress__bases *from, const egress__type_set *to);

/** The resources of `to` that some base has not, or not like this; by name. */
egress__puts egress__step_puts(const egress__step *step);

/**
 * The step as the body of a response, in a form of that variant: of delta, but for heartbeats, with what is removed.
 * One reference for the caller; NULL when out of memory.
 */
egress__blob *egress__step_body(egress__step *step, egress__form form);

/**
 * All that `to` has as the body of a DiscoveryResponse, changed or not, but of the errors only those that the step
 * puts: the others were told before. Likewise.
 */
egress__blob *egress__step_whole(egress__step *step, egress__form form);

/** Packs resources as the body of a response; NULL when out of memory. */
egress__blob *egress__pack(const egress_alloc *alloc, egress_resource *const *puts, size_t count, egress__form form);

/** Packs resources and names of removed ones as the body of a DeltaDiscoveryResponse; NULL when out of memory. */
egress__blob *egress__pack_delta(const egress_alloc *alloc, egress_resource *const *puts, size_t put_count,
                                 const char *const *removed, size_t removed_count, egress__form form);

#endif
