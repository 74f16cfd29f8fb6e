#include "base/options.h"

#include <criterion/criterion.h>
#include <stdint.h>
#include <string.h>

#include <egress/error.h>

/* The same options, as callers of three versions know them. */
typedef struct first {
  size_t size;
  uint64_t a;
} first;

typedef struct second {
  size_t size;
  uint64_t a, b;
} second;

typedef struct third {
  size_t size;
  uint64_t a, b, c;
} third;

static const second defaults = {sizeof defaults, 1, 2};

static int take(second *own, const void *given) {
  *own = defaults;
  return egress__options_take(own, sizeof *own, given, sizeof(first));
}

Test(options, defaults) {
  second own;
  cr_assert_eq(take(&own, NULL), 0);
  cr_assert_eq(memcmp(&own, &defaults, sizeof own), 0);
}

Test(options, older_newer_and_equal_callers) {
  second own;
  cr_assert_eq(take(&own, &(first){sizeof(first), 10}), 0);
  cr_assert(own.size == sizeof own && own.a == 10 && own.b == 2);
  cr_assert_eq(take(&own, &(second){sizeof(second), 10, 20}), 0);
  cr_assert(own.size == sizeof own && own.a == 10 && own.b == 20);
  cr_assert_eq(take(&own, &(third){sizeof(third), 10, 20, 0}), 0);
  cr_assert(own.size == sizeof own && own.a == 10 && own.b == 20);
}

Test(options, refused) {
  second own;
  cr_assert_eq(take(&own, &(third){sizeof(third), 10, 20, 30}), EGRESS_EABI);
  cr_assert_eq(own.a, 1, "unchanged");
  cr_assert_eq(take(&own, &(first){sizeof(first) - 1, 10}), EGRESS_EINVAL);
  cr_assert_eq(take(&own, &(first){0, 10}), EGRESS_EINVAL);
}
