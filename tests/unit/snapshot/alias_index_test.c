#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <egress/error.h>

#include "snapshot/snapshot.h"

enum { MANY = 1000 };

static egress_snapshot_builder *builder;
static egress_snapshot *snap;

static void end(void) {
  egress_snapshot_builder_free(builder);
  egress_snapshot_unref(snap);
}
static void begin(void) {
  cr_assert_eq(egress_snapshot_builder_new(&builder, NULL, NULL), 0);
}
TestSuite(alias_index, .init = begin, .fini = end);

/* A cluster with up to two aliases; `value` is its content. */
static void put(const char *name, const char *value, const char *alias, const char *other) {
  const char *aliases[] = {alias, other};
  egress_resource *plain, *r;
  uint8_t bytes[64], *to = egress__put_bytes(bytes, 15, value, strlen(value));
  cr_assert_eq(egress_resource_new(&plain, EGRESS_TYPE_CLUSTER, name, bytes, (size_t)(to - bytes), NULL), 0);
  cr_assert_eq(egress_resource_with_aliases(&r, plain, aliases, (size_t)(alias != NULL) + (other != NULL), NULL), 0);
  cr_assert_eq(egress_snapshot_builder_put(builder, r), 0);
  egress_resource_unref(r);
  egress_resource_unref(plain);
}

static void drop(const char *name) {
  cr_assert_eq(egress_snapshot_builder_remove(builder, EGRESS_TYPE_CLUSTER, name), 0);
}

/* The next snapshot, in the place of the last. */
static void build(void) {
  egress_snapshot *next;
  cr_assert_eq(egress_snapshot_builder_build(&next, builder), 0, "%s", egress_snapshot_builder_clash(builder));
  cr_assert_str_eq(egress_snapshot_builder_clash(builder), "");
  egress_snapshot_unref(snap);
  snap = next;
}

static void clash(const char *text) {
  egress_snapshot *next = NULL;
  cr_assert_eq(egress_snapshot_builder_build(&next, builder), EGRESS_ECLASH);
  cr_assert_null(next);
  cr_assert_str_eq(egress_snapshot_builder_clash(builder), text);
}

/* The name of what goes by `text`; "" for nothing. */
static const char *find(const char *text) {
  const egress__type_set *set = egress__snapshot_type(snap, EGRESS_TYPE_CLUSTER);
  return egress_resource_name(egress__type_set_find_any(set, (egress__span){(const uint8_t *)text, strlen(text)}));
}

Test(alias_index, c73_finds_by_name_and_alias) {
  put("a", "1", "x", "y");
  put("b", "1", NULL, NULL);
  build();
  cr_assert_str_eq(find("a"), "a");
  cr_assert_str_eq(find("x"), "a");
  cr_assert_str_eq(find("y"), "a");
  cr_assert_str_eq(find("b"), "b");
  cr_assert_str_eq(find("z"), "");
  cr_assert_null(egress_snapshot_find(snap, EGRESS_TYPE_CLUSTER, "x"), "that is about names");
}

Test(alias_index, follows_changes) {
  put("a", "1", "x", "y");
  put("b", "1", "z", NULL);
  build();
  put("a", "1", "y", "w");
  build();
  cr_assert_str_eq(find("x"), "");
  cr_assert_str_eq(find("y"), "a");
  cr_assert_str_eq(find("w"), "a");
  drop("a");
  build();
  cr_assert_str_eq(find("y"), "");
  cr_assert_str_eq(find("z"), "b");
  put("b", "2", NULL, NULL);
  build();
  cr_assert_str_eq(find("z"), "");
  cr_assert_null(egress__snapshot_type(snap, EGRESS_TYPE_CLUSTER)->aliases);
}

