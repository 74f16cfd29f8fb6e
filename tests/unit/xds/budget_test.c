#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#include <egress/error.h>

#include "xds/budget.h"

static egress__budget budget;

static void begin(void) {
  budget = (egress__budget){.max_names = 2, .max_bytes = 1000};
}
TestSuite(budget, .init = begin);

Test(budget, asking_takes_nothing) {
  cr_assert_eq(egress__budget_ask(&budget, 2, 1000), 0);
  cr_assert_eq(budget.names, 0);
  cr_assert_eq(budget.bytes, 0);
}

Test(budget, both_limits_hold_and_are_told_apart) {
  egress__budget_take(&budget, 1, 400);
  cr_assert_eq(egress__budget_ask(&budget, 1, 600), 0);
  cr_assert_eq(egress__budget_ask(&budget, 2, 600), EGRESS_ELIMIT);
  cr_assert_eq(budget.refused, EGRESS__BUDGET_NAMES);
  cr_assert_eq(egress__budget_ask(&budget, 1, 601), EGRESS_ELIMIT);
  cr_assert_eq(budget.refused, EGRESS__BUDGET_BYTES);
  egress__budget_give(&budget, 1, 400);
  cr_assert_eq(egress__budget_ask(&budget, 2, 1000), 0);
}

/* What the server takes for itself may be over a limit; then a client gets nothing, and no sum wraps round. */
Test(budget, nothing_is_left_when_more_was_taken) {
  egress__budget_take(&budget, 5, 5000);
  cr_assert_eq(egress__budget_ask(&budget, 0, 0), 0);
  cr_assert_eq(egress__budget_ask(&budget, 0, 1), EGRESS_ELIMIT);
  cr_assert_eq(egress__budget_ask(&budget, 1, 0), EGRESS_ELIMIT);
  cr_assert_eq(egress__budget_ask(&budget, 0, SIZE_MAX), EGRESS_ELIMIT);
}

Test(budget, many_streams_share_one_limit) {
  egress__remembered all = {.max_bytes = 1500};
  egress__budget one = {.all = &all, .max_names = 2, .max_bytes = 1000}, other = one;
  egress__budget_take(&one, 1, 900);
  cr_assert_eq(egress__budget_ask(&other, 1, 600), 0);
  cr_assert_eq(egress__budget_ask(&other, 1, 601), EGRESS_ELIMIT);
  cr_assert_eq(other.refused, EGRESS__BUDGET_ALL);
  cr_assert_eq(egress__budget_ask(&one, 0, 101), EGRESS_ELIMIT);
  cr_assert_eq(one.refused, EGRESS__BUDGET_BYTES, "its own limit comes first");
  egress__budget_take(&other, 0, 9000); /* the server's own doing */
  cr_assert_eq(egress__budget_ask(&one, 0, 1), EGRESS_ELIMIT);
  cr_assert_eq(one.refused, EGRESS__BUDGET_ALL);
  egress__budget_give(&other, 0, 9000);
  egress__budget_give(&one, 1, 900);
  cr_assert_eq(all.bytes, 0);
}

Test(budget, so_do_those_of_one_client) {
  egress__remembered all = {.max_bytes = 1500}, peer = {.max_bytes = 1200};
  egress__budget one = {.peer = &peer, .all = &all, .max_names = 2, .max_bytes = 1000}, two = one,
                 other = {.all = &all, .max_names = 2, .max_bytes = 1000};
  egress__budget_take(&one, 1, 900);
  cr_assert_eq(egress__budget_ask(&two, 1, 300), 0);
  cr_assert_eq(egress__budget_ask(&two, 1, 301), EGRESS_ELIMIT);
  cr_assert_eq(two.refused, EGRESS__BUDGET_PEER);
  cr_assert_eq(egress__budget_ask(&other, 1, 600), 0, "there is room for others");
  egress__budget_take(&other, 1, 500);
  cr_assert_eq(egress__budget_ask(&two, 1, 200), EGRESS_ELIMIT);
  cr_assert_eq(two.refused, EGRESS__BUDGET_ALL);
  egress__budget_give(&other, 1, 500);
  egress__budget_give(&one, 1, 900);
  cr_assert_eq(egress__budget_ask(&two, 1, 1000), 0);
  cr_assert_eq(peer.bytes, 0);
  cr_assert_eq(all.bytes, 0);
}

Test(budget, the_client_is_told_which_limit_it_is) {
  egress__remembered all = {.max_bytes = 77}, peer = {.max_bytes = 76};
  egress__budget of = {.peer = &peer, .all = &all, .max_names = 55, .max_bytes = 66};
  static const char *const says[] = {[EGRESS__BUDGET_NAMES] = "55 resource names subscribed to (max_subscriptions)",
                                     [EGRESS__BUDGET_BYTES] = "one stream take more than 66 bytes",
                                     [EGRESS__BUDGET_PEER] = "76 bytes, the most that the server remembers of one "
                                                             "(max_peer_remembered_bytes)",
                                     [EGRESS__BUDGET_ALL] = "server remembers (max_remembered_bytes)",
                                     [EGRESS__BUDGET_GLOBS] = "more than 4096 globs of one type"};
  for (size_t i = 0; i < sizeof says / sizeof says[0]; i++) {
    egress__stream_fault fault = {0};
    of.refused = (egress__budget_limit)i;
    cr_assert_eq(egress__budget_explain(&of, &fault), EGRESS_ELIMIT);
    cr_assert_eq(fault.status, 8, "RESOURCE_EXHAUSTED");
    cr_assert_not_null(strstr(fault.message, says[i]), "%s", fault.message);
  }
}

Test(budget, tables_count_until_they_go) {
  static int value;
  char keys[100][4];
  egress__map map;
  egress__map_init(&map, egress__alloc_or_default(NULL));
  for (int i = 0; i < 100; i++) {
    int size = snprintf(keys[i], sizeof keys[i], "%d", i);
    cr_assert_eq(egress__budget_map_set(&budget, &map, keys[i], (size_t)size, &value), 0);
    cr_assert_eq(budget.bytes, map.room * sizeof(egress__map_entry));
  }
  cr_assert_eq(budget.names, 0);
  egress__budget_map_dispose(&budget, &map);
  cr_assert_eq(budget.bytes, 0);
  cr_assert_eq(map.room, 0);
}

static void *none(void *ptr, size_t size, void *user) {
  (void)ptr;
  (void)size;
  (void)user;
  return NULL;
}

static void never(void *ptr, void *user) {
  (void)user;
  cr_assert_null(ptr);
}

Test(budget, table_without_memory_takes_nothing) {
  static const egress_alloc nothing = {none, never, NULL};
  egress__map map;
  egress__map_init(&map, &nothing);
  cr_assert_eq(egress__budget_map_set(&budget, &map, "a", 1, &map), EGRESS_ENOMEM);
  cr_assert_eq(budget.bytes, 0);
  egress__budget_map_dispose(&budget, &map);
}
