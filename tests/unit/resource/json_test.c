#include "print.h"

#include <stdlib.h>

#include "base/protowire.h"
#include "resource/json.h"

/* Fields of Cluster: name 1, type 2 (EDS is 3), eds_cluster_config 3 (service_name 2), connect_timeout 4,
   cluster_type 38 (name 1; in a oneof with type), alt_stat_name 28, per_connection_buffer_limit_bytes 5 (UInt32Value).
 */
static const char cluster[] = "envoy.config.cluster.v3.Cluster";

Test(json, empty_message) {
  EXPECT_JSON("envoy.config.cluster.v3.Cluster", "", "");
  EXPECT_JSON("google.protobuf.Empty", "", "");
}

Test(json, members_stand_by_number_and_carry_json_names) {
  EXPECT_JSON(cluster,
              "\xe2\x01\x01"
              "s"
              "\x22\x02\x08\x01"
              "\x0a\x01"
              "n"
              "\x10\x03"
              "\x2a\x02\x08\x07",
              ",\n  \"name\": \"n\""
              ",\n  \"type\": \"EDS\""
              ",\n  \"connectTimeout\": \"1s\""
              ",\n  \"perConnectionBufferLimitBytes\": 7"
              ",\n  \"altStatName\": \"s\"");
}

Test(json, unknown_fields_and_fields_of_another_wire_type_are_left_out) {
  EXPECT_JSON(cluster,
              "\x0a\x01"
              "n"
              "\xc0\xbb\x78\x05"
              "\x08\x05"
              "\x12\x00",
              ",\n  \"name\": \"n\"");
}

Test(json, unknown_enum_value_is_its_number) {
  EXPECT_JSON(cluster, "\x10\x63", ",\n  \"type\": 99");
  EXPECT_JSON(cluster, "\x10\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01", ",\n  \"type\": -1");
}

Test(json, last_of_a_singular_field_counts) {
  EXPECT_JSON(cluster,
              "\x0a\x01"
              "a"
              "\x0a\x01"
              "b",
              ",\n  \"name\": \"b\"");
  EXPECT_JSON(cluster,
              "\x0a\x01"
              "a"
              "\x0a\x00",
              "");
}

/* The first occurrence sets the seconds, the second the nanoseconds. */
Test(json, singular_messages_merge) {
  EXPECT_JSON(cluster,
              "\x22\x02\x08\x01"
              "\x0a\x01"
              "n"
              "\x22\x06\x10\x80\xca\xb5\xee\x01",
              ",\n  \"name\": \"n\",\n  \"connectTimeout\": \"1.500s\"");
}

Test(json, oneof_holds_the_last_member) {
  EXPECT_JSON(cluster,
              "\x10\x03"
              "\xb2\x02\x03\x0a\x01"
              "x",
              ",\n  \"clusterType\": {\n    \"name\": \"x\"\n  }");
  EXPECT_JSON(cluster,
              "\xb2\x02\x03\x0a\x01"
              "x"
              "\x10\x00",
              ",\n  \"type\": \"STATIC\"");
}

Test(json, unset_and_default_are_told_apart_where_presence_is_kept) {
  EXPECT_JSON(cluster, "\x0a\x00", "");                                          /* string */
  EXPECT_JSON(cluster, "\x2a\x00", ",\n  \"perConnectionBufferLimitBytes\": 0"); /* message */
}

/* RetryPolicy.retriable_status_codes (7) is repeated uint32. */
Test(json, repeated_numbers_packed_and_not) {
  static const char retry[] = "envoy.config.route.v3.RetryPolicy";
  EXPECT_JSON(retry,
              "\x38\x05"
              "\x3a\x03\x06\xac\x02"
              "\x38\x07",
              ",\n  \"retriableStatusCodes\": [\n    5,\n    6,\n    300,\n    7\n  ]");
  EXPECT_JSON(retry, "\x3a\x00", "");
  EXPECT_JSON(retry, "\x38\x00", ",\n  \"retriableStatusCodes\": [\n    0\n  ]");
  EXPECT_CODE(retry, "\x3a\x01\x80", EGRESS_EWIRE);
}

/* Metadata.filter_metadata (1) is map<string, Struct>. */
Test(json, maps_keep_the_last_of_a_key) {
  static const char metadata[] = "envoy.config.core.v3.Metadata";
  EXPECT_JSON(metadata,
              "\x0a\x05\x0a\x01"
              "a"
              "\x12\x00"
              "\x0a\x03\x0a\x01"
              "b"
              "\x0a\x0c\x0a\x01"
              "a"
              "\x12\x07\x0a\x05\x0a\x01"
              "k"
              "\x12\x00",
              ",\n  \"filterMetadata\": {\n    \"b\": {},\n    \"a\": {\n      \"k\": null\n    }\n  }");
  EXPECT_JSON(metadata, "\x0a\x00", ",\n  \"filterMetadata\": {\n    \"\": {}\n  }");
}

