#include "load/h2.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { READ_AT_ONCE = 256 * 1024, SEND_AT_ONCE = 128 * 1024, FRAME = 16384 + 9 };

static void must(int ok, const char *what) {
  if (ok)
    return;
  fprintf(stderr, "load: %s\n", what);
  exit(1);
}

/* ---- what a stream sends ---- */

/* Copies what comes next: `out`, with the filler in its place. */
static size_t take_out(stream *s, uint8_t *to, size_t room) {
  int is_filler = s->filler_left > 0 && s->out_sent == s->filler_at;
  size_t end = s->filler_left > 0 ? s->filler_at : s->out_size, left = is_filler ? s->filler_left : end - s->out_sent;
  size_t taken = left < room ? left : room, all;
  if (is_filler) {
    const uint8_t *filler = request_filler(0, &all);
    memcpy(to, filler + s->filler_all - s->filler_left, taken);
    s->filler_left -= taken;
  } else if (taken > 0) {
    memcpy(to, s->out + s->out_sent, taken);
    s->out_sent += taken;
  }
  return taken;
}

static void free_out(stream *s) {
  free(s->out);
  s->out = NULL;
  s->out_sent = s->out_size = s->out_room = 0;
}

static ssize_t on_want(nghttp2_session *session, int32_t id, uint8_t *buf, size_t room, uint32_t *flags,
                       nghttp2_data_source *from, void *user) {
  (void)session, (void)id, (void)user;
  stream *s = from->ptr;
  size_t size = 0, taken;
  while ((taken = take_out(s, buf + size, room - size)) > 0)
    size += taken;
  if (s->out_sent == s->out_size && s->filler_left == 0) {
    free_out(s);
    if (s->is_finished)
      *flags |= NGHTTP2_DATA_FLAG_EOF;
  }
  return size > 0 || s->is_finished ? (ssize_t)size : NGHTTP2_ERR_DEFERRED;
}

void stream_send(stream *s, const request *r) {
  if (stream_is_ended(s))
    return;
  if (s->out_room - s->out_size < REQUEST_ROOM) {
    s->out_room = s->out_size + REQUEST_ROOM;
    s->out = realloc(s->out, s->out_room);
    must(s->out != NULL, "memory");
  }
  s->out_size += request_encode(s->out + s->out_size, r);
  if (r->node_filler > 0) {
    s->filler_at = s->out_size;
    s->filler_all = s->filler_left = r->node_filler;
  }
  nghttp2_session_resume_data(s->connection->session, s->id);
}

void stream_finish(stream *s) {
  s->is_finished = 1;
  if (!stream_is_ended(s))
    nghttp2_session_resume_data(s->connection->session, s->id);
}

/* ---- what comes ---- */

static int on_data(nghttp2_session *session, uint8_t flags, int32_t id, const uint8_t *data, size_t size, void *user) {
  (void)flags, (void)user;
  stream *s = nghttp2_session_get_stream_user_data(session, id);
  int rv = 0;
  while (s != NULL && (rv = reply_read(&s->reply, &data, &size)) == 1)
    ((connection *)user)->network->on_reply(s);
  return rv < 0 ? NGHTTP2_ERR_CALLBACK_FAILURE : 0;
}

static int on_header(nghttp2_session *session, const nghttp2_frame *frame, const uint8_t *name, size_t name_size,
                     const uint8_t *value, size_t value_size, uint8_t flags, void *user) {
  (void)flags, (void)user, (void)value_size;
  stream *s = nghttp2_session_get_stream_user_data(session, frame->hd.stream_id);
  if (s != NULL && name_size == 11 && memcmp(name, "grpc-status", 11) == 0)
    s->status = atoi((const char *)value);
  return 0;
}

static int on_close(nghttp2_session *session, int32_t id, uint32_t code, void *user) {
  (void)code, (void)user;
  stream *s = nghttp2_session_get_stream_user_data(session, id);
  if (s != NULL)
    s->is_ended = 1;
  return 0;
}

/* ---- the connection ---- */

static void watch(connection *c) {
  if (c->source.fd >= 0)
    poll_watch(c->network->epoll, &c->source,
               (c->is_stalled ? 0 : EPOLLIN) | (c->unsent_size > 0 || !c->is_connected ? EPOLLOUT : 0));
}

/* Takes frames from nghttp2 as long as there is room, for one call of the kernel. */
static size_t gather(connection *c, uint8_t *out) {
  const uint8_t *frame;
  size_t size = 0;
  ssize_t taken = 1;
  while (taken > 0 && size + FRAME <= SEND_AT_ONCE) {
    taken = nghttp2_session_mem_send(c->session, &frame);
    must(taken >= 0 && taken <= FRAME, "nghttp2_session_mem_send");
    if (taken > 0)
      memcpy(out + size, frame, (size_t)taken);
    size += (size_t)taken;
  }
  return size;
}

/* Keeps what the kernel did not take. */
static void keep_unsent(connection *c, const uint8_t *from, size_t size) {
  uint8_t *kept = size == 0 ? NULL : malloc(size);
  must(size == 0 || kept != NULL, "memory");
  if (size > 0)
    memcpy(kept, from, size);
  free(c->unsent);
  c->unsent = kept;
  c->unsent_size = size;
}

