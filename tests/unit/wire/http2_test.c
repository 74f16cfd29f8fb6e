#define _GNU_SOURCE /* memmem */
#include "wire/http2.h"

#include <criterion/criterion.h>
#include <string.h>

#include "support/http2_serving.h"
#include "wire/call.h"

enum { LARGE = 3 << 20, WIDE = 8 << 20 };

static http2_client *c;

static void begin(void) {
  hs_begin((egress_server_options){.max_requests_per_second = 100 * 1000});
  hs_serve("C: a=1 L: l=1");
}

TestSuite(http2, .init = begin, .fini = hs_end);

/* ---- what is no call ---- */

static http2_call *ends(const char *path, const char *method, const char *type) {
  http2_call *call = http2_open_as(c, path, method, type);
  HS_UNTIL(call->is_closed);
  cr_assert_eq(call->error, NGHTTP2_NO_ERROR);
  return call;
}

Test(http2, what_is_not_grpc_is_told_so_by_http) {
  c = hs_connect(HS_WINDOW, 0);
  cr_assert_eq(ends(HS_STREAM, "POST", "application/json")->http_status, 415);
  cr_assert_eq(ends(HS_STREAM, "POST", "application/grp")->http_status, 415);
  cr_assert_eq(ends(HS_STREAM, "GET", "application/grpc")->http_status, 405);
  cr_assert_eq(ends("/", "GET", "text/html")->http_status, 405);
  http2_call *call = hs_subscribe(c);
  HS_UNTIL(http2_messages(call) == 1);
}

Test(http2, kinds_of_grpc_are_grpc) {
  c = hs_connect(HS_WINDOW, 0);
  http2_call *call = http2_open_as(c, HS_STREAM, "POST", "application/grpc+proto");
  hs_ask(c, call, 'C');
  HS_UNTIL(http2_messages(call) == 1);
}

Test(http2, a_method_that_nobody_knows_is_unimplemented) {
  c = hs_connect(HS_WINDOW, 0);
  http2_call *call = ends("/a.B/C", "POST", "application/grpc");
  cr_assert_eq(call->http_status, 200);
  cr_assert_eq(call->status, EGRESS__STATUS_UNIMPLEMENTED);
  cr_assert_not_null(strstr(call->text, "no such method"));
}

/* ---- many calls ---- */

Test(http2, more_streams_than_256_are_refused_and_the_others_go_on) {
  enum { MOST = 256, MORE = 10 };
  c = hs_connect(HS_WINDOW, 0);
  http2_call *first = hs_subscribe(c);
  for (int i = 1; i < MOST; i++)
    http2_open(c, HS_STREAM);
  HS_UNTIL(s.server->call_count == MOST && http2_messages(first) == 1);
  for (int i = 0; i < MORE; i++)
    http2_open(c, HS_STREAM); /* this client holds them back: it was told of the limit */
  for (int i = 0; i < 20; i++)
    hs_turn();
  cr_assert_eq(nghttp2_session_get_remote_settings(c->session, NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS), MOST);
  cr_assert_eq(s.server->call_count, MOST);
  hs_ask(c, first, 'L');
  HS_UNTIL(http2_messages(first) == 2);
  for (int i = 1; i <= MORE; i++)
    http2_finish(c, c->calls[i]);
  HS_UNTIL(c->calls[MORE]->is_closed);
  hs_ask(c, c->calls[MOST + MORE - 1], 'C');
  HS_UNTIL(http2_messages(c->calls[MOST + MORE - 1]) == 1);
}

Test(http2, a_client_that_does_not_wait_to_be_told_of_the_limit_is_refused) {
  enum { MANY = 300, MOST = 256 };
  int refused = 0;
  c = hs_connect(HS_WINDOW, 0);
  c->is_deaf = 1; /* it sends all it has before it reads */
  for (int i = 0; i < MANY; i++)
    http2_open(c, HS_STREAM);
  HS_UNTIL(s.server->call_count == MOST);
  c->is_deaf = 0;
  HS_UNTIL(c->calls[MANY - 1]->is_closed);
  for (int i = 0; i < MANY; i++)
    refused += c->calls[i]->is_closed && c->calls[i]->error == NGHTTP2_REFUSED_STREAM;
  cr_assert_eq(refused, MANY - MOST);
  cr_assert_eq(s.server->call_count, MOST);
  hs_ask(c, c->calls[0], 'C');
  HS_UNTIL(http2_messages(c->calls[0]) == 1);
}

