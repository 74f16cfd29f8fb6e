#include "snapshot/type_set.h"

#include <string.h>

#include <xxhash.h>

#include "resource/alias.h"
#include "resource/xdstp.h"

egress__type_set *egress__type_set_new(const egress_alloc *alloc) {
  egress__type_set *set = egress__calloc(alloc, 1, sizeof *set);
  if (set == NULL)
    return NULL;
  atomic_init(&set->refs, 1);
  set->alloc = alloc;
  return set;
}

int egress__type_set_push(egress__type_set *set, const egress__chunk *chunk) {
  int rv = EGRESS__VEC_GROW(set->alloc, &set->chunks);
  if (rv != 0) {
    egress__chunk_unref(chunk);
    return rv;
  }
  set->count += chunk->count;
  set->chunks.items[set->chunks.count++] = (egress__chunk_place){chunk, set->count};
  return 0;
}

const egress__chunk *egress__type_set_pop(egress__type_set *set) {
  const egress__chunk *chunk = set->chunks.items[--set->chunks.count].chunk;
  set->count -= chunk->count;
  return chunk;
}

void egress__sum_version(char out[EGRESS__VERSION_TEXT], const uint64_t sum[2], size_t count) {
  uint8_t bytes[24];
  for (size_t i = 0; i < 8; i++) {
    bytes[i] = (uint8_t)(sum[0] >> 8 * i);
    bytes[8 + i] = (uint8_t)(sum[1] >> 8 * i);
    bytes[16 + i] = (uint8_t)((uint64_t)count >> 8 * i);
  }
  XXH128_hash_t hash = XXH3_128bits(bytes, sizeof bytes);
  egress__version_format(out, count == 0 ? (uint64_t[2]){0, 0} : (uint64_t[2]){hash.low64, hash.high64});
}

/*
 * A sum can be brought up to date by what came and went, in any order, and does not tell how the set is cut into
 * chunks; the count keeps it from being all there is.
 */
void egress__type_set_finish(egress__type_set *set) {
  for (size_t i = 0; i < set->chunks.count; i++) {
    egress__sum_add(set->sum, set->chunks.items[i].chunk->sum);
    set->error_count += set->chunks.items[i].chunk->error_count;
    set->ttl_ms = egress__shorter_ttl(set->ttl_ms, set->chunks.items[i].chunk->ttl_ms);
  }
  egress__sum_version(set->version, set->sum, set->count);
  set->type_url = egress_resource_type_url(set->chunks.items[0].chunk->items[0]);
}

const egress__type_set *egress__type_set_ref(const egress__type_set *set) {
  if (set != NULL)
    atomic_fetch_add_explicit(&((egress__type_set *)set)->refs, 1, memory_order_relaxed);
  return set;
}

void egress__type_set_unref(const egress__type_set *set) {
  egress__type_set *own = (egress__type_set *)set; /* const for readers; the count is ours */
  if (own == NULL || atomic_fetch_sub_explicit(&own->refs, 1, memory_order_acq_rel) != 1)
    return;
  for (size_t i = 0; i < own->chunks.count; i++)
    egress__chunk_unref(own->chunks.items[i].chunk);
  EGRESS__VEC_FREE(own->alloc, &own->chunks);
  egress__type_set_unref(own->aliases); /* which has none itself */
  egress__free(own->alloc, own);
}

size_t egress__type_set_chunk_of(const egress__type_set *set, egress__span name) {
  size_t from = 0, to = set->chunks.count - 1;
  while (from < to) {
    size_t middle = to - (to - from) / 2;
    if (egress__compare_name(name, set->chunks.items[middle].chunk->items[0]) < 0)
      to = middle - 1;
    else
      from = middle;
  }
  return from;
}

egress__cursor egress__type_set_from(const egress__type_set *set, egress__span name) {
  egress__cursor cursor = {.set = set};
  if (set == NULL)
    return cursor;
  cursor.chunk = egress__type_set_chunk_of(set, name);
  const egress__chunk *chunk = set->chunks.items[cursor.chunk].chunk;
  cursor.item = egress__chunk_lower_bound(chunk, name);
  if (cursor.item == chunk->count)
    egress__cursor_skip(&cursor);
  return cursor;
}

egress_resource *egress__type_set_find_span(const egress__type_set *set, egress__span name) {
  egress__xdstp_room room;
  if (set == NULL)
    return NULL;
  name = egress__xdstp_normal(&room, name);
  const egress__chunk *chunk = set->chunks.items[egress__type_set_chunk_of(set, name)].chunk;
  size_t i = egress__chunk_lower_bound(chunk, name);
  return i < chunk->count && egress__compare_name(name, chunk->items[i]) == 0 ? chunk->items[i] : NULL;
}

egress_resource *egress__type_set_find(const egress__type_set *set, const char *name) {
  return egress__type_set_find_span(set, (egress__span){(const uint8_t *)name, strlen(name)});
}

egress_resource *egress__type_set_find_any(const egress__type_set *set, egress__span name) {
  egress_resource *item = egress__type_set_find_span(set, name);
  if (item != NULL || set == NULL || set->aliases == NULL)
    return item;
  const egress_resource *alias = egress__type_set_find_span(set->aliases, name);
  return alias == NULL ? NULL : egress__alias_target(alias);
}

egress_resource *egress__type_set_at(const egress__type_set *set, size_t index) {
  size_t from = 0, to = set->chunks.count - 1;
  while (from < to) {
    size_t middle = from + (to - from) / 2;
    if (set->chunks.items[middle].end <= index)
      from = middle + 1;
    else
      to = middle;
  }
  const egress__chunk_place *place = &set->chunks.items[from];
  return place->chunk->items[index - (place->end - place->chunk->count)];
}

const char *egress__type_set_version(const egress__type_set *set) {
  return set == NULL ? "00000000000000000000000000000000" : set->version;
}

int egress__type_set_is_same(const egress__type_set *a, const egress__type_set *b) {
  return a == b || strcmp(egress__type_set_version(a), egress__type_set_version(b)) == 0;
}

static int is_at_end(const egress__cursor *cursor) {
  return cursor->set == NULL || cursor->chunk == cursor->set->chunks.count;
}

egress_resource *egress__cursor_item(const egress__cursor *cursor) {
  return is_at_end(cursor) ? NULL : cursor->set->chunks.items[cursor->chunk].chunk->items[cursor->item];
}

egress_resource *egress__cursor_next(egress__cursor *cursor) {
  egress_resource *item = egress__cursor_item(cursor);
  if (item != NULL && ++cursor->item == cursor->set->chunks.items[cursor->chunk].chunk->count)
    egress__cursor_skip(cursor);
  return item;
}

const egress__chunk *egress__cursor_chunk(const egress__cursor *cursor) {
  return is_at_end(cursor) || cursor->item != 0 ? NULL : cursor->set->chunks.items[cursor->chunk].chunk;
}

void egress__cursor_skip(egress__cursor *cursor) {
  cursor->chunk++;
  cursor->item = 0;
}
