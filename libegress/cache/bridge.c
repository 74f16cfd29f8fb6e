#include "cache/bridge.h"

#include <egress/error.h>

#include "base/alloc.h"
#include "cache/group.h"

/* What others name: it comes before them, and goes after them. */
static const char *const kept[] = {EGRESS_TYPE_CLUSTER, EGRESS_TYPE_ENDPOINT};
enum { KEPT = sizeof kept / sizeof kept[0] };

static int find_step(egress__step **out, egress_cache *cache, const egress_snapshot *from, const egress_snapshot *to,
                     const char *type_url) {
  const egress__bases bases = {.sets = {egress__snapshot_type(from, type_url)}, .count = 1};
  return egress__steps_get(out, &cache->steps, &bases, egress__snapshot_type(to, type_url));
}

int egress__bridge_is_needed(int *removes, egress_cache *cache, const egress_snapshot *from,
                             const egress_snapshot *to) {
  int rv = 0;
  *removes = 0;
  for (size_t i = 0; rv == 0 && !*removes && i < KEPT; i++) {
    const egress__type_set *set = egress__snapshot_type(from, kept[i]);
    egress__step *step;
    if (set == NULL || set == egress__snapshot_type(to, kept[i]))
      continue;
    rv = find_step(&step, cache, from, to, kept[i]);
    *removes = rv == 0 && step->removed_count > 0;
  }
  return rv;
}

/* A type that is as it was keeps its label; one that is neither as before nor as after is told by its content. */
static int label(egress_snapshot_builder *builder, const egress__step *step, const egress_snapshot *from,
                 const char *type_url) {
  if (step->removed_count == 0 || step->put_count > 0 || step->all)
    return 0;
  const char *text = egress__labels_get(egress__snapshot_labels((egress_snapshot *)from), type_url);
  return egress_snapshot_builder_set_label(builder, type_url, text);
}

static int keep(egress_snapshot_builder *builder, egress_cache *cache, const egress_snapshot *from,
                const egress_snapshot *to, const char *type_url) {
  const egress__type_set *set = egress__snapshot_type(from, type_url);
  egress__step *step;
  if (set == NULL)
    return 0;
  int rv = find_step(&step, cache, from, to, type_url);
  for (size_t i = 0; rv == 0 && i < step->removed_count; i++)
    rv = egress_snapshot_builder_put(builder, egress__type_set_find(set, step->removed[i]));
  return rv != 0 ? rv : label(builder, step, from, type_url);
}

static int build(egress_snapshot **out, egress_cache *cache, const egress_snapshot *from, egress_snapshot *to) {
  egress_snapshot_builder *builder;
  int rv = egress_snapshot_builder_new(&builder, to, cache->alloc);
  if (rv != 0)
    return rv;
  for (size_t i = 0; rv == 0 && i < KEPT; i++)
    rv = keep(builder, cache, from, to, kept[i]);
  if (rv == 0)
    rv = egress_snapshot_builder_build(out, builder);
  egress_snapshot_builder_free(builder);
  return rv;
}

static egress__bridge *find(const egress_cache *cache, const egress_snapshot *from, const egress_snapshot *to) {
  egress__bridge *bridge = cache->bridges;
  while (bridge != NULL && (bridge->to != to || bridge->from[0] != egress__snapshot_type(from, kept[0]) ||
                            bridge->from[1] != egress__snapshot_type(from, kept[1])))
    bridge = bridge->next;
  return bridge;
}

int egress__bridge_take(egress__bridge **out, egress_cache *cache, const egress_snapshot *from, egress_snapshot *to) {
  egress__bridge *bridge = find(cache, from, to);
  if (bridge == NULL) {
    bridge = egress__calloc(cache->alloc, 1, sizeof *bridge);
    if (bridge == NULL)
      return EGRESS_ENOMEM;
    int rv = build(&bridge->snap, cache, from, to);
    if (rv != 0) {
      egress__free(cache->alloc, bridge);
      return rv;
    }
    bridge->cache = cache;
    bridge->to = egress_snapshot_ref(to);
    for (size_t i = 0; i < KEPT; i++)
      bridge->from[i] = egress__type_set_ref(egress__snapshot_type(from, kept[i]));
    bridge->next = cache->bridges;
    cache->bridges = bridge;
  }
  bridge->users++;
  *out = bridge;
  return 0;
}

void egress__bridge_release(egress__bridge *bridge) {
  if (bridge == NULL || --bridge->users > 0)
    return;
  egress_cache *cache = bridge->cache;
  egress__bridge **place = &cache->bridges;
  while (*place != bridge)
    place = &(*place)->next;
  *place = bridge->next;
  egress__steps_replaced(&cache->steps, bridge->snap, bridge->to);
  for (size_t i = 0; i < KEPT; i++)
    egress__type_set_unref(bridge->from[i]);
  egress_snapshot_unref(bridge->snap);
  egress_snapshot_unref(bridge->to);
  egress__free(cache->alloc, bridge);
}
