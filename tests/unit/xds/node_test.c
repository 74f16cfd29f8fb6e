#include <criterion/criterion.h>

#include "support/counted.h"
#include "support/xds.h"

#include "xds/node.h"

static egress__xds_node_read node;
static egress__stream_fault fault;

static int parse(const uint8_t *bytes, const uint8_t *end) {
  fault = (egress__stream_fault){0};
  return egress__xds_node_parse(&node, (egress__span){bytes, (size_t)(end - bytes)}, &fault);
}

static void check_text(egress__xds_node_text which, const char *text) {
  egress__span read = node.texts[which];
  cr_assert_eq(read.size, strlen(text), "%s", text);
  cr_assert(read.size == 0 || memcmp(read.data, text, read.size) == 0, "%s", text); /* of none `data` may be NULL */
}

Test(node, texts_are_read_and_kept) {
  uint8_t bytes[200], locality[100], *to = xds_put_text(bytes, 1, "n");
  to = xds_put_text(to, 2, "g");
  uint8_t *end = xds_put_text(locality, 1, "eu");
  end = xds_put_text(end, 2, "eu-1");
  end = xds_put_text(end, 3, "rack");
  end = xds_put_text(end, 4, "of a later API");
  to = egress__put_bytes(to, 4, locality, (size_t)(end - locality));
  to = xds_put_text(to, 6, "envoy");
  to = xds_put_text(to, 7, "1.40.0");
  cr_assert_eq(parse(bytes, to), 0);

  egress__xds_node kept = {0};
  cr_assert_str_eq(egress__xds_node_id(&kept), "");
  cr_assert_str_eq(egress__xds_node_cluster(&kept), "");
  counted_left = 0;
  cr_assert_eq(egress__xds_node_keep(&kept, &node, &counted), EGRESS_ENOMEM);
  cr_assert_str_eq(egress__xds_node_id(&kept), "");
  counted_left = SIZE_MAX;
  cr_assert_eq(egress__xds_node_keep(&kept, &node, &counted), 0);
  memset(bytes, 'x', sizeof bytes);
  cr_assert_str_eq(egress__xds_node_id(&kept), "n");
  cr_assert_str_eq(egress__xds_node_cluster(&kept), "g");
  cr_assert_str_eq(kept.says.id, "n");
  cr_assert_str_eq(kept.says.cluster, "g");
  cr_assert_str_eq(kept.says.region, "eu");
  cr_assert_str_eq(kept.says.zone, "eu-1");
  cr_assert_str_eq(kept.says.sub_zone, "rack");
  cr_assert_str_eq(kept.says.user_agent_name, "envoy");
  egress__xds_node_dispose(&kept, &counted);
  cr_assert_eq(counted_live, 0);
  cr_assert_str_eq(egress__xds_node_id(&kept), "");
}

/* As protobuf has it: a field that comes again counts, and messages are merged. */
Test(node, what_comes_later_counts) {
  static const uint8_t first[] = {10, 1, 'a', 0x22, 3, 10, 1, 'r'}, second[] = {10, 1, 'b', 0x22, 3, 18, 1, 'z'};
  cr_assert_eq(parse(first, first + sizeof first), 0);
  cr_assert_eq(parse(second, second + sizeof second), 0);
  check_text(EGRESS__XDS_NODE_ID, "b");
  check_text(EGRESS__XDS_NODE_REGION, "r");
  check_text(EGRESS__XDS_NODE_ZONE, "z");
  check_text(EGRESS__XDS_NODE_SUB_ZONE, "");
}

Test(node, texts_have_a_limit) {
  static const struct {
    uint32_t number, inner;
    const char *name;
  } cases[] = {{1, 0, "node.id"},
               {2, 0, "node.cluster"},
               {4, 1, "node.locality.region"},
               {4, 2, "node.locality.zone"},
               {4, 3, "node.locality.sub_zone"},
               {6, 0, "node.user_agent_name"}};
  char text[257], wanted[100];
  uint8_t bytes[300], inner[300];
  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
    for (size_t size = 255; size <= 256; size++) {
      memset(text, 'x', size);
      text[size] = '\0';
      uint8_t *to = xds_put_text(inner, cases[i].inner, text);
      to = cases[i].inner == 0 ? xds_put_text(bytes, cases[i].number, text)
                               : egress__put_bytes(bytes, cases[i].number, inner, (size_t)(to - inner));
      cr_assert_eq(parse(bytes, to), size == 255 ? 0 : EGRESS_ELIMIT, "%s", cases[i].name);
      snprintf(wanted, sizeof wanted, "%s is longer than 255 bytes", cases[i].name);
      cr_assert_str_eq(fault.message, size == 255 ? "" : wanted);
    }
}

Test(node, what_is_no_text_or_no_message_is_refused) {
  static const uint8_t number_for_locality[] = {4 << 3, 1}, number_for_zone[] = {0x22, 2, 2 << 3, 1},
                       half_a_region[] = {0x22, 2, 10, 5}, half_an_agent[] = {0x32, 2, 'e'},
                       latin_zone[] = {0x22, 3, 18, 1, 0xe4};
  cr_assert_eq(parse(number_for_locality, number_for_locality + sizeof number_for_locality), EGRESS_EWIRE);
  cr_assert_eq(parse(number_for_zone, number_for_zone + sizeof number_for_zone), EGRESS_EWIRE);
  cr_assert_eq(parse(half_a_region, half_a_region + sizeof half_a_region), EGRESS_EWIRE);
  cr_assert_eq(parse(half_an_agent, half_an_agent + sizeof half_an_agent), EGRESS_EWIRE);
  cr_assert_str_eq(fault.message, "the request is not a well-formed protobuf message");
  cr_assert_eq(parse(latin_zone, latin_zone + sizeof latin_zone), EGRESS_EWIRE);
  cr_assert_str_eq(fault.message, "node.locality.zone is not UTF-8 text");
}
