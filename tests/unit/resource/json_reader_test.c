#include "resource/json_reader.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <egress/error.h>
#include <egress/resource.h>

static char packed[4096];

/* Reads members of a message of `type` (`"value": …` for a well-known type); the diagnostics, if it is refused. */
static int read_members(const char *type, const char *members, size_t *size, char *said, size_t room) {
  char *text = malloc(strlen(type) + strlen(members) + 64);
  sprintf(text, "{%s%s\n\"@type\": \"t/%s\"}", members, members[0] == '\0' ? "" : ",", type);
  egress_resource_options options = EGRESS_RESOURCE_OPTIONS_INIT;
  options.name = "n";
  options.file = "f";
  egress_diag *diag = egress_diag_new(NULL);
  egress_resource *r = NULL;
  int rv = egress_resource_from_json(&r, text, strlen(text), &options, diag);
  cr_assert_eq(r != NULL, rv == 0);
  *size = egress_resource_size(r);
  if (rv == 0)
    memcpy(packed, egress_resource_bytes(r), *size);
  snprintf(said, room, "%s", egress_diag_text(diag));
  egress_resource_unref(r);
  egress_diag_free(diag);
  free(text);
  return rv;
}

static void expect_bytes(const char *type, const char *members, const char *bytes, size_t wanted) {
  char said[2048];
  size_t size;
  int rv = read_members(type, members, &size, said, sizeof said);
  cr_assert_eq(rv, 0, "%s: %s", members, said);
  cr_expect_eq(size, wanted, "%s: %zu bytes", members, size);
  cr_expect_eq(memcmp(packed, bytes, wanted), 0, "%s", members);
}

static void expect_fault(const char *type, const char *members, const char *wanted) {
  char said[2048];
  size_t size;
  int rv = read_members(type, members, &size, said, sizeof said);
  cr_expect_eq(rv, EGRESS_ERESOURCE, "%s: %s", members, egress_code_name(rv));
  cr_expect_str_eq(said, wanted, "%s\ngot %swanted %s", members, said, wanted);
}

#define EXPECT(type, members, bytes) expect_bytes((type), (members), "" bytes, sizeof(bytes) - 1)
#define VALUE(type, value, bytes) EXPECT("google.protobuf." type, "\"value\": " value, bytes)
#define REFUSE(type, value, wanted) \
  expect_fault("google.protobuf." type, "\"value\": " value, "f:1:11: error: `value` " wanted "\n")

static const char cluster[] = "envoy.config.cluster.v3.Cluster";

Test(json_reader, fields_by_number_under_both_names) {
  EXPECT(cluster, "\"alt_stat_name\": \"s\", \"connectTimeout\": \"1s\", \"name\": \"n\"",
         "\x0a\x01n"
         "\x22\x02\x08\x01"
         "\xe2\x01\x01s");
}

Test(json_reader, defaults_are_left_out_where_there_is_no_presence) {
  EXPECT(cluster,
         "\"name\": \"\", \"perConnectionBufferLimitBytes\": 0, \"lbPolicy\": \"ROUND_ROBIN\", \"filters\": []",
         "\x2a\x00");
  EXPECT(cluster, "\"type\": \"STATIC\"", "\x10\x00"); /* in a oneof */
}

Test(json_reader, null_is_unset) {
  EXPECT(cluster, "\"name\": null, \"connectTimeout\": null, \"type\": null, \"filters\": null, \"clusterType\": {}",
         "\xb2\x02\x00");
}

Test(json_reader, null_that_is_held) {
  EXPECT("google.api.expr.v1alpha1.Constant", "\"nullValue\": null", "\x08\x00");
}

Test(json_reader, oneof) {
  expect_fault(cluster, "\"type\": \"EDS\",\n\"clusterType\": {}",
               "f:2:1: error: `clusterType` cannot stand beside `type` on line 1: only one of them may be set\n");
}

Test(json_reader, both_names_of_a_field) {
  expect_fault(cluster, "\"connectTimeout\": \"1s\", \"connect_timeout\": \"1s\"",
               "f:1:26: error: `connect_timeout` is the same field as `connectTimeout` on line 1\n");
}

