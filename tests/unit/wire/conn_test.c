#define _GNU_SOURCE /* memmem */
#include "wire/conn.h"

#include <criterion/criterion.h>
#include <linux/sockios.h>
#include <string.h>
#include <sys/ioctl.h>

#include "support/http2_serving.h"
#include "support/pki.h"
#include "wire/status_code.h"

enum { LARGE = 8 << 20, SMALL = 4096, FOREVER_MS = INT32_MAX, SOON_MS = 300 };

static http2_client *c;

static void begin(void) {
  hs_begin((egress_server_options){.keepalive_ms = FOREVER_MS, .max_requests_per_second = 1000 * 1000});
  hs_serve("C: a=1");
}

TestSuite(conn, .init = begin, .fini = hs_end);

/* The same with other options. */
static void again(egress_server_options options) {
  hs_end();
  hs_count = 0;
  hs_begin(options);
  hs_serve("C: a=1");
}

static uint64_t now_ms(void) {
  return uv_hrtime() / 1000000;
}

/* 1 once the server has closed the connection; what came before is dropped. */
static int is_over(int fd) {
  uint8_t in[SMALL];
  ssize_t n;
  while ((n = http2_read(fd, in, sizeof in)) > 0)
    ;
  return n < 0;
}

/* The next stream that ends, as the embedder is told, does so for this. */
static void ended_because(const char *why) {
  egress_event event = {0};
  while (event.kind != EGRESS_EVENT_DISCONNECTED)
    cr_assert(egress_server_next_event(s.server, &event), "no stream has ended");
  cr_assert_eq(event.status, EGRESS__STATUS_CANCELLED);
  cr_assert_str_eq(event.message, why);
}

/* ---- what is not HTTP/2 ---- */

static const char preface[] = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

static void ends_on(const char *bytes, size_t size) {
  int fd = http2_socket(hs_port(), 0);
  cr_assert_eq(send(fd, bytes, size, MSG_NOSIGNAL), (ssize_t)size);
  HS_UNTIL(is_over(fd));
  close(fd);
  HS_UNTIL(s.server->conns == NULL);
}

Test(conn, another_protocol_is_the_end) {
  ends_on("GET / HTTP/1.1\r\nHost: a\r\n\r\n", 27);
  ends_on("POST /envoy HTTP/1.0\r\n\r\n", 24);
  ends_on("\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03 and 13 more", 24);
  ends_on("PRI * HTTP/2.0\r\n\r\nXX\r\n\r\n", 24);
}

Test(conn, garbage_behind_the_preface_is_the_end) {
  char bytes[24 + 64];
  memcpy(bytes, preface, 24);
  memset(bytes + 24, 0xa5, 64);
  ends_on(bytes, sizeof bytes);
  memcpy(bytes + 24, "\0\0\0\6\0\0\0\0\0", 9); /* a PING in the place of SETTINGS, and of no size */
  ends_on(bytes, 24 + 9);
}

Test(conn, the_others_go_on) {
  c = hs_connect(HS_WINDOW, 0);
  http2_call *call = hs_subscribe(c);
  HS_UNTIL(http2_messages(call) == 1);
  int fd = http2_socket(hs_port(), 0);
  cr_assert_eq(send(fd, "GET / HTTP/1.1\r\n\r\n", 18, MSG_NOSIGNAL), 18);
  HS_UNTIL(is_over(fd));
  close(fd);
  nghttp2_submit_ping(c->session, NGHTTP2_FLAG_NONE, NULL);
  HS_UNTIL(c->pongs == 1);
}

/* ---- who does not begin ---- */

static void is_dropped(unsigned port, const char *bytes, size_t size) {
  uint64_t began_ms = now_ms();
  int fd = http2_socket(port, 0);
  if (size > 0)
    cr_assert_eq(send(fd, bytes, size, MSG_NOSIGNAL), (ssize_t)size);
  HS_UNTIL(is_over(fd));
  cr_assert_geq(now_ms(), began_ms + SOON_MS - 5);
  close(fd);
  HS_UNTIL(s.server->conns == NULL);
}

Test(conn, a_client_that_never_greets_is_dropped) {
  again((egress_server_options){.keepalive_ms = FOREVER_MS, .first_request_ms = SOON_MS});
  is_dropped(hs_port(), NULL, 0);
  is_dropped(hs_port(), preface, 10);
  is_dropped(hs_port(), preface, 24);
}

