#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#include <egress/error.h>

#include "snapshot/snapshot.h"

static const char cluster[] = EGRESS_TYPE_CLUSTER;
static const char listener[] = EGRESS_TYPE_LISTENER;

/* `text` becomes field 1, so that resources of one name may differ. */
static egress_resource *make(const char *type_url, const char *name, const char *text) {
  uint8_t bytes[64];
  uint8_t *end = egress__put_bytes(bytes, 1, text, strlen(text));
  egress_resource *r;
  cr_assert_eq(egress_resource_new(&r, type_url, name, bytes, (size_t)(end - bytes), NULL), 0);
  return r;
}

static void put(egress_snapshot_builder *builder, const char *type_url, const char *name, const char *text) {
  egress_resource *r = make(type_url, name, text);
  cr_assert_eq(egress_snapshot_builder_put(builder, r), 0);
  egress_resource_unref(r);
}

static egress_snapshot_builder *start(egress_snapshot *base) {
  egress_snapshot_builder *builder;
  cr_assert_eq(egress_snapshot_builder_new(&builder, base, NULL), 0);
  return builder;
}

static egress_snapshot *build(egress_snapshot_builder *builder) {
  egress_snapshot *snap;
  cr_assert_eq(egress_snapshot_builder_build(&snap, builder), 0);
  return snap;
}

/* Clusters a, b, c and listener l. */
static egress_snapshot *base_snapshot(void) {
  egress_snapshot_builder *builder = start(NULL);
  put(builder, cluster, "c", "1");
  put(builder, cluster, "a", "1");
  put(builder, listener, "l", "1");
  put(builder, cluster, "b", "1");
  egress_snapshot *snap = build(builder);
  egress_snapshot_builder_free(builder);
  return snap;
}

static void expect_names(const egress_snapshot *snap, const char *type_url, const char *names) {
  size_t count = strlen(names);
  cr_assert_eq(egress_snapshot_count(snap, type_url), count);
  for (size_t i = 0; i < count; i++) {
    const char *name = egress_resource_name(egress_snapshot_at(snap, type_url, i));
    cr_assert(name[0] == names[i] && name[1] == '\0', "item %zu is %s, expected %c", i, name, names[i]);
  }
  cr_assert_eq(egress_snapshot_at(snap, type_url, count), NULL);
}

Test(builder, sorts_types_and_names) {
  egress_snapshot *snap = base_snapshot();
  cr_assert_eq(egress_snapshot_type_count(snap), 2);
  cr_assert_str_eq(egress_snapshot_type_url(snap, 0), cluster);
  cr_assert_str_eq(egress_snapshot_type_url(snap, 1), listener);
  cr_assert_eq(egress_snapshot_type_url(snap, 2), NULL);
  expect_names(snap, cluster, "abc");
  expect_names(snap, listener, "l");
  egress_snapshot_unref(snap);
}

Test(builder, finds_by_name) {
  egress_snapshot *snap = base_snapshot();
  cr_assert_eq(egress_snapshot_find(snap, cluster, "b"), egress_snapshot_at(snap, cluster, 1));
  cr_assert_eq(egress_snapshot_find(snap, cluster, "bb"), NULL);
  cr_assert_eq(egress_snapshot_find(snap, cluster, ""), NULL);
  cr_assert_eq(egress_snapshot_find(snap, EGRESS_TYPE_ROUTE, "b"), NULL);
  egress_snapshot_unref(snap);
}

Test(builder, change_touches_only_what_it_must) {
  egress_snapshot *base = base_snapshot();
  egress_snapshot_builder *builder = start(base);
  put(builder, cluster, "b", "2");
  put(builder, cluster, "d", "1");
  put(builder, cluster, "0", "1");
  cr_assert_eq(egress_snapshot_builder_remove(builder, cluster, "a"), 0);
  egress_snapshot *snap = build(builder);
  egress_snapshot_builder_free(builder);

  expect_names(base, cluster, "abc");
  expect_names(snap, cluster, "0bcd");
  cr_assert_eq(egress__snapshot_type(snap, listener), egress__snapshot_type(base, listener));
  cr_assert_eq(egress_snapshot_find(snap, cluster, "c"), egress_snapshot_find(base, cluster, "c"));
  cr_assert_neq(egress_snapshot_find(snap, cluster, "b"), egress_snapshot_find(base, cluster, "b"));
  cr_assert_str_neq(egress_snapshot_type_version(snap, cluster), egress_snapshot_type_version(base, cluster));
  egress_snapshot_unref(base);
  egress_snapshot_unref(snap);
}

