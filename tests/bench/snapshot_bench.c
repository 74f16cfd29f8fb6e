/*
 * Transactions on a snapshot of 100,000 resources: one of them changes, the cache gets the new snapshot, and the change
 * is packed for delta streams. Prints what each part costs, and what the whole snapshot costs to build and to keep.
 *
 *   snapshot_bench [RESOURCES]
 */
#include <stdio.h>
#include <stdlib.h>

#include <egress/egress.h>

#include "base/protowire.h"
#include "cache/cache.h"
#include "meter.h"

enum { RESOURCES = 100000, TRANSACTIONS = 500, BUILDS = 5, BYTES = 300 };

static const char group[] = "g";

static void must(int ok, const char *what) {
  if (ok)
    return;
  fprintf(stderr, "snapshot_bench: %s\n", what);
  exit(1);
}

static egress_resource *make(unsigned index, unsigned revision) {
  char name[64];
  uint8_t value[BYTES] = {0}, bytes[BYTES + 8];
  snprintf(name, sizeof name, "egress|443||svc-%06u.partner.example.com", index);
  snprintf((char *)value, sizeof value, "revision %u", revision);
  uint8_t *end = egress__put_bytes(bytes, 1, value, sizeof value);
  egress_resource *resource;
  must(egress_resource_new(&resource, EGRESS_TYPE_CLUSTER, name, bytes, (size_t)(end - bytes), NULL) == 0, "resource");
  return resource;
}

static egress_snapshot_builder *start(egress_snapshot *base, const egress_alloc *alloc) {
  egress_snapshot_builder *builder;
  must(egress_snapshot_builder_new(&builder, base, alloc) == 0, "builder");
  return builder;
}

static egress_snapshot *build(egress_snapshot_builder *builder) {
  egress_snapshot *snap;
  must(egress_snapshot_builder_build(&snap, builder) == 0, "build");
  egress_snapshot_builder_free(builder);
  return snap;
}

/* What was timed; the median is not moved by what else the machine did. */
typedef struct timing {
  double taken_us[TRANSACTIONS];
  int count;
} timing;

static void timing_add(timing *t, double taken_ms) {
  t->taken_us[t->count++] = taken_ms * 1e3;
}

static int compare(const void *a, const void *b) {
  double one = *(const double *)a, two = *(const double *)b;
  return (one > two) - (one < two);
}

static void timing_print(timing *t, const char *what) {
  qsort(t->taken_us, (size_t)t->count, sizeof *t->taken_us, compare);
  printf("%s: %.1f us least, %.1f us median of %d\n", what, t->taken_us[0], t->taken_us[t->count / 2], t->count);
}

/* ---- From nothing. ---- */

static egress_snapshot *build_all(egress_resource *const *resources, unsigned count, const egress_alloc *alloc) {
  egress_snapshot_builder *builder = start(NULL, alloc);
  for (unsigned i = 0; i < count; i++)
    must(egress_snapshot_builder_put(builder, resources[i]) == 0, "put");
  return build(builder);
}

static void bench_building(egress_resource *const *resources, unsigned count) {
  timing t = {.count = 0};
  for (int i = 0; i < BUILDS; i++) {
    double before = now_ms();
    egress_snapshot *snap = build_all(resources, count, NULL);
    timing_add(&t, now_ms() - before);
    egress_snapshot_unref(snap);
  }
  timing_print(&t, "from nothing");
  meter m = {0, 0};
  egress_alloc alloc = meter_alloc(&m);
  egress_snapshot *snap = build_all(resources, count, &alloc);
  printf("memory without the resources: %.1f bytes kept for each, %.2f MB peak\n", (double)m.now / count,
         (double)m.peak / 1e6);
  size_t first = m.now;
  egress_resource *changed = make(count / 2, 1);
  egress_snapshot_builder *builder = start(snap, &alloc);
  must(egress_snapshot_builder_put(builder, changed) == 0, "put");
  egress_snapshot *next = build(builder);
  printf("memory of a second snapshot with one of them changed: %.1f KB\n", (double)(m.now - first) / 1e3);
  egress_resource_unref(changed);
  egress_snapshot_unref(next);
  egress_snapshot_unref(snap);
}

/* ---- Transactions: put one, build, set; then the step that delta streams take. ---- */

static egress_snapshot *commit(egress_cache *cache, egress_resource *changed) {
  egress_snapshot_builder *builder = start(egress_cache_get(cache, group), NULL);
  must(egress_snapshot_builder_put(builder, changed) == 0, "put");
  egress_snapshot *snap = build(builder);
  must(egress_cache_set(cache, group, snap) == 0, "set");
  egress_snapshot_unref(snap);
  return snap;
}

static size_t pack_step(egress_cache *cache, const egress_snapshot *from, const egress_snapshot *to) {
  egress__bases bases = {.sets = {egress__snapshot_type(from, EGRESS_TYPE_CLUSTER)}, .count = 1};
  egress__step *step;
  must(egress__steps_get(&step, egress__cache_steps(cache), &bases, egress__snapshot_type(to, EGRESS_TYPE_CLUSTER)) ==
           0,
       "step");
  egress__blob *body = egress__step_body(step, EGRESS__FORM_DELTA);
  must(body != NULL, "body");
  size_t size = body->size;
  egress__blob_unref(body);
  return size;
}

static void bench_transactions(egress_snapshot *snap, unsigned count) {
  timing commits = {.count = 0}, steps = {.count = 0};
  egress_cache *cache;
  must(egress_cache_new(&cache, NULL) == 0 && egress_cache_set(cache, group, snap) == 0, "cache");
  egress_snapshot_unref(snap);
  size_t pushed = 0;
  for (unsigned i = 1; i <= TRANSACTIONS; i++) {
    egress_resource *changed = make(i * 7919 % count, i);
    egress_snapshot *before = egress_snapshot_ref(egress_cache_get(cache, group)); /* as a stream holds it */
    double began = now_ms();
    const egress_snapshot *now = commit(cache, changed);
    double committed = now_ms();
    pushed += pack_step(cache, before, now);
    double packed = now_ms();
    egress_snapshot_unref(before);
    timing_add(&commits, committed - began);
    timing_add(&steps, packed - committed);
    egress_resource_unref(changed);
  }
  timing_print(&commits, "build and set with one changed");
  timing_print(&steps, "the step for delta streams");
  printf("packed for delta streams: %.0f bytes a transaction\n", (double)pushed / TRANSACTIONS);
  egress_cache_unref(cache);
}

int main(int argc, char **argv) {
  unsigned count = argc > 1 ? (unsigned)strtoul(argv[1], NULL, 10) : RESOURCES;
  must(count > 0, "no resources");
  egress_resource **resources = malloc(count * sizeof *resources);
  must(resources != NULL, "memory");
  for (unsigned i = 0; i < count; i++)
    resources[i] = make(i, 0);
  printf("%u resources of %d bytes\n", count, BYTES);
  bench_building(resources, count);
  egress_snapshot *snap = build_all(resources, count, NULL);
  for (unsigned i = 0; i < count; i++)
    egress_resource_unref(resources[i]);
  free(resources);
  bench_transactions(snap, count);
  return 0;
}
