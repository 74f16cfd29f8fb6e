#include "snapshot/chunk.h"

#include <string.h>

#include "base/alloc.h"

void egress__sum_add(uint64_t sum[2], const uint64_t more[2]) {
  sum[0] += more[0];
  sum[1] += more[1] + (sum[0] < more[0]);
}

uint32_t egress__shorter_ttl(uint32_t a, uint32_t b) {
  return a == 0 || (b != 0 && b < a) ? b : a;
}

const egress__chunk *egress__chunk_new(const egress_alloc *alloc, egress_resource *const *items, size_t count) {
  egress__chunk *chunk = egress__calloc(alloc, 1, sizeof *chunk + count * sizeof chunk->items[0]);
  if (chunk == NULL)
    return NULL;
  atomic_init(&chunk->refs, 1);
  chunk->alloc = alloc;
  chunk->count = count;
  for (size_t i = 0; i < count; i++) {
    uint64_t hash[2];
    egress__resource_hash(items[i], hash);
    egress__sum_add(chunk->sum, hash);
    chunk->error_count += egress_resource_error(items[i]) != 0;
    chunk->ttl_ms = egress__shorter_ttl(chunk->ttl_ms, egress_resource_ttl_ms(items[i]));
    chunk->items[i] = egress_resource_ref(items[i]);
  }
  return chunk;
}

const egress__chunk *egress__chunk_ref(const egress__chunk *chunk) {
  if (chunk != NULL)
    atomic_fetch_add_explicit(&((egress__chunk *)chunk)->refs, 1, memory_order_relaxed);
  return chunk;
}

void egress__chunk_unref(const egress__chunk *chunk) {
  egress__chunk *own = (egress__chunk *)chunk; /* const for readers; the count is ours */
  if (own == NULL || atomic_fetch_sub_explicit(&own->refs, 1, memory_order_acq_rel) != 1)
    return;
  for (size_t i = 0; i < own->count; i++)
    egress_resource_unref(own->items[i]);
  egress__free(own->alloc, own);
}

int egress__compare_name(egress__span name, const egress_resource *item) {
  const char *other = egress_resource_name(item);
  int order = strncmp((const char *)name.data, other, name.size);
  return order != 0 ? order : -(other[name.size] != '\0');
}

size_t egress__chunk_lower_bound(const egress__chunk *chunk, egress__span name) {
  size_t from = 0, to = chunk->count;
  while (from < to) {
    size_t middle = from + (to - from) / 2;
    if (egress__compare_name(name, chunk->items[middle]) > 0)
      from = middle + 1;
    else
      to = middle;
  }
  return from;
}
