#include <criterion/criterion.h>

#include "support/xds.h"

#include "xds/request.h"

static egress__request request;
static egress__stream_fault fault;

static int read(egress__xds_variant variant, const void *bytes, size_t size) {
  request = (egress__request){0};
  fault = (egress__stream_fault){0};
  return egress__request_read(&request, variant, NULL, bytes, size, &fault);
}

static int is_text(egress__span span, const char *text) {
  return span.size == strlen(text) && memcmp(span.data, text, span.size) == 0;
}

Test(request, sotw_fields) {
  static uint8_t bytes[XDS_REQUEST];
  xds_request spec = {'C', "a b", NULL, NULL, "7", "v", "bad", "n", "g", NULL};
  cr_assert_eq(read(EGRESS__XDS_SOTW, bytes, xds_encode(bytes, EGRESS__XDS_SOTW, &spec)), 0);
  cr_assert(is_text(request.node.texts[EGRESS__XDS_NODE_ID], "n"));
  cr_assert(is_text(request.node.texts[EGRESS__XDS_NODE_CLUSTER], "g"));
  cr_assert(is_text(request.type_url, EGRESS_TYPE_CLUSTER));
  cr_assert(is_text(request.nonce, "7"));
  cr_assert(request.has_error);
  cr_assert_eq(request.error_code, 13);
  cr_assert(is_text(request.error_text, "bad"));
  egress__span rest = request.bytes, name;
  cr_assert_eq(egress__request_name(&request, EGRESS__NAMES_ADDED, &rest, &name), 1);
  cr_assert(is_text(name, "a"));
  cr_assert_eq(egress__request_name(&request, EGRESS__NAMES_ADDED, &rest, &name), 1);
  cr_assert(is_text(name, "b"));
  cr_assert_eq(egress__request_name(&request, EGRESS__NAMES_ADDED, &rest, &name), 0);
}

Test(request, delta_fields) {
  static uint8_t bytes[XDS_REQUEST];
  xds_request spec = {'L', "a", "b *", "x=1 y=2", "7", NULL, NULL, "n", NULL, NULL};
  cr_assert_eq(read(EGRESS__XDS_DELTA, bytes, xds_encode(bytes, EGRESS__XDS_DELTA, &spec)), 0);
  cr_assert(is_text(request.type_url, EGRESS_TYPE_LISTENER));
  cr_assert(is_text(request.nonce, "7"));
  cr_assert_not(request.has_error);
  cr_assert_eq(request.added, 1);
  cr_assert_eq(request.removed, 2);
  cr_assert_eq(request.initial, 2);
  egress__span rest = request.bytes, name, version;
  cr_assert_eq(egress__request_name(&request, EGRESS__NAMES_REMOVED, &rest, &name), 1);
  cr_assert(is_text(name, "b"));
  rest = request.bytes;
  cr_assert_eq(egress__request_initial(&request, &rest, &name, &version), 1);
  cr_assert_eq(egress__request_initial(&request, &rest, &name, &version), 1);
  cr_assert(is_text(name, "y"));
  cr_assert(is_text(version, "2"));
  cr_assert_eq(egress__request_initial(&request, &rest, &name, &version), 0);
}

Test(request, c62_c64_features_of_the_client) {
  static const struct {
    const char *features;
    int read;
  } cases[] = {
      {"", 0},
      {"xds.config.supports-resource-ttl", EGRESS__FEATURE_TTL},
      {"xds.config.supports-resource-in-sotw", EGRESS__FEATURE_WRAPPED},
      {"xds.config.resource-in-sotw", EGRESS__FEATURE_WRAPPED}, /* as gRPC writes it */
      {"xds.config.supports-resource-ttlx envoy.lb.does_not_support_overprovisioning", 0},
      {"x xds.config.resource-in-sotw xds.config.supports-resource-ttl", EGRESS__FEATURE_TTL + EGRESS__FEATURE_WRAPPED},
  };
  static uint8_t bytes[XDS_REQUEST];
  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
    for (int variant = EGRESS__XDS_SOTW; variant <= EGRESS__XDS_DELTA; variant++) {
      xds_request spec = {.type = 'C', .node_id = "n", .features = cases[i].features};
      size_t size = xds_encode(bytes, (egress__xds_variant)variant, &spec);
      cr_assert_eq(read((egress__xds_variant)variant, bytes, size), 0);
      cr_assert_eq(request.node.features, cases[i].read, "%s", cases[i].features);
    }
}

