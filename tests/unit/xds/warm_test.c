#include <criterion/criterion.h>

#include "support/xds.h"

#include "xds/request.h"
#include "xds/warm.h"

static egress__budget budget;
static egress__track *endpoints, *clusters;
static egress__steps steps;

static egress__track *track(const char *type_url) {
  return egress__track_new(egress__alloc_or_default(NULL), (egress__span){(const uint8_t *)type_url, strlen(type_url)},
                           &budget);
}

/* A client that wants all clusters, if a test does not say otherwise. */
static void begin(void) {
  budget = (egress__budget){.max_names = 100, .max_bytes = 100000};
  endpoints = track(EGRESS_TYPE_ENDPOINT);
  clusters = track(EGRESS_TYPE_CLUSTER);
  egress__subscription_set_wildcard(&clusters->want, 1);
  egress__steps_init(&steps, egress__alloc_or_default(NULL));
}
static void end(void) {
  egress__track_free(endpoints);
  egress__track_free(clusters);
  egress__steps_dispose(&steps);
}
TestSuite(warm, .init = begin, .fini = end);

static void add(egress__track *to, const char *letters) {
  for (; *letters != '\0'; letters++)
    cr_assert_eq(egress__subscription_add(&to->want, (egress__span){(const uint8_t *)letters, 1}), 0);
}

/* The client wants endpoints of names of one letter, and has been told how they stand. */
static void want(const char *letters) {
  add(endpoints, letters);
  egress__subscription_settled(&endpoints->want, 1);
}

/* Which of the names of one letter are owed when clusters go from what one text says to the other: "a c". */
static const char *owed(const char *before, const char *after, int all) {
  static char out[2 * 26 + 1];
  egress_snapshot *from, *to;
  egress__step *changes;
  cr_assert_eq(xds_snapshot_new(&from, before, NULL), 0);
  cr_assert_eq(xds_snapshot_new(&to, after, NULL), 0);
  egress__bases bases = {.sets = {egress__snapshot_type(from, EGRESS_TYPE_CLUSTER)}, .count = 1};
  cr_assert_eq(egress__steps_get(&changes, &steps, &bases, egress__snapshot_type(to, EGRESS_TYPE_CLUSTER)), 0);
  cr_assert_eq(egress__warm_clusters(endpoints, clusters, changes, changes->to, all), 0);
  egress_snapshot_unref(from);
  egress_snapshot_unref(to);
  size_t used = 0;
  out[0] = '\0';
  for (char letter[] = "a"; letter[0] <= 'z'; letter[0]++) {
    const egress__name *name = egress__subscription_find(&endpoints->want, letter, 1);
    if (name != NULL && name->owed == EGRESS__OWED_NOW)
      used += (size_t)sprintf(out + used, used == 0 ? "%s" : " %s", letter);
  }
  return out;
}

#define OWED(expected, before, after) cr_assert_str_eq(owed(before, after, 1), expected)

Test(warm, endpoints_of_added_and_changed_clusters_are_owed) {
  want("abcd");
  OWED("b c", "C: a=1! b=1! d=1!", "C: a=1! b=2! c=1!");
}

Test(warm, clusters_without_eds_have_no_endpoints_to_tell) {
  want("ab");
  OWED("b", "", "C: a=1 b=1!");
}

Test(warm, endpoints_may_have_another_name) {
  want("ab");
  OWED("b", "", "C: a=1!b");
}

Test(warm, only_what_the_client_wants_is_owed) {
  want("b");
  OWED("b", "", "C: a=1! b=1! c=1!");
  cr_assert_null(egress__subscription_find(&endpoints->want, "a", 1));
}

Test(warm, clusters_that_the_client_does_not_want_need_no_endpoints) {
  egress__subscription_set_wildcard(&clusters->want, 0);
  add(clusters, "b");
  egress__subscription_settled(&clusters->want, 1);
  want("ab");
  OWED("b", "", "C: a=1! b=1!");
}

Test(warm, clusters_asked_for_need_their_endpoints_though_they_did_not_change) {
  egress__subscription_set_wildcard(&clusters->want, 0);
  add(clusters, "ax");
  want("abx");
  OWED("a", "C: a=1! b=1!", "C: a=1! b=1!");
}

Test(warm, clusters_refused_need_their_endpoints_when_all_is_told) {
  egress__subscription_set_wildcard(&clusters->want, 0);
  add(clusters, "a");
  egress__subscription_sent(&clusters->want, 1);
  egress__subscription_refused(&clusters->want);
  want("a");
  cr_assert_str_eq(owed("C: a=1!", "C: a=1!", 0), "");
  cr_assert_str_eq(owed("C: a=1!", "C: a=1!", 1), "a");
}

Test(warm, who_wants_all_endpoints_is_owed_all_of_them) {
  egress__subscription_set_wildcard(&endpoints->want, 1);
  OWED("a e", "C: d=1!", "C: a=1! b=1 c=1!e d=1!");
  cr_assert_not(egress__subscription_find(&endpoints->want, "e", 1)->wanted);
}

/* One changed cluster, `a`, of these bytes. */
static void warm_bytes(const uint8_t *bytes, size_t size) {
  egress_resource *cluster;
  egress__step change = {.puts = &cluster, .put_count = 1};
  cr_assert_eq(egress_resource_new(&cluster, EGRESS_TYPE_CLUSTER, "a", bytes, size, NULL), 0);
  cr_assert_eq(egress__warm_clusters(endpoints, clusters, &change, NULL, 1), 0);
  egress_resource_unref(cluster);
}

static int owes(const char *name) {
  const egress__name *entry = egress__subscription_find(&endpoints->want, name, strlen(name));
  return entry != NULL && entry->owed == EGRESS__OWED_NOW;
}

Test(warm, the_last_type_counts) { /* as wherever protobuf says a field twice */
  static const uint8_t eds_then_static[] = {2 << 3, 3, 2 << 3, 0}, static_then_eds[] = {2 << 3, 0, 2 << 3, 3};
  want("a");
  warm_bytes(eds_then_static, sizeof eds_then_static);
  cr_assert_not(owes("a"));
  warm_bytes(static_then_eds, sizeof static_then_eds);
  cr_assert(owes("a"));
}

Test(warm, name_that_nobody_can_subscribe_to_is_passed_over) {
  static char name[EGRESS__NAME_MAX + 2];
  static uint8_t config[2 * sizeof name], bytes[2 * sizeof config];
  memset(name, 'x', EGRESS__NAME_MAX + 1);
  egress__subscription_set_wildcard(&endpoints->want, 1);
  for (int longer = 1; longer >= 0; longer--) {
    name[EGRESS__NAME_MAX + longer] = '\0';
    size_t config_size = (size_t)(xds_put_text(config, 2, name) - config);
    uint8_t *to = egress__put_varint(egress__put_varint(bytes, 2 << 3), 3);
    to = egress__put_bytes(to, 3, config, config_size);
    warm_bytes(bytes, (size_t)(to - bytes));
    cr_assert_eq(budget.names, !longer);
  }
  cr_assert(owes(name));
}