void connection_flush(connection *c) {
  static uint8_t buffer[SEND_AT_ONCE];
  while (c->is_connected && c->source.fd >= 0) {
    const uint8_t *out = c->unsent_size > 0 ? c->unsent : buffer;
    size_t size = c->unsent_size > 0 ? c->unsent_size : gather(c, buffer);
    if (size == 0)
      break;
    ssize_t sent = send(c->source.fd, out, size, MSG_NOSIGNAL);
    if (sent < 0 && errno != EAGAIN) {
      connection_cut(c);
      return;
    }
    size_t taken = sent < 0 ? 0 : (size_t)sent;
    keep_unsent(c, out + taken, size - taken);
    if (taken < size)
      break;
  }
  watch(c);
}

static void connected(connection *c) {
  int error = 0;
  socklen_t size = sizeof error;
  getsockopt(c->source.fd, SOL_SOCKET, SO_ERROR, &error, &size);
  c->is_connected = 1;
  c->network->connecting--;
  if (error != 0)
    connection_cut(c);
}

static void read_some(connection *c) {
  static uint8_t buffer[READ_AT_ONCE]; /* all connections read into it, one at a time */
  ssize_t size = recv(c->source.fd, buffer, sizeof buffer, 0);
  if (size < 0 && errno == EAGAIN)
    return;
  if (size <= 0 || nghttp2_session_mem_recv(c->session, buffer, (size_t)size) != size)
    connection_cut(c);
}

static void on_ready(source *s, uint32_t events) {
  connection *c = (connection *)s;
  if (!c->is_connected)
    connected(c);
  else if (!c->is_stalled)
    read_some(c);
  else if (events & (EPOLLRDHUP | EPOLLHUP | EPOLLERR))
    connection_cut(c);
  connection_flush(c);
}

static void make_session(connection *c) {
  nghttp2_session_callbacks *callbacks;
  must(nghttp2_session_callbacks_new(&callbacks) == 0, "memory");
  nghttp2_session_callbacks_set_on_data_chunk_recv_callback(callbacks, on_data);
  nghttp2_session_callbacks_set_on_header_callback(callbacks, on_header);
  nghttp2_session_callbacks_set_on_stream_close_callback(callbacks, on_close);
  must(nghttp2_session_client_new(&c->session, callbacks, c) == 0, "memory");
  nghttp2_session_callbacks_del(callbacks);
  nghttp2_settings_entry settings[] = {{NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, c->network->window},
                                       {NGHTTP2_SETTINGS_ENABLE_PUSH, 0}};
  must(nghttp2_submit_settings(c->session, NGHTTP2_FLAG_NONE, settings, 2) == 0, "settings");
  nghttp2_session_set_local_window_size(c->session, NGHTTP2_FLAG_NONE, 0, (int32_t)c->network->window);
}

void connection_open(connection *c, network *net) {
  *c = (connection){.network = net,
                    .source = {.fd = poll_connect(&net->address, net->receive_buffer), .on_ready = on_ready}};
  net->connecting++;
  make_session(c);
  watch(c);
}

void connection_cut(connection *c) {
  if (c->source.fd < 0)
    return;
  /* It leaves no port behind that waits for late packets: thousands of them would use up all ports. */
  struct linger now = {.l_onoff = 1, .l_linger = 0};
  setsockopt(c->source.fd, SOL_SOCKET, SO_LINGER, &now, sizeof now);
  close(c->source.fd);
  c->source.fd = -1;
  c->network->connecting -= !c->is_connected;
  keep_unsent(c, NULL, 0);
  nghttp2_session_del(c->session);
  c->session = NULL;
}

void connection_stall(connection *c, int is_stalled) {
  c->is_stalled = is_stalled;
  watch(c);
}

void stream_open(stream *s, connection *c, variant form, reply_resource_fn on_resource, void *user) {
  static const char *const paths[] = {
      [SOTW] = "/envoy.service.discovery.v3.AggregatedDiscoveryService/StreamAggregatedResources",
      [DELTA] = "/envoy.service.discovery.v3.AggregatedDiscoveryService/DeltaAggregatedResources"};
#define HEADER(name, value) {(uint8_t *)(name), (uint8_t *)(value), sizeof(name) - 1, strlen(value), 0}
  nghttp2_nv headers[] = {HEADER(":method", "POST"),
                          HEADER(":scheme", "http"),
                          HEADER(":path", paths[form]),
                          HEADER(":authority", "localhost"),
                          HEADER("content-type", "application/grpc"),
                          HEADER("te", "trailers")};
#undef HEADER
  memset(s, 0, sizeof *s);
  s->connection = c;
  s->status = -1;
  s->user = user;
  reply_init(&s->reply, form, on_resource, user);
  nghttp2_data_provider provider = {.source.ptr = s, .read_callback = on_want};
  s->id = nghttp2_submit_request(c->session, NULL, headers, sizeof headers / sizeof *headers, &provider, s);
  must(s->id > 0, "nghttp2_submit_request");
}

int stream_is_ended(const stream *s) {
  return s->is_ended || s->connection->source.fd < 0;
}

void stream_close(stream *s) {
  free_out(s);
}
