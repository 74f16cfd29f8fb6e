#include "wire/discovery.h"

#include <criterion/criterion.h>
#include <string.h>

#include <egress/resource.h>

#include "support/xds.h"
#include "wire/conn.h"
#include "wire/quota.h"
#include "wire/status_code.h"

static egress_server server;
static egress__quota_peer peer;
static egress__conn conn = {.peer = &peer};
static egress__caller caller;
static egress__stream_fault fault;
static egress_message seen;

static void see(const egress_message *message, void *user) {
  seen = *message;
  cr_assert_eq(user, &seen);
}

static void on_event(egress__stream *stream, const egress_event *event, void *user) {
  (void)stream;
  (void)event;
  cr_assert_eq(user, &caller);
}

static void open_as(egress__method method) {
  caller = (egress__caller){
      .server = &server, .conn = &conn, .stream_id = 7, .address = "ipv4:127.0.0.1:1", .method = method};
  cr_assert_eq(egress__discovery.open(&caller, &fault), 0);
}

static void begin(void) {
  server = (egress_server){.options = {.on_message = see, .user = &seen}};
  server.streams = (egress__stream_config){
      .alloc = egress__alloc_or_default(NULL), .max_subscriptions = 9, .max_bytes = 1 << 20, .on_event = on_event};
  cr_assert_eq(egress_cache_new(&server.streams.cache, NULL), 0);
  fault = (egress__stream_fault){0};
}

static void end(void) {
  egress__discovery.free(&caller);
  egress_cache_unref(server.streams.cache);
}

TestSuite(discovery, .init = begin, .fini = end);

static int32_t shown_as(egress_message_kind kind) {
  egress__discovery.show(&caller, kind, (egress_message){.head = "abc", .head_size = 3});
  cr_assert_eq(seen.stream_id, 7);
  cr_assert_str_eq(seen.peer, "ipv4:127.0.0.1:1");
  cr_assert_eq(seen.head_size, 3);
  return seen.kind;
}

Test(discovery, messages_are_shown_by_their_variant) {
  open_as((egress__method){.variant = EGRESS__XDS_DELTA});
  cr_assert_eq(shown_as(EGRESS_MESSAGE_OPENED), EGRESS_MESSAGE_OPENED);
  cr_assert_eq(shown_as(EGRESS_MESSAGE_REQUEST), EGRESS_MESSAGE_DELTA_REQUEST);
  cr_assert_eq(shown_as(EGRESS_MESSAGE_RESPONSE), EGRESS_MESSAGE_DELTA_RESPONSE);
  cr_assert_str_eq(seen.type_url, "", "aggregated");
  caller.method = (egress__method){.variant = EGRESS__XDS_SOTW, .type_url = EGRESS_TYPE_CLUSTER};
  cr_assert_eq(shown_as(EGRESS_MESSAGE_REQUEST), EGRESS_MESSAGE_REQUEST);
  cr_assert_eq(shown_as(EGRESS_MESSAGE_RESPONSE), EGRESS_MESSAGE_RESPONSE);
  cr_assert_str_eq(seen.type_url, EGRESS_TYPE_CLUSTER);
}

Test(discovery, a_fetch_has_an_answer_or_a_fault) {
  /* node {id: "n"}, and no names */
  static const uint8_t request[] = {0x0a + 8, 3, 0x0a, 1, 'n'};
  egress__response response;
  open_as((egress__method){.variant = EGRESS__XDS_SOTW, .type_url = EGRESS_TYPE_CLUSTER, .is_unary = 1});
  cr_assert_eq(egress__discovery.request(&caller, request, sizeof request, &fault), 0);
  cr_assert_lt(egress__discovery.next(&caller, &response, &fault), 0);
  cr_assert_eq(fault.status, EGRESS__STATUS_UNAVAILABLE);
  cr_assert_str_eq(fault.message, "there is no snapshot yet for the group of this node");
  egress_event event = {0};
  egress__discovery.describe(&caller, &event);
  cr_assert_str_eq(event.node_id, "n");
}
