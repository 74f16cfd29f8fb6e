#ifndef EGRESS_SNAPSHOT_TYPE_SET_H
#define EGRESS_SNAPSHOT_TYPE_SET_H

#include "base/vec.h"
#include "snapshot/chunk.h"

/** A chunk and where it stands in its set. */
typedef struct egress__chunk_place {
  const egress__chunk *chunk;
  size_t end; /* index in the set of the first item after it */
} egress__chunk_place;

/**
 * All resources of one type, at least one, sorted by name in byte order. Immutable and shared: a snapshot that was
 * built from another one has the same set, by address, for a type whose content did not change; in a changed set an
 * item whose content did not change is the same item, and a chunk that no change fell into is the same chunk.
 */
typedef struct egress__type_set {
  atomic_uint refs;
  const egress_alloc *alloc;
  const char *type_url; /* the first item's */
  uint64_t sum[2];      /* of the items' hashes, modulo 2^128, low half first */
  char version[EGRESS__VERSION_TEXT];
  uint32_t ttl_ms; /* the shortest of the items' times to live; 0: none has one */
  size_t count;
  size_t error_count;                      /* of the items, those that are errors */
  EGRESS__VEC(egress__chunk_place) chunks; /* none is empty; all but the first have EGRESS__CHUNK_MIN items */
  const struct egress__type_set
      *aliases; /* of the items (resource/alias.h), but their own names; NULL: there is none */
} egress__type_set;

/** A place in a set; `{.set = set}` is its beginning. */
typedef struct egress__cursor {
  const egress__type_set *set; /* NULL: the empty set */
  size_t chunk, item;
} egress__cursor;

/** The item `name`, text without NUL, an xdstp name in any form; borrowed; NULL: there is none, or `set` is NULL. */
egress_resource *egress__type_set_find_span(const egress__type_set *set, egress__span name);
egress_resource *egress__type_set_find(const egress__type_set *set, const char *name);

/** The item that has `name` for its name or as an alias; likewise. */
egress_resource *egress__type_set_find_any(const egress__type_set *set, egress__span name);

/** The item `index`, below the set's count; borrowed. */
egress_resource *egress__type_set_at(const egress__type_set *set, size_t index);

/** The first item whose name is not before `name`. */
egress__cursor egress__type_set_from(const egress__type_set *set, egress__span name);

/** Index of the chunk that has `name`, or would have it; the set has a chunk. */
size_t egress__type_set_chunk_of(const egress__type_set *set, egress__span name);

/** The version of a set with these hashes, added up, of so many items; of none it is that of the empty set. */
void egress__sum_version(char out[EGRESS__VERSION_TEXT], const uint64_t sum[2], size_t count);

/** The set's version, or for NULL that of the empty set. */
const char *egress__type_set_version(const egress__type_set *set);

/** 1 when two sets (NULL: the empty one) have the same content. */
int egress__type_set_is_same(const egress__type_set *a, const egress__type_set *b);

/** A set may be held longer than its snapshot. NULL is allowed. Thread: any. */
const egress__type_set *egress__type_set_ref(const egress__type_set *set);
void egress__type_set_unref(const egress__type_set *set);

/** A set without chunks yet; one reference; NULL when out of memory. */
egress__type_set *egress__type_set_new(const egress_alloc *alloc);

/** Appends a chunk, in order. The reference moves to the set, or is given back with EGRESS_ENOMEM. */
int egress__type_set_push(egress__type_set *set, const egress__chunk *chunk);

/** Takes the last chunk out; the reference moves to the caller. */
const egress__chunk *egress__type_set_pop(egress__type_set *set);

/** Gives the set, which has an item, its version; it does not change any more. */
void egress__type_set_finish(egress__type_set *set);

/** The item at the cursor; borrowed; NULL at the end. */
egress_resource *egress__cursor_item(const egress__cursor *cursor);

/** That item; the cursor goes on to the one after it. */
egress_resource *egress__cursor_next(egress__cursor *cursor);

/** The chunk that begins at the cursor; NULL inside of one and at the end. */
const egress__chunk *egress__cursor_chunk(const egress__cursor *cursor);

/** Goes past the chunk that begins at the cursor. */
void egress__cursor_skip(egress__cursor *cursor);

#endif
