/* What a reference is: the two reports have to mean the same. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#include <egress/snapshot.h>

#include "base/protowire.h"
#include "resource/schema.h"
#include "snapshot/reference.h"

static const egress__schema_message *message_of(const egress__reference *row) {
  return egress__schema_message_find(row->message, strlen(row->message));
}

static const egress__schema_field *field_of(const egress__reference *row, const char *name) {
  return egress__schema_field_by_name(message_of(row), name, strlen(name));
}

Test(reference, all_are_in_the_API) {
  for (size_t i = 0; i < EGRESS__REFERENCE_COUNT; i++) {
    const egress__reference *row = &egress__references[i];
    cr_assert_not_null(message_of(row), "%s", row->message);
    const egress__schema_field *field = field_of(row, row->field);
    cr_assert_not_null(field, "%s of %s", row->field, row->message);
    cr_assert_eq(field->type, EGRESS__SCHEMA_STRING);
    cr_assert(row->with == NULL || field_of(row, row->with) != NULL, "%s of %s", row->with, row->message);
  }
}

static void put(egress_snapshot_builder *builder, const char *type_url, const char *name, const void *bytes,
                size_t size) {
  egress_resource *made;
  cr_assert_eq(egress_resource_new(&made, type_url, name, bytes, size, NULL), 0);
  cr_assert_eq(egress_snapshot_builder_put(builder, made), 0);
  egress_resource_unref(made);
}

/* A message with a reference, taken for a resource. */
static void put_referrer(egress_snapshot_builder *builder, const egress__reference *row) {
  char type_url[256];
  uint8_t bytes[64], *to = egress__put_bytes(bytes, field_of(row, row->field)->number, "named", strlen("named"));
  if (row->with != NULL)
    to = egress__put_bytes(to, field_of(row, row->with)->number, "", 0);
  snprintf(type_url, sizeof type_url, "type.googleapis.com/%s", row->message);
  put(builder, type_url, "referrer", bytes, (size_t)(to - bytes));
}

/* How many references of what was put so far dangle, and how many resources nobody uses. */
static void count(size_t *dangling, size_t *unused, egress_snapshot_builder *builder, egress__target to) {
  egress_snapshot *snap, *found;
  egress_dangling *report;
  cr_assert_eq(egress_snapshot_builder_build(&snap, builder), 0);
  cr_assert_eq(egress_snapshot_dangling(&report, snap), 0);
  cr_assert_eq(egress_snapshot_unused(&found, snap), 0);
  *dangling = egress_dangling_count(report);
  cr_assert(*dangling == 0 || strcmp(egress_dangling_type_url(report, 0), egress__target_urls[to]) == 0);
  *unused = egress_snapshot_count(found, egress__target_urls[to]);
  egress_dangling_free(report);
  egress_snapshot_unref(found);
  egress_snapshot_unref(snap);
}

Test(reference, what_dangles_when_it_is_not_there_is_used_when_it_is) {
  for (size_t i = 0; i < EGRESS__REFERENCE_COUNT; i++) {
    const egress__reference *row = &egress__references[i];
    egress_snapshot_builder *builder;
    size_t dangling, unused;
    cr_assert_eq(egress_snapshot_builder_new(&builder, NULL, NULL), 0);
    put_referrer(builder, row);
    count(&dangling, &unused, builder, row->to);
    cr_assert_eq(dangling, 1, "%s", row->message);
    put(builder, egress__target_urls[row->to], "named", "", 0);
    count(&dangling, &unused, builder, row->to);
    cr_assert_eq(dangling, 0, "%s", row->message);
    cr_assert_eq(unused, 0, "%s", row->message);
    egress_snapshot_builder_free(builder);
  }
}