Test(conn, a_client_that_never_finishes_its_handshake_is_dropped) {
  EVP_PKEY *pair = pki_key("EC");
  char *cert = pki_certificate(pair), *key = pki_key_text(pair, NULL);
  egress_listen_options tls = EGRESS_LISTEN_OPTIONS_INIT;
  again((egress_server_options){.keepalive_ms = FOREVER_MS, .first_request_ms = SOON_MS});
  tls.tls_cert = cert;
  tls.tls_key = key;
  cr_assert_eq(egress_server_listen(s.server, "127.0.0.1:0", &tls, NULL), 0);
  is_dropped(egress_server_port(s.server, 1), NULL, 0);
  is_dropped(egress_server_port(s.server, 1), "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", 11);
  free(cert);
  free(key);
  EVP_PKEY_free(pair);
}

/* ---- signs of life ---- */

enum { PING_MS = 300, ANSWER_MS = 300 };

static void with_pings(void) {
  again((egress_server_options){.keepalive_ms = PING_MS, .keepalive_timeout_ms = ANSWER_MS});
}

Test(conn, one_that_serves_nobody_is_left) {
  again((egress_server_options){.keepalive_ms = FOREVER_MS, .first_request_ms = SOON_MS});
  c = hs_connect(HS_WINDOW, 0);
  http2_call *call = hs_subscribe(c);
  HS_UNTIL(http2_messages(call) == 1);
  uint64_t busy_ms = now_ms();
  HS_UNTIL(now_ms() > busy_ms + 3 * SOON_MS);
  cr_assert(c->goaways == 0 && !call->is_closed, "it has a stream");
  http2_finish(c, call);
  HS_UNTIL(c->goaways > 0);
  HS_UNTIL(s.server->conns == NULL || s.server->conns->is_finished);
}

/* A stream that has asked once already, and then sends the beginning of another request, a byte at a time. */
Test(conn, a_request_that_never_comes_whole_ends_its_stream) {
  again((egress_server_options){.keepalive_ms = FOREVER_MS, .first_request_ms = SOON_MS});
  c = hs_connect(HS_WINDOW, 0);
  http2_call *call = hs_subscribe(c);
  HS_UNTIL(http2_messages(call) == 1);
  http2_put(c, call, "\0\0\1\0\0", 5); /* 64 KiB are to come */
  uint64_t last_ms = now_ms(), end_ms = last_ms + SERVING_DEADLINE_MS;
  while (!call->is_closed) {
    cr_assert_lt(now_ms(), end_ms, "its stream goes on");
    if (now_ms() > last_ms + SOON_MS / 10) {
      http2_put(c, call, "x", 1);
      last_ms = now_ms();
    }
    hs_turn();
  }
  cr_assert_eq(call->status, EGRESS__STATUS_DEADLINE_EXCEEDED);
  cr_assert_not_null(strstr(call->text, "did not come whole"));
}

Test(conn, a_client_that_answers_pings_stays) {
  with_pings();
  c = hs_connect(HS_WINDOW, 0);
  http2_call *call = hs_subscribe(c);
  for (uint64_t end_ms = now_ms() + 3 * (PING_MS + ANSWER_MS); now_ms() < end_ms;)
    hs_turn();
  cr_assert_not(c->is_lost);
  cr_assert_eq(http2_messages(call), 1);
  cr_assert_not(call->is_closed);
}

Test(conn, a_client_that_does_not_answer_pings_is_lost) {
  with_pings();
  uint64_t began_ms = now_ms();
  c = hs_connect(HS_WINDOW, 0);
  http2_call *call = hs_subscribe(c);
  HS_UNTIL(http2_messages(call) == 1);
  c->is_deaf = 1;
  HS_UNTIL(s.server->conns == NULL);
  cr_assert_geq(now_ms(), began_ms + PING_MS + ANSWER_MS - 20);
  cr_assert_null(s.server->calls);
  ended_because("the client gave no sign of life in time (keepalive_ms, keepalive_timeout_ms)");
  c->is_deaf = 0;
  HS_UNTIL(c->is_lost);
}

Test(conn, so_is_one_whose_socket_takes_nothing_more) {
  with_pings();
  hs_serve_large(LARGE);
  c = hs_connect(LARGE * 2, SMALL);
  nghttp2_session_set_local_window_size(c->session, NGHTTP2_FLAG_NONE, 0, LARGE * 2);
  http2_call *call = hs_subscribe(c);
  HS_UNTIL(call->size > 0);
  c->is_deaf = 1;
  HS_UNTIL(s.server->conns == NULL);
  cr_assert_null(s.server->calls);
}

