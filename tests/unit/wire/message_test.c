#include "wire/message.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#include <egress/error.h>

#include "support/counted.h"
#include "wire/status_code.h"

enum { MAX = 5000, ROOM = 16 * 1024 };

static egress__message message;
static egress__stream_fault fault;
static egress__pending_all all = {.max_bytes = 1 << 20};
static egress__pending pending = {.alloc = &counted, .all = &all, .max_bytes = 1 << 20};

static void end(void) {
  egress__message_reset(&message, &pending);
  cr_expect_eq(counted_live, 0);
  cr_expect_eq(pending.bytes, 0);
}

TestSuite(message, .fini = end);

static uint8_t nth_byte(size_t message_number, size_t at) {
  return (uint8_t)(message_number * 31 + at * 7);
}

/* Puts a message of `size` bytes behind what there is. */
static size_t put(uint8_t *to, size_t number, size_t size) {
  egress__message_head(to, size);
  for (size_t i = 0; i < size; i++)
    to[EGRESS__MESSAGE_HEAD + i] = nth_byte(number, i);
  return EGRESS__MESSAGE_HEAD + size;
}

/* ---- in pieces ---- */

static const size_t sizes[] = {0, 1, 300, 0, 0, MAX, 1024, 1025, 7};
enum { COUNT = sizeof sizes / sizeof sizes[0] };

static void check_message(size_t number) {
  cr_assert_lt(number, COUNT);
  cr_assert_eq(message.size, sizes[number], "message %zu", number);
  for (size_t i = 0; i < message.size; i++)
    cr_assert_eq(message.bytes[i], nth_byte(number, i), "byte %zu of message %zu", i, number);
}

/* Gives one piece of the stream; returns how many messages are complete now. */
static size_t give(const uint8_t *bytes, size_t size, size_t complete) {
  while (size > 0) {
    size_t taken = 0;
    int rv = egress__message_take(&taken, &message, &pending, bytes, size, MAX, &fault);
    cr_assert(rv == 0 || rv == 1, "%d: %s", rv, fault.message);
    cr_assert(taken > 0 && taken <= size);
    bytes += taken;
    size -= taken;
    cr_assert(rv == 1 || size == 0, "it takes all that it may");
    cr_assert(egress__message_is_begun(&message));
    if (rv == 0)
      continue;
    check_message(complete++);
    egress__message_reset(&message, &pending);
    cr_assert_not(egress__message_is_begun(&message));
  }
  return complete;
}

Test(message, any_split_gives_the_same_messages) {
  static uint8_t bytes[ROOM];
  size_t size = 0;
  for (size_t i = 0; i < COUNT; i++)
    size += put(bytes + size, i, sizes[i]);
  for (size_t step = 1; step <= size; step += step < 40 ? 1 : 97) {
    size_t complete = 0;
    for (size_t at = 0; at < size; at += step)
      complete = give(bytes + at, size - at < step ? size - at : step, complete);
    cr_assert_eq(complete, COUNT, "in pieces of %zu", step);
  }
  for (size_t cut = 0; cut <= size; cut++)
    cr_assert_eq(give(bytes + cut, size - cut, give(bytes, cut, 0)), COUNT, "cut at %zu", cut);
}

Test(message, none_takes_nothing) {
  size_t taken = 1;
  cr_assert_eq(egress__message_take(&taken, &message, &pending, NULL, 0, MAX, &fault), 0);
  cr_assert_eq(taken, 0);
  cr_assert_not(egress__message_is_begun(&message));
}

Test(message, one_without_bytes_is_complete_with_its_head) {
  const uint8_t head[EGRESS__MESSAGE_HEAD] = {0};
  size_t taken = 0;
  cr_assert_eq(egress__message_take(&taken, &message, &pending, head, sizeof head - 1, MAX, &fault), 0);
  cr_assert_eq(egress__message_take(&taken, &message, &pending, head, 1, MAX, &fault), 1);
  cr_assert_eq(taken, 1);
  cr_assert_eq(message.size, 0);
  cr_assert_eq(counted_live, 0);
}

/* ---- what is refused ---- */

static int take_head(uint8_t flag, uint32_t size) {
  const uint8_t head[] = {flag, (uint8_t)(size >> 24), (uint8_t)(size >> 16), (uint8_t)(size >> 8), (uint8_t)size, 'x'};
  size_t taken = 0;
  egress__message_reset(&message, &pending);
  return egress__message_take(&taken, &message, &pending, head, sizeof head, MAX, &fault);
}