Test(request, a_feature_that_is_no_text_is_malformed) {
  static const uint8_t bytes[] = {0x12, 2, 10 << 3, 1}; /* node 2: client_features 10 as a number */
  cr_assert_eq(read(EGRESS__XDS_SOTW, bytes, sizeof bytes), EGRESS_EWIRE);
}

Test(request, c84_other_fields_are_skipped) {
  static uint8_t bytes[80000], node[70000], extensions[60000];
  uint8_t *end = xds_put_text(node, 1, "n");
  memset(extensions, 0xff, sizeof extensions); /* no message: nobody looks */
  end = egress__put_bytes(end, 9, extensions, sizeof extensions);
  uint8_t *to = egress__put_bytes(bytes, 2, node, (size_t)(end - node));
  to = xds_put_text(to, 4, EGRESS_TYPE_CLUSTER);
  to = egress__put_bytes(to, 7, "\xff", 1); /* resource_locators */
  cr_assert_eq(read(EGRESS__XDS_SOTW, bytes, (size_t)(to - bytes)), 0);
  cr_assert(is_text(request.node.texts[EGRESS__XDS_NODE_ID], "n"));
}

Test(request, every_cut_is_refused_or_another_request) {
  static uint8_t bytes[XDS_REQUEST];
  xds_request spec = {'C', "a b", "c", "x=1", "7", "v", "bad", "n", "g", "f"};
  for (int variant = EGRESS__XDS_SOTW; variant <= EGRESS__XDS_DELTA; variant++) {
    size_t size = xds_encode(bytes, (egress__xds_variant)variant, &spec);
    for (size_t cut = 0; cut < size; cut++) {
      uint8_t *exact = malloc(cut + 1); /* so that a sanitizer sees a read too far */
      memcpy(exact, bytes, cut);
      int rv = read((egress__xds_variant)variant, exact, cut);
      cr_assert(rv == 0 || rv == EGRESS_EWIRE || rv == EGRESS_EPROTO);
      cr_assert((rv == 0) == (fault.message[0] == '\0'));
      free(exact);
    }
  }
}

/* A request with one more field. */
static int read_with(egress__xds_variant variant, uint32_t number, const void *value, size_t size) {
  static uint8_t bytes[4 * XDS_REQUEST];
  uint8_t *to = xds_put_text(bytes, variant == EGRESS__XDS_SOTW ? 4 : 2, EGRESS_TYPE_CLUSTER);
  to = egress__put_bytes(to, number, value, size);
  return read(variant, bytes, (size_t)(to - bytes));
}

Test(request, wrong_wire_type_is_malformed) {
  static const uint8_t type_as_number[] = {4 << 3, 1}, id_as_number[] = {1 << 3, 1};
  cr_assert_eq(read(EGRESS__XDS_SOTW, type_as_number, sizeof type_as_number), EGRESS_EWIRE);
  cr_assert_eq(read_with(EGRESS__XDS_SOTW, 2, id_as_number, sizeof id_as_number), EGRESS_EWIRE);
  cr_assert_eq(read_with(EGRESS__XDS_DELTA, 5, id_as_number, sizeof id_as_number), EGRESS_EWIRE);
  cr_assert_str_eq(fault.message, "the request is not a well-formed protobuf message");
  cr_assert_eq(fault.status, 3);
}

Test(request, text_must_be_utf8) {
  cr_assert_eq(read_with(EGRESS__XDS_SOTW, 3, "a\xff", 2), EGRESS_EWIRE);
  cr_assert_str_eq(fault.message, "a resource name is not UTF-8 text");
  cr_assert_eq(read_with(EGRESS__XDS_DELTA, 4, "a\0b", 3), EGRESS_EWIRE);
  cr_assert_eq(read_with(EGRESS__XDS_SOTW, 4, "\xc0\x80", 2), EGRESS_EWIRE);
  cr_assert_eq(read_with(EGRESS__XDS_SOTW, 2, "\x0a\x01\xff", 3), EGRESS_EWIRE);
  cr_assert_eq(read_with(EGRESS__XDS_SOTW, 2, "\x12\x01\xff", 3), EGRESS_EWIRE);
  cr_assert_eq(read_with(EGRESS__XDS_DELTA, 5, "\x0a\x01\xff", 3), EGRESS_EWIRE);
  cr_assert_eq(read_with(EGRESS__XDS_DELTA, 5, "\x12\x01\xff", 3), EGRESS_EWIRE);
  cr_assert_eq(read_with(EGRESS__XDS_SOTW, 6, "\x12\x01\xff", 3), 0); /* a NACK quotes what it likes */
}