/* ---- ages ---- */

Test(conn, one_that_is_too_old_is_left_when_its_streams_end) {
  again((egress_server_options){.connection_age_ms = SOON_MS, .connection_grace_ms = FOREVER_MS});
  c = hs_connect(HS_WINDOW, 0);
  uint64_t began_ms = now_ms();
  http2_call *call = hs_subscribe(c);
  HS_UNTIL(c->goaways > 0);
  cr_assert_geq(now_ms(), began_ms + SOON_MS * 9 / 10 - 5);
  cr_assert_eq(c->goaway_error, NGHTTP2_NO_ERROR);
  for (int i = 0; i < 100; i++)
    hs_turn();
  cr_assert_not(call->is_closed);
  cr_assert_not(c->is_lost);
  http2_finish(c, call);
  HS_UNTIL(c->is_lost);
  cr_assert_eq(call->status, 0);
}

Test(conn, the_grace_of_its_streams_ends) {
  again((egress_server_options){.connection_age_ms = SOON_MS, .connection_grace_ms = SOON_MS});
  c = hs_connect(HS_WINDOW, 0);
  http2_call *call = hs_subscribe(c);
  HS_UNTIL(c->goaways > 0);
  uint64_t told_ms = now_ms();
  HS_UNTIL(c->is_lost);
  cr_assert_geq(now_ms(), told_ms + SOON_MS - 150); /* it was told when the time was up, or up to a beat later */
  cr_assert(call->is_closed);
  cr_assert_eq(call->status, EGRESS__STATUS_UNAVAILABLE);
  cr_assert_not_null(strstr(call->text, "connection_age_ms"));
}

Test(conn, one_without_streams_ends_with_its_age) {
  again((egress_server_options){.connection_age_ms = SOON_MS, .connection_grace_ms = FOREVER_MS});
  c = hs_connect(HS_WINDOW, 0);
  HS_UNTIL(c->is_lost);
  cr_assert_geq(c->goaways, 1);
}

/* ---- the server's end ---- */

/* Another server in the place of the one that was closed, for the end of the test. */
static void replace_server(void) {
  egress_server_options options = EGRESS_SERVER_OPTIONS_INIT;
  options.alloc = &hs_alloc;
  s.closed = 0;
  cr_assert_eq(egress_server_new(&s.server, &s.loop, s.cache, &options), 0);
}

Test(conn, close_tells_clients_and_lets_them_go) {
  c = hs_connect(HS_WINDOW, 0);
  http2_call *call = hs_subscribe(c);
  HS_UNTIL(http2_messages(call) == 1);
  egress_server_close(s.server, serving_on_closed, &s);
  HS_UNTIL(c->is_lost);
  cr_assert_geq(c->goaways, 1);
  cr_assert_eq(c->goaway_error, NGHTTP2_NO_ERROR);
  cr_assert_eq(call->status, EGRESS__STATUS_UNAVAILABLE);
  cr_assert_str_eq(call->text, "the server is closing");
  cr_assert_not(s.closed, "the client has not closed its end yet");
  uint64_t ended_ms = now_ms();
  http2_end(c);
  hs_count = 0;
  HS_UNTIL(s.closed);
  cr_assert_lt(now_ms(), ended_ms + 500, "nothing was waited for");
  replace_server();
}

static void close_cuts(void) {
  c->is_deaf = 1;
  uint64_t began_ms = now_ms();
  egress_server_close(s.server, serving_on_closed, &s);
  HS_UNTIL(s.closed);
  cr_assert(now_ms() >= began_ms + 1000 - 20 && now_ms() < began_ms + 5000, "%u ms", (unsigned)(now_ms() - began_ms));
  replace_server();
}

Test(conn, close_cuts_a_client_that_does_not_go) {
  c = hs_connect(HS_WINDOW, 0);
  http2_call *call = hs_subscribe(c);
  HS_UNTIL(http2_messages(call) == 1);
  close_cuts();
}

