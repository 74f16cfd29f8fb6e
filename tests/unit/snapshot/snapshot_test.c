#include <criterion/criterion.h>

#include <egress/error.h>

#include "snapshot/snapshot.h"

static egress_snapshot *empty(void) {
  egress_snapshot_builder *builder;
  egress_snapshot *snap;
  cr_assert_eq(egress_snapshot_builder_new(&builder, NULL, NULL), 0);
  cr_assert_eq(egress_snapshot_builder_build(&snap, builder), 0);
  egress_snapshot_builder_free(builder);
  return snap;
}

static void count_release(void *attachment) {
  ++*(int *)attachment;
}

Test(snapshot, attachment_is_released_once_with_the_last_reference) {
  int released = 0;
  egress_snapshot *snap = empty();
  cr_assert_eq(egress__snapshot_attachment(snap), NULL);
  egress__snapshot_attach(snap, &released, count_release);
  cr_assert_eq(egress__snapshot_attachment(snap), &released);
  cr_assert_eq(egress_snapshot_ref(snap), snap);
  egress_snapshot_unref(snap);
  cr_assert_eq(released, 0);
  egress_snapshot_unref(snap);
  cr_assert_eq(released, 1);
}

Test(snapshot, attachment_is_not_inherited) {
  int released = 0;
  egress_snapshot *base = empty(), *snap;
  egress__snapshot_attach(base, &released, count_release);
  egress_snapshot_builder *builder;
  cr_assert_eq(egress_snapshot_builder_new(&builder, base, NULL), 0);
  cr_assert_eq(egress_snapshot_builder_build(&snap, builder), 0);
  egress_snapshot_builder_free(builder);
  cr_assert_eq(egress__snapshot_attachment(snap), NULL);
  egress_snapshot_unref(base);
  cr_assert_eq(released, 1);
  egress_snapshot_unref(snap);
  cr_assert_eq(released, 1);
}

Test(snapshot, null_is_empty) {
  cr_assert_eq(egress_snapshot_ref(NULL), NULL);
  egress_snapshot_unref(NULL);
  cr_assert_eq(egress_snapshot_type_count(NULL), 0);
  cr_assert_eq(egress_snapshot_type_url(NULL, 0), NULL);
  cr_assert_eq(egress_snapshot_count(NULL, EGRESS_TYPE_CLUSTER), 0);
  cr_assert_eq(egress_snapshot_at(NULL, EGRESS_TYPE_CLUSTER, 0), NULL);
  cr_assert_eq(egress_snapshot_find(NULL, EGRESS_TYPE_CLUSTER, "a"), NULL);
  cr_assert_eq(egress__snapshot_attachment(NULL), NULL);
  egress_snapshot *snap = empty();
  cr_assert_eq(egress_snapshot_count(snap, NULL), 0);
  cr_assert_eq(egress_snapshot_find(snap, EGRESS_TYPE_CLUSTER, NULL), NULL);
  egress_snapshot_unref(snap);
}

/* A set may outlive the snapshot that it was found in. */
Test(snapshot, type_set_by_reference) {
  egress_resource *r;
  cr_assert_eq(egress_resource_new(&r, "t", "a", NULL, 0, NULL), 0);
  egress_snapshot_builder *builder;
  egress_snapshot *snap;
  cr_assert_eq(egress_snapshot_builder_new(&builder, NULL, NULL), 0);
  cr_assert_eq(egress_snapshot_builder_put(builder, r), 0);
  cr_assert_eq(egress_snapshot_builder_build(&snap, builder), 0);
  egress_snapshot_builder_free(builder);
  const egress__type_set *set = egress__type_set_ref(egress__snapshot_type(snap, "t"));
  egress_snapshot_unref(snap);
  egress_resource_unref(r);
  cr_assert_str_eq(set->type_url, "t");
  cr_assert_str_eq(egress_resource_name(egress__type_set_find(set, "a")), "a");
  cr_assert_eq(egress__type_set_find(set, "b"), NULL);
  cr_assert_eq(egress__type_set_find(NULL, "a"), NULL);
  egress__type_set_unref(set);
  egress__type_set_unref(NULL);
}
