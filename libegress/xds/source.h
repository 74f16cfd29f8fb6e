#ifndef EGRESS_XDS_SOURCE_H
#define EGRESS_XDS_SOURCE_H

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
  egress_snapshot *snap; /* what the client is being brought to; NULL: there was none yet */
} egress__source;

/** Its group; "": it has not joined one. */
const char *egress__source_group(const egress__source *source);

/** Leaves the group and forgets the snapshot; a source that never joined may be disposed of too. */
void egress__source_dispose(egress__source *source);

/** Takes over the group's newest snapshot, unless it would overtake a response in flight of one of `tracks`. */
void egress__source_adopt(egress__source *source, egress__track *tracks, egress__xds_variant variant);

/** How clients take a snapshot on trial. */
typedef enum egress__verdict {
  EGRESS__VERDICT_OPEN,     /* an answer is awaited */
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
