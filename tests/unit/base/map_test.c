#include "base/map.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

static egress__map map;

static void init(void) {
  egress__map_init(&map, egress__alloc_or_default(NULL));
}

static void dispose(void) {
  egress__map_dispose(&map);
}

TestSuite(map, .init = init, .fini = dispose);

static int one, two;

Test(map, set_get_remove) {
  cr_assert_null(egress__map_get(&map, "a", 1));
  cr_assert_null(egress__map_remove(&map, "a", 1));
  cr_assert_eq(egress__map_set(&map, "a", 1, &one), 0);
  cr_assert_eq(egress__map_get(&map, "a", 1), &one);
  cr_assert_eq(egress__map_set(&map, "a", 1, &two), 0);
  cr_assert_eq(egress__map_get(&map, "a", 1), &two);
  cr_assert_eq(map.count, 1);
  cr_assert_eq(egress__map_remove(&map, "a", 1), &two);
  cr_assert_null(egress__map_get(&map, "a", 1));
  cr_assert_null(egress__map_remove(&map, "a", 1));
  cr_assert_eq(map.count, 0);
}

Test(map, keys_are_bytes) {
  cr_assert_eq(egress__map_set(&map, "a\0b", 3, &one), 0);
  cr_assert_eq(egress__map_set(&map, "", 0, &two), 0);
  cr_assert_null(egress__map_get(&map, "a", 1));
  cr_assert_null(egress__map_get(&map, "a\0c", 3));
  cr_assert_eq(egress__map_get(&map, "a\0b", 3), &one);
  cr_assert_eq(egress__map_get(&map, "x", 0), &two);
}

Test(map, grows) {
  enum { COUNT = 5000 };
  static char keys[COUNT][8];
  for (int i = 0; i < COUNT; i++) {
    sprintf(keys[i], "%d", i);
    cr_assert_eq(egress__map_set(&map, keys[i], strlen(keys[i]), keys[i]), 0);
  }
  cr_assert_eq(map.count, COUNT);
  for (int i = 0; i < COUNT; i++)
    cr_assert_eq(egress__map_get(&map, keys[i], strlen(keys[i])), keys[i]);
  size_t cursor = 0, seen = 0;
  for (const egress__map_entry *entry; (entry = egress__map_next(&map, &cursor)) != NULL; seen++)
    cr_assert_eq(entry->key, entry->value);
  cr_assert_eq(seen, COUNT);
}

/* Tombstones must neither hide entries nor fill the table. */
Test(map, comes_and_goes) {
  char key[16];
  cr_assert_eq(egress__map_set(&map, "stays", 5, &one), 0);
  for (int i = 0; i < 10000; i++) {
    int size = sprintf(key, "k%d", i);
    cr_assert_eq(egress__map_set(&map, key, (size_t)size, &two), 0);
    cr_assert_eq(egress__map_remove(&map, key, (size_t)size), &two);
  }
  cr_assert_eq(map.count, 1);
  cr_assert_leq(map.room, 64);
  cr_assert_eq(egress__map_get(&map, "stays", 5), &one);
  cr_assert_eq(egress__map_set(&map, "again", 5, &two), 0);
  cr_assert_eq(egress__map_get(&map, "again", 5), &two);
}

/* What the growth foretells is what the table takes, also when it is made anew because of tombstones. */
Test(map, growth_is_foretold) {
  char keys[300][8];
  size_t bytes = 0;
  for (int i = 0; i < 300; i++) {
    int size = sprintf(keys[i], "%d", i);
    size_t growth = egress__map_growth(&map);
    cr_assert_eq(egress__map_set(&map, keys[i], (size_t)size, &one), 0);
    bytes += growth;
    cr_assert_eq(egress__map_bytes(&map), bytes);
    if (i % 4 != 0)
      egress__map_remove(&map, keys[i], (size_t)size);
  }
  cr_assert_eq(map.count, 75);
  cr_assert_leq(bytes, 256 * sizeof(egress__map_entry)); /* it is doubled when half of it holds entries, no sooner */
}
