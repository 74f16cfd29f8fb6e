#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#include <egress/error.h>
#include <egress/resource.h>

#define CLUSTER "{\"@type\": \"" EGRESS_TYPE_CLUSTER "\""

typedef int reader(egress_resource **out, const char *text, size_t size, const egress_resource_options *options,
                   egress_diag *diag);

static egress_resource *read_good(reader *read, const char *text, const char *name) {
  egress_resource_options options = EGRESS_RESOURCE_OPTIONS_INIT;
  options.name = name;
  egress_diag *diag = egress_diag_new(NULL);
  egress_resource *r = NULL;
  int rv = read(&r, text, strlen(text), &options, diag);
  cr_assert_eq(rv, 0, "%s\n%s", text, egress_diag_text(diag));
  cr_assert_eq(egress_diag_count(diag), 0);
  egress_diag_free(diag);
  return r;
}

static void refuses_as(reader *read, const char *text, size_t size, int code, const char *diagnostics) {
  egress_resource_options options = EGRESS_RESOURCE_OPTIONS_INIT;
  options.file = "f";
  egress_diag *diag = egress_diag_new(NULL);
  egress_resource *r = NULL;
  int rv = read(&r, text, size, &options, diag);
  cr_expect_str_eq(egress_diag_text(diag), diagnostics, "%.300s\ngot\n%swanted\n%s", text, egress_diag_text(diag),
                   diagnostics);
  cr_expect_eq(rv, code, "%s", egress_code_name(rv));
  cr_expect_null(r);
  egress_diag_free(diag);
  cr_expect_eq(read(&r, text, size, NULL, NULL), code, "without a diag");
}

static void refuses(const char *text, const char *diagnostics) {
  refuses_as(egress_resource_from_json, text, strlen(text), EGRESS_ERESOURCE, diagnostics);
}

static void has_bytes(const egress_resource *r, const char *bytes, size_t size) {
  cr_assert_eq(egress_resource_size(r), size);
  cr_assert_eq(memcmp(egress_resource_bytes(r), bytes, size), 0);
}

Test(from_text, type_and_own_name) {
  egress_resource *r = read_good(egress_resource_from_json, CLUSTER ", \"name\": \"a\"}", NULL);
  cr_expect_str_eq(egress_resource_type_url(r), EGRESS_TYPE_CLUSTER);
  cr_expect_str_eq(egress_resource_name(r), "a");
  has_bytes(r,
            "\x0a\x01"
            "a",
            3);
  egress_resource_unref(r);
  r = read_good(egress_resource_from_json, "{\"clusterName\": \"e\", \"@type\": \"" EGRESS_TYPE_ENDPOINT "\"}", NULL);
  cr_expect_str_eq(egress_resource_name(r), "e");
  egress_resource_unref(r);
  r = read_good(egress_resource_from_json, "{\"cluster_name\": \"e\", \"@type\": \"" EGRESS_TYPE_ENDPOINT "\"}", NULL);
  cr_expect_str_eq(egress_resource_name(r), "e");
  egress_resource_unref(r);
}

Test(from_text, given_name) {
  egress_resource *r = read_good(egress_resource_from_json, CLUSTER "}", "other");
  cr_expect_str_eq(egress_resource_name(r), "other");
  has_bytes(r, "", 0);
  egress_resource_unref(r);
  r = read_good(egress_resource_from_json, "{\"@type\": \"t/google.protobuf.Duration\", \"value\": \"1s\"}", "d");
  has_bytes(r, "\x08\x01", 2);
  egress_resource_unref(r);
}

Test(from_text, equal_content_has_equal_versions) {
  egress_resource *one = read_good(egress_resource_from_json,
                                   CLUSTER ", \"name\": \"a\", \"altStatName\": \"b\", \"type\": \"EDS\"}", NULL);
  egress_resource *two = read_good(
      egress_resource_from_json,
      "{\"alt_stat_name\": \"b\",\n\"type\": 3, \"name\": \"a\", \"@type\": \"" EGRESS_TYPE_CLUSTER "\"}", NULL);
  egress_resource *yaml = read_good(
      egress_resource_from_yaml, "altStatName: b\nname: a # yes\ntype: EDS\n'@type': " EGRESS_TYPE_CLUSTER "\n", NULL);
  cr_expect_str_eq(egress_resource_version(one), egress_resource_version(two));
  cr_expect_str_eq(egress_resource_version(one), egress_resource_version(yaml));
  egress_resource_unref(one);
  egress_resource_unref(two);
  egress_resource_unref(yaml);
}

Test(from_text, no_resource) {
  refuses("[]", "f:1:1: error: the message must be an object with `@type`, not a list\n");
  refuses("null", "f:1:1: error: the message must be an object with `@type`, not null\n");
  refuses("{}", "f:1:1: error: the message has no `@type`\n");
  refuses("{\"@type\": 1}", "f:1:11: error: `@type` must be a type URL such as "
                            "\"type.googleapis.com/envoy.config.cluster.v3.Cluster\", not 1\n");
  refuses("{\"@type\": \"envoy.config.cluster.v3.Cluster\"}",
          "f:1:11: error: `@type` must be a type URL such as \"type.googleapis.com/envoy.config.cluster.v3.Cluster\", "
          "not \"envoy.config.cluster.v3.Cluster\"\n");
  refuses("{\"@type\": \"a.b/c.D\"}", "f:1:11: error: `@type` names \"a.b/c.D\", which is not in the Envoy v3 API\n");
  refuses("{\"@type\": \"a\\u0000/envoy.config.cluster.v3.Cluster\", \"name\": \"x\"}",
          "f:1:11: error: the message needs an `@type` of at most 255 bytes without NULs\n");
  refuses_as(egress_resource_from_yaml, "# no\n", 5, EGRESS_ERESOURCE, "f:1:1: error: the text is empty\n");
}

