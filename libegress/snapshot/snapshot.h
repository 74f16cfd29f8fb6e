#ifndef EGRESS_SNAPSHOT_SNAPSHOT_H
#define EGRESS_SNAPSHOT_SNAPSHOT_H

#include <stdatomic.h>
#include <stdint.h>

#include <egress/snapshot.h>

#include "resource/resource.h"

/**
 * All resources of one type, at least one, sorted by name in byte order. Immutable and shared: a snapshot that was
 * built from another one has the same set, by address, for a type whose content did not change; and an item whose
 * content did not change is the same item, by address.
 */
typedef struct egress__type_set {
  atomic_uint refs;
  const egress_alloc *alloc;
  const char *type_url; /* the first item's */
  uint64_t sum[2];      /* of the items' hashes, modulo 2^128, low half first */
  char version[EGRESS__VERSION_TEXT];
  size_t count;
  egress_resource *items[];
} egress__type_set;

/** The type's resources; borrowed from the snapshot; NULL: it has none. `snap` may be NULL: an empty snapshot. */
const egress__type_set *egress__snapshot_type(const egress_snapshot *snap, const char *type_url);

/** Type `index` in byte order of the type URL, below egress_snapshot_type_count. */
const egress__type_set *egress__snapshot_type_at(const egress_snapshot *snap, size_t index);

/** Index of the first item whose name is not before `name`; `set->count` when there is none. */
size_t egress__type_set_lower_bound(const egress__type_set *set, const char *name);

/** The item `name`; borrowed; NULL: there is none, or `set` is NULL. */
egress_resource *egress__type_set_find(const egress__type_set *set, const char *name);

/** The set's version, or for NULL that of the empty set. */
const char *egress__type_set_version(const egress__type_set *set);

/** A set may be held longer than its snapshot. NULL is allowed. Thread: any. */
const egress__type_set *egress__type_set_ref(const egress__type_set *set);
void egress__type_set_unref(const egress__type_set *set);

/** Room for `count` items, none of them set; one reference; NULL when out of memory. */
egress__type_set *egress__type_set_new(const egress_alloc *alloc, size_t count);

/** Appends an item, in order; takes a reference. */
void egress__type_set_push(egress__type_set *set, egress_resource *resource);

/** Gives the set, which has an item, its version; it does not change any more. */
void egress__type_set_finish(egress__type_set *set);

/** An empty snapshot with room for `type_count` types; one reference; NULL when out of memory. */
egress_snapshot *egress__snapshot_new(const egress_alloc *alloc, size_t type_count);

const egress_alloc *egress__snapshot_alloc(const egress_snapshot *snap);

/** Appends a type, in byte order; the reference moves to the snapshot. */
void egress__snapshot_push(egress_snapshot *snap, const egress__type_set *set);

/**
 * Hangs something on a snapshot, at most once and before it is shared; `release` is called with it when the snapshot
 * goes. A snapshot built from this one does not inherit it.
 */
void egress__snapshot_attach(egress_snapshot *snap, void *attachment, void (*release)(void *attachment));

/** What was attached; NULL: nothing, or `snap` is NULL. */
void *egress__snapshot_attachment(const egress_snapshot *snap);

#endif
