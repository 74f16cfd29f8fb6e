/*
 *            TLS agrees on HTTP/2            leave               the last call ends
 *   NEW ---------------------------> OPEN ----------> LEAVING ------------------------> FINISHED
 *    (plaintext: at once)             |                  |                                 |
 *                                     v                  v                                 v  the client closes, too
 *                         lost, not HTTP/2, no sign of life, too long -------------> closed, freed
 *
 * What came is given to HTTP/2, then whatever that has to say is written: once for each turn, however many calls had
 * something. Frames are put into the server's one outbox and written from there; what the socket does not take is kept,
 * and HTTP/2 is asked for no more before that is gone.
 */
#include "wire/conn.h"

#include <assert.h>
#include <stddef.h>
#include <unistd.h>

#include <egress/error.h>

#include "wire/call.h"
#include "wire/peer.h"
#include "wire/quota.h"

enum {
  /* Of one connection in one turn of the loop: a first request is some 60 KB. */
  READS_PER_TURN = 4,
  /* Times that are due are rounded up by so much of their length, so that thousands of connections are looked at
     together. */
  TOGETHER = 16
};

/* ---- the lists of connections ---- */

static void link_conn(egress__conn *conn) {
  egress_server *server = conn->server;
  conn->next = server->conns;
  if (conn->next != NULL)
    conn->next->previous = conn;
  server->conns = conn;
}

static void unlink_conn(egress__conn *conn) {
  if (conn->previous != NULL)
    conn->previous->next = conn->next;
  else
    conn->server->conns = conn->next;
  if (conn->next != NULL)
    conn->next->previous = conn->previous;
}

static void add_touched(egress__conn *conn) {
  if (conn->is_touched)
    return;
  conn->is_touched = 1;
  conn->next_touched = conn->server->touched;
  conn->server->touched = conn;
  egress__server_wake(conn->server);
}

void egress__conn_touch(egress__conn *conn) {
  if (!conn->is_inside) /* else what it has is sent next anyway */
    add_touched(conn);
}

/* ---- failing ---- */

const char egress__conn_out_of_memory[] = "the server is out of memory";
static const char is_closing[] = "the server is closing", is_protocol[] = "the client broke a rule of HTTP/2";

void egress__conn_fail(egress__conn *conn, const char *why) {
  if (conn->failure == NULL)
    conn->failure = why;
  add_touched(conn);
}

/* What the socket said instead of a number of bytes. */
static void end_by(egress__conn *conn, egress__socket_end end) {
  switch (end) {
  case EGRESS__SOCKET_AGAIN:
    return;
  case EGRESS__SOCKET_GONE:
    egress__conn_fail(conn, "the connection was lost");
    return;
  case EGRESS__SOCKET_CLOSED:
    egress__conn_fail(conn, "the client closed the connection");
    return;
  case EGRESS__SOCKET_BROKEN:
    egress__conn_fail(conn, "the client does not keep to TLS, or not to HTTP/2 by it");
    return;
  }
  assert(0 && "socket_end out of range");
}

/* ---- writing ---- */

static void on_poll(uv_poll_t *poll, int status, int events);

static void set_events(egress__conn *conn) {
  int events = UV_READABLE | (conn->rest != NULL || conn->socket.waits_for_write ? UV_WRITABLE : 0);
  if (events == conn->events || conn->failure != NULL)
    return;
  conn->events = events;
  if (uv_poll_start(&conn->poll, events, on_poll) != 0)
    egress__conn_fail(conn, "the loop does not take its socket");
}

/* Writes what was kept. Returns 1 when nothing is left of it. */
static int write_rest(egress__conn *conn) {
  const struct iovec *pieces;
  size_t count = egress__rest_pieces(conn->rest, &pieces);
  ssize_t written = egress__socket_write(&conn->socket, pieces, count);
  if (written < 0)
    end_by(conn, (egress__socket_end)written);
  if (written < 0 || !egress__rest_written(conn->rest, (size_t)written))
    return 0;
  egress__rest_free(conn->rest);
  conn->rest = NULL;
  return 1;
}

static void write_outbox(egress__conn *conn) {
  const egress_server *server = conn->server;
  const egress__outbox *outbox = server->outbox;
  ssize_t written = egress__socket_write(&conn->socket, outbox->pieces, outbox->count);
  if (written < 0)
    end_by(conn, (egress__socket_end)written);
  size_t size = written < 0 ? 0 : (size_t)written;
  if (conn->failure != NULL || size == outbox->size)
    return;
  conn->rest = egress__outbox_keep(outbox, size, server->alloc);
  if (conn->rest == NULL)
    egress__conn_fail(conn, egress__conn_out_of_memory);
}