Test(from_text, long_type_url) {
  static const char type[] = "/envoy.config.cluster.v3.Cluster";
  char text[512], prefix[256];
  memset(prefix, 'x', sizeof prefix);
  int fits = 255 - (int)strlen(type);
  sprintf(text, "{\"@type\": \"%.*s%s\", \"name\": \"a\"}", fits, prefix, type);
  egress_resource *r = read_good(egress_resource_from_json, text, NULL);
  cr_expect_eq(strlen(egress_resource_type_url(r)), 255);
  egress_resource_unref(r);
  sprintf(text, "{\"@type\": \"%.*s%s\", \"name\": \"a\"}", fits + 1, prefix, type);
  refuses(text, "f:1:11: error: the message needs an `@type` of at most 255 bytes without NULs\n");
}

Test(from_text, no_name) {
  refuses(CLUSTER "}", "f:1:1: error: the message needs a `name`: it is the name of the resource\n");
  refuses(CLUSTER ", \"name\": \"\"}", "f:1:74: error: the message needs a `name`: it is the name of the resource\n");
  refuses(
      CLUSTER ", \"name\": \"a\\u0000\"}",
      "f:1:74: error: the message needs a `name` of at most 4096 bytes without NULs: it is the name of the resource\n");
  refuses(CLUSTER ", \"name\": 1}", "f:1:74: error: `name` must be text, in quotes, not 1\n");
  refuses(
      "{\"@type\": \"t/envoy.config.core.v3.Address\"}",
      "f:1:1: error: the message is a envoy.config.core.v3.Address, which has no name of its own; the caller has to "
      "give the resource one\n");
}

/* Faults of the tree, of fields and of values, in one pass. */
Test(from_text, several_faults) {
  refuses(
      CLUSTER
      ",\n \"name\": \"a\", \"name\": \"b\",\n \"tpye\": \"EDS\",\n \"connectTimeout\": 5,\n \"lbPolicy\": \"RANDON\"}",
      "f:2:15: error: key `name` stands twice; it is already on line 2\n"
      "f:3:2: error: `tpye` is no field of envoy.config.cluster.v3.Cluster; did you mean `type`?\n"
      "f:4:20: error: `connectTimeout` must be a duration of up to ten thousand years such as \"1.5s\", not 5\n"
      "f:5:14: error: `lbPolicy` is \"RANDON\", which is no value of envoy.config.cluster.v3.Cluster.LbPolicy; did "
      "you mean \"RANDOM\"?\n");
}

Test(from_text, syntax) {
  refuses_as(egress_resource_from_json, "{\"a\"", 4, EGRESS_ESYNTAX,
             "f:1:5: error: not well-formed JSON: expected `:`, but the text ends\n");
  refuses_as(egress_resource_from_yaml, "a: [", 4, EGRESS_ESYNTAX,
             "f:2:1: error: not well-formed YAML, while parsing a flow node: did not find expected node content\n");
}

Test(from_text, yaml_decorations) {
  static const char text[] = "'@type': " EGRESS_TYPE_CLUSTER "\nname: &x a\naltStatName: *x\n";
  refuses_as(egress_resource_from_yaml, text, strlen(text), EGRESS_ERESOURCE,
             "f:2:7: error: YAML anchors are not supported\n"
             "f:3:14: error: `*x` is a YAML alias, which is not supported; quote a host pattern: \"*x\"\n");
}

Test(from_text, arguments) {
  egress_resource *r = NULL;
  egress_resource_options options = EGRESS_RESOURCE_OPTIONS_INIT;
  cr_expect_eq(egress_resource_from_json(NULL, "{}", 2, NULL, NULL), EGRESS_EINVAL);
  cr_expect_eq(egress_resource_from_json(&r, NULL, 0, NULL, NULL), EGRESS_EINVAL);
  cr_expect_eq(egress_resource_from_value(&r, NULL, NULL, NULL), EGRESS_EINVAL);
  options.name = "";
  cr_expect_eq(egress_resource_from_json(&r, CLUSTER "}", strlen(CLUSTER "}"), &options, NULL), EGRESS_EINVAL);
  options.size = 8;
  cr_expect_eq(egress_resource_from_json(&r, "{}", 2, &options, NULL), EGRESS_EINVAL);
  cr_expect_null(r);
}

Test(from_text, value_inside_a_document) {
  static const char text[] =
      "{\"version\": \"1\",\n \"resources\": [\n  " CLUSTER ", \"name\": \"a\"},\n  " CLUSTER ", \"nam\": \"b\"}]}";
  egress_document *document = NULL;
  cr_assert_eq(egress_document_from_json(&document, text, strlen(text), NULL, NULL, NULL), 0);
  const egress_value *list = egress_value_member(egress_document_root(document), "resources");
  const egress_value *first = egress_value_first(list), *second = egress_value_next(first);
  egress_resource *r = NULL;
  cr_assert_eq(egress_resource_from_value(&r, first, NULL, NULL), 0);
  cr_expect_str_eq(egress_resource_name(r), "a");
  egress_resource_unref(r);
  r = NULL;
  egress_diag *diag = egress_diag_new(NULL);
  cr_assert_eq(egress_resource_from_value(&r, second, NULL, diag), EGRESS_ERESOURCE);
  cr_expect_null(r);
  cr_expect_str_eq(egress_diag_text(diag),
                   "resource:4:68: error: `nam` is no field of envoy.config.cluster.v3.Cluster; did you mean `name`?\n"
                   "resource:4:3: error: the message needs a `name`: it is the name of the resource\n");
  egress_diag_free(diag);
  egress_document_free(document);
}
