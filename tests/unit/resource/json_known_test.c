#include "print.h"

Test(json_known, duration) {
  static const char type[] = "google.protobuf.Duration";
  EXPECT_VALUE(type, "", "\"0s\"");
  EXPECT_VALUE(type, "\x08\x0f", "\"15s\"");
  EXPECT_VALUE(type, "\x08\x01\x10\x80\xca\xb5\xee\x01", "\"1.500s\"");
  EXPECT_VALUE(type, "\x10\xe8\x07", "\"0.000001s\"");
  EXPECT_VALUE(type, "\x10\x01", "\"0.000000001s\"");
  EXPECT_VALUE(type, "\x10\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01", "\"-0.000000001s\"");
  EXPECT_VALUE(type, "\x08\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01", "\"-1s\"");
  EXPECT_VALUE(type, "\x08\x80\xbc\xae\xce\x97\x09", "\"315576000000s\"");
  EXPECT_CODE(type, "\x08\x81\xbc\xae\xce\x97\x09", EGRESS_EWIRE);
  EXPECT_CODE(type, "\x10\x80\x94\xeb\xdc\x03", EGRESS_EWIRE);                             /* 10^9 ns */
  EXPECT_CODE(type, "\x08\x01\x10\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01", EGRESS_EWIRE); /* 1 s - 1 ns */
  EXPECT_CODE(type, "\x08\x80\x80\x80\x80\x80\x80\x80\x80\x80\x01", EGRESS_EWIRE);         /* INT64_MIN */
}

Test(json_known, timestamp) {
  static const char type[] = "google.protobuf.Timestamp";
  EXPECT_VALUE(type, "", "\"1970-01-01T00:00:00Z\"");
  EXPECT_VALUE(type, "\x08\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01", "\"1969-12-31T23:59:59Z\"");
  EXPECT_VALUE(type, "\x08\x80\xd3\xe6\xf2\x05", "\"2020-02-29T00:00:00Z\""); /* 1582934400 */
  EXPECT_VALUE(type, "\x08\x80\xd3\xe6\xf2\x05\x10\xc0\x84\x3d", "\"2020-02-29T00:00:00.001Z\"");
  EXPECT_VALUE(type, "\x08\x80\x92\xb8\xc3\x98\xfe\xff\xff\xff\x01", "\"0001-01-01T00:00:00Z\"");
  EXPECT_VALUE(type, "\x08\xff\x82\xd1\xff\xaf\x07", "\"9999-12-31T23:59:59Z\"");
  EXPECT_CODE(type, "\x08\x80\x83\xd1\xff\xaf\x07", EGRESS_EWIRE);
  EXPECT_CODE(type, "\x08\xff\x91\xb8\xc3\x98\xfe\xff\xff\xff\x01", EGRESS_EWIRE);
  EXPECT_CODE(type, "\x10\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01", EGRESS_EWIRE);
}

Test(json_known, field_mask) {
  static const char type[] = "google.protobuf.FieldMask";
  EXPECT_VALUE(type, "", "\"\"");
  EXPECT_VALUE(type,
               "\x0a\x03"
               "a_b"
               "\x0a\x05"
               "c.d_e",
               "\"aB,c.dE\"");
  EXPECT_CODE(type,
              "\x0a\x02"
              "aB",
              EGRESS_EWIRE);
  EXPECT_CODE(type,
              "\x0a\x03"
              "a_1",
              EGRESS_EWIRE);
  EXPECT_CODE(type,
              "\x0a\x02"
              "a_",
              EGRESS_EWIRE);
}

Test(json_known, wrappers) {
  EXPECT_VALUE("google.protobuf.BoolValue", "", "false");
  EXPECT_VALUE("google.protobuf.BoolValue", "\x08\x01", "true");
  EXPECT_VALUE("google.protobuf.Int64Value", "\x08\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01", "\"-1\"");
  EXPECT_VALUE("google.protobuf.UInt64Value", "\x08\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01",
               "\"18446744073709551615\"");
  EXPECT_VALUE("google.protobuf.Int32Value", "\x08\x80\x80\x80\x80\xf8\xff\xff\xff\xff\x01", "-2147483648");
  EXPECT_VALUE("google.protobuf.UInt32Value", "\x08\x01\x08\x02", "2");
  EXPECT_VALUE("google.protobuf.StringValue", "\x0a\x01\"", "\"\\\"\"");
  EXPECT_VALUE("google.protobuf.BytesValue", "\x0a\x01\xff", "\"/w==\"");
  EXPECT_VALUE("google.protobuf.FloatValue", "\x0d\x00\x00\xc0\x3f", "1.5");
  EXPECT_VALUE("google.protobuf.DoubleValue", "\x09\x00\x00\x00\x00\x00\x00\xf0\x7f", "\"Infinity\"");
}

