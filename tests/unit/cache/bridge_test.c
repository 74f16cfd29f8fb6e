#include "cache/bridge.h"

#include <criterion/criterion.h>

#include "cache/group.h"
#include "support/xds.h"

static egress_cache *cache;
static egress_snapshot *from, *to;

static void begin(void) {
  cr_assert_eq(egress_cache_new(&cache, NULL), 0);
}
static void end(void) {
  egress_snapshot_unref(from);
  egress_snapshot_unref(to);
  egress_cache_unref(cache);
}
TestSuite(bridge, .init = begin, .fini = end);

static void between(const char *first, const char *second) {
  cr_assert_eq(xds_snapshot_new(&from, first, NULL), 0);
  cr_assert_eq(xds_snapshot_new(&to, second, NULL), 0);
}

static void check_value(const egress_snapshot *snap, char type, const char *name, const egress_snapshot *of) {
  cr_assert_eq(egress_snapshot_find(snap, xds_type_url(type), name), egress_snapshot_find(of, xds_type_url(type), name),
               "%c %s", type, name);
}

Test(bridge, is_the_second_and_what_is_gone_of_the_first) {
  egress__bridge *bridge;
  between("C: a=1 b=1 E: a=1 e=1 R: r=1 gone=1", "C: b=2 c=1 R: r=2");
  cr_assert_eq(egress__bridge_take(&bridge, cache, from, to), 0);
  cr_assert_eq(egress_snapshot_count(bridge->snap, EGRESS_TYPE_CLUSTER), 3);
  cr_assert_eq(egress_snapshot_count(bridge->snap, EGRESS_TYPE_ENDPOINT), 2);
  check_value(bridge->snap, 'C', "a", from);
  check_value(bridge->snap, 'C', "b", to);
  check_value(bridge->snap, 'C', "c", to);
  check_value(bridge->snap, 'E', "e", from);
  cr_assert_eq(egress__snapshot_type(bridge->snap, EGRESS_TYPE_ROUTE), egress__snapshot_type(to, EGRESS_TYPE_ROUTE));
  egress__bridge_release(bridge);
}

Test(bridge, is_shared_and_goes_with_the_last_user) {
  egress__bridge *first, *second;
  between("C: a=1", "C: b=1");
  cr_assert_eq(egress__bridge_take(&first, cache, from, to), 0);
  cr_assert_eq(egress__bridge_take(&second, cache, from, to), 0);
  cr_assert_eq(first, second);
  egress__bridge_release(first);
  cr_assert_eq(cache->bridges, second);
  egress__bridge_release(second);
  cr_assert_null(cache->bridges);
  egress__bridge_release(NULL);
}

Test(bridge, another_pair_has_another) {
  egress__bridge *there, *back;
  between("C: a=1", "C: b=1");
  cr_assert_eq(egress__bridge_take(&there, cache, from, to), 0);
  cr_assert_eq(egress__bridge_take(&back, cache, to, from), 0);
  cr_assert_neq(there, back);
  egress__bridge_release(there);
  egress__bridge_release(back);
  cr_assert_null(cache->bridges);
}

/* Nobody is brought to it any more, so nothing that leads there is kept. */
Test(bridge, leaves_no_steps_behind) {
  egress__bridge *bridge;
  egress__step *step;
  between("C: a=1", "C: b=1");
  cr_assert_eq(egress__bridge_take(&bridge, cache, from, to), 0);
  const egress__bases bases = {.nothing = 1};
  const egress__type_set *set = egress__snapshot_type(bridge->snap, EGRESS_TYPE_CLUSTER);
  cr_assert_eq(egress__steps_get(&step, &cache->steps, &bases, set), 0);
  egress__bridge_release(bridge);
  for (step = cache->steps.first; step != NULL; step = step->next)
    cr_assert_eq(step->to, egress__snapshot_type(to, EGRESS_TYPE_CLUSTER));
}

static int is_needed(const char *first, const char *second) {
  int removes = -1;
  between(first, second);
  cr_assert_eq(egress__bridge_is_needed(&removes, cache, from, to), 0);
  egress_snapshot_unref(from);
  egress_snapshot_unref(to);
  from = to = NULL;
  return removes;
}

Test(bridge, is_needed_where_something_goes) {
  cr_assert(is_needed("C: a=1 b=1", "C: a=1"));
  cr_assert(is_needed("C: a=1", "L: l=1"));
  cr_assert(!is_needed("C: a=1", "C: a=2 b=1"));
  cr_assert(!is_needed("L: l=1", "C: a=2"));
  cr_assert(is_needed("C: a=1 E: a=1", "C: a=1"), "endpoints go, too");
  cr_assert(!is_needed("L: l=1", "R: r=1"), "what leads there may go at once");
}
