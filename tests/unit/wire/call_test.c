#include "wire/call.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "support/grpc_client.h"
#include "support/serving.h"
#include "support/xds.h"

enum { CROWD = 100, AT_ONCE = 64 };

static serving s;
static client *clients[CROWD];
static int count, status;

static void connect_all(void *user) {
  (void)user;
  for (int i = 0; i < count; i++) {
    clients[i] = client_open(s.address, NULL);
    cr_assert_eq(client_subscribe(clients[i]), 0);
    cr_assert_gt(client_take(clients[i], 1), 0);
  }
}

static void take_all(void *user) {
  (void)user;
  for (int i = 0; i < count; i++)
    cr_assert_gt(client_take(clients[i], 0), 0);
}

static void close_all(void *user) {
  (void)user;
  for (int i = 0; i < count; i++)
    client_close(clients[i]);
}

static void read_status(void *user) {
  status = client_status(user);
}

static void serve(const char *words) {
  egress_snapshot *snap;
  cr_assert_eq(xds_snapshot_new(&snap, words, NULL), 0);
  cr_assert_eq(egress_cache_set(s.cache, "*", snap), 0);
  egress_snapshot_unref(snap);
}

static void begin(void) {
  serving_begin(&s, NULL);
  serve("C: a=1");
  count = 1;
}

static void end(void) {
  serving_end(&s);
}

TestSuite(call, .init = begin, .fini = end);

static int no_stream_is_open(void *user) {
  (void)user;
  return egress_server_stream_count(s.server) == 0;
}

static int no_call_is_left(void *user) {
  (void)user;
  return s.server->calls == NULL;
}

/* ---- streams ---- */

Test(call, it_frees_itself) {
  count = 20;
  serving_while(&s, connect_all, NULL);
  cr_assert_eq(egress_server_stream_count(s.server), (size_t)count);
  serving_while(&s, close_all, NULL);
  serving_until(&s, no_call_is_left, NULL);
  cr_assert_eq(egress_server_stream_count(s.server), 0);
}

/* The call of the one client there is: it alone has something new to send. */
static egress__call *open_call(void) {
  serve("C: a=2");
  cr_assert_not_null(s.server->ready);
  return s.server->ready;
}

Test(call, finish_ends_the_stream_with_its_status) {
  char message[] = "ended by the test";
  egress_event event = {0};
  serving_while(&s, connect_all, NULL);
  egress__call *call = open_call();
  egress__call_finish(call, EGRESS__STATUS_FAILED_PRECONDITION, message);
  message[0] = 'X'; /* was copied */
  cr_assert_eq(egress_server_stream_count(s.server), 0, "at once");
  egress__call_finish(call, EGRESS__STATUS_ABORTED, "too late");
  serving_while(&s, read_status, clients[0]);
  cr_assert_eq(status, EGRESS__STATUS_FAILED_PRECONDITION);
  do
    cr_assert_eq(egress_server_next_event(s.server, &event), 1);
  while (event.kind != EGRESS_EVENT_DISCONNECTED);
  cr_assert_eq(event.status, EGRESS__STATUS_FAILED_PRECONDITION);
  cr_assert_str_eq(event.message, "ended by the test");
  cr_assert_eq(egress_server_next_event(s.server, &event), 0, "once");
  serving_while(&s, close_all, NULL);
}

Test(call, all_can_be_finished_and_others_come) {
  egress__calls_finish(s.server, EGRESS__STATUS_UNAVAILABLE, "nobody is there");
  count = 3;
  serving_while(&s, connect_all, NULL);
  egress__calls_finish(s.server, EGRESS__STATUS_UNAVAILABLE, "go");
  cr_assert_eq(egress_server_stream_count(s.server), 0);
  for (int i = 0; i < count; i++) {
    status = 0;
    serving_while(&s, read_status, clients[i]);
    cr_expect_eq(status, EGRESS__STATUS_UNAVAILABLE);
  }
  serving_while(&s, close_all, NULL);
  serving_while(&s, connect_all, NULL);
  serving_while(&s, close_all, NULL);
  serving_until(&s, no_stream_is_open, NULL);
}

Test(call, a_turn_sends_a_bounded_number_of_responses) {
  count = CROWD;
  serving_while(&s, connect_all, NULL);
  cr_assert_eq(egress__calls_flush(s.server), 0, "all have what there is");
  serve("C: a=2");
  cr_assert_eq(egress__calls_flush(s.server), 1, "more than %d are ready", AT_ONCE);
  cr_assert_eq(egress__calls_flush(s.server), 0, "not more than twice %d", AT_ONCE);
  serving_while(&s, take_all, NULL);
  serving_while(&s, close_all, NULL);
}

Test(call, what_is_ready_is_sent_without_being_asked_for) {
  count = CROWD;
  serving_while(&s, connect_all, NULL);
  serve("C: a=2");
  serving_while(&s, take_all, NULL);
  serving_while(&s, close_all, NULL);
}

/* ---- limits ---- */

static int all_was_written(void *user) {
  (void)user;
  return s.server->unread.bytes == 0;
}

static int has_accepted(void *user) {
  egress_event event;
  (void)user;
  return egress_server_next_event(s.server, &event) && event.kind == EGRESS_EVENT_ACKED;
}

Test(call, a_stream_waits_while_there_is_no_room_and_is_sent_the_last_state_then) {
  serving_while(&s, connect_all, NULL);
  serving_until(&s, has_accepted, NULL);
  serving_until(&s, all_was_written, NULL);
  uint32_t room = s.server->options.max_unread_bytes;
  s.server->options.max_unread_bytes = 0; /* not even for one */
  serve("C: a=2");
  cr_assert_eq(egress__calls_flush(s.server), 0);
  cr_assert_eq(s.server->unread.bytes, 0, "nothing was begun");
  serve("C: a=3");
  cr_assert_eq(egress__calls_flush(s.server), 0);
  cr_assert_eq(s.server->unread.bytes, 0);
  s.server->options.max_unread_bytes = room;
  serving_while(&s, take_all, NULL);
  serving_while(&s, close_all, NULL);
  serving_until(&s, no_stream_is_open, NULL);
}

Test(call, what_was_read_is_not_counted_any_more) {
  count = 3;
  serving_while(&s, connect_all, NULL);
  serving_while(&s, close_all, NULL);
  serving_until(&s, no_call_is_left, NULL);
  cr_assert_eq(s.server->unread.bytes, 0);
  cr_assert_eq(s.server->unread.bodies.count, 0);
}
