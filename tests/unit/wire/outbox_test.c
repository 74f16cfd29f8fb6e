#include "wire/outbox.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "support/counted.h"

enum { BYTES = 64 };

static egress__outbox outbox;
static egress__blob *first, *second;

static egress__blob *make(uint8_t begin) {
  egress__blob *blob = egress__blob_new(&counted, BYTES);
  for (size_t i = 0; i < BYTES; i++)
    blob->bytes[i] = (uint8_t)(begin + i);
  return blob;
}

static void begin(void) {
  egress__outbox_clear(&outbox);
  first = make(0);
  second = make(100);
}

static void end(void) {
  egress__outbox_clear(&outbox);
  egress__blob_unref(first);
  egress__blob_unref(second);
  cr_expect_eq(counted_live, 0);
}

TestSuite(outbox, .init = begin, .fini = end);

/* ---- filling ---- */

Test(outbox, copies_that_follow_each_other_are_one_piece) {
  char text[] = "abc";
  egress__outbox_copy(&outbox, text, 2);
  egress__outbox_copy(&outbox, text + 2, 1);
  memset(text, 'X', 3);
  cr_assert_eq(outbox.count, 1);
  cr_assert_eq(outbox.size, 3);
  cr_assert_eq(memcmp(outbox.pieces[0].iov_base, "abc", 3), 0);
}

Test(outbox, what_is_lent_stays_where_it_is) {
  egress__outbox_copy(&outbox, "a", 1);
  egress__outbox_lend(&outbox, first, first->bytes + 3, 4);
  egress__outbox_copy(&outbox, "b", 1);
  egress__outbox_copy(&outbox, "c", 1);
  egress__outbox_lend(&outbox, first, first->bytes, 0);
  cr_assert_eq(outbox.count, 3);
  cr_assert_eq(outbox.size, 7);
  cr_assert_eq(outbox.pieces[1].iov_base, first->bytes + 3);
  cr_assert_eq(outbox.pieces[2].iov_len, 2);
  cr_assert_eq(first->refs, 2, "its stream may end first");
  egress__outbox_clear(&outbox);
  cr_assert_eq(first->refs, 1);
}

Test(outbox, its_room_is_pieces_and_bytes) {
  static const uint8_t bytes[EGRESS__OUTBOX_COPIES];
  cr_assert(egress__outbox_has_room(&outbox, EGRESS__OUTBOX_PIECES, EGRESS__OUTBOX_COPIES));
  cr_assert_not(egress__outbox_has_room(&outbox, EGRESS__OUTBOX_PIECES + 1, 0));
  cr_assert_not(egress__outbox_has_room(&outbox, 0, EGRESS__OUTBOX_COPIES + 1));
  egress__outbox_copy(&outbox, bytes, EGRESS__OUTBOX_COPIES);
  cr_assert_not(egress__outbox_has_room(&outbox, 0, 1));
  for (size_t i = 1; i < EGRESS__OUTBOX_PIECES; i++) {
    cr_assert(egress__outbox_has_room(&outbox, 1, 0));
    egress__outbox_lend(&outbox, first, first->bytes, 1);
  }
  cr_assert_not(egress__outbox_has_room(&outbox, 1, 0));
  egress__outbox_clear(&outbox);
  cr_assert(egress__outbox_has_room(&outbox, EGRESS__OUTBOX_PIECES, EGRESS__OUTBOX_COPIES));
  cr_assert_eq(outbox.size, 0);
}

/* ---- what is left ---- */

