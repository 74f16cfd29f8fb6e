#include <criterion/criterion.h>

#include "base/alloc.h"
#include "snapshot/chunk.h"

static egress__span span(const char *text) {
  return (egress__span){(const uint8_t *)text, strlen(text)};
}

static const egress__chunk *chunk_of(const char *const *names, size_t count) {
  egress_resource *items[16];
  for (size_t i = 0; i < count; i++)
    cr_assert_eq(egress_resource_new(&items[i], "t", names[i], NULL, 0, NULL), 0);
  const egress__chunk *chunk = egress__chunk_new(egress__alloc_or_default(NULL), items, count);
  for (size_t i = 0; i < count; i++)
    egress_resource_unref(items[i]); /* the chunk has references of its own */
  return chunk;
}

Test(chunk, searches_by_name_in_byte_order) {
  const egress__chunk *chunk = chunk_of((const char *const[]){"B", "a", "ab", "\xc3\xa4"}, 4);
  cr_assert_eq(egress__chunk_lower_bound(chunk, span("A")), 0);
  cr_assert_eq(egress__chunk_lower_bound(chunk, span("B")), 0);
  cr_assert_eq(egress__chunk_lower_bound(chunk, span("C")), 1);
  cr_assert_eq(egress__chunk_lower_bound(chunk, span("aa")), 2);
  cr_assert_eq(egress__chunk_lower_bound(chunk, span("z")), 3);
  cr_assert_eq(egress__chunk_lower_bound(chunk, span("\xff")), 4);
  egress__chunk_unref(chunk);
}

Test(chunk, a_name_is_not_its_beginning) {
  const egress__chunk *chunk = chunk_of((const char *const[]){"ab"}, 1);
  cr_assert_lt(egress__compare_name(span("a"), chunk->items[0]), 0);
  cr_assert_eq(egress__compare_name(span("ab"), chunk->items[0]), 0);
  cr_assert_gt(egress__compare_name(span("abc"), chunk->items[0]), 0);
  cr_assert_eq(egress__compare_name((egress__span){(const uint8_t *)"abc", 2}, chunk->items[0]), 0);
  cr_assert_lt(egress__compare_name((egress__span){(const uint8_t *)"", 0}, chunk->items[0]), 0);
  egress__chunk_unref(chunk);
}

/* Of 128 bits: among the low halves of eight hashes there is a carry. */
Test(chunk, sum_is_that_of_the_hashes) {
  const egress__chunk *chunk = chunk_of((const char *const[]){"a", "b", "c", "d", "e", "f", "g", "h"}, 8);
  uint64_t low = 0, high = 0, carries = 0;
  for (size_t i = 0; i < chunk->count; i++) {
    uint64_t hash[2];
    egress__resource_hash(chunk->items[i], hash);
    carries += __builtin_add_overflow(low, hash[0], &low);
    high += hash[1];
  }
  cr_assert_gt(carries, 0);
  cr_assert_eq(chunk->sum[0], low);
  cr_assert_eq(chunk->sum[1], high + carries);
  egress__chunk_unref(chunk);
}

Test(chunk, lives_as_long_as_its_last_reference) {
  const egress__chunk *chunk = chunk_of((const char *const[]){"a"}, 1);
  cr_assert_eq(egress__chunk_ref(chunk), chunk);
  egress__chunk_unref(chunk);
  cr_assert_str_eq(egress_resource_name(chunk->items[0]), "a");
  egress__chunk_unref(chunk);
  egress__chunk_unref(NULL);
  cr_assert_eq(egress__chunk_ref(NULL), NULL);
}