/* Proposed in the spelling that was tried. */
Test(json_reader, unknown_fields) {
  expect_fault(cluster, "\"connectTimeuot\": 1",
               "f:1:2: error: `connectTimeuot` is no field of envoy.config.cluster.v3.Cluster; did you mean "
               "`connectTimeout`?\n");
  expect_fault(cluster, "\"connect_timeuot\": 1",
               "f:1:2: error: `connect_timeuot` is no field of envoy.config.cluster.v3.Cluster; did you mean "
               "`connect_timeout`?\n");
  expect_fault(cluster, "\"zzz\": 1", "f:1:2: error: `zzz` is no field of envoy.config.cluster.v3.Cluster\n");
  expect_fault(cluster, "\"@type\\u0000\": 1",
               "f:1:2: error: `@type` is no field of envoy.config.cluster.v3.Cluster; did you mean `type`?\n");
}

Test(json_reader, paths) {
  expect_fault(
      cluster,
      "\"loadAssignment\": {\"endpoints\": [{}, {\"lbEndpoints\": [{\"metadata\": {\"filterMetadata\": "
      "{\"a.b\": 1}}}]}]}",
      "f:1:96: error: `loadAssignment.endpoints[1].lbEndpoints[0].metadata.filterMetadata[\"a.b\"]` must be an "
      "object, not 1\n");
}

Test(json_reader, lists) {
  static const char retry[] = "envoy.config.route.v3.RetryPolicy"; /* retriable_status_codes: 7, packed */
  EXPECT(retry, "\"retriableStatusCodes\": [0, 300, \"5\"]", "\x3a\x04\x00\xac\x02\x05");
  expect_fault(retry, "\"retriableStatusCodes\": 5", "f:1:26: error: `retriableStatusCodes` must be a list, not 5\n");
  expect_fault(retry, "\"retriableStatusCodes\": [1, null]",
               "f:1:30: error: `retriableStatusCodes[1]` is null, which cannot stand in a list\n");
}

/* SourceInfo.positions (4) is map<int64, int32>; Metadata.filter_metadata (1) is map<string, Struct>. */
Test(json_reader, map_entries_by_key) {
  EXPECT("google.api.expr.v1alpha1.SourceInfo", "\"positions\": {\"5\": 1, \"-1\": 0, \"1e1\": 2}",
         "\x22\x0d\x08\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01\x10\x00"
         "\x22\x04\x08\x05\x10\x01"
         "\x22\x04\x08\x0a\x10\x02");
  EXPECT("envoy.config.core.v3.Metadata", "\"filterMetadata\": {\"b\": {}, \"\": {}, \"ab\": {}, \"a\": {}}",
         "\x0a\x04\x0a\x00\x12\x00"
         "\x0a\x05\x0a\x01"
         "a\x12\x00"
         "\x0a\x06\x0a\x02"
         "ab\x12\x00"
         "\x0a\x05\x0a\x01"
         "b\x12\x00");
  expect_fault("google.api.expr.v1alpha1.SourceInfo", "\"positions\": {\"5\": 1, \"5.0\": 0}",
               "f:1:24: error: `positions` has the key `5.0` twice; it is already there as `5`\n");
  expect_fault("google.api.expr.v1alpha1.SourceInfo", "\"positions\": {\"x\": 1}",
               "f:1:16: error: `positions[\"x\"]` must be a whole number, not \"x\"\n");
}

