#ifndef EGRESS_SNAPSHOT_SNAPSHOT_H
#define EGRESS_SNAPSHOT_SNAPSHOT_H

#include <egress/snapshot.h>

#include "snapshot/labels.h"
#include "snapshot/type_set.h"

/** The type's resources; borrowed from the snapshot; NULL: it has none. `snap` may be NULL: an empty snapshot. */
const egress__type_set *egress__snapshot_type(const egress_snapshot *snap, const char *type_url);

/** Type `index` in byte order of the type URL, below egress_snapshot_type_count. */
const egress__type_set *egress__snapshot_type_at(const egress_snapshot *snap, size_t index);

/** An empty snapshot with room for `type_count` types; one reference; NULL when out of memory. */
egress_snapshot *egress__snapshot_new(const egress_alloc *alloc, size_t type_count);

const egress_alloc *egress__snapshot_alloc(const egress_snapshot *snap);

/** Appends a type, in byte order; the reference moves to the snapshot. */
void egress__snapshot_push(egress_snapshot *snap, const egress__type_set *set);

/** What its types are told as; to be filled, of the snapshot's allocator, before it is shared. */
egress__labels *egress__snapshot_labels(egress_snapshot *snap);

/**
 * Hangs something on a snapshot, at most once and before it is shared; `release` is called with it when the snapshot
 * goes. A snapshot built from this one does not inherit it.
 */
void egress__snapshot_attach(egress_snapshot *snap, void *attachment, void (*release)(void *attachment));

/** What was attached; NULL: nothing, or `snap` is NULL. */
void *egress__snapshot_attachment(const egress_snapshot *snap);

#endif
