/*
 * What a client sends on a plaintext connection: the server takes it as it comes, in pieces, answers what it can, and
 * has nothing left of it when the client is gone. The first byte of an input says how the rest is split, and whether
 * the client reads. fuzz/wire_corpus.py wrote the valid sessions among the corpus.
 */
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>
#include <unistd.h>
#include <uv.h>

#include <egress/egress.h>

#include "support/xds.h"
#include "wire/conn.h"

enum { PORTION = 8 * 1024, TURNS = 1000, IS_DEAF = 0x80 };

static uv_loop_t loop;
static egress_cache *cache;
static egress_server *server;
static egress_snapshot *snaps[2];
static int pair[2]; /* the server's, the client's */

static void on_event(const egress_event *event, void *user) {
  (void)event;
  (void)user;
}

static void begin(void) {
  egress_server_options options = EGRESS_SERVER_OPTIONS_INIT;
  options.client_status = 1;
  options.load_report_ms = 1000;
  options.max_request_bytes = 64 * 1024;
  options.on_event = on_event;
  int rv = uv_loop_init(&loop);
  if (rv == 0)
    rv = egress_cache_new(&cache, NULL);
  if (rv == 0)
    rv = egress_server_new(&server, &loop, cache, &options);
  if (rv == 0)
    rv = egress_server_listen(server, "127.0.0.1:0", NULL, NULL);
  if (rv != 0 || xds_snapshot_new(&snaps[0], "C: a=1 b=1! L: l=1 E: b=1", NULL) != 0 ||
      xds_snapshot_new(&snaps[1], "C: a=2 c=1 L: l=1 R: r=1", NULL) != 0)
    abort();
}

static void set(int which) {
  if (egress_cache_set(cache, "*", snaps[which]) != 0)
    abort();
}

static void connect_client(void) {
  static const egress__entry entry = {.transport = EGRESS_TRANSPORT_PLAINTEXT};
  if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, pair) != 0)
    abort();
  egress__server_enter(server);
  egress__conn_open(server, pair[0], &entry);
  egress__server_leave(server);
}

static void turn(int is_deaf) {
  uint8_t in[PORTION];
  uv_run(&loop, UV_RUN_NOWAIT);
  while (!is_deaf && recv(pair[1], in, sizeof in, 0) > 0)
    ;
}

/* The sizes of the pieces follow from one byte. */
static size_t next_size(uint32_t *state) {
  *state = *state * 1664525 + 1013904223;
  return (*state >> 24) < 128 ? 1 + (*state >> 20) % 16 : 1 + (*state >> 12) % PORTION;
}

static void send_all(const uint8_t *bytes, size_t size, uint32_t state, int is_deaf) {
  for (size_t sent = 0; sent < size && server->conns != NULL;) {
    size_t part = next_size(&state);
    ssize_t n = send(pair[1], bytes + sent, part < size - sent ? part : size - sent, MSG_NOSIGNAL);
    if (n > 0)
      sent += (size_t)n;
    turn(is_deaf);
    if (n < 0)
      return; /* it takes no more: the connection is over, or waits for us to read */
  }
}

/* Nothing is left of the client. */
static void leave(void) {
  close(pair[1]);
  for (int i = 0; server->conns != NULL || server->calls != NULL; i++) {
    if (i == TURNS)
      abort();
    uv_run(&loop, UV_RUN_NOWAIT);
  }
  if (server->stream_count != 0 || server->call_count != 0 || server->unread.bytes != 0 || server->ready != NULL)
    abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  if (size == 0)
    return 0;
  if (server == NULL)
    begin();
  int is_deaf = (data[0] & IS_DEAF) != 0;
  size_t half = (size - 1) / 2;
  set(0);
  connect_client();
  send_all(data + 1, half, data[0], is_deaf);
  set(1); /* a change, for those who have subscribed */
  turn(is_deaf);
  if (server->conns != NULL)
    send_all(data + 1 + half, size - 1 - half, data[0], is_deaf);
  leave();
  return 0;
}