/* However much its window of HTTP/2 allows: what waits is in the one body that all share, and not in the kernel. */
Test(conn, the_kernel_holds_little_for_a_client_that_does_not_read) {
  hs_serve_large(LARGE);
  c = hs_connect(LARGE * 2, SMALL);
  nghttp2_session_set_local_window_size(c->session, NGHTTP2_FLAG_NONE, 0, LARGE * 2);
  http2_call *call = hs_subscribe(c);
  HS_UNTIL(call->http_status == 200);
  c->is_deaf = 1;
  HS_UNTIL(s.server->conns->rest != NULL);
  int queued;
  cr_assert_eq(ioctl(s.server->conns->socket.fd, SIOCOUTQ, &queued), 0);
  cr_assert_lt(queued, 256 * 1024);
  c->is_deaf = 0;
  HS_UNTIL(http2_messages(call) == 1);
}

Test(conn, close_cuts_a_client_that_does_not_read) {
  hs_serve_large(LARGE);
  c = hs_connect(LARGE * 2, SMALL);
  nghttp2_session_set_local_window_size(c->session, NGHTTP2_FLAG_NONE, 0, LARGE * 2);
  http2_call *call = hs_subscribe(c);
  HS_UNTIL(call->size > 0);
  close_cuts();
}

/* ---- floods ---- */

/* Puts a frame; returns its size. */
static size_t put_frame(uint8_t *to, uint8_t type, uint8_t flags, uint32_t stream, const void *bytes, size_t size) {
  const uint8_t head[] = {
      (uint8_t)(size >> 16),   (uint8_t)(size >> 8),    (uint8_t)size,          type,           flags,
      (uint8_t)(stream >> 24), (uint8_t)(stream >> 16), (uint8_t)(stream >> 8), (uint8_t)stream};
  memcpy(to, head, sizeof head);
  if (size > 0)
    memcpy(to + sizeof head, bytes, size);
  return sizeof head + size;
}

/* Headers of a request by HPACK: POST, http, "a", a path of 80 bytes; then the content type. */
static const char request_headers[] = "\x20\x83\x86\x01\x01"
                                      "a\x04\x50" HS_STREAM "\x0f\x10\x10"
                                      "application/grpc";

enum { BARE = 7 + sizeof HS_STREAM, WHOLE = sizeof request_headers - 1, END_STREAM = 1, END_HEADERS = 4 };

/* Puts the nth step of a flood. */
typedef size_t (*step)(uint8_t *to, uint32_t n);

static size_t put_ping(uint8_t *to, uint32_t n) {
  (void)n;
  return put_frame(to, NGHTTP2_PING, 0, 0, "12345678", 8);
}

static size_t put_settings(uint8_t *to, uint32_t n) {
  (void)n;
  return put_frame(to, NGHTTP2_SETTINGS, 0, 0, NULL, 0);
}

static size_t put_priority(uint8_t *to, uint32_t n) {
  return put_frame(to, NGHTTP2_PRIORITY, 0, 2 * n + 1, "\0\0\0\0\1", 5);
}

static size_t put_unknown(uint8_t *to, uint32_t n) {
  return put_frame(to, 0xee, 0xff, n, "abc", 3);
}

/* A stream is opened, and then gets DATA without bytes for ever. */
static size_t put_empty_data(uint8_t *to, uint32_t n) {
  return n == 0 ? put_frame(to, NGHTTP2_HEADERS, END_HEADERS, 1, request_headers, WHOLE)
                : put_frame(to, NGHTTP2_DATA, 0, 1, NULL, 0);
}

static size_t put_rapid_reset(uint8_t *to, uint32_t n) {
  size_t size = put_frame(to, NGHTTP2_HEADERS, END_HEADERS, 2 * n + 1, request_headers, WHOLE);
  return size + put_frame(to + size, NGHTTP2_RST_STREAM, 0, 2 * n + 1, "\0\0\0\10", 4);
}

/* More streams than may be open: all those behind are refused. */
static size_t put_streams(uint8_t *to, uint32_t n) {
  return put_frame(to, NGHTTP2_HEADERS, END_HEADERS, 2 * n + 1, request_headers, WHOLE);
}

/* Each is answered at once, by 415. */
static size_t put_refused(uint8_t *to, uint32_t n) {
  return put_frame(to, NGHTTP2_HEADERS, END_HEADERS | END_STREAM, 2 * n + 1, request_headers, BARE);
}

/* Headers without end. */
static size_t put_continuation(uint8_t *to, uint32_t n) {
  static const uint8_t header[] = {0x00, 1, 'a', 1, 'b'};
  return n == 0 ? put_frame(to, NGHTTP2_HEADERS, 0, 1, request_headers, WHOLE)
                : put_frame(to, NGHTTP2_CONTINUATION, 0, 1, header, sizeof header);
}

