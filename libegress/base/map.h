#ifndef EGRESS_BASE_MAP_H
#define EGRESS_BASE_MAP_H

#include <stddef.h>
#include <stdint.h>

#include "base/alloc.h"

/**
 * A hash map from bytes to a pointer. Keys are borrowed: they must live, unchanged, as long as their entry.
 * `{0}` with `alloc` set is empty.
 */
typedef struct egress__map {
  const egress_alloc *alloc;
  struct egress__map_entry *entries; /* open addressing, power of two */
  size_t count;
  size_t used; /* entries and tombstones */
  size_t room;
} egress__map;

typedef struct egress__map_entry {
  const char *key; /* NULL: free */
  size_t key_size;
  uint64_t hash;
  void *value; /* NULL with a key: removed */
} egress__map_entry;

void egress__map_init(egress__map *map, const egress_alloc *alloc);
void egress__map_dispose(egress__map *map);

/** The value of `key`, NULL when there is none. */
void *egress__map_get(const egress__map *map, const char *key, size_t key_size);

/** Sets a value, which must not be NULL; an existing entry keeps its old key. Returns 0 or EGRESS_ENOMEM. */
int egress__map_set(egress__map *map, const char *key, size_t key_size, void *value);

/** Bytes by which the table grows when one more entry is set now; it never shrinks. */
size_t egress__map_growth(const egress__map *map);

/** Bytes of the table. */
size_t egress__map_bytes(const egress__map *map);

/** Takes an entry out and returns its value; NULL when there is none. */
void *egress__map_remove(egress__map *map, const char *key, size_t key_size);

/**
 * Walks all entries in no order: start with `*cursor` 0; NULL at the end. Entries may be taken out meanwhile; none may
 * be added.
 */
const egress__map_entry *egress__map_next(const egress__map *map, size_t *cursor);

#endif