/* Equal content from another pack, or a change taken back, is no change, and that shows in the addresses. */
Test(builder, equal_content_is_the_same_set) {
  egress_snapshot *base = base_snapshot();
  egress_snapshot_builder *builder = start(base);
  put(builder, cluster, "b", "2");
  put(builder, cluster, "b", "1");
  put(builder, cluster, "d", "1");
  cr_assert_eq(egress_snapshot_builder_remove(builder, cluster, "d"), 0);
  egress_snapshot *snap = build(builder);
  egress_snapshot_builder_free(builder);
  cr_assert_eq(egress__snapshot_type(snap, cluster), egress__snapshot_type(base, cluster));
  egress_snapshot_unref(base);
  egress_snapshot_unref(snap);
}

Test(builder, equal_item_of_a_changed_set_is_the_same_item) {
  egress_snapshot *base = base_snapshot();
  egress_snapshot_builder *builder = start(base);
  put(builder, cluster, "a", "1");
  put(builder, cluster, "b", "2");
  egress_snapshot *snap = build(builder);
  egress_snapshot_builder_free(builder);
  cr_assert_eq(egress_snapshot_find(snap, cluster, "a"), egress_snapshot_find(base, cluster, "a"));
  egress_snapshot_unref(base);
  egress_snapshot_unref(snap);
}

Test(builder, version_is_of_the_set_however_it_came_about) {
  egress_snapshot *base = base_snapshot();
  egress_snapshot_builder *builder = start(NULL);
  put(builder, cluster, "x", "1");
  put(builder, cluster, "b", "1");
  egress_snapshot *first = build(builder);
  put(builder, cluster, "c", "1");
  put(builder, cluster, "a", "1");
  cr_assert_eq(egress_snapshot_builder_remove(builder, cluster, "x"), 0);
  egress_snapshot *second = build(builder); /* starts from the first */
  egress_snapshot_builder_free(builder);

  expect_names(first, cluster, "bx");
  cr_assert_str_neq(egress_snapshot_type_version(first, cluster), egress_snapshot_type_version(base, cluster));
  cr_assert_str_eq(egress_snapshot_type_version(second, cluster), egress_snapshot_type_version(base, cluster));
  cr_assert_eq(strlen(egress_snapshot_type_version(base, cluster)), 32);
  egress_snapshot_unref(base);
  egress_snapshot_unref(first);
  egress_snapshot_unref(second);
}

Test(builder, type_without_resources_disappears) {
  egress_snapshot *base = base_snapshot();
  egress_snapshot_builder *builder = start(base);
  cr_assert_eq(egress_snapshot_builder_remove(builder, listener, "l"), 0);
  egress_snapshot *snap = build(builder);
  egress_snapshot_builder_free(builder);
  cr_assert_eq(egress_snapshot_type_count(snap), 1);
  cr_assert_eq(egress_snapshot_count(snap, listener), 0);
  cr_assert_eq(egress__snapshot_type(snap, listener), NULL);
  cr_assert_str_eq(egress_snapshot_type_version(snap, listener), egress_snapshot_type_version(NULL, cluster));
  cr_assert_str_eq(egress_snapshot_type_version(snap, listener), "00000000000000000000000000000000");
  egress_snapshot_unref(base);
  egress_snapshot_unref(snap);
}

