#define _GNU_SOURCE /* memmem */
#include "wire/call.h"

#include <criterion/criterion.h>
#include <string.h>

#include "support/http2_serving.h"
#include "wire/conn.h"
#include "wire/quota.h"
#include "wire/status_code.h"

enum { BURST = 5, PER_SECOND = 20, MANY = 25, SLOW_MS = (MANY - BURST) * 1000 / PER_SECOND * 9 / 10 };

static http2_client *c;

static void begin_with(egress_server_options options) {
  hs_begin(options);
  hs_serve("C: a=1");
  c = hs_connect(HS_WINDOW, 0);
}

static void begin(void) {
  begin_with((egress_server_options){.max_request_burst = BURST, .max_requests_per_second = PER_SECOND});
}

/* One request a second, and no more. */
static void begin_slow(void) {
  begin_with((egress_server_options){.max_request_burst = 1, .max_requests_per_second = 1, .first_request_ms = 300});
}

TestSuite(call_in, .init = begin, .fini = hs_end);
TestSuite(call_in_slow, .init = begin_slow, .fini = hs_end);

static uint64_t now_ms(void) {
  return uv_hrtime() / 1000000;
}

/* ---- loops ---- */

static void is_slowed(const char *path, size_t messages) {
  uint64_t began_ms = now_ms();
  for (int i = 0; i < MANY; i++) {
    http2_call *call = http2_open(c, path);
    hs_ask(c, call, 'C');
    HS_UNTIL(http2_messages(call) == messages);
    http2_finish(c, call);
    HS_UNTIL(call->is_closed);
    cr_assert_eq(call->status, 0, "%s", call->text);
  }
  cr_assert_geq(now_ms(), began_ms + SLOW_MS);
  cr_assert_gt(s.server->metrics.slowed, 0);
}

Test(call_in, a_loop_of_streams_is_slowed) {
  is_slowed(HS_STREAM, 1);
}

Test(call_in, so_is_one_of_fetches) {
  is_slowed(HS_FETCH, 1);
}

/* ---- who waits ---- */

static uint64_t requests_taken(void) {
  return s.server->metrics.types[egress__metrics_type(EGRESS_TYPE_CLUSTER)].requests;
}

Test(call_in, streams_of_a_connection_take_turns) {
  http2_call *busy = hs_subscribe(c);
  for (int i = 1; i < MANY; i++)
    hs_ask(c, busy, 'C');
  HS_UNTIL(s.server->metrics.slowed > 0);
  http2_call *other = hs_subscribe(c);
  HS_UNTIL(http2_messages(other) == 1);
  cr_assert_lt(requests_taken(), MANY / 2, "it had to wait for all that came before it");
  cr_assert_not(busy->is_closed);
  HS_UNTIL(requests_taken() == MANY + 1);
}

Test(call_in, what_still_waits_takes_no_more_room) {
  http2_call *busy = hs_subscribe(c);
  for (int i = 1; i < MANY; i++)
    hs_ask(c, busy, 'C');
  HS_UNTIL(s.server->metrics.slowed > 0 && s.server->pending.bytes > 0);
  egress__pending *pending = &s.server->conns->peer->pending;
  pending->max_bytes = pending->bytes + pending->bytes / 10; /* for the one that is taken */
  HS_UNTIL(requests_taken() == MANY || busy->is_closed);
  cr_assert_not(busy->is_closed, "%s", busy->text);
  HS_UNTIL(pending->bytes == 0);
}

Test(call_in_slow, another_connection_has_a_pace_of_its_own) {
  http2_call *first = hs_subscribe(c);
  http2_call *waiting = hs_subscribe(c);
  HS_UNTIL(http2_messages(first) == 1 && s.server->metrics.slowed == 1);
  http2_call *other = hs_subscribe(hs_connect(HS_WINDOW, 0));
  HS_UNTIL(http2_messages(other) == 1);
  cr_assert_eq(s.server->metrics.slowed, 1);
  cr_assert_eq(http2_messages(waiting), 0);
}

Test(call_in_slow, whose_request_waits_is_not_taken_for_silent) {
  http2_call *first = hs_subscribe(c), *second = hs_subscribe(c), *third = hs_subscribe(c);
  HS_UNTIL(http2_messages(first) == 1);
  HS_UNTIL(http2_messages(second) == 1);
  HS_UNTIL(http2_messages(third) == 1 || third->is_closed);
  cr_assert_not(third->is_closed, "%s", third->text);
}

Test(call_in_slow, a_stream_that_ends_gives_its_place_back) {
  http2_call *waiting[5], *first = hs_subscribe(c);
  for (size_t i = 0; i < 5; i++)
    waiting[i] = hs_subscribe(c);
  HS_UNTIL(http2_messages(first) == 1 && s.server->metrics.slowed == 5);
  for (size_t i = 0; i < 5; i++)
    nghttp2_submit_rst_stream(c->session, NGHTTP2_FLAG_NONE, waiting[i]->stream, NGHTTP2_CANCEL);
  HS_UNTIL(s.server->call_count == 1);
  cr_assert_leq(s.server->conns->pace.full_us, (uv_now(&s.loop) + 1000) * 1000, "only the first one had its request");
}
