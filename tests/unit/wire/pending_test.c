#include "wire/pending.h"

#include <criterion/criterion.h>
#include <string.h>

#include <egress/error.h>

#include "support/counted.h"
#include "wire/status_code.h"

/* Two clients, of whom one may have most of what there is. */
static egress__pending_all all = {.max_bytes = 1000};
static egress__pending mine = {.alloc = &counted, .all = &all, .max_bytes = 700},
                       theirs = {.alloc = &counted, .all = &all, .max_bytes = 700};
static egress__stream_fault fault;
static uint8_t *one, *two, *other;
static size_t one_size, two_size, other_size;

static void end(void) {
  egress__pending_free(&mine, &one, &one_size);
  egress__pending_free(&mine, &two, &two_size);
  egress__pending_free(&theirs, &other, &other_size);
  cr_expect_eq(mine.bytes, 0);
  cr_expect_eq(theirs.bytes, 0);
  cr_expect_eq(all.bytes, 0);
  cr_expect_eq(counted_live, 0);
}

TestSuite(pending, .fini = end);

static int grow_one(size_t to) {
  return egress__pending_grow(&mine, &one, &one_size, to, &fault);
}

static int grow_two(size_t to) {
  return egress__pending_grow(&mine, &two, &two_size, to, &fault);
}

static int grow_other(size_t to) {
  return egress__pending_grow(&theirs, &other, &other_size, to, &fault);
}

static void was_refused(const char *bytes, const char *name) {
  cr_assert_eq(fault.status, EGRESS__STATUS_RESOURCE_EXHAUSTED);
  cr_assert_not_null(strstr(fault.message, bytes), "%s", fault.message);
  cr_assert_not_null(strstr(fault.message, name), "%s", fault.message);
}

Test(pending, all_count_together) {
  cr_assert_eq(grow_one(100), 0);
  memset(one, 7, 100);
  cr_assert_eq(grow_one(600), 0);
  cr_assert_eq(one[99], 7);
  cr_assert_eq(grow_other(401), EGRESS_ELIMIT);
  was_refused("more than 1000 bytes", "(max_pending_bytes)");
  cr_assert_null(other);
  cr_assert_eq(grow_other(400), 0);
  cr_assert_eq(all.bytes, 1000);
  cr_assert_eq(grow_one(601), EGRESS_ELIMIT);
  cr_assert_eq(one_size, 600);
  egress__pending_free(&theirs, &other, &other_size);
  cr_assert_eq(grow_one(700), 0);
}

Test(pending, what_one_client_has_counts_together) {
  cr_assert_eq(grow_one(500), 0);
  cr_assert_eq(grow_two(201), EGRESS_ELIMIT);
  was_refused("requests of this client", "more than 700 bytes");
  was_refused("more than 700 bytes", "(max_peer_pending_bytes)");
  cr_assert_null(two);
  cr_assert_eq(all.bytes, 500);
  cr_assert_eq(grow_other(500), 0, "there is room for others");
  egress__pending_free(&theirs, &other, &other_size);
  cr_assert_eq(grow_two(200), 0);
  egress__pending_free(&mine, &one, &one_size);
  cr_assert_eq(grow_two(700), 0);
}

Test(pending, what_is_dropped_is_the_front) {
  cr_assert_eq(grow_one(700), 0);
  for (size_t i = 0; i < 700; i++)
    one[i] = (uint8_t)i;
  egress__pending_drop(&mine, &one, &one_size, 600);
  cr_assert_eq(one_size, 100);
  cr_assert_eq(one[0], (uint8_t)600);
  cr_assert_eq(one[99], (uint8_t)699);
  cr_assert_eq(mine.bytes, 100);
  cr_assert_eq(all.bytes, 100);
  counted_left = 0; /* a block that cannot be made smaller stays */
  egress__pending_drop(&mine, &one, &one_size, 99);
  counted_left = SIZE_MAX;
  cr_assert_eq(one[0], (uint8_t)699);
  cr_assert_eq(mine.bytes, 1);
}

Test(pending, without_memory_nothing_changes) {
  cr_assert_eq(grow_one(10), 0);
  counted_left = 0;
  cr_assert_eq(grow_one(20), EGRESS_ENOMEM);
  counted_left = SIZE_MAX;
  cr_assert_eq(one_size, 10);
  cr_assert_eq(mine.bytes, 10);
}