Test(builder, removes_only_what_is_there) {
  egress_snapshot *base = base_snapshot();
  egress_snapshot_builder *builder = start(base);
  cr_assert_eq(egress_snapshot_builder_remove(builder, cluster, "z"), EGRESS_ENOENT);
  cr_assert_eq(egress_snapshot_builder_remove(builder, "t", "a"), EGRESS_ENOENT);
  cr_assert_eq(egress_snapshot_builder_remove(builder, cluster, "a"), 0);
  cr_assert_eq(egress_snapshot_builder_remove(builder, cluster, "a"), EGRESS_ENOENT);
  put(builder, cluster, "a", "2");
  cr_assert_eq(egress_snapshot_builder_remove(builder, cluster, "a"), 0);
  put(builder, cluster, "n", "1");
  cr_assert_eq(egress_snapshot_builder_remove(builder, cluster, "n"), 0);
  cr_assert_eq(egress_snapshot_builder_remove(builder, cluster, "n"), EGRESS_ENOENT);
  egress_snapshot *snap = build(builder);
  expect_names(snap, cluster, "bc");
  cr_assert_eq(egress_snapshot_builder_remove(builder, cluster, "a"), EGRESS_ENOENT);
  egress_snapshot_builder_free(builder);
  egress_snapshot_unref(base);
  egress_snapshot_unref(snap);
}

/* A replaced resource may go, and its name with it, while the builder still knows the name. */
Test(builder, replacing_many_times_keeps_the_last) {
  egress_snapshot_builder *builder = start(NULL);
  for (int i = 0; i < 100; i++) {
    char text[16];
    snprintf(text, sizeof text, "%d", i);
    put(builder, cluster, "a", text);
    put(builder, cluster, "b", "1");
  }
  egress_resource *last = make(cluster, "a", "99");
  egress_snapshot *snap = build(builder);
  egress_snapshot_builder_free(builder);
  expect_names(snap, cluster, "ab");
  cr_assert_str_eq(egress_resource_version(egress_snapshot_at(snap, cluster, 0)), egress_resource_version(last));
  egress_resource_unref(last);
  egress_snapshot_unref(snap);
}

/* ---- Labels. ---- */

static const char route[] = EGRESS_TYPE_ROUTE;

static void label(egress_snapshot_builder *builder, const char *type_url, const char *text) {
  cr_assert_eq(egress_snapshot_builder_set_label(builder, type_url, text), 0);
}

static void expect_label(const egress_snapshot *snap, const char *type_url, const char *text) {
  if (text == NULL)
    text = egress_snapshot_type_version(snap, type_url);
  cr_assert_str_eq(egress_snapshot_type_label(snap, type_url), text);
}

/* Clusters a, b, c and listener l, labelled as the builder says. */
static egress_snapshot *labelled(const char *all, const char *clusters) {
  egress_snapshot *plain = base_snapshot();
  egress_snapshot_builder *builder = start(plain);
  if (clusters != NULL)
    label(builder, cluster, clusters);
  if (all != NULL)
    label(builder, NULL, all);
  egress_snapshot *snap = build(builder);
  cr_assert_eq(egress__snapshot_type(snap, cluster), egress__snapshot_type(plain, cluster));
  egress_snapshot_builder_free(builder);
  egress_snapshot_unref(plain);
  return snap;
}

Test(builder, label_of_a_type_comes_before_that_of_all) {
  egress_snapshot *snap = labelled("v1", "c1");
  expect_label(snap, cluster, "c1");
  expect_label(snap, listener, "v1");
  expect_label(snap, route, "v1"); /* has no resources */
  cr_assert_eq(strlen(egress_snapshot_type_version(snap, cluster)), 32);
  egress_snapshot_unref(snap);
  snap = labelled(NULL, "c1");
  expect_label(snap, cluster, "c1");
  expect_label(snap, listener, NULL);
  egress_snapshot_unref(snap);
  snap = labelled(NULL, NULL);
  expect_label(snap, cluster, NULL);
  expect_label(NULL, cluster, NULL);
  egress_snapshot_unref(snap);
}

Test(builder, label_stays_until_the_content_changes) {
  egress_snapshot *base = labelled("v1", "c1");
  egress_snapshot_builder *builder = start(base);
  put(builder, listener, "l", "2");
  put(builder, cluster, "a", "1"); /* the same */
  egress_snapshot *snap = build(builder);
  expect_label(snap, cluster, "c1");
  expect_label(snap, listener, NULL);
  expect_label(snap, route, "v1");
  egress_snapshot_unref(snap);

  cr_assert_eq(egress_snapshot_builder_remove(builder, cluster, "a"), 0);
  put(builder, route, "r", "1");
  snap = build(builder);
  expect_label(snap, cluster, NULL);
  expect_label(snap, listener, NULL);
  expect_label(snap, route, NULL);
  expect_label(base, cluster, "c1");
  egress_snapshot_unref(snap);
  egress_snapshot_builder_free(builder);
  egress_snapshot_unref(base);
}

