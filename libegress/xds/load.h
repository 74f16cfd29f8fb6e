#ifndef EGRESS_XDS_LOAD_H
#define EGRESS_XDS_LOAD_H

#include <egress/load.h>

#include "base/alloc.h"
#include "base/protowire.h"
#include "xds/stream.h"

/* What a load report may hold. Two bytes on the wire can become 80 in memory: all of this is 15 MB. */
enum {
  EGRESS__LOAD_CLUSTERS_MAX = 1 << 16, /* several times what an Envoy has */
  EGRESS__LOAD_ENTRIES_MAX = 1 << 17   /* localities, drops and metrics, added up */
};

/** A report, in one piece; shared by reference. Thread: the loop's. */
typedef struct egress__load {
  egress_load_report report; /* first: events know it by that */
  const egress_alloc *alloc;
  size_t size; /* of all of it, in bytes */
  size_t refs;
} egress__load;

/**
 * Reads a LoadStatsRequest in place, and makes a report of it; NULL when it tells of no cluster. `node` is the node
 * that it says, not read yet; empty: none.
 *
 * Returns 0; with `fault` filled EGRESS_EWIRE, EGRESS_ELIMIT or EGRESS_ENOMEM.
 */
int egress__load_read(egress__load **out, egress__span *node, const egress_alloc *alloc, const void *bytes, size_t size,
                      egress__stream_fault *fault);

/** What a report is part of that egress__load_read has made; NULL for NULL. */
egress__load *egress__load_of(const egress_load_report *report);

egress__load *egress__load_ref(egress__load *load);

/** NULL is allowed. */
void egress__load_unref(egress__load *load);

/** Room for a LoadStatsResponse. */
enum { EGRESS__LOAD_ANSWER = 32 };

/**
 * Writes the LoadStatsResponse that asks for a report every `interval_ms`: of all clusters, if the client takes that
 * word (EGRESS__FEATURE_ALL_CLUSTERS), else of none. Returns its size.
 */
size_t egress__load_answer(uint8_t to[EGRESS__LOAD_ANSWER], uint32_t interval_ms, int all_clusters);

#endif
