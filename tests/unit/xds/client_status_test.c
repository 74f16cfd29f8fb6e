/* What CSDS is asked. What it answers is compared by the Python package's tests, which know the messages. */
#include "xds/client_status.h"

#include <egress/error.h>

#include "support/xds_client.h"

static egress__status_request request;
static egress__stream_fault fault;

#define READ(text) egress__status_request_read(&request, text, sizeof(text) - 1, &fault)

/* node_matchers { node_id { FIELD: TEXT } } of a text of three bytes; its field as a tag. */
#define MATCHER(tag, text) "\x0a\x07\x0a\x05" tag "\x03" text
#define EXACT "\x0a"
#define PREFIX "\x12"
#define SUFFIX "\x1a"
#define REGEX "\x2a"
#define CONTAINS "\x3a"
#define CUSTOM "\x42"

static int means(const char *node_id) {
  return egress__status_request_means(&request, node_id);
}

Test(client_status, without_matchers_all_nodes_are_meant) {
  cr_assert_eq(READ(""), 0);
  cr_assert(means("") && means("n"));
  cr_assert_eq(request.is_bare, 0);
  cr_assert_eq(request.node.size, 0);
  cr_assert_eq(READ("\x12\x03\x0a\x01n\x18\x01"), 0);
  cr_assert_eq(request.node.size, 3);
  cr_assert_eq(request.is_bare, 1);
}

Test(client_status, c84_nodes_are_matched_by_their_id) {
  cr_assert_eq(READ(MATCHER(EXACT, "abc")), 0);
  cr_assert(means("abc") && !means("abcd") && !means("ab") && !means("Abc") && !means(""));
  cr_assert_eq(READ(MATCHER(PREFIX, "abc")), 0);
  cr_assert(means("abc") && means("abcd") && !means("xabc"));
  cr_assert_eq(READ(MATCHER(SUFFIX, "abc")), 0);
  cr_assert(means("abc") && means("xabc") && !means("abcd"));
  cr_assert_eq(READ(MATCHER(CONTAINS, "abc")), 0);
  cr_assert(means("abc") && means("xabc") && means("abcd") && means("ababcab") && !means("abab"));
}

Test(client_status, one_matcher_is_enough) {
  cr_assert_eq(READ(MATCHER(EXACT, "abc") MATCHER(EXACT, "xyz")), 0);
  cr_assert(means("abc") && means("xyz") && !means("abcxyz"));
  cr_assert_eq(READ("\x0a\x00"), 0, "a matcher that asks for nothing");
  cr_assert(means("n"));
}

Test(client_status, case_can_be_ignored) {
  cr_assert_eq(READ("\x0a\x09\x0a\x07" EXACT "\x03"
                    "aBc"
                    "\x30\x01"),
               0);
  cr_assert(means("AbC") && !means("abd"));
}

Test(client_status, what_cannot_be_matched_by_is_refused) {
  cr_assert_eq(READ(MATCHER(REGEX, "abc")), EGRESS_EUNSUPPORTED);
  cr_assert_str_eq(fault.message, "safe_regex in node_matchers is not supported: match node_id by exact, prefix, "
                                  "suffix or contains");
  cr_assert_eq(fault.status, 12, "UNIMPLEMENTED");
  cr_assert_eq(READ(MATCHER(CUSTOM, "abc")), EGRESS_EUNSUPPORTED);
  cr_assert_eq(READ("\x0a\x02\x0a\x00"), EGRESS_EUNSUPPORTED, "a string of no kind means not everything");
  cr_assert_eq(READ("\x0a\x02\x12\x00"), EGRESS_EUNSUPPORTED, "node_metadatas");
}

Test(client_status, malformed_messages_and_too_many_matchers_are_refused) {
  cr_assert_eq(READ("\x0a\x05"), EGRESS_EWIRE);
  cr_assert_eq(fault.status, 3, "INVALID_ARGUMENT");
  cr_assert_eq(READ("\x0a\x02\x0a\x05"), EGRESS_EWIRE);
  cr_assert_eq(READ("\x0a\x04\x0a\x02\x0a\x05"), EGRESS_EWIRE);
  char many[2 * (EGRESS__MATCHERS_MAX + 1)];
  for (size_t i = 0; i < sizeof many; i += 2)
    memcpy(&many[i], "\x0a", 2);
  cr_assert_eq(egress__status_request_read(&request, many, sizeof many - 2, &fault), 0);
  cr_assert_eq(egress__status_request_read(&request, many, sizeof many, &fault), EGRESS_ELIMIT);
  cr_assert_eq(fault.status, 8, "RESOURCE_EXHAUSTED");
}

