#ifndef EGRESS_XDS_SOURCE_H
#define EGRESS_XDS_SOURCE_H

#include "cache/bridge.h"
#include "cache/cache.h"
#include "xds/stream.h"
#include "xds/track.h"

/**
 * A stream's place in a cache: in which group of it, and to which of its snapshots the client is being brought. Each
 * type comes from one of a stream's sources; what is said here of tracks is of those that come from this one.
 */
typedef struct egress__source {
  struct egress__source *next; /* of the same stream */
  egress__stream *stream;
  egress_cache *cache; /* borrowed; NULL: not known yet */
  egress__watch watch;
  egress_snapshot *snap;  /* what the client is being brought to; NULL: there was none yet */
  uint64_t changed_ms;    /* another snapshot counts since then, and is not adopted yet; 0: nobody knows of one */
  uint64_t goal_ms;       /* what is meant counts since then; 0: nobody knows */
  egress__bridge *bridge; /* `snap` is of this, which leads to what is meant; NULL: it is what is meant */
} egress__source;

/** Its group; "": it has not joined one. */
const char *egress__source_group(const egress__source *source);

/** Another snapshot may count since now. */
void egress__source_changed(egress__source *source, uint64_t now_ms);

/** Leaves the group and forgets the snapshot; a source that never joined may be disposed of too. */
void egress__source_dispose(egress__source *source);

/** The group's snapshot that the client is being brought to, if over a bridge; NULL: there was none yet. */
const egress_snapshot *egress__source_goal(const egress__source *source);

/** How a stream goes from snapshot to snapshot. */
typedef struct egress__manner {
  egress__xds_variant variant;
  uint8_t is_aggregated; /* the client hears of all types here, in one order: what is removed may go at last */
  uint8_t gate_on_ack;   /* as in egress__stream_config */
} egress__manner;

/**
 * Takes over the group's newest snapshot, unless it would overtake a response in flight of one of `tracks`; over a
 * bridge, when it removes clusters or endpoints and types after them have to be told first.
 * Returns 0 or EGRESS_ENOMEM.
 */
int egress__source_adopt(egress__source *source, egress__track *tracks, const egress__manner *manner);

/**
 * Nothing is left to be sent of the bridge: when the client has answered what comes after clusters and endpoints, what
 * the bridge kept can go. Returns 1 when there may be something to send for that, else 0.
 */
int egress__source_arrive(egress__source *source, egress__track *tracks, const egress__manner *manner);

/** How clients take a snapshot on trial. */
typedef enum egress__verdict {
  EGRESS__VERDICT_OPEN,     /* an answer is awaited, or a type waits for others */
  EGRESS__VERDICT_ACCEPTED, /* all that was sent was accepted */
  EGRESS__VERDICT_REFUSED   /* a type that is on trial was refused, now or before */
} egress__verdict;

/**
 * All that is to be sent of a snapshot on trial was sent: what does the client say? A type that it refused before, in
 * another snapshot, is not sent again; so that counts as its answer: then `refused` is the type's track.
 */
egress__verdict egress__source_judge(const egress__track **refused, const egress__source *source,
                                     egress__track *tracks);

#endif
