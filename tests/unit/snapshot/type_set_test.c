#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "snapshot/type_set.h"

enum { ITEMS_MAX = 16 };

static const egress__chunk *chunk_of(const char *names, size_t count) {
  egress_resource *items[ITEMS_MAX];
  for (size_t i = 0; i < count; i++)
    cr_assert_eq(egress_resource_new(&items[i], "t", (char[]){names[i], '\0'}, NULL, 0, NULL), 0);
  const egress__chunk *chunk = egress__chunk_new(egress__alloc_or_default(NULL), items, count);
  for (size_t i = 0; i < count; i++)
    egress_resource_unref(items[i]);
  return chunk;
}

/* "ab cd e": names of one letter, a word a chunk. */
static egress__type_set *set_of(const char *words) {
  egress__type_set *set = egress__type_set_new(egress__alloc_or_default(NULL));
  for (size_t size; (size = strcspn(words, " ")) > 0; words += size + (words[size] == ' '))
    cr_assert_eq(egress__type_set_push(set, chunk_of(words, size)), 0);
  egress__type_set_finish(set);
  return set;
}

static egress__span span(const char *text) {
  return (egress__span){(const uint8_t *)text, strlen(text)};
}

Test(type_set, finds_every_name_and_no_other) {
  static const char *const words[] = {"bdfhj", "b dfhj", "bdfh j", "bd fh j", "b d f h j"};
  for (size_t w = 0; w < sizeof words / sizeof words[0]; w++) {
    egress__type_set *set = set_of(words[w]);
    cr_assert_eq(set->count, 5);
    for (char c = 'a'; c <= 'k'; c++) {
      const egress_resource *found = egress__type_set_find(set, (char[]){c, '\0'});
      cr_assert_eq(found != NULL, strchr("bdfhj", c) != NULL);
      cr_assert(found == NULL || egress_resource_name(found)[0] == c);
    }
    cr_assert_eq(egress__type_set_find(set, ""), NULL);
    cr_assert_eq(egress__type_set_find(set, "dd"), NULL);
    cr_assert_eq(egress__type_set_find_span(set, (egress__span){(const uint8_t *)"dd", 1}),
                 egress__type_set_find(set, "d"));
    for (size_t i = 0; i < 5; i++)
      cr_assert_eq(egress_resource_name(egress__type_set_at(set, i))[0], "bdfhj"[i]);
    egress__type_set_unref(set);
  }
  cr_assert_eq(egress__type_set_find(NULL, "a"), NULL);
}

Test(type_set, chunk_that_a_name_falls_into) {
  egress__type_set *set = set_of("bd fh j");
  static const struct {
    const char *name;
    size_t chunk;
  } cases[] = {{"a", 0}, {"b", 0}, {"c", 0}, {"e", 0}, {"f", 1}, {"g", 1}, {"i", 1}, {"j", 2}, {"k", 2}};
  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
    cr_assert_eq(egress__type_set_chunk_of(set, span(cases[i].name)), cases[i].chunk, "%s", cases[i].name);
  egress__type_set_unref(set);
}

/* One of two and both of two: the sum of one could be a part of the other, the count could not. */
Test(type_set, version_is_of_the_content_and_not_of_the_cut) {
  egress__type_set *one = set_of("a"), *two = set_of("ab"), *cut = set_of("a b");
  cr_assert_str_neq(egress__type_set_version(one), egress__type_set_version(two));
  cr_assert_str_eq(egress__type_set_version(cut), egress__type_set_version(two));
  cr_assert_str_neq(egress__type_set_version(one), egress__type_set_version(NULL));
  cr_assert_str_eq(two->type_url, "t");
  egress__type_set_unref(one);
  egress__type_set_unref(two);
  egress__type_set_unref(cut);
}

/* Versions stay as they are from one release to the next: a restart with a newer library sends nothing anew. */
Test(type_set, version_of_two_items) {
  egress__type_set *set = set_of("a b");
  cr_assert_str_eq(egress__type_set_version(set), "efcb02fe6b3162e6462745a2e0dae4fd");
  egress__type_set_unref(set);
}

Test(type_set, last_chunk_can_be_taken_back) {
  egress__type_set *set = egress__type_set_new(egress__alloc_or_default(NULL));
  const egress__chunk *first = chunk_of("ab", 2), *second = chunk_of("cde", 3);
  cr_assert_eq(egress__type_set_push(set, first), 0);
  cr_assert_eq(egress__type_set_push(set, second), 0);
  cr_assert_eq(set->count, 5);
  cr_assert_eq(egress__type_set_pop(set), second);
  cr_assert_eq(set->count, 2);
  egress__chunk_unref(second);
  egress__type_set_unref(set);
}

Test(type_set, cursor_goes_over_all_items) {
  egress__type_set *set = set_of("ab c de");
  egress__cursor cursor = {.set = set};
  for (const char *name = "abcde"; *name != '\0'; name++) {
    cr_assert_eq(egress__cursor_chunk(&cursor) != NULL, strchr("acd", *name) != NULL);
    cr_assert_eq(egress_resource_name(egress__cursor_item(&cursor))[0], *name);
    cr_assert_eq(egress_resource_name(egress__cursor_next(&cursor))[0], *name);
  }
  for (int i = 0; i < 2; i++) {
    cr_assert_eq(egress__cursor_item(&cursor), NULL);
    cr_assert_eq(egress__cursor_chunk(&cursor), NULL);
    cr_assert_eq(egress__cursor_next(&cursor), NULL);
  }
  egress__type_set_unref(set);
}

Test(type_set, cursor_skips_a_chunk) {
  egress__type_set *set = set_of("ab c");
  egress__cursor cursor = {.set = set};
  egress__cursor_skip(&cursor);
  cr_assert_eq(egress__cursor_chunk(&cursor), set->chunks.items[1].chunk);
  egress__cursor_skip(&cursor);
  cr_assert_eq(egress__cursor_item(&cursor), NULL);
  egress__type_set_unref(set);
  cursor = (egress__cursor){.set = NULL};
  cr_assert_eq(egress__cursor_item(&cursor), NULL);
  cr_assert_eq(egress__cursor_chunk(&cursor), NULL);
}

Test(type_set, is_same_by_content) {
  egress__type_set *set = set_of("a b"), *equal = set_of("ab"), *other = set_of("a");
  cr_assert(egress__type_set_is_same(set, set));
  cr_assert(egress__type_set_is_same(set, equal));
  cr_assert(!egress__type_set_is_same(set, other));
  cr_assert(!egress__type_set_is_same(NULL, other));
  cr_assert(egress__type_set_is_same(NULL, NULL));
  egress__type_set_unref(set);
  egress__type_set_unref(equal);
  egress__type_set_unref(other);
}