Test(http2, calls_of_one_connection_do_not_disturb_each_other) {
  enum { CALLS = 50 };
  http2_call *calls[CALLS];
  c = hs_connect(WIDE, 0);
  hs_serve_large(100 * 1000);
  for (int i = 0; i < CALLS; i++) {
    calls[i] = http2_open(c, i % 3 == 2 ? HS_FETCH : HS_STREAM);
    hs_ask(c, calls[i], 'C');
    if (i % 3 == 2)
      http2_finish(c, calls[i]);
  }
  for (int i = 0; i < CALLS; i += 7)
    http2_put(c, calls[i], "\1", 1); /* a message that ends its stream */
  for (int i = 0; i < CALLS; i++) {
    HS_UNTIL(http2_messages(calls[i]) == 1);
    cr_assert_eq(hs_said(calls[i], EGRESS_TYPE_CLUSTER), 2, "in the resource and in the response of call %d", i);
    if (i % 3 == 2 && i % 7 != 0)
      HS_UNTIL(calls[i]->is_closed && calls[i]->status == 0);
  }
  http2_call *late = hs_subscribe(c);
  HS_UNTIL(http2_messages(late) == 1);
}

/* ---- windows ---- */

static void opens(http2_call *call, int32_t window) {
  nghttp2_session_set_local_window_size(c->session, NGHTTP2_FLAG_NONE, call->stream, window);
}

Test(http2, a_stalled_stream_holds_up_no_other) {
  c = hs_connect(0, 0);
  hs_serve_large(LARGE);
  http2_call *stalled = hs_subscribe(c), *other;
  HS_UNTIL(stalled->http_status == 200);
  nghttp2_session_set_local_window_size(c->session, NGHTTP2_FLAG_NONE, 0, WIDE);
  other = hs_subscribe(c);
  HS_UNTIL(other->http_status == 200);
  opens(other, WIDE);
  HS_UNTIL(http2_messages(other) == 1);
  cr_assert_eq(stalled->size, 0);
  opens(stalled, WIDE);
  HS_UNTIL(http2_messages(stalled) == 1);
  cr_assert_eq(stalled->size, other->size);
}

/* The same response, byte for byte, whatever the client's window is; then the status, behind all of it. */
static void reads_by(uint32_t window, size_t size) {
  hs_serve_large(size);
  http2_client *wide = hs_connect(WIDE, 0);
  c = hs_connect(window, 0);
  http2_call *calls[2];
  for (int i = 0; i < 2; i++) {
    http2_client *client = i == 0 ? wide : c;
    calls[i] = http2_open(client, HS_FETCH);
    hs_ask(client, calls[i], 'C');
    http2_finish(client, calls[i]);
    HS_UNTIL(calls[i]->is_closed);
    cr_assert_eq(calls[i]->status, 0);
    cr_assert_eq(calls[i]->is_after, 0);
    cr_assert_eq(http2_messages(calls[i]), 1);
    cr_assert_gt(calls[i]->size, size);
  }
  cr_assert_eq(calls[0]->size, calls[1]->size);
  cr_assert_eq(memcmp(calls[0]->bytes, calls[1]->bytes, calls[0]->size), 0);
}

Test(http2, a_window_of_one_byte_gets_it_all) {
  reads_by(1, 500);
}

Test(http2, a_window_of_a_hundred_bytes_gets_it_all) {
  reads_by(100, 20 * 1000);
}

Test(http2, a_usual_window_gets_it_all) {
  reads_by(HS_WINDOW, LARGE);
}