Test(message, one_that_is_too_large_is_refused_by_its_head) {
  cr_assert_eq(take_head(0, MAX), 0, "the largest");
  cr_assert_eq(take_head(0, MAX + 1), EGRESS_ELIMIT);
  cr_assert_eq(fault.status, EGRESS__STATUS_RESOURCE_EXHAUSTED);
  cr_assert_str_eq(fault.message, "a request of 5001 bytes is larger than the largest that is taken, 5000 bytes "
                                  "(max_request_bytes)");
  cr_assert_eq(counted_live, 0);
  cr_assert_eq(take_head(0, UINT32_MAX), EGRESS_ELIMIT);
  cr_assert_not_null(strstr(fault.message, "4294967295"));
  cr_assert_eq(counted_live, 0);
}

Test(message, one_that_is_compressed_is_refused) {
  cr_assert_eq(take_head(1, 1), EGRESS_EWIRE);
  cr_assert_eq(fault.status, EGRESS__STATUS_UNIMPLEMENTED);
  cr_assert_not_null(strstr(fault.message, "compressed"));
  cr_assert_eq(take_head(0x80, 1), EGRESS_EWIRE, "nor any other kind that there may be");
  cr_assert_eq(counted_live, 0);
}

/* ---- memory ---- */

Test(message, memory_grows_with_what_comes) {
  enum { LARGE = 1 << 30, STEP = 1000, STEPS = 50 };
  const uint8_t head[EGRESS__MESSAGE_HEAD] = {0, LARGE >> 24};
  static const uint8_t bytes[STEP];
  size_t taken = 0;
  cr_assert_eq(egress__message_take(&taken, &message, &pending, head, sizeof head, LARGE, &fault), 0);
  cr_assert_eq(message.size, LARGE);
  cr_assert_eq(message.room, 0, "for a promise there is none");
  for (size_t came = STEP; came <= STEP * STEPS; came += STEP) {
    cr_assert_eq(egress__message_take(&taken, &message, &pending, bytes, STEP, LARGE, &fault), 0);
    cr_assert(message.room >= came && message.room <= 1024 + 2 * came, "%zu for %zu", message.room, came);
  }
}

Test(message, memory_is_never_more_than_the_message) {
  static uint8_t bytes[ROOM];
  size_t size = put(bytes, 0, 3000), taken = 0;
  cr_assert_eq(egress__message_take(&taken, &message, &pending, bytes, size - 1, MAX, &fault), 0);
  cr_assert_eq(message.room, 3000);
}

Test(message, without_memory_it_says_so) {
  uint8_t bytes[EGRESS__MESSAGE_HEAD + 10];
  size_t size = put(bytes, 0, 10), taken = 0;
  counted_left = 0;
  cr_assert_eq(egress__message_take(&taken, &message, &pending, bytes, size, MAX, &fault), EGRESS_ENOMEM);
  cr_assert_null(message.bytes);
  counted_left = SIZE_MAX;
}

Test(message, without_memory_to_grow_it_keeps_what_it_has) {
  static uint8_t bytes[ROOM];
  size_t size = put(bytes, 0, MAX), taken = 0;
  counted_left = 1;
  cr_assert_eq(egress__message_take(&taken, &message, &pending, bytes, 100, MAX, &fault), 0);
  cr_assert_eq(egress__message_take(&taken, &message, &pending, bytes + 100, size - 100, MAX, &fault), EGRESS_ENOMEM);
  cr_assert_eq(counted_live, 1, "reset frees it");
  counted_left = SIZE_MAX;
}

/* ---- texts of a status ---- */

static void encodes(const char *text, const char *expected) {
  char out[EGRESS__STATUS_TEXT];
  size_t size = egress__message_encode(out, text);
  cr_expect(size == strlen(expected) && memcmp(out, expected, size) == 0, "\"%s\" as \"%.*s\"", text, (int)size, out);
}

Test(message, texts_are_percent_encoded) {
  encodes("", "");
  encodes("no such node ~ {\"a\"}", "no such node ~ {\"a\"}");
  encodes("100% sure", "100%25 sure");
  encodes("a\nb\tc\x7f", "a%0Ab%09c%7F");
  encodes("M\xc3\xbcll \xe2\x82\xac", "M%C3%BCll %E2%82%AC");
}

Test(message, texts_are_cut_between_bytes) {
  char text[EGRESS__STATUS_TEXT + 100], out[EGRESS__STATUS_TEXT];
  memset(text, '\n', sizeof text);
  text[sizeof text - 1] = '\0';
  cr_assert_eq(egress__message_encode(out, text), EGRESS__STATUS_TEXT);
  cr_assert_eq(memcmp(out + EGRESS__STATUS_TEXT - 3, "%0A", 3), 0);
  memset(text, 'a', 2); /* one byte less than three is left at the end */
  size_t size = egress__message_encode(out, text);
  cr_assert(size > EGRESS__STATUS_TEXT - 3 && size <= EGRESS__STATUS_TEXT);
  cr_assert_eq(memcmp(out + size - 3, "%0A", 3), 0);
}
