#include <criterion/criterion.h>
#include <string.h>

#include "base/alloc.h"
#include "snapshot/snapshot.h"

static egress__type_set *set_of(const char *const *names, size_t count) {
  egress__type_set *set = egress__type_set_new(egress__alloc_or_default(NULL), count);
  for (size_t i = 0; i < count; i++) {
    egress_resource *r;
    cr_assert_eq(egress_resource_new(&r, "t", names[i], NULL, 0, NULL), 0);
    egress__type_set_push(set, r);
    egress_resource_unref(r);
  }
  egress__type_set_finish(set);
  return set;
}

Test(type_set, searches_by_name_in_byte_order) {
  egress__type_set *set = set_of((const char *const[]){"B", "a", "ab", "\xc3\xa4"}, 4);
  cr_assert_eq(egress__type_set_lower_bound(set, "A"), 0);
  cr_assert_eq(egress__type_set_lower_bound(set, "B"), 0);
  cr_assert_eq(egress__type_set_lower_bound(set, "C"), 1);
  cr_assert_eq(egress__type_set_lower_bound(set, "aa"), 2);
  cr_assert_eq(egress__type_set_lower_bound(set, "z"), 3);
  cr_assert_eq(egress__type_set_lower_bound(set, "\xff"), 4);
  cr_assert_eq(egress__type_set_find(set, "ab"), set->items[2]);
  cr_assert_eq(egress__type_set_find(set, "abc"), NULL);
  cr_assert_eq(egress__type_set_find(set, "\xff"), NULL);
  egress__type_set_unref(set);
}

/* One of two and both of two: the sum of one could be a part of the other, the count could not. */
Test(type_set, version_differs_by_content) {
  egress__type_set *one = set_of((const char *const[]){"a"}, 1), *two = set_of((const char *const[]){"a", "b"}, 2);
  egress__type_set *same = set_of((const char *const[]){"a", "b"}, 2);
  cr_assert_str_neq(egress__type_set_version(one), egress__type_set_version(two));
  cr_assert_str_eq(egress__type_set_version(same), egress__type_set_version(two));
  cr_assert_str_neq(egress__type_set_version(one), egress__type_set_version(NULL));
  egress__type_set_unref(one);
  egress__type_set_unref(two);
  egress__type_set_unref(same);
}

/* Of 128 bits: among the low halves of eight hashes there is a carry. */
Test(type_set, sum_is_that_of_the_hashes) {
  egress__type_set *set = set_of((const char *const[]){"a", "b", "c", "d", "e", "f", "g", "h"}, 8);
  uint64_t low = 0, high = 0, carries = 0;
  for (size_t i = 0; i < set->count; i++) {
    uint64_t hash[2];
    egress__resource_hash(set->items[i], hash);
    carries += __builtin_add_overflow(low, hash[0], &low);
    high += hash[1];
  }
  cr_assert_gt(carries, 0);
  cr_assert_eq(set->sum[0], low);
  cr_assert_eq(set->sum[1], high + carries);
  egress__type_set_unref(set);
}

Test(type_set, refuses_a_count_that_overflows) {
  cr_assert_eq(egress__type_set_new(egress__alloc_or_default(NULL), SIZE_MAX / 4), NULL);
}
