#include "oom/sweep.h"
#include "support/xds.h"

#include "cache/cache.h"

static void on_change(egress__watch *watch) {
  (void)watch;
}

/* A failed call leaves the cache as it was. */
static int set(egress_cache *cache, const char *group, const char *text, const egress_alloc *alloc) {
  egress_snapshot *snap, *before = egress_cache_get(cache, group);
  int rv = xds_snapshot_new(&snap, text, alloc);
  if (rv != 0)
    return rv;
  rv = egress_cache_set(cache, group, snap);
  assert(egress_cache_get(cache, group) == (rv == 0 ? snap : before));
  egress_snapshot_unref(snap);
  return rv;
}

static int change(egress_cache *cache, const egress_alloc *alloc) {
  egress__watch watch = {.on_change = on_change};
  int rv = set(cache, "g", "C: a=1 b=1", alloc);
  if (rv == 0)
    rv = egress__cache_join(cache, &(egress_node){.id = "n", .cluster = "h"}, &watch);
  assert((rv == 0) == (watch.group != NULL));
  if (rv == 0)
    rv = set(cache, "*", "C: a=1", alloc);
  if (rv == 0)
    rv = set(cache, "g", "C: a=2", alloc);
  egress__watch_leave(&watch);
  if (rv == 0)
    rv = egress_cache_clear(cache, "g");
  return rv;
}

static int groups(const egress_alloc *alloc, void *user) {
  (void)user;
  egress_cache_options options = EGRESS_CACHE_OPTIONS_INIT;
  options.alloc = alloc;
  egress_cache *cache = NULL;
  int rv = egress_cache_new(&cache, &options);
  assert((rv == 0) == (cache != NULL));
  if (rv == 0)
    rv = change(cache, alloc);
  egress_cache_unref(cache);
  return rv;
}

/* What is new is refused: the client's words are looked up if there is memory, and all else happens without. */
static void refuse(egress__watch *watch, egress_snapshot *snap) {
  egress_event event = {.type_url = EGRESS_TYPE_CLUSTER, .message = "no"};
  assert(egress__watch_snapshot(watch) == snap);
  egress__watch_take(watch, snap);
  assert(egress__watch_refuse(&event, watch, egress__snapshot_type(snap, EGRESS_TYPE_CLUSTER)) == 1);
  assert(strcmp(event.resource, "b") == 0 || event.resource[0] == '\0');
}

static int try_snapshots(egress_cache *cache, const egress_alloc *alloc) {
  egress__watch watch = {.on_change = on_change};
  egress_trial_options options = EGRESS_TRIAL_OPTIONS_INIT;
  options.on_nack = EGRESS_ON_NACK_ROLLBACK;
  int rv = egress_cache_set_trial(cache, "g", &options);
  if (rv == 0)
    rv = set(cache, "g", "C: a=1", alloc);
  if (rv == 0)
    rv = egress__cache_join(cache, &(egress_node){.id = "n", .cluster = "g"}, &watch);
  if (rv != 0)
    return rv;
  egress_snapshot *good = egress_cache_get(cache, "g");
  egress__watch_take(&watch, good);
  egress__watch_accept(&watch);
  assert(egress_cache_good(cache, "g") == good);
  rv = set(cache, "g", "C: a=1 b=1", alloc);
  assert(egress_cache_good(cache, "g") == good);
  if (rv == 0) {
    refuse(&watch, egress_cache_get(cache, "g"));
    assert(egress__watch_snapshot(&watch) == good);
  }
  egress__watch_leave(&watch);
  return rv;
}

static int trials(const egress_alloc *alloc, void *user) {
  (void)user;
  egress_cache_options options = EGRESS_CACHE_OPTIONS_INIT;
  options.alloc = alloc;
  egress_cache *cache = NULL;
  int rv = egress_cache_new(&cache, &options);
  if (rv == 0)
    rv = try_snapshots(cache, alloc);
  egress_cache_unref(cache);
  return rv;
}

static int pack(egress__steps *steps, const egress_snapshot *from, const egress_snapshot *to) {
  egress__bases bases = {.sets = {egress__snapshot_type(from, EGRESS_TYPE_CLUSTER)}, .count = 1};
  egress__step *step = NULL;
  size_t count = steps->count;
  int rv = egress__steps_get(&step, steps, &bases, egress__snapshot_type(to, EGRESS_TYPE_CLUSTER));
  assert(steps->count == count + (rv == 0));
  if (rv != 0)
    return rv;
  egress__blob *sotw = egress__step_body(step, EGRESS__FORM_SOTW), *delta = egress__step_body(step, EGRESS__FORM_DELTA);
  rv = sotw != NULL && delta != NULL ? 0 : EGRESS_ENOMEM;
  egress__blob_unref(sotw);
  egress__blob_unref(delta);
  return rv;
}

static int steps(const egress_alloc *alloc, void *user) {
  (void)user;
  egress_snapshot *first = NULL, *second = NULL;
  egress__steps own;
  egress__steps_init(&own, alloc);
  int rv = xds_snapshot_new(&first, "C: a=1 b=1 c=1", alloc);
  if (rv == 0)
    rv = xds_snapshot_new(&second, "C: a=1 b=2 d=1", alloc);
  if (rv == 0)
    rv = pack(&own, first, second);
  if (rv == 0)
    rv = pack(&own, NULL, second);
  egress__steps_dispose(&own);
  egress_snapshot_unref(first);
  egress_snapshot_unref(second);
  return rv;
}

int main(void) {
  sweep_run("groups", groups, NULL);
  sweep_run("trials", trials, NULL);
  sweep_run("steps", steps, NULL);
  return 0;
}
