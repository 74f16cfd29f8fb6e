#include "base/map.h"

#include <string.h>

#include <egress/error.h>
#include <xxhash.h>

void egress__map_init(egress__map *map, const egress_alloc *alloc) {
  *map = (egress__map){.alloc = alloc};
}

void egress__map_dispose(egress__map *map) {
  egress__free(map->alloc, map->entries);
  egress__map_init(map, map->alloc);
}

/* The entry of the key, else the first one free for it; NULL when the table has no entry at all. */
static egress__map_entry *find(const egress__map *map, const char *key, size_t key_size, uint64_t hash) {
  if (map->room == 0)
    return NULL;
  egress__map_entry *free_entry = NULL;
  for (size_t i = hash & (map->room - 1);; i = (i + 1) & (map->room - 1)) {
    egress__map_entry *entry = &map->entries[i];
    if (entry->key == NULL)
      return free_entry != NULL ? free_entry : entry;
    if (entry->value == NULL) {
      if (free_entry == NULL)
        free_entry = entry;
    } else if (entry->hash == hash && entry->key_size == key_size && memcmp(entry->key, key, key_size) == 0) {
      return entry;
    }
  }
}

static int is_full(const egress__map *map) {
  return map->used * 4 >= map->room * 3;
}

/* The room of the table that takes the place of a full one: no larger when most of it is tombstones. */
static size_t next_room(const egress__map *map) {
  return map->room == 0 ? 16 : map->count * 2 >= map->room ? map->room * 2 : map->room;
}

size_t egress__map_growth(const egress__map *map) {
  return is_full(map) ? (next_room(map) - map->room) * sizeof *map->entries : 0;
}

size_t egress__map_bytes(const egress__map *map) {
  return map->room * sizeof *map->entries;
}

static int grow(egress__map *map) {
  size_t room = next_room(map);
  egress__map bigger = {.alloc = map->alloc, .count = map->count, .used = map->count, .room = room};
  bigger.entries = egress__calloc(map->alloc, room, sizeof *bigger.entries);
  if (bigger.entries == NULL)
    return EGRESS_ENOMEM;
  size_t cursor = 0;
  for (const egress__map_entry *entry; (entry = egress__map_next(map, &cursor)) != NULL;)
    *find(&bigger, entry->key, entry->key_size, entry->hash) = *entry;
  egress__free(map->alloc, map->entries);
  *map = bigger;
  return 0;
}

void *egress__map_get(const egress__map *map, const char *key, size_t key_size) {
  egress__map_entry *entry = find(map, key, key_size, XXH3_64bits(key, key_size));
  return entry == NULL || entry->key == NULL ? NULL : entry->value;
}

int egress__map_set(egress__map *map, const char *key, size_t key_size, void *value) {
  if (is_full(map) && grow(map) != 0)
    return EGRESS_ENOMEM;
  uint64_t hash = XXH3_64bits(key, key_size);
  egress__map_entry *entry = find(map, key, key_size, hash);
  if (entry->value != NULL) {
    entry->value = value;
    return 0;
  }
  if (entry->key == NULL)
    map->used++;
  *entry = (egress__map_entry){key, key_size, hash, value};
  map->count++;
  return 0;
}

void *egress__map_remove(egress__map *map, const char *key, size_t key_size) {
  egress__map_entry *entry = find(map, key, key_size, XXH3_64bits(key, key_size));
  if (entry == NULL || entry->key == NULL || entry->value == NULL)
    return NULL;
  void *value = entry->value;
  entry->value = NULL;
  entry->key = ""; /* a tombstone must not point at the caller's key any more */
  entry->key_size = 0;
  map->count--;
  return value;
}

const egress__map_entry *egress__map_next(const egress__map *map, size_t *cursor) {
  while (*cursor < map->room) {
    const egress__map_entry *entry = &map->entries[(*cursor)++];
    if (entry->value != NULL)
      return entry;
  }
  return NULL;
}
