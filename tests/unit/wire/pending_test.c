#include "wire/pending.h"

#include <criterion/criterion.h>
#include <string.h>

#include <egress/error.h>

#include "support/counted.h"
#include "wire/status_code.h"

static egress__pending pending = {.alloc = &counted, .max_bytes = 1000};
static egress__stream_fault fault;
static uint8_t *one, *other;
static size_t one_size, other_size;

static void end(void) {
  egress__pending_free(&pending, &one, &one_size);
  egress__pending_free(&pending, &other, &other_size);
  cr_expect_eq(pending.bytes, 0);
  cr_expect_eq(counted_live, 0);
}

TestSuite(pending, .fini = end);

static int grow_one(size_t to) {
  return egress__pending_grow(&pending, &one, &one_size, to, &fault);
}

static int grow_other(size_t to) {
  return egress__pending_grow(&pending, &other, &other_size, to, &fault);
}

Test(pending, all_count_together) {
  cr_assert_eq(grow_one(100), 0);
  memset(one, 7, 100);
  cr_assert_eq(grow_one(600), 0);
  cr_assert_eq(one[99], 7);
  cr_assert_eq(grow_other(401), EGRESS_ELIMIT);
  cr_assert_eq(fault.status, EGRESS__STATUS_RESOURCE_EXHAUSTED);
  cr_assert_not_null(strstr(fault.message, "more than 1000 bytes"), "%s", fault.message);
  cr_assert_not_null(strstr(fault.message, "(max_pending_bytes)"), "%s", fault.message);
  cr_assert_null(other);
  cr_assert_eq(grow_other(400), 0);
  cr_assert_eq(pending.bytes, 1000);
  cr_assert_eq(grow_one(601), EGRESS_ELIMIT);
  cr_assert_eq(one_size, 600);
  egress__pending_free(&pending, &other, &other_size);
  cr_assert_eq(grow_one(1000), 0);
}

Test(pending, without_memory_nothing_changes) {
  cr_assert_eq(grow_one(10), 0);
  counted_left = 0;
  cr_assert_eq(grow_one(20), EGRESS_ENOMEM);
  counted_left = SIZE_MAX;
  cr_assert_eq(one_size, 10);
  cr_assert_eq(pending.bytes, 10);
}