Test(builder, label_given_again_counts) {
  egress_snapshot *base = labelled("v1", "c1");
  egress_snapshot_builder *builder = start(base);
  put(builder, cluster, "a", "2");
  label(builder, cluster, "c2");
  label(builder, cluster, "c3");
  egress_snapshot *snap = build(builder);
  expect_label(snap, cluster, "c3");
  expect_label(snap, listener, "v1");
  egress_snapshot_unref(snap);

  label(builder, NULL, "v2"); /* also where the base says otherwise */
  snap = build(builder);
  expect_label(snap, cluster, "v2");
  expect_label(snap, listener, "v2");
  egress_snapshot_unref(snap);

  label(builder, listener, NULL);
  snap = build(builder);
  expect_label(snap, listener, NULL);
  expect_label(snap, cluster, "v2");
  egress_snapshot_unref(snap);

  label(builder, NULL, NULL);
  snap = build(builder);
  expect_label(snap, cluster, NULL);
  expect_label(snap, route, NULL);
  egress_snapshot_unref(snap);
  egress_snapshot_builder_free(builder);
  egress_snapshot_unref(base);
}

Test(builder, label_is_text_of_1_to_255_bytes) {
  egress_snapshot_builder *builder = start(NULL);
  char text[257];
  memset(text, 'v', sizeof text);
  text[256] = '\0';
  cr_assert_eq(egress_snapshot_builder_set_label(builder, cluster, text), EGRESS_EINVAL);
  text[255] = '\0';
  cr_assert_eq(egress_snapshot_builder_set_label(builder, cluster, text), 0);
  cr_assert_eq(egress_snapshot_builder_set_label(builder, cluster, ""), EGRESS_EINVAL);
  cr_assert_eq(egress_snapshot_builder_set_label(builder, cluster, "\xff"), EGRESS_EINVAL);
  cr_assert_eq(egress_snapshot_builder_set_label(builder, "", "v"), EGRESS_EINVAL);
  cr_assert_eq(egress_snapshot_builder_set_label(NULL, cluster, "v"), EGRESS_EINVAL);
  egress_snapshot *snap = build(builder);
  expect_label(snap, cluster, text);
  egress_snapshot_unref(snap);
  egress_snapshot_builder_free(builder);
}

Test(builder, empty) {
  egress_snapshot_builder *builder = start(NULL);
  egress_snapshot *snap = build(builder);
  cr_assert_eq(egress_snapshot_type_count(snap), 0);
  cr_assert_eq(egress_snapshot_type_url(snap, 0), NULL);
  egress_snapshot_unref(snap);
  egress_snapshot_builder_free(builder);
}

Test(builder, refuses_null) {
  egress_snapshot_builder *builder = start(NULL);
  egress_resource *r = make(cluster, "a", "1");
  egress_snapshot *snap;
  cr_assert_eq(egress_snapshot_builder_new(NULL, NULL, NULL), EGRESS_EINVAL);
  cr_assert_eq(egress_snapshot_builder_put(NULL, r), EGRESS_EINVAL);
  cr_assert_eq(egress_snapshot_builder_put(builder, NULL), EGRESS_EINVAL);
  cr_assert_eq(egress_snapshot_builder_remove(builder, NULL, "a"), EGRESS_EINVAL);
  cr_assert_eq(egress_snapshot_builder_remove(builder, cluster, NULL), EGRESS_EINVAL);
  cr_assert_eq(egress_snapshot_builder_build(NULL, builder), EGRESS_EINVAL);
  cr_assert_eq(egress_snapshot_builder_build(&snap, NULL), EGRESS_EINVAL);
  egress_snapshot_builder_free(NULL);
  egress_snapshot_builder_free(builder);
  egress_resource_unref(r);
}
