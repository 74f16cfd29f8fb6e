#include "base/vec.h"

#include <criterion/criterion.h>
#include <stdint.h>

#include <egress/error.h>

Test(vec, grows) {
  const egress_alloc *alloc = egress__alloc_or_default(NULL);
  EGRESS__VEC(uint16_t) v = {0};
  for (unsigned i = 0; i < 1000; i++) {
    cr_assert_eq(EGRESS__VEC_GROW(alloc, &v), 0);
    v.items[v.count++] = (uint16_t)i;
  }
  for (unsigned i = 0; i < 1000; i++)
    cr_assert_eq(v.items[i], i);
  EGRESS__VEC_FREE(alloc, &v);
  cr_assert_null(v.items);
  cr_assert_eq(v.count + v.room, 0);
  EGRESS__VEC_FREE(alloc, &v);
}

static void *no_resize(void *ptr, size_t size, void *user) {
  (void)ptr;
  (void)size;
  (void)user;
  return NULL;
}

Test(vec, failure_changes_nothing) {
  const egress_alloc none = {no_resize, NULL, NULL};
  int item = 7;
  EGRESS__VEC(int) v = {&item, 1, 1};
  cr_assert_eq(EGRESS__VEC_GROW(&none, &v), EGRESS_ENOMEM);
  cr_assert_eq(v.items, &item);
  cr_assert_eq(v.room, 1);
}