Test(json_reader, integers) {
  VALUE("Int32Value", "\"-2147483648\"", "\x08\x80\x80\x80\x80\xf8\xff\xff\xff\xff\x01");
  VALUE("Int32Value", "1.0", "\x08\x01");
  VALUE("Int32Value", "1e3", "\x08\xe8\x07");
  VALUE("Int32Value", "\"25000e-3\"", "\x08\x19");
  VALUE("Int32Value", "0.5e1", "\x08\x05");
  VALUE("Int32Value", "10.20e2", "\x08\xfc\x07");
  VALUE("Int32Value", "-0", "");
  VALUE("UInt32Value", "-0.0e5", "");
  VALUE("Int32Value", "0e999999999999999999999", "");
  VALUE("UInt64Value", "18446744073709551615", "\x08\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01");
  VALUE("UInt64Value", "1844674407370955161.5e1", "\x08\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01");
  VALUE("Int64Value", "\"-9223372036854775808\"", "\x08\x80\x80\x80\x80\x80\x80\x80\x80\x80\x01");
  REFUSE("UInt64Value", "18446744073709551616", "must be from 0 to 18446744073709551615, not 18446744073709551616");
  REFUSE("Int64Value", "9223372036854775808",
         "must be from -9223372036854775808 to 9223372036854775807, not 9223372036854775808");
  REFUSE("Int32Value", "2147483648", "must be from -2147483648 to 2147483647, not 2147483648");
  REFUSE("Int32Value", "1e99999999999", "must be from -2147483648 to 2147483647, not 1e99999999999");
  REFUSE("UInt32Value", "-1", "must be from 0 to 4294967295, not -1");
  REFUSE("Int32Value", "1.5", "must be a whole number, not 1.5");
  REFUSE("Int32Value", "1e-1", "must be a whole number, not 1e-1");
  REFUSE("Int32Value", "\" 1\"", "must be a whole number, not \" 1\"");
  REFUSE("Int32Value", "\"0x10\"", "must be a whole number, not \"0x10\"");
  REFUSE("Int32Value", "true", "must be a whole number, not true");
}

Test(json_reader, reals) {
  VALUE("DoubleValue", "1.5", "\x09\x00\x00\x00\x00\x00\x00\xf8\x3f");
  VALUE("DoubleValue", "\"-0.25e1\"", "\x09\x00\x00\x00\x00\x00\x00\x04\xc0");
  VALUE("DoubleValue", "0.0", "");
  VALUE("DoubleValue", "-0.0", "\x09\x00\x00\x00\x00\x00\x00\x00\x80");
  VALUE("DoubleValue", "\"NaN\"", "\x09\x00\x00\x00\x00\x00\x00\xf8\x7f");
  VALUE("FloatValue", "\"-Infinity\"", "\x0d\x00\x00\x80\xff");
  VALUE("FloatValue", "3.4028235e+38", "\x0d\xff\xff\x7f\x7f");
  REFUSE("FloatValue", "3.5e38", "is larger than any number of its type: 3.5e38");
  REFUSE("DoubleValue", "1e400", "is larger than any number of its type: 1e400");
  REFUSE("DoubleValue", "\"inf\"", "must be a number, not \"inf\"");
  REFUSE("DoubleValue", "{}", "must be a number, not an object");
}

Test(json_reader, other_scalars) {
  VALUE("BoolValue", "true", "\x08\x01");
  VALUE("BoolValue", "false", "");
  REFUSE("BoolValue", "\"true\"", "must be true or false without quotes, not \"true\"");
  REFUSE("BoolValue", "1", "must be true or false without quotes, not 1");
  VALUE("StringValue", "\"a\\u0000\\/\\ud83c\\udfd4\"",
        "\x0a\x07"
        "a\0/\xf0\x9f\x8f\x94");
  REFUSE("StringValue", "null", "must be text, in quotes, not null");
  EXPECT(cluster, "\"type\": 3", "\x10\x03");
  EXPECT(cluster, "\"type\": -1", "\x10\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01");
  expect_fault(cluster, "\"type\": \"3\"",
               "f:1:10: error: `type` is \"3\", which is no value of envoy.config.cluster.v3.Cluster.DiscoveryType\n");
}

Test(json_reader, base64) {
  VALUE("BytesValue", "\"\"", "");
  VALUE("BytesValue", "\"aGk=\"", "\x0a\x02hi");
  VALUE("BytesValue", "\"aGk\"", "\x0a\x02hi");
  VALUE("BytesValue", "\"-_+/\"", "\x0a\x03\xfb\xff\xbf");
  REFUSE("BytesValue", "\"a\"", "must be bytes in base64, not \"a\"");
  REFUSE("BytesValue", "\"aGk==\"", "must be bytes in base64, not \"aGk==\"");
  REFUSE("BytesValue", "\"aG k\"", "must be bytes in base64, not \"aG k\"");
  REFUSE("BytesValue", "\"aG=k\"", "must be bytes in base64, not \"aG=k\"");
  REFUSE("BytesValue", "\"====\"", "must be bytes in base64, not \"====\"");
}