/* All that there is to say is said, and nobody will ask again. */
static int is_through(const egress__conn *conn) {
  return conn->is_leaving && !conn->is_finished && conn->calls == NULL && conn->rest == NULL &&
         !egress__http2_has_more(conn);
}

static void finish(egress__conn *conn) {
  conn->is_finished = 1;
  conn->pinged_ms = conn->server->streams.now_ms; /* the client has as long to close it as to answer a ping */
  egress__server_beat_at(conn->server, conn->pinged_ms + conn->server->options.keepalive_timeout_ms);
  egress__socket_finish(&conn->socket);
}

static void send_all(egress__conn *conn) {
  egress__outbox *outbox = conn->server->outbox;
  while (conn->failure == NULL && (conn->rest == NULL || write_rest(conn))) {
    egress__calls_written(conn);
    if (egress__http2_give(conn) != 0)
      egress__conn_fail(conn, egress__conn_out_of_memory);
    size_t size = outbox->size;
    if (conn->failure == NULL && size > 0)
      write_outbox(conn);
    egress__outbox_clear(outbox);
    if (size == 0)
      return;
  }
}

/* So that a client knows which of the streams that it has just opened were not looked at. */
static void tell_last(egress__conn *conn) {
  conn->is_last_told = 1;
  if (nghttp2_submit_goaway(conn->session, NGHTTP2_FLAG_NONE, nghttp2_session_get_last_proc_stream_id(conn->session),
                            NGHTTP2_NO_ERROR, NULL, 0) != 0)
    egress__conn_fail(conn, egress__conn_out_of_memory);
}

/* Sends what there is, as far as the socket takes it. */
static void settle(egress__conn *conn) {
  if (conn->session == NULL || conn->is_finished)
    return;
  conn->is_inside = 1;
  send_all(conn);
  if (conn->failure == NULL && !conn->is_last_told && is_through(conn)) {
    tell_last(conn);
    send_all(conn);
  }
  conn->is_inside = 0;
  if (conn->failure != NULL)
    return;
  if (is_through(conn))
    finish(conn);
  else if (conn->rest == NULL && !nghttp2_session_want_read(conn->session) && !egress__http2_has_more(conn))
    egress__conn_fail(conn, is_protocol); /* and was told */
  set_events(conn);
}

/* ---- reading ---- */

/* Only now is it known whose certificate it is. */
static int join_peer(egress__conn *conn) {
  egress__identity who;
  int rv = egress__conn_identity(&who, conn);
  if (rv != 0)
    return rv;
  rv = egress__quota_join(&conn->peer, conn->server, &who.peer);
  egress__identity_dispose(&who, conn->server->alloc);
  return rv;
}

static void open_session(egress__conn *conn) {
  if (!egress__socket_is_ready(&conn->socket))
    return;
  if (join_peer(conn) != 0 || egress__http2_open(&conn->session, &conn->server->http2, conn) != 0)
    egress__conn_fail(conn, egress__conn_out_of_memory);
}

/* What nghttp2 drops, because the client broke a rule before, is no sign of life: that one would be kept for ever, if
   it takes nothing and keeps sending. */
void egress__conn_heard(egress__conn *conn) {
  conn->is_greeted = 1;
  conn->heard_ms = conn->server->streams.now_ms;
  conn->pinged_ms = 0;
}

static const char *why_not(int rv) {
  switch (rv) {
  case EGRESS_ELIMIT:
    return "the client asks for more than it reads";
  case EGRESS_ENOMEM:
    return egress__conn_out_of_memory;
  default:
    return is_protocol;
  }
}

static void take(egress__conn *conn, const uint8_t *bytes, size_t size) {
  if (conn->is_finished)
    return;
  if (conn->session == NULL)
    open_session(conn);
  if (conn->failure != NULL)
    return;
  conn->is_inside = 1;
  int rv = egress__http2_take(conn, bytes, size);
  conn->is_inside = 0;
  if (rv != 0)
    egress__conn_fail(conn, why_not(rv));
}

