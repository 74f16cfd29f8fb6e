#include <criterion/criterion.h>
#include <string.h>

#include "resource/schema.h"

static const egress__schema_message *message(const char *name) {
  const egress__schema_message *found = egress__schema_message_find(name, strlen(name));
  cr_assert_neq(found, NULL, "%s", name);
  return found;
}

/* Numbers and names as in cluster.proto. */
Test(schema, fields_by_number_and_by_both_names) {
  const egress__schema_message *cluster = message("envoy.config.cluster.v3.Cluster");
  const egress__schema_field *timeout = egress__schema_field_by_number(cluster, 4);
  cr_assert_neq(timeout, NULL);
  cr_assert_str_eq(egress__schema_text(timeout->name), "connect_timeout");
  cr_assert_str_eq(egress__schema_text(timeout->json_name), "connectTimeout");
  cr_assert_eq(timeout->flags, EGRESS__SCHEMA_PRESENCE);
  cr_assert_eq(egress__schema_field_message(timeout), message("google.protobuf.Duration"));
  cr_assert_eq(egress__schema_field_by_name(cluster, "connect_timeout", 15), timeout);
  cr_assert_eq(egress__schema_field_by_name(cluster, "connectTimeout", 14), timeout);
  cr_assert_eq(egress__schema_field_by_name(cluster, "connectTimeout", 13), NULL);
  cr_assert_eq(egress__schema_field_by_name(cluster, "connectTimeout", 15), NULL);
  cr_assert_eq(egress__schema_field_by_number(cluster, 5000), NULL);
  cr_assert_eq(egress__schema_field_by_number(cluster, 0), NULL);
}

Test(schema, marks_maps_and_oneofs) {
  const egress__schema_message *structure = message("google.protobuf.Struct");
  const egress__schema_field *fields = egress__schema_field_by_number(structure, 1);
  cr_assert_eq(structure->kind, EGRESS__SCHEMA_STRUCT);
  cr_assert_eq(fields->flags, EGRESS__SCHEMA_REPEATED | EGRESS__SCHEMA_MAP);
  cr_assert_eq(egress__schema_field_message(fields)->kind, EGRESS__SCHEMA_MAP_ENTRY);
  const egress__schema_message *cluster = message("envoy.config.cluster.v3.Cluster");
  const egress__schema_field *type = egress__schema_field_by_number(cluster, 2);
  const egress__schema_field *cluster_type = egress__schema_field_by_number(cluster, 38);
  cr_assert_neq(type->oneof, 0);
  cr_assert_eq(type->oneof, cluster_type->oneof);
  cr_assert_eq(egress__schema_field_by_number(cluster, 1)->oneof, 0);
  cr_assert_eq(egress__schema_field_by_number(cluster, 1)->flags, 0);
}

Test(schema, enums) {
  const egress__schema_field *type = egress__schema_field_by_number(message("envoy.config.cluster.v3.Cluster"), 2);
  const egress__schema_enum *discovery = egress__schema_field_enum(type);
  cr_assert_str_eq(egress__schema_text(discovery->name), "envoy.config.cluster.v3.Cluster.DiscoveryType");
  cr_assert_str_eq(egress__schema_text(egress__schema_value_by_number(discovery, 3)->name), "EDS");
  cr_assert_eq(egress__schema_value_by_number(discovery, 99), NULL);
  cr_assert_eq(egress__schema_value_by_number(discovery, -1), NULL);
  cr_assert_eq(egress__schema_value_by_name(discovery, "LOGICAL_DNS", 11)->number, 2);
  cr_assert_eq(egress__schema_value_by_name(discovery, "LOGICAL", 7), NULL);
}

Test(schema, type_url_names_what_follows_the_last_slash) {
  static const char url[] = "type.googleapis.com/google.protobuf.Any";
  cr_assert_eq(egress__schema_message_of_url(url, sizeof url - 1), message("google.protobuf.Any"));
  cr_assert_eq(egress__schema_message_of_url(url, sizeof url - 2), NULL);
  cr_assert_eq(egress__schema_message_of_url(url, sizeof url), NULL); /* a NUL is part of no name */
  cr_assert_eq(egress__schema_message_of_url("a/b/google.protobuf.Any", 23), message("google.protobuf.Any"));
  cr_assert_eq(egress__schema_message_of_url("google.protobuf.Any", 19), message("google.protobuf.Any"));
  cr_assert_eq(egress__schema_message_of_url("google.protobuf.Any/", 20), NULL);
  cr_assert_eq(egress__schema_message_of_url("", 0), NULL);
}

/* What the searches rely on. */
Test(schema, tables_are_in_order_and_in_range) {
  size_t next_field = 0, next_value = 0;
  cr_assert_gt(egress__schema_message_count, 1900);
  for (size_t i = 0; i < egress__schema_message_count; i++) {
    const egress__schema_message *m = &egress__schema_messages[i];
    if (i > 0 && strcmp(egress__schema_text(m[-1].name), egress__schema_text(m->name)) >= 0)
      cr_assert_fail("%s is out of order", egress__schema_text(m->name));
    if (m->first_field != next_field)
      cr_assert_fail("fields of %s", egress__schema_text(m->name));
    next_field += m->field_count;
    for (size_t j = 1; j < m->field_count; j++)
      if (egress__schema_fields[m->first_field + j - 1].number >= egress__schema_fields[m->first_field + j].number)
        cr_assert_fail("field %zu of %s", j, egress__schema_text(m->name));
  }
  cr_assert_eq(next_field, egress__schema_field_count);
  for (size_t i = 0; i < egress__schema_field_count; i++) {
    const egress__schema_field *f = &egress__schema_fields[i];
    if ((f->type == EGRESS__SCHEMA_MESSAGE && f->target >= egress__schema_message_count) ||
        (f->type == EGRESS__SCHEMA_ENUM && f->target >= egress__schema_enum_count) || f->oneof > EGRESS__SCHEMA_ONEOFS)
      cr_assert_fail("field %zu, %s", i, egress__schema_text(f->name));
  }
  for (size_t i = 0; i < egress__schema_enum_count; i++) {
    cr_assert_eq(egress__schema_enums[i].first_value, next_value);
    next_value += egress__schema_enums[i].value_count;
  }
  cr_assert_eq(next_value, egress__schema_value_count);
}