Test(client_status, c84_the_answer_has_a_limit) {
  xds_client client;
  egress__buf response;
  xds_begin(&client, EGRESS__XDS_SOTW);
  xds_set(&client, "g", "C: a=1");
  xds_ask(&client, (xds_request){.type = 'C'});
  egress__buf_init(&response, client.config.alloc);
  response.size = EGRESS__CLIENT_STATUS_BYTES_MAX - 4; /* as if so much were there */
  cr_assert_eq(egress__client_status_write(&response, client.stream, 1, 0, &fault), EGRESS_ELIMIT);
  cr_assert_eq(fault.status, 8, "RESOURCE_EXHAUSTED");
  cr_assert_eq(response.size, EGRESS__CLIENT_STATUS_BYTES_MAX - 4);
  response.size = 0;
  cr_assert_eq(egress__client_status_write(&response, client.stream, 1, 0, &fault), 0);
  cr_assert_gt(response.size, 0);
  egress__buf_dispose(&response);
  xds_end(&client);
}

/* The names of the configuration's items, each with a space behind; of an item that does not exist with '-' before. */
static const char *item_names(egress__buf *response) {
  enum { RESPONSE_CONFIG = 1, CONFIG_ITEM = 3, ITEM_NAME = 2, ITEM_CLIENT_STATUS = 7, DOES_NOT_EXIST = 2 };
  static char out[XDS_TEXT];
  egress__span config = xds_field((egress__span){(const uint8_t *)response->data, response->size}, RESPONSE_CONFIG);
  egress__field field, part;
  size_t used = 0;
  out[0] = '\0';
  while (egress__field_next(&config, &field) == 1) {
    if (field.number != CONFIG_ITEM)
      continue;
    egress__span name = xds_field(field.bytes, ITEM_NAME);
    int is_gone = 0;
    while (egress__field_next(&field.bytes, &part) == 1)
      is_gone |= part.number == ITEM_CLIENT_STATUS && part.value == DOES_NOT_EXIST;
    used += (size_t)snprintf(out + used, sizeof out - used, "%s%.*s ", is_gone ? "-" : "", (int)name.size,
                             (const char *)name.data);
  }
  return out;
}

Test(client_status, c31_all_scoped_routes_of_who_names_none) {
  xds_client client;
  egress__buf response;
  xds_begin(&client, EGRESS__XDS_SOTW);
  xds_set(&client, "g", "P: a=1 b=1 R: r=1");
  xds_ask(&client, (xds_request){.type = 'P'});
  egress__buf_init(&response, client.config.alloc);
  cr_assert_eq(egress__client_status_write(&response, client.stream, 1, 0, &fault), 0);
  cr_assert_str_eq(item_names(&response), "a b ");
  egress__buf_dispose(&response);
  xds_end(&client);
}

Test(client_status, c70_of_a_glob_what_is_below_it) {
  xds_client client;
  egress__buf response;
  xds_begin(&client, EGRESS__XDS_DELTA);
  xds_set(&client, "g", "E: xdstp://a/T/b/c=1 xdstp://a/T/b/d=1 xdstp://a/T/e=1");
  xds_ask(&client, (xds_request){.type = 'E', .names = "xdstp://a/T/b/*"});
  xds_ask(&client, (xds_request){.type = 'E', .names = "xdstp://a/T/b/d"});
  egress__buf_init(&response, client.config.alloc);
  cr_assert_eq(egress__client_status_write(&response, client.stream, 1, 0, &fault), 0);
  cr_assert_str_eq(item_names(&response), "xdstp://a/T/b/d xdstp://a/T/b/c ");
  xds_set(&client, "g", "E: xdstp://a/T/e=1");
  xds_ack(&client, 'E', NULL);
  xds_ask(&client, (xds_request){.type = 'E', .drop = "xdstp://a/T/b/d"});
  response.size = 0;
  cr_assert_eq(egress__client_status_write(&response, client.stream, 1, 0, &fault), 0);
  cr_assert_str_eq(item_names(&response), "-xdstp://a/T/b/* ");
  egress__buf_dispose(&response);
  xds_end(&client);
}

Test(client_status, c75_a_name_that_is_asked_for_may_exist) {
  xds_client client;
  egress__buf response;
  xds_begin_asking(&client, EGRESS__XDS_DELTA, 1000);
  xds_set(&client, "g", "C: a=1");
  xds_ask(&client, (xds_request){.type = 'C', .names = "b"});
  egress__buf_init(&response, client.config.alloc);
  cr_assert_eq(egress__client_status_write(&response, client.stream, 1, 0, &fault), 0);
  cr_assert_str_eq(item_names(&response), "b ");
  cr_assert_eq(egress_cache_absent(client.cache, "g", EGRESS_TYPE_CLUSTER, "b"), 0);
  SENT("C: -b", xds_drain(&client));
  response.size = 0;
  cr_assert_eq(egress__client_status_write(&response, client.stream, 1, 0, &fault), 0);
  cr_assert_str_eq(item_names(&response), "-b ");
  egress__buf_dispose(&response);
  xds_end(&client);
}