Test(http2, a_client_may_send_more_than_a_window) {
  enum { LONG = 1 << 20 };
  static uint8_t bytes[LONG];
  c = hs_connect(HS_WINDOW, 0);
  http2_call *call = http2_open(c, HS_STREAM);
  size_t size = xds_encode(bytes, EGRESS__XDS_SOTW, &(xds_request){.type = 'C', .node_id = "n"});
  uint8_t *end = egress__put_bytes(bytes + size, 1000, bytes + LONG / 2, LONG / 3); /* a field that nobody knows */
  for (int i = 0; i < 3; i++)
    http2_say(c, call, bytes, (size_t)(end - bytes));
  HS_UNTIL(call->out_sent == call->out_size && http2_messages(call) >= 1);
}

/* ---- ends ---- */

Test(http2, a_reset_frees_the_call) {
  c = hs_connect(0, 0);
  hs_serve_large(LARGE);
  http2_call *call = hs_subscribe(c), *fresh = http2_open(c, HS_STREAM);
  HS_UNTIL(s.server->call_count == 2 && call->http_status == 200);
  nghttp2_submit_rst_stream(c->session, NGHTTP2_FLAG_NONE, call->stream, NGHTTP2_CANCEL);
  HS_UNTIL(s.server->call_count == 1);
  nghttp2_submit_rst_stream(c->session, NGHTTP2_FLAG_NONE, fresh->stream, NGHTTP2_CANCEL);
  HS_UNTIL(s.server->calls == NULL);
  cr_assert_eq(egress_server_stream_count(s.server), 0);
  cr_assert_not_null(s.server->conns);
}

Test(http2, an_end_within_a_message_is_an_error) {
  c = hs_connect(HS_WINDOW, 0);
  http2_call *call = hs_subscribe(c);
  HS_UNTIL(http2_messages(call) == 1);
  http2_put(c, call, "\0\0\0\0\5abc", 8);
  http2_finish(c, call);
  HS_UNTIL(call->is_closed);
  cr_assert_eq(call->status, EGRESS__STATUS_INTERNAL);
  cr_assert_str_eq(call->text, "the stream ended within a request");
}

Test(http2, an_end_between_messages_is_an_end) {
  c = hs_connect(HS_WINDOW, 0);
  http2_call *call = hs_subscribe(c);
  HS_UNTIL(http2_messages(call) == 1);
  http2_finish(c, call);
  HS_UNTIL(call->is_closed);
  cr_assert_eq(call->status, 0);
  cr_assert_eq(call->error, NGHTTP2_NO_ERROR);
}

Test(http2, a_client_that_says_nothing_but_its_end_is_answered) {
  c = hs_connect(HS_WINDOW, 0);
  http2_call *call = http2_open(c, HS_STREAM);
  http2_finish(c, call);
  HS_UNTIL(call->is_closed);
  cr_assert_eq(call->status, 0);
}

Test(http2, a_stream_that_we_end_is_ended_for_a_client_that_could_say_more) {
  c = hs_connect(HS_WINDOW, 0);
  http2_call *call = http2_open(c, HS_STREAM);
  http2_put(c, call, "\1", 1);
  http2_put(c, call, "\0\0\0\0", 4); /* a compressed message */
  HS_UNTIL(call->is_closed);
  cr_assert_eq(call->status, EGRESS__STATUS_UNIMPLEMENTED);
  cr_assert_eq(call->error, NGHTTP2_NO_ERROR);
}

Test(http2, a_text_that_is_no_ascii_comes_as_it_has_to) {
  c = hs_connect(HS_WINDOW, 0);
  http2_call *call = hs_subscribe(c);
  HS_UNTIL(http2_messages(call) == 1);
  egress__call_finish((egress__call *)s.server->calls, EGRESS__STATUS_ABORTED, "50% M\xc3\xbcll");
  HS_UNTIL(call->is_closed);
  cr_assert_eq(call->status, EGRESS__STATUS_ABORTED);
  cr_assert_str_eq(call->text, "50%25 M%C3%BCll");
}

Test(http2, a_ping_is_answered) {
  c = hs_connect(HS_WINDOW, 0);
  for (int i = 1; i <= 3; i++) {
    nghttp2_submit_ping(c->session, NGHTTP2_FLAG_NONE, NULL);
    HS_UNTIL(c->pongs == i);
  }
}
