#include <criterion/criterion.h>

#include "snapshot/labels.h"

static const egress_alloc *alloc(void) {
  return egress__alloc_or_default(NULL);
}

static void set(egress__labels *labels, const char *type_url, const char *text) {
  cr_assert_eq(egress__labels_set(labels, alloc(), type_url, text), 0);
}

Test(labels, of_a_type_or_of_all_others) {
  egress__labels labels = {0};
  cr_assert_eq(egress__labels_get(&labels, "a"), NULL);
  set(&labels, "a", "1");
  set(&labels, NULL, "2");
  set(&labels, "c", NULL);
  cr_assert_str_eq(egress__labels_get(&labels, "a"), "1");
  cr_assert_str_eq(egress__labels_get(&labels, "b"), "2");
  cr_assert_eq(egress__labels_get(&labels, "c"), NULL);
  set(&labels, "a", "3");
  set(&labels, NULL, NULL);
  cr_assert_str_eq(egress__labels_get(&labels, "a"), "3");
  cr_assert_eq(egress__labels_get(&labels, "b"), NULL);
  cr_assert_eq(labels.list.count, 2);
  egress__labels_dispose(&labels, alloc());
  cr_assert_eq(labels.list.count, 0);
}

Test(labels, copy_is_its_own) {
  egress__labels labels = {0}, copy;
  set(&labels, "a", "1");
  set(&labels, NULL, "2");
  set(&labels, "c", NULL);
  cr_assert_eq(egress__labels_copy(&copy, &labels, alloc()), 0);
  egress__labels_dispose(&labels, alloc());
  cr_assert_str_eq(egress__labels_get(&copy, "a"), "1");
  cr_assert_str_eq(egress__labels_get(&copy, "b"), "2");
  cr_assert_eq(egress__labels_get(&copy, "c"), NULL);
  egress__labels_dispose(&copy, alloc());
}