/* SourceInfo.positions (4) is map<int64, int32>. */
Test(json, maps_with_numbers_for_keys) {
  static const char source[] = "google.api.expr.v1alpha1.SourceInfo";
  EXPECT_JSON(source,
              "\x22\x04\x08\x05\x10\x01"
              "\x22\x0b\x08\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01"
              "\x22\x04\x08\x05\x10\x02",
              ",\n  \"positions\": {\n    \"-1\": 0,\n    \"5\": 2\n  }");
}

/* More entries than the printer has room for at first; of each key the second counts. */
Test(json, maps_of_many_numbers) {
  uint8_t bytes[1024], *to = bytes;
  char expected[4096] = ",\n  \"positions\": {";
  for (uint8_t round = 1; round <= 2; round++)
    for (uint8_t key = 0; key < 50; key++)
      to = egress__put_bytes(to, 4, (uint8_t[]){0x08, key, 0x10, round}, 4);
  for (int key = 0; key < 50; key++)
    snprintf(expected + strlen(expected), 64, "%s\n    \"%d\": 2", key == 0 ? "" : ",", key);
  strcat(expected, "\n  }\n}");
  cr_assert_eq(print("google.api.expr.v1alpha1.SourceInfo", bytes, (size_t)(to - bytes), expected), 0);
}

Test(json, type_outside_the_api) {
  EXPECT_CODE("a.b.C", "", EGRESS_ENOENT);
}

Test(json, bad_bytes_inside) {
  EXPECT_CODE(cluster, "\x22\x02\x08\x80", EGRESS_EWIRE); /* a Duration that ends in a varint */
  EXPECT_CODE(cluster, "\x0a\x01\xff", EGRESS_EWIRE);     /* a name that is not UTF-8 */
  EXPECT_CODE("envoy.config.core.v3.Metadata",
              "\x0a\x01\x08"
              "\x0a\x01\x08",
              EGRESS_EWIRE);
}

/* ListValue (values 1) in Value (list_value 6), `levels` messages one in the other. */
static int print_nested(unsigned levels) {
  uint8_t bytes[1024], *to = bytes + sizeof bytes;
  size_t size = 0;
  for (unsigned i = 0; i + 1 < levels; i++) {
    uint8_t head[8];
    size_t head_size = (size_t)(egress__put_bytes_head(head, (levels - i) % 2 == 0 ? 1 : 6, size) - head);
    to -= head_size;
    memcpy(to, head, head_size);
    size += head_size;
  }
  egress_resource *r;
  egress_text *text = NULL;
  cr_assert_eq(egress_resource_new(&r, "/google.protobuf.ListValue", "n", to, size, NULL), 0);
  int rv = egress_resource_json(&text, r);
  egress_text_free(text);
  egress_resource_unref(r);
  return rv;
}

Test(json, bounds_the_nesting) {
  cr_assert_eq(print_nested(64), 0);
  cr_assert_eq(print_nested(65), EGRESS_ELIMIT);
  cr_assert_eq(print_nested(200), EGRESS_ELIMIT);
}

/* Empty LocalityLbEndpoints (2) of a ClusterLoadAssignment, two bytes each. */
Test(json, bounds_the_fields) {
  const size_t limit = (size_t)1 << 20;
  uint8_t *bytes = malloc(2 * limit);
  for (size_t i = 0; i < limit; i++)
    memcpy(bytes + 2 * i, "\x12", 2);
  egress_resource *r;
  egress_text *text = NULL;
  cr_assert_eq(egress_resource_new(&r, EGRESS_TYPE_ENDPOINT, "n", bytes, 2 * limit, NULL), 0);
  cr_assert_eq(egress_resource_json(&text, r), EGRESS_ELIMIT);
  cr_assert_eq(text, NULL);
  egress_resource_unref(r);
  free(bytes);
}

Test(json, refuses_null) {
  egress_text *text;
  egress_resource *r;
  cr_assert_eq(egress_resource_new(&r, EGRESS_TYPE_CLUSTER, "n", NULL, 0, NULL), 0);
  cr_assert_eq(egress_resource_json(NULL, r), EGRESS_EINVAL);
  cr_assert_eq(egress_resource_json(&text, NULL), EGRESS_EINVAL);
  egress_resource_unref(r);
}