/* Fills the outbox with pieces of both kinds, and `wanted` with the same bytes; returns how many. */
static size_t fill(uint8_t *wanted) {
  size_t size = 0;
  const struct {
    egress__blob *blob;
    size_t size;
  } parts[] = {{NULL, 9}, {first, 20}, {NULL, 5}, {second, 1}, {first, BYTES}, {NULL, 3}};
  egress__outbox_clear(&outbox);
  for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++) {
    uint8_t copied[9];
    memset(copied, (int)(200 + i), sizeof copied);
    const uint8_t *bytes = parts[i].blob != NULL ? parts[i].blob->bytes + BYTES - parts[i].size : copied;
    memcpy(wanted + size, bytes, parts[i].size);
    size += parts[i].size;
    if (parts[i].blob != NULL)
      egress__outbox_lend(&outbox, parts[i].blob, bytes, parts[i].size);
    else
      egress__outbox_copy(&outbox, bytes, parts[i].size);
  }
  cr_assert_eq(outbox.size, size);
  return size;
}

static void check_rest(const egress__rest *rest, const uint8_t *wanted, size_t size) {
  const struct iovec *pieces;
  size_t count = egress__rest_pieces(rest, &pieces), at = 0;
  cr_assert_gt(count, 0);
  for (size_t i = 0; i < count; i++) {
    cr_assert_gt(pieces[i].iov_len, 0);
    cr_assert_leq(at + pieces[i].iov_len, size);
    cr_assert_eq(memcmp(pieces[i].iov_base, wanted + at, pieces[i].iov_len), 0);
    at += pieces[i].iov_len;
  }
  cr_assert_eq(at, size);
}

/* Writes what is left in steps, and looks at it after each. */
static void write_in_steps(egress__rest *rest, const uint8_t *wanted, size_t size, size_t step) {
  for (;;) {
    check_rest(rest, wanted, size);
    size_t written = step < size ? step : size;
    int is_all = egress__rest_written(rest, written);
    wanted += written;
    size -= written;
    cr_assert_eq(is_all, size == 0);
    if (is_all)
      return;
  }
}

Test(outbox, whatever_was_written_the_rest_is_what_was_not) {
  uint8_t wanted[4 * BYTES];
  size_t size = fill(wanted);
  for (size_t written = 0; written < size; written++) {
    for (size_t step = 1; step <= size; step++) {
      fill(wanted);
      egress__rest *rest = egress__outbox_keep(&outbox, written, &counted);
      egress__outbox_clear(&outbox);
      memset(outbox.copies, 0xee, sizeof outbox.copies); /* others use it meanwhile */
      write_in_steps(rest, wanted + written, size - written, step);
      cr_assert_eq(first->refs, 1);
      cr_assert_eq(second->refs, 1);
      egress__rest_free(rest);
    }
  }
}

Test(outbox, a_rest_holds_what_it_has_to_send_and_no_more) {
  uint8_t wanted[4 * BYTES];
  fill(wanted);
  egress__rest *rest = egress__outbox_keep(&outbox, 9 + 20, &counted); /* `first` is still there later on */
  egress__outbox_clear(&outbox);
  cr_assert_eq(first->refs, 2);
  cr_assert_eq(second->refs, 2);
  egress__rest_written(rest, 5);
  cr_assert_eq(second->refs, 2);
  egress__rest_written(rest, 1);
  cr_assert_eq(second->refs, 1);
  egress__rest_written(rest, 1);
  cr_assert_eq(first->refs, 2);
  egress__rest_free(rest);
  cr_assert_eq(first->refs, 1);
}

Test(outbox, a_rest_keeps_alive_what_it_has_borrowed) {
  uint8_t wanted[4 * BYTES];
  size_t size = fill(wanted);
  egress__rest *rest = egress__outbox_keep(&outbox, 1, &counted);
  egress__outbox_clear(&outbox);
  egress__blob_unref(first);
  egress__blob_unref(second);
  first = second = NULL;
  check_rest(rest, wanted + 1, size - 1);
  egress__rest_free(rest);
}

Test(outbox, without_memory_nothing_is_kept) {
  uint8_t wanted[4 * BYTES];
  fill(wanted);
  counted_left = 0;
  cr_assert_null(egress__outbox_keep(&outbox, 1, &counted));
  counted_left = SIZE_MAX;
  egress__outbox_clear(&outbox);
  cr_assert_eq(first->refs, 1);
  egress__rest_free(NULL);
}
