#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "snapshot/edit.h"

/*
 * Names n0000 to n2047 are there or not, in some revision: the plain reference is an array with a place for each.
 * `now` owns a reference on each item; so do the sets.
 */
enum { NAMES = 2048, NAME_ROOM = 8 };

static egress_resource *now[NAMES];
static const egress__type_set *set;
static unsigned revision, seed;

static unsigned draw(unsigned below) {
  seed = seed * 1664525 + 1013904223;
  return (seed >> 8) % below;
}

static egress_resource *make(unsigned name, unsigned of_revision) {
  char text[NAME_ROOM];
  uint8_t bytes[16];
  snprintf(text, sizeof text, "n%04u", name % 10000);
  uint8_t *end = egress__put_varint(egress__put_varint(bytes, 1 << 3), of_revision);
  egress_resource *r;
  cr_assert_eq(egress_resource_new(&r, "t", text, bytes, (size_t)(end - bytes), NULL), 0);
  return r;
}

static void begin(void) {
  memset(now, 0, sizeof now);
  set = NULL;
  revision = 0;
}
static void end(void) {
  egress__type_set_unref(set);
  for (unsigned i = 0; i < NAMES; i++)
    egress_resource_unref(now[i]);
}
TestSuite(edit, .init = begin, .fini = end);

static const egress__type_set *edited(const egress__type_set *base, const egress__edit *edits, size_t count) {
  const egress__type_set *made;
  cr_assert_eq(egress__type_set_edit(&made, base, edits, count, egress__alloc_or_default(NULL)), 0);
  return made;
}

static egress__edit edit_of(const egress_resource *named, egress_resource *item) {
  const char *name = egress_resource_name(named);
  return (egress__edit){{(const uint8_t *)name, strlen(name)}, item};
}

/* What the set must be, made in one go from nothing. */
static const egress__type_set *from_nothing(void) {
  static egress__edit edits[NAMES];
  size_t count = 0;
  for (unsigned i = 0; i < NAMES; i++)
    if (now[i] != NULL)
      edits[count++] = edit_of(now[i], now[i]);
  return count == 0 ? NULL : edited(NULL, edits, count);
}

/* The sizes that are promised, the order, and that everything said about the items is true. */
static void check_shape(const egress__type_set *s) {
  size_t count = 0;
  for (size_t i = 0; i < s->chunks.count; i++) {
    const egress__chunk *chunk = s->chunks.items[i].chunk;
    cr_assert_geq(chunk->count, i == 0 ? 1 : EGRESS__CHUNK_MIN, "chunk %zu of %zu", i, s->chunks.count);
    cr_assert_leq(chunk->count, EGRESS__CHUNK_MAX);
    count += chunk->count;
    cr_assert_eq(s->chunks.items[i].end, count);
  }
  cr_assert_eq(s->count, count);
}

static void check(void) {
  egress__cursor cursor = {.set = set};
  size_t index = 0;
  for (unsigned i = 0; i < NAMES; i++)
    if (now[i] != NULL) {
      cr_assert_eq(egress__type_set_find(set, egress_resource_name(now[i])), now[i]);
      cr_assert_eq(egress__type_set_at(set, index++), now[i]);
      cr_assert_eq(egress__cursor_next(&cursor), now[i]);
    }
  cr_assert_eq(egress__cursor_next(&cursor), NULL);
  const egress__type_set *again = from_nothing();
  cr_assert_str_eq(egress__type_set_version(set), egress__type_set_version(again));
  cr_assert_eq(set == NULL, again == NULL);
  if (set != NULL) {
    check_shape(set);
    check_shape(again);
  }
  egress__type_set_unref(again);
}

/* A chunk of the new set is one of the old set if no edit fell into it. */
static void check_shared(const egress__type_set *before, const egress__type_set *after, size_t edits) {
  size_t kept = 0;
  for (size_t i = 0, j = 0; after != NULL && i < before->chunks.count; i++) {
    for (size_t k = j; k < after->chunks.count; k++)
      if (after->chunks.items[k].chunk == before->chunks.items[i].chunk) {
        kept++;
        j = k + 1;
        break;
      }
  }
  /* an edit opens one chunk, and the one to its left where that one got too small */
  cr_assert_geq(kept + 2 * edits, before->chunks.count, "%zu of %zu kept, %zu edits", kept, before->chunks.count,
                edits);
}

