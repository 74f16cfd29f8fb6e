#include <criterion/criterion.h>
#include <stdio.h>

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