/* Value: null 1, number 2, string 3, bool 4, struct 5, list 6. */
Test(json_known, value) {
  static const char type[] = "google.protobuf.Value";
  EXPECT_VALUE(type, "", "null");
  EXPECT_VALUE(type, "\x08\x00", "null");
  EXPECT_VALUE(type, "\x11\x00\x00\x00\x00\x00\x00\x04\x40", "2.5");
  EXPECT_VALUE(type, "\x1a\x00", "\"\"");
  EXPECT_VALUE(type, "\x20\x00", "false");
  EXPECT_VALUE(type, "\x2a\x00", "{}");
  EXPECT_VALUE(type, "\x32\x00", "[]");
  EXPECT_VALUE(type,
               "\x1a\x01"
               "s"
               "\x20\x01",
               "true"); /* one of them: the last */
  EXPECT_CODE(type, "\x11\x00\x00\x00\x00\x00\x00\xf8\x7f", EGRESS_EWIRE);
}

Test(json_known, struct_and_list) {
  EXPECT_VALUE("google.protobuf.Struct", "", "{}");
  EXPECT_VALUE("google.protobuf.Struct",
               "\x0a\x07\x0a\x01"
               "k"
               "\x12\x02\x20\x01",
               "{\n    \"k\": true\n  }");
  EXPECT_VALUE("google.protobuf.ListValue",
               "\x0a\x02\x20\x01"
               "\x0a\x00",
               "[\n    true,\n    null\n  ]");
}

/* TypedExtensionConfig: name 1, typed_config 2. */
static const char extension[] = "envoy.config.core.v3.TypedExtensionConfig";

Test(json_known, any_is_opened) {
  EXPECT_JSON(
      extension,
      "\x12\x2b"
      "\x0a\x25"
      "t/envoy.config.core.v3.DataSource\x00\x00\x00\x00"
      "\x12\x02\x1a\x00",
      ",\n  \"typedConfig\": {\n    \"@type\": \"t/envoy.config.core.v3.DataSource\\u0000\\u0000\\u0000\\u0000\","
      "\n    \"value\": \"GgA=\"\n  }"); /* a NUL makes it another name */
  EXPECT_JSON(extension,
              "\x12\x27"
              "\x0a\x21"
              "t/envoy.config.core.v3.DataSource"
              "\x12\x02\x1a\x00",
              ",\n  \"typedConfig\": {\n    \"@type\": \"t/envoy.config.core.v3.DataSource\","
              "\n    \"inlineString\": \"\"\n  }");
}

Test(json_known, any_of_a_well_known_type) {
  EXPECT_JSON(extension,
              "\x12\x20"
              "\x0a\x1a"
              "t/google.protobuf.Duration"
              "\x12\x02\x08\x02",
              ",\n  \"typedConfig\": {\n    \"@type\": \"t/google.protobuf.Duration\",\n    \"value\": \"2s\"\n  }");
}

Test(json_known, any_of_another_api) {
  EXPECT_JSON(extension,
              "\x12\x08"
              "\x0a\x03"
              "t/X"
              "\x12\x01\xff",
              ",\n  \"typedConfig\": {\n    \"@type\": \"t/X\",\n    \"value\": \"/w==\"\n  }");
  EXPECT_JSON(extension, "\x12\x00", ",\n  \"typedConfig\": {}");
  EXPECT_JSON(extension, "\x12\x03\x12\x01\xff",
              ",\n  \"typedConfig\": {\n    \"@type\": \"\",\n    \"value\": \"/w==\"\n  }");
}

Test(json_known, any_that_does_not_hold_what_it_says) {
  EXPECT_CODE(extension,
              "\x12\x1f"
              "\x0a\x1a"
              "t/google.protobuf.Duration"
              "\x12\x01\x08",
              EGRESS_EWIRE);
  EXPECT_CODE(extension,
              "\x12\x26"
              "\x0a\x24"
              "t/google.protobuf.Struct.FieldsEntry",
              EGRESS_EWIRE);
}