/* Bytes to streams that are over. */
static size_t put_late_data(uint8_t *to, uint32_t n) {
  static const uint8_t bytes[1000];
  return n == 0 ? put_frame(to, NGHTTP2_HEADERS, END_HEADERS | END_STREAM, 1, request_headers, BARE)
                : put_frame(to, NGHTTP2_DATA, 0, 1, bytes, sizeof bytes);
}

/* ---- why a stream has ended ---- */

static http2_call *stream_with_answer(void) {
  c = hs_connect(HS_WINDOW, 0);
  http2_call *call = hs_subscribe(c);
  HS_UNTIL(http2_messages(call) == 1);
  return call;
}

Test(conn, a_client_that_cancels_its_stream) {
  http2_call *call = stream_with_answer();
  nghttp2_submit_rst_stream(c->session, NGHTTP2_FLAG_NONE, call->stream, NGHTTP2_CANCEL);
  HS_UNTIL(s.server->calls == NULL);
  ended_because("the client cancelled the stream");
  cr_assert_not(c->is_lost);
}

Test(conn, a_client_that_closes_its_connection) {
  stream_with_answer();
  cr_assert_eq(shutdown(c->fd, SHUT_WR), 0);
  HS_UNTIL(s.server->conns == NULL);
  ended_because("the client closed the connection");
}

Test(conn, a_client_whose_connection_breaks) {
  const struct linger reset = {.l_onoff = 1};
  stream_with_answer();
  cr_assert_eq(setsockopt(c->fd, SOL_SOCKET, SO_LINGER, &reset, sizeof reset), 0);
  http2_end(c);
  hs_count = 0;
  HS_UNTIL(s.server->conns == NULL);
  ended_because("the connection was lost");
}

/* A PING of no size. */
static void break_a_rule(void) {
  uint8_t frame[9];
  size_t size = put_frame(frame, NGHTTP2_PING, 0, 0, NULL, 0);
  cr_assert_eq(send(c->fd, frame, size, MSG_NOSIGNAL), (ssize_t)size);
}

Test(conn, a_client_that_breaks_a_rule) {
  stream_with_answer();
  break_a_rule();
  HS_UNTIL(s.server->conns == NULL);
  ended_because("the client broke a rule of HTTP/2");
}

/* It cannot be told, as it does not read; and what it sends is no sign of life any more. */
Test(conn, a_client_that_breaks_a_rule_and_goes_on_is_lost) {
  with_pings();
  hs_serve_large(LARGE);
  c = hs_connect(LARGE * 2, SMALL);
  nghttp2_session_set_local_window_size(c->session, NGHTTP2_FLAG_NONE, 0, LARGE * 2);
  http2_call *call = hs_subscribe(c);
  HS_UNTIL(s.server->conns != NULL && s.server->conns->rest != NULL && call->size > 0);
  c->is_deaf = 1;
  break_a_rule();
  uint8_t frame[17];
  size_t size = put_ping(frame, 0);
  for (uint64_t end_ms = now_ms() + SERVING_DEADLINE_MS; s.server->conns != NULL; hs_turn()) {
    cr_assert_lt(now_ms(), end_ms, "it is kept");
    send(c->fd, frame, size, MSG_NOSIGNAL); /* fails when there is no room, or it is over */
  }
  cr_assert_null(s.server->calls);
}

/* ---- a stream that ends while it is written ---- */

static int is_stuck(void) {
  return s.server->conns != NULL && s.server->conns->rest != NULL;
}

/*
 * A window that grows too large is an error of the stream, for which HTTP/2 ends it in the same turn in which it gives
 * out what was waiting of it. By then nobody but what is being written holds the response.
 */
Test(conn, a_stream_that_ends_while_it_is_written_takes_nothing_along) {
  uint8_t frame[13];
  hs_serve_large(LARGE);
  c = hs_connect(LARGE * 2, SMALL);
  nghttp2_session_set_local_window_size(c->session, NGHTTP2_FLAG_NONE, 0, LARGE * 2);
  http2_call *call = hs_subscribe(c);
  HS_UNTIL(is_stuck() && call->size > 0);
  c->is_deaf = 1;
  hs_serve("C: b=1");
  size_t size = put_frame(frame, NGHTTP2_WINDOW_UPDATE, 0, (uint32_t)call->stream, "\x7f\xff\xff\xff", 4);
  cr_assert_eq(send(c->fd, frame, size, MSG_NOSIGNAL), (ssize_t)size);
  for (int i = 0; i < 20; i++)
    hs_turn();
  c->is_deaf = 0;
  HS_UNTIL(call->is_closed);
  cr_assert_eq(call->error, NGHTTP2_FLOW_CONTROL_ERROR);
  ended_because("the client broke a rule of HTTP/2 on the stream");
  http2_call *next = hs_subscribe(c);
  HS_UNTIL(http2_messages(next) == 1);
}