/* Edits up to `most` names of the range; `fill` of 100 become present. */
static void edit_some(unsigned from, unsigned to, unsigned most, unsigned fill) {
  static egress__edit edits[NAMES];
  static egress_resource *olds[NAMES];
  size_t count = 0;
  unsigned left = to - from, wanted = most < left ? most : left;
  for (unsigned i = from; i < to; i++, left--) { /* each name with the same chance, in order */
    if (draw(left) >= wanted - count)
      continue;
    egress_resource *item = draw(100) < fill ? make(i, ++revision) : NULL;
    if (item == NULL && now[i] == NULL) {
      wanted--;
      continue;
    }
    olds[count] = now[i];
    edits[count++] = edit_of(item != NULL ? item : now[i], item);
    now[i] = item;
  }
  if (count == 0)
    return;
  const egress__type_set *before = set;
  set = edited(before, edits, count);
  if (before != NULL)
    check_shared(before, set, count);
  for (size_t i = 0; i < count; i++)
    egress_resource_unref(olds[i]);
  egress__type_set_unref(before);
}

Test(edit, random_edits_equal_a_plain_array) {
  for (seed = 1; seed <= 40; seed++) {
    unsigned keep = seed;
    for (int round = 0; round < 40; round++) {
      unsigned from = draw(NAMES), to = from + 1 + draw(NAMES - from);
      static const unsigned most[] = {1, 1, 3, 20, 300, NAMES}, fill[] = {0, 10, 50, 90, 100};
      edit_some(from, to, most[draw(6)], fill[draw(5)]);
      check();
    }
    seed = keep;
  }
}

/* Names that come and go one by one for long leave no crumbs. */
Test(edit, a_long_life_does_not_degrade) {
  seed = 7;
  edit_some(0, NAMES, NAMES, 100);
  cr_assert_eq(set->chunks.count, NAMES / EGRESS__CHUNK_MAX);
  for (int i = 0; i < 20000; i++) {
    unsigned name = draw(NAMES);
    edit_some(name, name + 1, 1, i / 5000 % 2 == 0 ? 20 : 80); /* it shrinks and grows, twice */
    if (set != NULL)
      check_shape(set);
  }
  check();
  cr_assert_leq(set->chunks.count, 1 + set->count / EGRESS__CHUNK_MIN);
}

Test(edit, everything_goes) {
  seed = 3;
  edit_some(0, NAMES, NAMES, 100);
  edit_some(0, NAMES, NAMES, 0);
  cr_assert_eq(set, NULL);
  for (unsigned i = 0; i < NAMES; i++)
    cr_assert_eq(now[i], NULL);
}

/* 256 and one make two halves; below 64 a chunk joins the one to its left. */
Test(edit, splits_and_joins) {
  seed = 5;
  edit_some(0, EGRESS__CHUNK_MAX, NAMES, 100);
  cr_assert_eq(set->chunks.count, 1);
  edit_some(1000, 1001, 1, 100);
  cr_assert_eq(set->chunks.count, 2);
  cr_assert_eq(set->chunks.items[0].chunk->count, 128);
  cr_assert_eq(set->chunks.items[1].chunk->count, 129);
  const egress__chunk *left = set->chunks.items[0].chunk;
  edit_some(128, 128 + 65, NAMES, 0); /* leaves 64 */
  cr_assert_eq(set->chunks.count, 2);
  cr_assert_eq(set->chunks.items[0].chunk, left);
  edit_some(1000, 1001, 1, 0); /* 63 */
  cr_assert_eq(set->chunks.count, 1);
  cr_assert_eq(set->count, 128 + 63);
  check();
}

/* Names before the first and after the last chunk's. */
Test(edit, grows_at_both_ends) {
  seed = 9;
  edit_some(500, 1500, NAMES, 100);
  edit_some(0, 1, 1, 100);
  edit_some(NAMES - 1, NAMES, 1, 100);
  cr_assert_eq(set->count, 1002);
  check();
}