Test(request, text_is_limited) {
  static char text[EGRESS__NAME_MAX + 1];
  uint8_t node[XDS_TEXT];
  memset(text, 'x', sizeof text);
  cr_assert_eq(read_with(EGRESS__XDS_SOTW, 3, text, EGRESS__NAME_MAX), 0);
  cr_assert_eq(read_with(EGRESS__XDS_SOTW, 3, text, EGRESS__NAME_MAX + 1), EGRESS_ELIMIT);
  cr_assert_str_eq(fault.message, "a resource name is longer than 4096 bytes");
  cr_assert_eq(fault.status, 8);
  cr_assert_eq(read_with(EGRESS__XDS_SOTW, 4, text, EGRESS__TYPE_URL_MAX), 0);
  cr_assert_eq(read_with(EGRESS__XDS_SOTW, 4, text, EGRESS__TYPE_URL_MAX + 1), EGRESS_ELIMIT);
  for (uint32_t field = 1; field <= 2; field++)
    for (size_t size = EGRESS__NODE_TEXT_MAX; size <= EGRESS__NODE_TEXT_MAX + 1; size++) {
      size_t node_size = (size_t)(egress__put_bytes(node, field, text, size) - node);
      int rv = read_with(EGRESS__XDS_SOTW, 2, node, node_size);
      cr_assert_eq(rv, size == EGRESS__NODE_TEXT_MAX ? 0 : EGRESS_ELIMIT);
    }
}

Test(request, initial_versions_are_limited) {
  size_t count = EGRESS__INITIAL_NAMES_MAX + 1, size = 0;
  uint8_t *bytes = malloc(2 * count + 1024);
  size = (size_t)(xds_put_text(bytes, 2, EGRESS_TYPE_CLUSTER) - bytes);
  for (size_t i = 0; i < count; i++)
    size = (size_t)(egress__put_bytes(bytes + size, 5, "", 0) - bytes);
  cr_assert_eq(read(EGRESS__XDS_DELTA, bytes, size - 2), 0);
  cr_assert_eq(request.initial, count - 1);
  cr_assert_eq(read(EGRESS__XDS_DELTA, bytes, size), EGRESS_ELIMIT);
  free(bytes);
}

/* ---- nesting ---- */

enum { DEEP = 100 * 1000, DEEP_BYTES = DEEP * 5 };

static uint8_t deep_bytes[DEEP_BYTES];

/* Puts a field before `*at`, around what stands from there to the end. */
static void wrap(uint8_t **at, uint32_t number) {
  uint8_t head[16];
  size_t size = (size_t)(deep_bytes + DEEP_BYTES - *at);
  size_t head_size = (size_t)(egress__put_bytes_head(head, number, size) - head);
  cr_assert_geq((size_t)(*at - deep_bytes), head_size);
  *at -= head_size;
  memcpy(*at, head, head_size);
}

/* A request of 100,000 messages in each other: the last of them is field `inner` of field `outer`; 0: of the request.
 */
static int read_deep(uint32_t outer, uint32_t inner) {
  uint8_t *at = deep_bytes + DEEP_BYTES;
  for (int i = 0; i < DEEP; i++)
    wrap(&at, 1);
  wrap(&at, inner);
  if (outer != 0)
    wrap(&at, outer);
  static uint8_t type[64];
  size_t size = (size_t)(egress__put_bytes(type, 4, "t/x", 3) - type);
  at -= size;
  memcpy(at, type, size);
  return read(EGRESS__XDS_SOTW, at, (size_t)(deep_bytes + DEEP_BYTES - at));
}

Test(request, nesting_costs_nothing) {
  cr_assert_eq(read_deep(2, 3), 0, "node.metadata");
  cr_assert_eq(read_deep(2, 11), 0, "node.listening_addresses");
  cr_assert_eq(read_deep(6, 3), 0, "error_detail.details");
  cr_assert(request.has_error);
  cr_assert_eq(read_deep(0, 7), 0, "resource_locators");
  cr_assert_eq(read_deep(0, 99), 0, "a field of another time");
  cr_assert(is_text(request.type_url, "t/x"));
}

Test(request, groups_are_malformed_where_they_would_be_walked) {
  static const uint8_t top[] = {0x0b, 0x0c}, node[] = {0x12, 2, 0x0b, 0x0c}, detail[] = {0x32, 2, 0x0b, 0x0c};
  cr_assert_eq(read(EGRESS__XDS_SOTW, top, sizeof top), EGRESS_EWIRE);
  cr_assert_eq(read(EGRESS__XDS_SOTW, node, sizeof node), EGRESS_EWIRE);
  cr_assert_eq(read(EGRESS__XDS_SOTW, detail, sizeof detail), EGRESS_EWIRE);
}