Test(json_reader, durations) {
  static const char bad[] = "must be a duration of up to ten thousand years such as \"1.5s\", not ";
  static const char *const refused[] = {
      "1", "s", "-s", ".5s", "1.s", "1.0000000001s", "+1s", "1s ", "1m", "1e3s", "315576000001s", "9999999999999s", ""};
  VALUE("Duration", "\"1.5s\"", "\x08\x01\x10\x80\xca\xb5\xee\x01");
  VALUE("Duration", "\"-0.000000001s\"", "\x10\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01");
  VALUE("Duration", "\"0s\"", "");
  for (size_t i = 0; i < sizeof refused / sizeof refused[0]; i++) {
    char value[64], wanted[256];
    sprintf(value, "\"value\": \"%s\"", refused[i]);
    sprintf(wanted, "f:1:11: error: `value` %s\"%s\"\n", bad, refused[i]);
    expect_fault("google.protobuf.Duration", value, wanted);
  }
}

Test(json_reader, timestamps) {
  static const char *const refused[] = {
      "1970-01-01T00:00:00",       "1970-01-01 00:00:00Z",  "1970-1-01T00:00:00Z",       "1970-02-29T00:00:00Z",
      "2000-01-32T00:00:00Z",      "1970-13-01T00:00:00Z",  "1970-00-01T00:00:00Z",      "1970-01-32T00:00:00Z",
      "1970-01-00T00:00:00Z",      "1970-01-01T24:00:00Z",  "1970-01-01T00:60:00Z",      "1970-01-01T00:00:60Z",
      "1970-01-01T00:00:00+24:00", "1970-01-01t00:00:00Z",  "0001-01-01T00:00:00+00:01", "9999-12-31T23:59:59-00:01",
      "1900-02-29T00:00:00Z",      "1970-01-01T00:00:00.Z", "1970-01-01T00:00:00ZZ"};
  VALUE("Timestamp", "\"1970-01-01T00:00:01.000000002Z\"", "\x08\x01\x10\x02");
  VALUE("Timestamp", "\"1970-01-01T01:00:00+01:00\"", "");
  VALUE("Timestamp", "\"1969-12-31T22:59:59-01:00\"", "\x08\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01");
  VALUE("Timestamp", "\"2000-02-29T00:00:00Z\"", "\x08\x80\x98\xec\xc5\x03"); /* 951782400 */
  for (size_t i = 0; i < sizeof refused / sizeof refused[0]; i++) {
    char value[64], wanted[256];
    sprintf(value, "\"value\": \"%s\"", refused[i]);
    sprintf(wanted, "f:1:11: error: `value` must be a time such as \"2026-01-31T12:00:00.5Z\", not \"%s\"\n",
            refused[i]);
    expect_fault("google.protobuf.Timestamp", value, wanted);
  }
}

Test(json_reader, field_masks) {
  VALUE("FieldMask", "\"\"", "");
  VALUE("FieldMask", "\"fooBar.b,c\"",
        "\x0a\x09"
        "foo_bar.b"
        "\x0a\x01"
        "c");
  REFUSE("FieldMask", "\"a_b\"", "must be paths in camel case with commas between them, not \"a_b\"");
}

Test(json_reader, values) {
  VALUE("Value", "null", "\x08\x00");
  VALUE("Value", "0", "\x11\x00\x00\x00\x00\x00\x00\x00\x00");
  VALUE("Value", "\"\"", "\x1a\x00");
  VALUE("Value", "false", "\x20\x00");
  VALUE("Value", "{}", "\x2a\x00");
  VALUE("Value", "[null]", "\x32\x04\x0a\x02\x08\x00");
  VALUE("Struct", "{\"a\": null}",
        "\x0a\x07\x0a\x01"
        "a\x12\x02\x08\x00");
  REFUSE("Struct", "[]", "must be an object, not a list");
  REFUSE("ListValue", "{}", "must be a list, not an object");
}