static void read_all(egress__conn *conn) {
  egress_server *server = conn->server;
  for (int i = 0; i < READS_PER_TURN && conn->failure == NULL; i++) {
    ssize_t size = egress__socket_read(&conn->socket, server->in, EGRESS__SERVER_IN);
    if (size < 0) {
      end_by(conn, (egress__socket_end)size);
      break;
    }
    take(conn, server->in, (size_t)size);
    if ((size_t)size < EGRESS__SERVER_IN && conn->socket.ssl == NULL)
      break; /* there was no more */
  }
  if (conn->session == NULL && conn->failure == NULL)
    open_session(conn); /* TLS may be through though nothing was said yet */
}

static void on_poll(uv_poll_t *poll, int status, int events) {
  egress__conn *conn = poll->data;
  egress_server *server = conn->server;
  (void)events; /* by TLS, either may be what the other waits for */
  egress__server_enter(server);
  if (status < 0)
    end_by(conn, EGRESS__SOCKET_GONE);
  else
    read_all(conn);
  if (conn->failure == NULL) {
    settle(conn);
    set_events(conn);
  }
  egress__server_leave(server);
}

/* ---- life ---- */

static void on_poll_closed(uv_handle_t *handle) {
  egress__conn *conn = handle->data;
  egress_server *server = conn->server;
  egress__free(server->alloc, conn->address);
  egress__free(server->alloc, conn);
  egress__server_release_handle(server);
}

static void close_conn(egress__conn *conn) {
  unlink_conn(conn);
  while (conn->calls != NULL)
    egress__call_closed(conn->calls, conn->failure);
  egress__calls_written(conn); /* of those that are gone now, to be let go of */
  egress__quota_leave(conn->server, conn->peer);
  nghttp2_session_del(conn->session);
  egress__rest_free(conn->rest);
  uv_close((uv_handle_t *)&conn->poll, on_poll_closed);
  egress__socket_close(&conn->socket);
}

/* Returns NULL, with `fd` closed, when out of memory. */
static egress__conn *new_conn(egress_server *server, int fd, const egress__entry *entry) {
  char address[EGRESS__PEER_TEXT];
  egress__conn *conn = egress__calloc(server->alloc, 1, sizeof *conn);
  if (conn == NULL) {
    close(fd);
    return NULL;
  }
  conn->server = server;
  conn->transport = entry->transport;
  conn->insecure_secrets = (uint8_t)entry->insecure_secrets;
  conn->opened_ms = conn->heard_ms = conn->vacant_ms = uv_now(server->loop);
  conn->address = egress__strdup(server->alloc, egress__peer_format(address, fd));
  conn->poll.data = conn;
  if (conn->address != NULL && egress__socket_open(&conn->socket, fd, entry->context, server->bio) == 0) {
    if (uv_poll_init(server->loop, &conn->poll, fd) == 0)
      return conn;
    egress__socket_close(&conn->socket);
  } else {
    close(fd);
  }
  egress__free(server->alloc, conn->address);
  egress__free(server->alloc, conn);
  return NULL;
}

void egress__conn_open(egress_server *server, int fd, const egress__entry *entry) {
  egress__conn *conn = new_conn(server, fd, entry);
  if (conn == NULL)
    return;
  link_conn(conn);
  egress__server_hold_handle(server);
  open_session(conn);
  settle(conn);
  set_events(conn);
  egress__server_beat_at(server, conn->opened_ms);
}

int egress__conn_identity(egress__identity *out, const egress__conn *conn) {
  X509 *cert = conn->socket.ssl != NULL ? SSL_get0_peer_certificate(conn->socket.ssl) : NULL;
  return egress__identity_read(out, conn->server->alloc, cert, conn->transport, conn->address);
}

void egress__conn_vacate(egress__conn *conn) {
  conn->vacant_ms = conn->server->streams.now_ms;
  egress__server_beat_at(conn->server, conn->vacant_ms + conn->server->options.first_request_ms);
}

void egress__conn_leave(egress__conn *conn) {
  if (conn->is_leaving || conn->failure != NULL)
    return;
  conn->is_leaving = 1;
  if (conn->session == NULL)
    egress__conn_fail(conn, is_closing);
  else if (nghttp2_submit_shutdown_notice(conn->session) != 0)
    egress__conn_fail(conn, egress__conn_out_of_memory);
  else
    egress__conn_touch(conn);
}

/* ---- what is due ---- */

static uint64_t round_up(uint64_t due_ms, uint32_t length_ms) {
  uint64_t step_ms = length_ms / TOGETHER + 1;
  return (due_ms + step_ms - 1) / step_ms * step_ms;
}

