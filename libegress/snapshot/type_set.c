#include <string.h>

#include <xxhash.h>

#include "base/alloc.h"
#include "snapshot/snapshot.h"

egress__type_set *egress__type_set_new(const egress_alloc *alloc, size_t count) {
  if (count > (SIZE_MAX - sizeof(egress__type_set)) / sizeof(egress_resource *))
    return NULL;
  egress__type_set *set = egress__calloc(alloc, 1, sizeof *set + count * sizeof set->items[0]);
  if (set == NULL)
    return NULL;
  atomic_init(&set->refs, 1);
  set->alloc = alloc;
  return set;
}

void egress__type_set_push(egress__type_set *set, egress_resource *resource) {
  uint64_t hash[2];
  egress__resource_hash(resource, hash);
  set->sum[0] += hash[0];
  set->sum[1] += hash[1] + (set->sum[0] < hash[0]);
  set->items[set->count++] = egress_resource_ref(resource);
}

/* A sum can be brought up to date by what came and went, in any order; the count keeps it from being all there is. */
void egress__type_set_finish(egress__type_set *set) {
  uint8_t bytes[24];
  for (size_t i = 0; i < 8; i++) {
    bytes[i] = (uint8_t)(set->sum[0] >> 8 * i);
    bytes[8 + i] = (uint8_t)(set->sum[1] >> 8 * i);
    bytes[16 + i] = (uint8_t)((uint64_t)set->count >> 8 * i);
  }
  XXH128_hash_t hash = XXH3_128bits(bytes, sizeof bytes);
  egress__version_format(set->version, (uint64_t[2]){hash.low64, hash.high64});
  set->type_url = egress_resource_type_url(set->items[0]);
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
  for (size_t i = 0; i < own->count; i++)
    egress_resource_unref(own->items[i]);
  egress__free(own->alloc, own);
}

size_t egress__type_set_lower_bound(const egress__type_set *set, const char *name) {
  size_t from = 0, to = set->count;
  while (from < to) {
    size_t middle = from + (to - from) / 2;
    if (strcmp(egress_resource_name(set->items[middle]), name) < 0)
      from = middle + 1;
    else
      to = middle;
  }
  return from;
}

egress_resource *egress__type_set_find(const egress__type_set *set, const char *name) {
  if (set == NULL)
    return NULL;
  size_t i = egress__type_set_lower_bound(set, name);
  return i < set->count && strcmp(egress_resource_name(set->items[i]), name) == 0 ? set->items[i] : NULL;
}

const char *egress__type_set_version(const egress__type_set *set) {
  return set == NULL ? "00000000000000000000000000000000" : set->version;
}