Test(alias_index, what_is_found_is_what_the_snapshot_has) {
  put("a", "1", "x", NULL);
  build();
  put("a", "2", "x", NULL);
  build();
  const egress__type_set *set = egress__snapshot_type(snap, EGRESS_TYPE_CLUSTER);
  cr_assert_eq(egress__type_set_find_any(set, (egress__span){(const uint8_t *)"x", 1}),
               egress_snapshot_find(snap, EGRESS_TYPE_CLUSTER, "a"));
}

Test(alias_index, an_alias_moves_in_one_build) {
  put("a", "1", "x", NULL);
  put("b", "1", "y", NULL);
  build();
  put("a", "1", "y", NULL);
  put("b", "1", "x", NULL);
  build();
  cr_assert_str_eq(find("x"), "b");
  cr_assert_str_eq(find("y"), "a");
  drop("b");
  put("x", "1", NULL, NULL);
  build();
  cr_assert_str_eq(find("x"), "x");
}

Test(alias_index, the_own_name_is_no_clash) {
  put("a", "1", "a", "x");
  build();
  cr_assert_str_eq(find("a"), "a");
  cr_assert_str_eq(find("x"), "a");
}

Test(alias_index, two_new_ones_clash) {
  put("a", "1", "x", NULL);
  put("b", "1", "x", NULL);
  clash("x");
  put("b", "1", "y", NULL);
  build();
}

Test(alias_index, a_new_one_and_one_that_stays_clash) {
  put("a", "1", "x", NULL);
  build();
  put("b", "1", "w", "x");
  clash("x");
  drop("a");
  build();
  cr_assert_str_eq(find("x"), "b");
}

Test(alias_index, alias_and_name_clash_whichever_came_first) {
  put("a", "1", "b", NULL);
  build();
  put("b", "1", NULL, NULL);
  clash("b");
  drop("b");
  put("c", "1", NULL, NULL);
  build();
  put("d", "1", "c", NULL);
  clash("c");
}

Test(alias_index, alias_and_name_of_the_same_build_clash) {
  put("a", "1", "b", NULL);
  put("b", "1", NULL, NULL);
  clash("b");
}

Test(alias_index, another_type_is_another_matter) {
  egress_resource *endpoints;
  put("a", "1", "x", NULL);
  cr_assert_eq(egress_resource_new(&endpoints, EGRESS_TYPE_ENDPOINT, "x", NULL, 0, NULL), 0);
  cr_assert_eq(egress_snapshot_builder_put(builder, endpoints), 0);
  egress_resource_unref(endpoints);
  build();
}

/* The cost of a change follows the change: all but the chunks that it falls into is shared. */
Test(alias_index, most_of_an_index_is_shared) {
  char name[16], alias[16];
  for (int i = 0; i < MANY; i++) {
    snprintf(name, sizeof name, "n%04d", i);
    snprintf(alias, sizeof alias, "a%04d", i);
    put(name, "1", alias, NULL);
  }
  build();
  egress_snapshot *before = egress_snapshot_ref(snap);
  const egress__type_set *old = egress__snapshot_type(before, EGRESS_TYPE_CLUSTER)->aliases;
  put("n0500", "2", "a0500", NULL);
  build();
  const egress__type_set *index = egress__snapshot_type(snap, EGRESS_TYPE_CLUSTER)->aliases;
  size_t shared = 0;
  cr_assert_eq(index->count, MANY);
  for (size_t i = 0; i < index->chunks.count; i++)
    for (size_t j = 0; j < old->chunks.count; j++)
      shared += index->chunks.items[i].chunk == old->chunks.items[j].chunk;
  cr_assert_eq(shared, index->chunks.count - 1);
  egress_snapshot_unref(before);
}

/* A change of what has no alias leaves the index itself. */
Test(alias_index, the_same_index_when_no_alias_changes) {
  put("a", "1", "x", NULL);
  build();
  const egress__type_set *index = egress__snapshot_type(snap, EGRESS_TYPE_CLUSTER)->aliases;
  put("b", "1", NULL, NULL);
  build();
  cr_assert_eq(egress__snapshot_type(snap, EGRESS_TYPE_CLUSTER)->aliases, index);
}