#ifdef __SANITIZE_ADDRESS__ /* which makes it ten times as slow */
enum { FLOOD = 3 << 20 };
#else
enum { FLOOD = 24 << 20 };
#endif
enum { PIECE = 32 * 1024, MOST = 3 << 20 };

static int flood_fd;

/* Sends some; returns how much, and 0 when the connection is over. */
static size_t send_some(const uint8_t *bytes, size_t size) {
  ssize_t n = send(flood_fd, bytes, size, MSG_NOSIGNAL);
  if (n < 0)
    cr_assert(errno == EAGAIN || errno == EPIPE || errno == ECONNRESET);
  uv_run(&s.loop, UV_RUN_NOWAIT);
  return n >= 0 ? (size_t)n : errno == EAGAIN ? 0 : SIZE_MAX;
}

/* Returns 0 when the server has ended the connection. */
static int send_all(const uint8_t *bytes, size_t size) {
  for (size_t sent = 0, n; sent < size; sent += n) {
    n = send_some(bytes + sent, size - sent);
    if (n == SIZE_MAX)
      return 0;
    if (s.server->conns == NULL || s.server->conns->failure != NULL)
      return 0;
  }
  return 1;
}

/* Much of it from a client that reads nothing: the server's memory stays small, or it ends the connection. */
static void stands(step put) {
  static uint8_t bytes[PIECE];
  uint32_t n = 0;
  int is_open = 1;
  flood_fd = http2_socket(hs_port(), SMALL);
  memcpy(bytes, preface, 24);
  cr_assert(send_all(bytes, 24 + put_frame(bytes + 24, NGHTTP2_SETTINGS, 0, 0, NULL, 0)));
  HS_UNTIL(s.server->conns != NULL);
  size_t begin_bytes = hs_peak = hs_bytes;
  for (size_t sent = 0, size = 0; sent < FLOOD && is_open; sent += size) {
    for (size = 0; size + 2000 < PIECE;)
      size += put(bytes + size, n++);
    is_open = send_all(bytes, size);
    cr_assert_lt(hs_peak - begin_bytes, MOST, "after %u frames", n);
  }
  close(flood_fd);
  HS_UNTIL(s.server->conns == NULL);
  cr_assert_null(s.server->calls);
}

/* `opens`: its calls are such that streams are opened for them. */
static void stands_and_serves(step put, int opens) {
  stands(put);
  cr_assert_eq(s.server->metrics.opened > 0, opens);
  c = hs_connect(HS_WINDOW, 0);
  http2_call *call = hs_subscribe(c);
  HS_UNTIL(http2_messages(call) == 1);
}

Test(conn, it_stands_a_flood_of_pings) {
  stands_and_serves(put_ping, 0);
}

Test(conn, it_stands_a_flood_of_settings) {
  stands_and_serves(put_settings, 0);
}

Test(conn, it_stands_a_flood_of_priorities) {
  stands_and_serves(put_priority, 0);
}

Test(conn, it_stands_a_flood_of_frames_that_nobody_knows) {
  stands_and_serves(put_unknown, 0);
}

Test(conn, it_stands_a_flood_of_data_without_bytes) {
  stands_and_serves(put_empty_data, 1);
}

Test(conn, it_stands_a_flood_of_streams_that_are_reset) {
  stands_and_serves(put_rapid_reset, 1);
}

Test(conn, it_stands_a_flood_of_streams) {
  stands_and_serves(put_streams, 1);
}

Test(conn, it_stands_a_flood_of_calls_that_are_none) {
  stands_and_serves(put_refused, 0);
}

Test(conn, it_stands_headers_without_end) {
  stands_and_serves(put_continuation, 0);
}

Test(conn, it_stands_a_flood_of_data_for_streams_that_are_over) {
  stands_and_serves(put_late_data, 0);
}
