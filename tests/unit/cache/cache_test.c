#include <criterion/criterion.h>
#include <egress/error.h>

#include "support/counted.h"
#include "support/xds.h"

#include "cache/cache.h"

static egress_cache *cache;

static void begin(void) {
  cr_assert_eq(egress_cache_new(&cache, NULL), 0);
}
static void end(void) {
  egress_cache_unref(cache);
}
TestSuite(cache, .init = begin, .fini = end);

/* A watcher that counts. */
typedef struct watcher {
  egress__watch watch;
  int changes;
} watcher;

static void on_change(egress__watch *watch) {
  ((watcher *)watch)->changes++;
}

static void enter(watcher *w, const char *group) {
  *w = (watcher){.watch = {.on_change = on_change}};
  cr_assert_eq(egress__cache_join(cache, &(egress_node){.id = "n", .cluster = group}, &w->watch), 0);
  cr_assert_str_eq(egress__group_name(w->watch.group), group);
}

static egress_snapshot *set(const char *group, const char *text) {
  egress_snapshot *snap;
  cr_assert_eq(xds_snapshot_new(&snap, text, NULL), 0);
  cr_assert_eq(egress_cache_set(cache, group, snap), 0);
  egress_snapshot_unref(snap); /* the cache has its own reference */
  return snap;
}

Test(cache, options_are_checked) {
  struct {
    egress_cache_options known;
    uint64_t newer;
  } options = {.known = EGRESS_CACHE_OPTIONS_INIT, .newer = 1};
  egress_cache *made = NULL;
  options.known.size = sizeof options;
  cr_assert_eq(egress_cache_new(&made, &options.known), EGRESS_EABI);
  options.known.size = 1;
  cr_assert_eq(egress_cache_new(&made, &options.known), EGRESS_EINVAL);
  options.known = (egress_cache_options)EGRESS_CACHE_OPTIONS_INIT;
  options.known.globs = 2;
  cr_assert_eq(egress_cache_new(&made, &options.known), EGRESS_EINVAL);
  cr_assert_eq(egress_cache_new(NULL, NULL), EGRESS_EINVAL);
  cr_assert_eq(made, NULL);
}

Test(cache, null_is_allowed) {
  cr_assert_eq(egress_cache_ref(NULL), NULL);
  egress_cache_unref(NULL);
}

Test(cache, last_reference_frees) {
  cr_assert_eq(egress_cache_ref(cache), cache);
  egress_cache_unref(cache);
  set("g", "C: a=1");
}

Test(cache, set_get_clear) {
  cr_assert_eq(egress_cache_get(cache, "g"), NULL);
  egress_snapshot *snap = set("g", "C: a=1");
  cr_assert_eq(egress_cache_get(cache, "g"), snap);
  cr_assert_eq(egress_cache_get(cache, "other"), NULL);
  cr_assert_eq(egress_cache_get(cache, "*"), NULL);
  egress_snapshot *next = set("g", "C: a=2");
  cr_assert_eq(egress_cache_get(cache, "g"), next);
  cr_assert_eq(egress_cache_clear(cache, "g"), 0);
  cr_assert_eq(egress_cache_get(cache, "g"), NULL);
  cr_assert_eq(egress_cache_clear(cache, "g"), EGRESS_ENOENT);
}

Test(cache, what_was_not_taken_is_forgotten_with_its_snapshot) {
  watcher own, other;
  set("*", "C: a=1");
  set("g", "C: a=2");
  enter(&own, "g");
  enter(&other, "h");
  cr_assert(own.watch.changed && other.watch.changed);
  egress_cache_clear(cache, "g");
  cr_assert(!own.watch.changed && other.watch.changed);
  egress_cache_clear(cache, "*");
  cr_assert(!other.watch.changed);
  egress__watch_leave(&own.watch);
  egress__watch_leave(&other.watch);
}

Test(cache, groups_that_nobody_needs_go) {
  egress_cache_options options = EGRESS_CACHE_OPTIONS_INIT;
  options.alloc = &counted;
  egress_cache *own;
  size_t before = 0;
  cr_assert_eq(egress_cache_new(&own, &options), 0);
  egress_snapshot *snap;
  cr_assert_eq(xds_snapshot_new(&snap, "", NULL), 0);
  for (int i = 0; i < 1000; i++) { /* what a client says of itself makes groups */
    char name[XDS_WORD];
    snprintf(name, sizeof name, "g%d", i);
    watcher w = {.watch = {.on_change = on_change}};
    cr_assert_eq(egress__cache_join(own, &(egress_node){.id = "n", .cluster = name}, &w.watch), 0);
    cr_assert_eq(egress_cache_set(own, name, snap), 0);
    if (i % 2 == 0)
      egress__watch_leave(&w.watch);
    cr_assert_eq(egress_cache_clear(own, name), 0);
    egress__watch_leave(&w.watch);
    if (i == 0)
      before = counted_live;
  }
  cr_assert_eq(counted_live, before);
  egress_snapshot_unref(snap);
  egress_cache_unref(own);
  cr_assert_eq(counted_live, 0);
}

