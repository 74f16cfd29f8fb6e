#include "wire/load.h"

#include <criterion/criterion.h>
#include <string.h>

#include <egress/error.h>

#include "support/counted.h"
#include "wire/conn.h"
#include "wire/status_code.h"
#include "xds/load.h"

#define ID \
  "\x0a\x01n" \
  "\x12\x01g"
#define CLUSTER \
  "\x12\x03\x0a\x01" \
  "c"

/* LoadStatsRequests: the first with and without the feature, one with a cluster, one with both. */
static const char plain[] = "\x0a\x06" ID,
                  featured[] = "\x0a\x2c" ID "\x52\x24"
                               "envoy.lrs.supports_send_all_clusters",
                  report[] = CLUSTER, both[] = "\x0a\x06" ID CLUSTER;

static egress_server server;
static egress__conn conn;
static egress__caller caller;
static egress__stream_fault fault;
static egress_event event;
static int32_t verdict;

static int32_t authorise(const egress_access *access, char *reason, size_t size, void *user) {
  (void)user;
  cr_assert_str_eq(access->type_url, EGRESS_TYPE_LOAD_STATS);
  cr_assert_str_eq(access->node->id, "n");
  cr_assert_str_eq(access->node->cluster, "g");
  snprintf(reason, size, "%s", verdict != 0 ? "no load of yours" : "");
  return verdict;
}

static void begin(void) {
  server = (egress_server){.alloc = &counted, .options = {.load_report_ms = 2000, .events = UINT32_MAX}};
  egress__events_init(&server.events, &counted, 8);
  conn = (egress__conn){.server = &server, .transport = EGRESS_TRANSPORT_PLAINTEXT};
  caller = (egress__caller){.server = &server, .conn = &conn, .stream_id = 7, .address = "ipv4:127.0.0.1:1"};
  fault = (egress__stream_fault){0};
  verdict = 0;
  cr_assert_eq(egress__load_service.open(&caller, &fault), 0);
}

static void end(void) {
  egress__load_service.free(&caller);
  egress__events_dispose(&server.events);
  cr_assert_eq(counted_live, 0);
}

TestSuite(load, .init = begin, .fini = end);

static int say(const char *message) {
  return egress__load_service.request(&caller, message, strlen(message), &fault);
}

static int next_event(void) {
  return egress__events_take(&server.events, &event);
}

Test(load, c84_without_an_interval_there_is_no_such_service) {
  server.options.load_report_ms = 0;
  cr_assert_neq(egress__load_service.open(&caller, &fault), 0);
  cr_assert_eq(fault.status, EGRESS__STATUS_UNIMPLEMENTED);
  cr_assert_str_eq(fault.message, "load reports are not taken here (load_report_ms)");
}

static int asks_for_all(const char *message) {
  egress__response response;
  cr_assert_eq(egress__load_service.next(&caller, &response, &fault), 0, "not before the client has said who it is");
  cr_assert_eq(say(message), 0);
  cr_assert_eq(egress__load_service.next(&caller, &response, &fault), 1);
  cr_assert_null(response.body);
  cr_assert_eq(response.tail[0], 0x12);
  cr_assert_eq(response.tail[3], 2, "seconds");
  int all = response.tail[response.tail_size - 2] == 0x20 && response.tail[response.tail_size - 1] == 1;
  cr_assert_eq(egress__load_service.next(&caller, &response, &fault), 0, "once");
  cr_assert_eq(say(message), 0);
  cr_assert_eq(egress__load_service.next(&caller, &response, &fault), 0, "once");
  cr_assert_eq(egress__load_service.due(&caller), UINT64_MAX);
  return all;
}

Test(load, c84_a_client_with_the_feature_is_asked_for_all_clusters) {
  cr_assert_eq(asks_for_all(featured), 1);
}

Test(load, c84_a_client_without_it_is_not) {
  cr_assert_eq(asks_for_all(plain), 0);
}

Test(load, c84_reports_are_events) {
  egress_event named = {0};
  egress__load_service.describe(&caller, &named);
  cr_assert_str_eq(named.node_id, "");
  cr_assert_eq(say(plain), 0);
  egress__load_service.describe(&caller, &named);
  cr_assert_str_eq(named.node_id, "n");
  cr_assert_eq(next_event(), 1);
  cr_assert_eq(event.kind, EGRESS_EVENT_CONNECTED);
  cr_assert_str_eq(event.type_url, EGRESS_TYPE_LOAD_STATS);
  cr_assert_null(event.load);
  cr_assert_eq(next_event(), 0, "an empty report is none");
  cr_assert_eq(say(report), 0, "only the first says who it is");
  cr_assert_eq(next_event(), 1);
  cr_assert_eq(event.kind, EGRESS_EVENT_LOAD_REPORT);
  cr_assert_eq(event.stream_id, 7);
  cr_assert_str_eq(event.node_id, "n");
  cr_assert_str_eq(event.peer, "ipv4:127.0.0.1:1");
  cr_assert_str_eq(event.type_url, EGRESS_TYPE_LOAD_STATS);
  cr_assert_eq(event.load->cluster_count, 1);
  cr_assert_str_eq(event.load->clusters[0].name, "c");
  cr_assert_eq(next_event(), 0);
}

Test(load, the_embedder_says_who_may_report) {
  server.options.authorise = authorise;
  verdict = 16;
  cr_assert_eq(say(both), EGRESS_EINVAL);
  cr_assert_eq(fault.status, 16);
  cr_assert_str_eq(fault.message, "no load of yours");
  cr_assert_str_eq(fault.type_url, EGRESS_TYPE_LOAD_STATS);
  cr_assert_eq(next_event(), 0);
  verdict = 0;
  cr_assert_eq(say(both), 0);
}

Test(load, what_is_no_report_ends_the_stream) {
  cr_assert_eq(say("\x12\x01\x0a"), EGRESS_EWIRE);
  cr_assert_eq(fault.status, EGRESS__STATUS_INVALID_ARGUMENT);
  cr_assert_eq(say("\x0a\x03\x0a\x01\xff"), EGRESS_EWIRE, "nor a node");
  cr_assert_eq(next_event(), 0);
}

Test(load, without_memory_nothing_is_left_behind) {
  size_t need = 0;
  for (int rv = EGRESS_ENOMEM; rv != 0; need++) {
    size_t live = counted_live;
    counted_left = need;
    rv = say(both);
    counted_left = SIZE_MAX;
    cr_assert(rv == 0 || (rv == EGRESS_ENOMEM && counted_live == live && fault.status == 8));
  }
  cr_assert_gt(need, 3, "report, reporter and its texts");
}
