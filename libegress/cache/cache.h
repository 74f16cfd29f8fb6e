#ifndef EGRESS_CACHE_CACHE_H
#define EGRESS_CACHE_CACHE_H

#include <egress/cache.h>
#include <egress/event.h>

#include "cache/step.h"

/*
 * The cache as streams see it. A group exists as long as it has a snapshot, a watcher or settings for trials. Which
 * snapshot counts for it: its own, else that of "*", else none; if that is tried, the last good one may count instead
 * (cache/trial.c). A snapshot that is forgotten before it was taken leaves everybody with the one taken last.
 */
typedef struct egress__group egress__group;

/** How a stream stands to the snapshot of the group that counts for it. */
typedef enum egress__stage {
  EGRESS__STAGE_NEW,     /* it has another one, or none */
  EGRESS__STAGE_TAKEN,   /* it is brought to this one */
  EGRESS__STAGE_ACCEPTED /* the client has accepted it, while it was on trial */
} egress__stage;

enum { EGRESS__BUCKETS = 100 /* a percent each */ };

/** One stream's place in its group; part of the stream, which joins at most one group. Thread: the cache's. */
typedef struct egress__watch {
  egress__group *group; /* NULL: not joined */
  struct egress__watch *next, *previous;
  uint8_t changed; /* the snapshot that counts may be another than the one taken last */
  uint8_t judged;  /* it is on trial: once the client has answered, `accept` or `refuse` is wanted */
  uint8_t adrift;  /* the snapshot that counted is gone, another is not taken yet */
  uint8_t bucket;  /* below EGRESS__BUCKETS, of the node's id: the same whenever the node comes */
  uint8_t stage;   /* an egress__stage */
  uint8_t asking;  /* the stream has asked the embedder: on_change tells of his answers, too (cache/question.h) */
  /* The snapshot that counts for the group may be another one now. Must not call back into the cache. */
  void (*on_change)(struct egress__watch *watch);
} egress__watch;

/** Finds the node's group and joins it. Returns 0; EGRESS_EINVAL: the group function refused; EGRESS_ENOMEM. */
int egress__cache_join(egress_cache *cache, const egress_node *node, egress__watch *watch);

/** Leaves; a watch that never joined may leave too. */
void egress__watch_leave(egress__watch *watch);

/** The snapshot that counts for the stream now; borrowed; NULL: none. */
egress_snapshot *egress__watch_snapshot(const egress__watch *watch);

/** The stream goes on from here with `snap`, what counted for it; NULL: with what it had. */
void egress__watch_take(egress__watch *watch, const egress_snapshot *snap);

/** The client has accepted all that it was sent of what the stream took last. */
void egress__watch_accept(egress__watch *watch);

/** 1 when the snapshot has this type otherwise than the last good one: then only does a refusal count. */
int egress__watch_tries(const egress__watch *watch, const char *type_url);

/**
 * The client has refused a type: `out` has the type URL and the client's text. Returns 1 when this ends the trial; then
 * `out` has the kind of event, the group and the resource, borrowed until the next call on the cache.
 */
int egress__watch_refuse(egress_event *out, egress__watch *watch, const egress__type_set *refused);

/** Whoever wants to know what becomes of groups; part of its owner. */
typedef struct egress__observer {
  struct egress__observer *next;
  /* Must not call back into the cache. */
  void (*on_event)(struct egress__observer *observer, const egress_event *event);
  /* egress__cache_tick is wanted, once control is back in the loop. */
  void (*on_due)(struct egress__observer *observer);
} egress__observer;

void egress__cache_observe(egress_cache *cache, egress__observer *observer);
void egress__cache_unobserve(egress_cache *cache, egress__observer *observer);

/** Time has passed. Returns in how many milliseconds this is to be called again; UINT64_MAX: when on_due asks. */
uint64_t egress__cache_tick(egress_cache *cache, uint64_t now_ms);

const char *egress__group_name(const egress__group *group);

/** 1 when names of any kind may be globs, not only those of the new kind (resource/xdstp.h). */
int egress__cache_has_globs(const egress_cache *cache);

/** The steps that streams of this cache share. */
egress__steps *egress__cache_steps(egress_cache *cache);

#endif