Test(cache, arguments_are_checked) {
  egress_snapshot *snap = set("g", "");
  char name[257];
  memset(name, 'x', sizeof name);
  name[256] = '\0';
  cr_assert_eq(egress_cache_set(cache, "", snap), EGRESS_EINVAL);
  cr_assert_eq(egress_cache_set(cache, NULL, snap), EGRESS_EINVAL);
  cr_assert_eq(egress_cache_set(cache, "g", NULL), EGRESS_EINVAL);
  cr_assert_eq(egress_cache_set(NULL, "g", snap), EGRESS_EINVAL);
  cr_assert_eq(egress_cache_set(cache, "\xff", snap), EGRESS_EINVAL);
  cr_assert_eq(egress_cache_set(cache, name, snap), EGRESS_EINVAL);
  name[255] = '\0';
  cr_assert_eq(egress_cache_set(cache, name, snap), 0);
  cr_assert_eq(egress_cache_clear(cache, ""), EGRESS_EINVAL);
  cr_assert_eq(egress_cache_clear(NULL, "g"), EGRESS_EINVAL);
  cr_assert_eq(egress_cache_get(cache, NULL), NULL);
  cr_assert_eq(egress_cache_get(NULL, "g"), NULL);
}

Test(cache, star_counts_for_groups_without_their_own) {
  watcher own, none;
  enter(&own, "own");
  enter(&none, "none");
  cr_assert_eq(egress__watch_snapshot(&own.watch), NULL);
  egress_snapshot *all = set("*", "C: a=1"), *mine = set("own", "C: a=2");
  cr_assert_eq(egress__watch_snapshot(&own.watch), mine);
  cr_assert_eq(egress__watch_snapshot(&none.watch), all);
  egress_cache_clear(cache, "own");
  cr_assert_eq(egress__watch_snapshot(&own.watch), all);
  egress_cache_clear(cache, "*");
  cr_assert_eq(egress__watch_snapshot(&own.watch), NULL);
  egress__watch_leave(&own.watch);
  egress__watch_leave(&none.watch);
}

Test(cache, watchers_hear_of_what_counts_for_them) {
  watcher own, none, star;
  enter(&own, "own");
  enter(&none, "none");
  enter(&star, "*");
  set("own", "C: a=1");
  cr_assert_eq(own.changes, 1);
  cr_assert_eq(none.changes, 0);
  cr_assert_eq(star.changes, 0);
  set("*", "C: a=1");
  cr_assert_eq(own.changes, 1);
  cr_assert_eq(none.changes, 1);
  cr_assert_eq(star.changes, 1);
  egress_cache_clear(cache, "own"); /* open streams are told nothing now */
  cr_assert_eq(own.changes, 1);
  set("*", "C: a=2"); /* but when that of "*" changes */
  cr_assert_eq(own.changes, 2);
  cr_assert_eq(none.changes, 2);
  egress__watch_leave(&none.watch);
  set("*", "C: a=3");
  cr_assert_eq(none.changes, 2);
  egress__watch_leave(&own.watch);
  egress__watch_leave(&star.watch);
}

Test(cache, watchers_leave_in_any_order) {
  for (int order = 0; order < 6; order++) {
    watcher w[3];
    static const int orders[6][3] = {{0, 1, 2}, {0, 2, 1}, {1, 0, 2}, {1, 2, 0}, {2, 0, 1}, {2, 1, 0}};
    for (int i = 0; i < 3; i++)
      enter(&w[i], "g");
    for (int left = 0; left < 3; left++) {
      egress__watch_leave(&w[orders[order][left]].watch);
      egress__watch_leave(&w[orders[order][left]].watch); /* a second time does nothing */
      set("g", "C: a=1");
      for (int i = left + 1; i < 3; i++)
        cr_assert_eq(w[orders[order][i]].changes, left + 1);
      cr_assert_eq(w[orders[order][left]].changes, left);
    }
  }
}

static const char *by_id(const egress_node *node, void *user) {
  (*(int *)user)++;
  return strcmp(node->id, "bad") == 0 ? NULL : strcmp(node->id, "empty") == 0 ? "" : node->id;
}

Test(cache, group_function_decides) {
  int calls = 0;
  egress_cache_options options = EGRESS_CACHE_OPTIONS_INIT;
  options.group = by_id;
  options.user = &calls;
  egress_cache *own;
  watcher w = {.watch = {.on_change = on_change}};
  cr_assert_eq(egress_cache_new(&own, &options), 0);
  cr_assert_eq(egress__cache_join(own, &(egress_node){.id = "bad", .cluster = "g"}, &w.watch), EGRESS_EINVAL);
  cr_assert_eq(egress__cache_join(own, &(egress_node){.id = "empty", .cluster = "g"}, &w.watch), EGRESS_EINVAL);
  cr_assert_eq(w.watch.group, NULL);
  cr_assert_eq(egress__cache_join(own, &(egress_node){.id = "n", .cluster = "g"}, &w.watch), 0);
  cr_assert_str_eq(egress__group_name(w.watch.group), "n");
  cr_assert_eq(calls, 3);
  egress__watch_leave(&w.watch);
  egress_cache_unref(own);
}

Test(cache, default_group_is_the_cluster_else_the_id) {
  watcher w = {.watch = {.on_change = on_change}};
  cr_assert_eq(egress__cache_join(cache, &(egress_node){.id = "n", .cluster = "g"}, &w.watch), 0);
  cr_assert_str_eq(egress__group_name(w.watch.group), "g");
  egress__watch_leave(&w.watch);
  cr_assert_eq(egress__cache_join(cache, &(egress_node){.id = "n", .cluster = ""}, &w.watch), 0);
  cr_assert_str_eq(egress__group_name(w.watch.group), "n");
  egress__watch_leave(&w.watch);
  cr_assert_eq(egress__cache_join(cache, &(egress_node){.id = "", .cluster = ""}, &w.watch), EGRESS_EINVAL);
}