static void ping(egress__conn *conn) {
  conn->pinged_ms = conn->server->streams.now_ms;
  if (nghttp2_submit_ping(conn->session, NGHTTP2_FLAG_NONE, NULL) != 0)
    egress__conn_fail(conn, egress__conn_out_of_memory);
  else
    egress__conn_touch(conn);
}

/* When the client has to have given a sign of life. */
static uint64_t beat_alive(egress__conn *conn) {
  const egress_server_options *options = &conn->server->options;
  uint64_t now_ms = conn->server->streams.now_ms;
  if (!conn->is_greeted) {
    uint64_t end_ms = conn->opened_ms + options->first_request_ms;
    if (end_ms <= now_ms)
      egress__conn_fail(conn, "the client did not begin HTTP/2 in time (first_request_ms)");
    return end_ms;
  }
  if (conn->pinged_ms == 0 && conn->heard_ms + options->keepalive_ms <= now_ms)
    ping(conn);
  if (conn->pinged_ms == 0)
    return round_up(conn->heard_ms + options->keepalive_ms, options->keepalive_ms);
  uint64_t end_ms = conn->pinged_ms + options->keepalive_timeout_ms;
  if (end_ms <= now_ms)
    egress__conn_fail(conn, "the client gave no sign of life in time (keepalive_ms, keepalive_timeout_ms)");
  return end_ms;
}

/* A connection without streams takes a descriptor, and serves nobody: a client that needs it comes again. */
static uint64_t beat_vacant(egress__conn *conn) {
  uint32_t wait_ms = conn->server->options.first_request_ms;
  uint64_t end_ms = conn->vacant_ms + wait_ms;
  if (conn->calls != NULL || conn->is_leaving || !conn->is_greeted)
    return UINT64_MAX;
  if (end_ms > conn->server->streams.now_ms)
    return round_up(end_ms, wait_ms);
  egress__conn_leave(conn);
  return UINT64_MAX;
}

/* Give or take a tenth, so that clients that came together do not leave together. */
static uint64_t age_end_ms(const egress__conn *conn) {
  uint64_t age_ms = conn->server->options.connection_age_ms;
  uint64_t spread = ((uintptr_t)conn >> 6) * 0x9e3779b97f4a7c15u >> 44; /* 20 bits of where it is */
  return conn->opened_ms + age_ms * 9 / 10 + age_ms * spread / 5 / (1 << 20);
}

static uint64_t beat_age(egress__conn *conn) {
  static const char too_old[] = "the connection is too old (connection_age_ms); open another one";
  const egress_server_options *options = &conn->server->options;
  uint64_t now_ms = conn->server->streams.now_ms;
  if (options->connection_age_ms == EGRESS__AGE_NEVER || conn->is_finished)
    return UINT64_MAX;
  uint64_t end_ms = age_end_ms(conn), cut_ms = end_ms + options->connection_grace_ms,
           lost_ms = cut_ms + options->keepalive_timeout_ms; /* for the last words to be taken */
  if (end_ms <= now_ms)
    egress__conn_leave(conn);
  if (cut_ms <= now_ms)
    egress__calls_finish_of(conn, EGRESS__STATUS_UNAVAILABLE, too_old);
  if (lost_ms <= now_ms)
    egress__conn_fail(conn, too_old);
  return end_ms > now_ms ? end_ms : cut_ms > now_ms ? cut_ms : lost_ms;
}

void egress__conns_beat(egress_server *server) {
  for (egress__conn *conn = server->conns; conn != NULL; conn = conn->next) {
    if (conn->failure != NULL)
      continue;
    egress__server_beat_at(server, beat_alive(conn));
    egress__server_beat_at(server, beat_vacant(conn));
    egress__server_beat_at(server, beat_age(conn));
  }
}

/* ---- all of them ---- */

void egress__conns_settle(egress_server *server) {
  for (egress__conn *conn; (conn = server->touched) != NULL;) {
    server->touched = conn->next_touched;
    conn->is_touched = 0;
    if (conn->failure != NULL)
      close_conn(conn);
    else
      settle(conn);
  }
}

void egress__conns_leave(egress_server *server) {
  for (egress__conn *conn = server->conns; conn != NULL; conn = conn->next)
    egress__conn_leave(conn);
}

void egress__conns_cut(egress_server *server) {
  for (egress__conn *conn = server->conns; conn != NULL; conn = conn->next)
    egress__conn_fail(conn, is_closing);
}