/* TypedExtensionConfig has name (1) and typed_config (2). */
Test(json_reader, any) {
  static const char type[] = "envoy.config.core.v3.TypedExtensionConfig";
  EXPECT(type, "\"typedConfig\": {}", "\x12\x00");
  EXPECT(type, "\"typedConfig\": {\"name\": \"x\", \"@type\": \"t/envoy.config.core.v3.TypedExtensionConfig\"}",
         "\x12\x32\x0a\x2b"
         "t/envoy.config.core.v3.TypedExtensionConfig"
         "\x12\x03\x0a\x01x");
  EXPECT(
      type,
      "\"typedConfig\": {\"@type\": \"t/google.protobuf.Any\", \"value\": {\"@type\": \"t/google.protobuf.Duration\", "
      "\"value\": \"0s\"}}",
      "\x12\x35\x0a\x15t/google.protobuf.Any\x12\x1c\x0a\x1at/google.protobuf.Duration");
  expect_fault(type, "\"typedConfig\": {\"a\": 1}", "f:1:17: error: `typedConfig` has no `@type`\n");
  expect_fault(type, "\"typedConfig\": 1", "f:1:17: error: `typedConfig` must be an object with `@type`, not 1\n");
  expect_fault(type, "\"typedConfig\": {\"@type\": \"t/a.B\"}",
               "f:1:27: error: `typedConfig.@type` names \"t/a.B\", which is not in the Envoy v3 API\n");
  expect_fault(
      type, "\"typedConfig\": {\"@type\": \"t/google.protobuf.Duration\", \"x\": 1}",
      "f:1:57: error: `typedConfig.x` cannot stand here: google.protobuf.Duration is written as `value` beside "
      "`@type`\n"
      "f:1:17: error: `typedConfig` has no `value`, which is how google.protobuf.Duration is written beside "
      "`@type`\n");
}

/* A message needs two bytes for its length. */
Test(json_reader, long_content) {
  char members[512] = "\"altStatName\": \"", wanted[512];
  memset(members + strlen(members), 'x', 200);
  strcat(members, "\"");
  memset(wanted, 'x', sizeof wanted);
  memcpy(wanted, "\xe2\x01\xc8\x01", 4);
  expect_bytes(cluster, members, wanted, 204);
  char nested[600];
  sprintf(nested, "\"clusterType\": {\"name\": %s}, \"name\": \"n\"", members + strlen("\"altStatName\": "));
  memcpy(wanted, "\x0a\x01n\xb2\x02\xcb\x01\x0a\xc8\x01", 10);
  expect_bytes(cluster, nested, wanted, 210);
}

static int nested(unsigned depth, const char *innermost) {
  char members[4096] = "\"value\": ", said[256];
  for (unsigned i = 0; i < depth; i++)
    strcat(members, "[");
  strcat(members, innermost);
  for (unsigned i = 0; i < depth; i++)
    strcat(members, "]");
  size_t size;
  return read_members("google.protobuf.Value", members, &size, said, sizeof said);
}

/* Each list is a Value and a ListValue. */
Test(json_reader, depth) {
  cr_expect_eq(nested(32, ""), 0);
  cr_expect_eq(nested(32, "1"), EGRESS_ELIMIT);
  cr_expect_eq(nested(31, "1"), 0);
}

/* Faults are counted when nobody reads them any more. */
Test(json_reader, many_faults) {
  enum { COUNT = 5000 };
  char *members = malloc(COUNT * 16 + 1), *to = members;
  for (unsigned i = 0; i < COUNT; i++)
    to += sprintf(to, "%s\"x%u\": 1", i == 0 ? "" : ", ", i);
  char said[64];
  size_t size;
  cr_expect_eq(read_members(cluster, members, &size, said, sizeof said), EGRESS_ERESOURCE);
  free(members);
}
