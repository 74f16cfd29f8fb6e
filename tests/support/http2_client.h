#ifndef TESTS_SUPPORT_HTTP2_CLIENT_H
#define TESTS_SUPPORT_HTTP2_CLIENT_H

/*
 * A client of HTTP/2 that does as it is told, also what no client of gRPC does. It never blocks: http2_turn does what
 * can be done now, between turns of the server's loop in the same thread.
 */
#undef NDEBUG /* what a test asserts holds in every build */
#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <nghttp2/nghttp2.h>

enum { HTTP2_CALLS = 600, HTTP2_TEXT = 800 };

typedef struct http2_call {
  int32_t stream;
  int http_status;       /* 0: no headers have come */
  int status;            /* of gRPC; -1: none has come */
  char text[HTTP2_TEXT]; /* grpc-message */
  uint8_t *bytes;        /* all of DATA */
  size_t size, room;
  int is_after;  /* something came behind the status */
  int is_closed; /* the stream is gone, with `error` */
  uint32_t error;
  uint8_t *out; /* to be sent */
  size_t out_size, out_sent;
  int is_last; /* END_STREAM follows that */
} http2_call;

typedef struct http2_client {
  int fd;
  nghttp2_session *session;
  int is_lost;    /* the server has closed the connection */
  int is_deaf;    /* nothing is read */
  int has_broken; /* what came is no HTTP/2 */
  int goaways, pongs;
  uint32_t goaway_error;
  http2_call *calls[HTTP2_CALLS];
  size_t count;
} http2_client;

/* ---- sockets ---- */

/* A descriptor connected to a port of this machine, that does not block. `receive_bytes` 0: the kernel's choice. */
static inline int http2_socket(unsigned port, int receive_bytes) {
  struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
  to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  assert(fd >= 0);
  if (receive_bytes > 0)
    assert(setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &receive_bytes, sizeof receive_bytes) == 0);
  assert(connect(fd, (struct sockaddr *)&to, sizeof to) == 0);
  int on = 1;
  assert(setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on) == 0);
  assert(fcntl(fd, F_SETFL, O_NONBLOCK) == 0);
  return fd;
}

/* Reads what there is; returns the number of bytes, 0: not now, -1: the connection is over. */
static inline ssize_t http2_read(int fd, uint8_t *out, size_t size) {
  ssize_t n = recv(fd, out, size, 0);
  if (n > 0)
    return n;
  return n < 0 && (errno == EAGAIN || errno == EINTR) ? 0 : -1;
}

/* ---- what nghttp2 asks and tells ---- */

static inline http2_call *http2_call_of(http2_client *c, int32_t stream) {
  for (size_t i = 0; i < c->count; i++)
    if (c->calls[i]->stream == stream)
      return c->calls[i];
  return NULL;
}

static inline ssize_t http2_on_send(nghttp2_session *session, const uint8_t *bytes, size_t size, int flags,
                                    void *user) {
  (void)session;
  (void)flags;
  http2_client *c = user;
  ssize_t n = send(c->fd, bytes, size, MSG_NOSIGNAL);
  if (n >= 0)
    return n;
  return errno == EAGAIN || errno == EINTR ? NGHTTP2_ERR_WOULDBLOCK : NGHTTP2_ERR_CALLBACK_FAILURE;
}

static inline int http2_on_header(nghttp2_session *session, const nghttp2_frame *frame, const uint8_t *name,
                                  size_t name_size, const uint8_t *value, size_t value_size, uint8_t flags,
                                  void *user) {
  (void)session;
  (void)flags;
  http2_call *call = http2_call_of(user, frame->hd.stream_id);
  char text[HTTP2_TEXT];
  assert(call != NULL && value_size < sizeof text);
  memcpy(text, value, value_size);
  text[value_size] = '\0';
  if (name_size == 7 && memcmp(name, ":status", 7) == 0)
    call->http_status = atoi(text);
  if (name_size == 11 && memcmp(name, "grpc-status", 11) == 0)
    call->status = atoi(text);
  if (name_size == 12 && memcmp(name, "grpc-message", 12) == 0)
    memcpy(call->text, text, value_size + 1);
  return 0;
}

static inline int http2_on_data(nghttp2_session *session, uint8_t flags, int32_t stream, const uint8_t *bytes,
                                size_t size, void *user) {
  (void)session;
  (void)flags;
  http2_call *call = http2_call_of(user, stream);
  assert(call != NULL);
  call->is_after |= call->status >= 0;
  if (call->size + size > call->room) {
    call->room = 2 * (call->size + size);
    call->bytes = realloc(call->bytes, call->room);
    assert(call->bytes != NULL);
  }
  memcpy(call->bytes + call->size, bytes, size);
  call->size += size;
  return 0;
}

static inline int http2_on_frame(nghttp2_session *session, const nghttp2_frame *frame, void *user) {
  (void)session;
  http2_client *c = user;
  c->pongs += frame->hd.type == NGHTTP2_PING && (frame->hd.flags & NGHTTP2_FLAG_ACK) != 0;
  if (frame->hd.type == NGHTTP2_GOAWAY) {
    c->goaways++;
    c->goaway_error = frame->goaway.error_code;
  }
  return 0;
}

static inline int http2_on_closed(nghttp2_session *session, int32_t stream, uint32_t error, void *user) {
  (void)session;
  http2_call *call = http2_call_of(user, stream);
  assert(call != NULL);
  call->is_closed = 1;
  call->error = error;
  return 0;
}

static inline ssize_t http2_on_wanted(nghttp2_session *session, int32_t stream, uint8_t *out, size_t size,
                                      uint32_t *flags, nghttp2_data_source *source, void *user) {
  (void)session;
  (void)stream;
  (void)user;
  http2_call *call = source->ptr;
  size_t left = call->out_size - call->out_sent, part = left < size ? left : size;
  if (left == 0 && !call->is_last)
    return NGHTTP2_ERR_DEFERRED;
  if (part > 0)
    memcpy(out, call->out + call->out_sent, part);
  call->out_sent += part;
  if (call->is_last && part == left)
    *flags |= NGHTTP2_DATA_FLAG_EOF;
  return (ssize_t)part;
}

/* ---- life ---- */

/* A client on a connected descriptor. `window`: of each stream, in bytes. */
static inline void http2_begin(http2_client *c, int fd, uint32_t window) {
  nghttp2_session_callbacks *callbacks;
  nghttp2_option *option;
  nghttp2_settings_entry entry = {NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, window};
  *c = (http2_client){.fd = fd};
  assert(nghttp2_session_callbacks_new(&callbacks) == 0);
  nghttp2_session_callbacks_set_send_callback(callbacks, http2_on_send);
  nghttp2_session_callbacks_set_on_header_callback(callbacks, http2_on_header);
  nghttp2_session_callbacks_set_on_data_chunk_recv_callback(callbacks, http2_on_data);
  nghttp2_session_callbacks_set_on_frame_recv_callback(callbacks, http2_on_frame);
  nghttp2_session_callbacks_set_on_stream_close_callback(callbacks, http2_on_closed);
  assert(nghttp2_option_new(&option) == 0);
  nghttp2_option_set_peer_max_concurrent_streams(option, HTTP2_CALLS); /* until it is told of another limit */
  assert(nghttp2_session_client_new2(&c->session, callbacks, c, option) == 0);
  nghttp2_option_del(option);
  nghttp2_session_callbacks_del(callbacks);
  assert(nghttp2_submit_settings(c->session, NGHTTP2_FLAG_NONE, &entry, 1) == 0);
}

static inline void http2_end(http2_client *c) {
  nghttp2_session_del(c->session);
  for (size_t i = 0; i < c->count; i++) {
    free(c->calls[i]->bytes);
    free(c->calls[i]->out);
    free(c->calls[i]);
  }
  if (c->fd >= 0)
    close(c->fd);
  *c = (http2_client){.fd = -1};
}

/* Sends and takes what can be now. */
static inline void http2_turn(http2_client *c) {
  uint8_t in[16 * 1024];
  ssize_t size = 0;
  if (!c->is_lost && nghttp2_session_send(c->session) != 0)
    c->is_lost = 1;
  while (!c->is_lost && !c->is_deaf && (size = http2_read(c->fd, in, sizeof in)) != 0) {
    c->is_lost = size < 0;
    if (size > 0 && nghttp2_session_mem_recv(c->session, in, (size_t)size) < 0)
      c->is_lost = c->has_broken = 1;
  }
  if (!c->is_lost && nghttp2_session_send(c->session) != 0)
    c->is_lost = 1;
}

/* ---- calls ---- */

static inline nghttp2_nv http2_header(const char *name, const char *value) {
  return (nghttp2_nv){(uint8_t *)(uintptr_t)name, (uint8_t *)(uintptr_t)value, strlen(name), strlen(value), 0};
}

static inline http2_call *http2_open_as(http2_client *c, const char *path, const char *method, const char *type) {
  const nghttp2_nv headers[] = {http2_header(":method", method), http2_header(":scheme", "http"),
                                http2_header(":path", path), http2_header(":authority", "a"),
                                http2_header("content-type", type)};
  assert(c->count < HTTP2_CALLS);
  http2_call *call = c->calls[c->count] = calloc(1, sizeof *call);
  assert(call != NULL);
  nghttp2_data_provider provider = {.source.ptr = call, .read_callback = http2_on_wanted};
  call->status = -1;
  call->stream = nghttp2_submit_request(c->session, NULL, headers, 5, &provider, NULL);
  assert(call->stream > 0);
  c->count++;
  return call;
}

static inline http2_call *http2_open(http2_client *c, const char *path) {
  return http2_open_as(c, path, "POST", "application/grpc");
}

/* Sends bytes as they are. */
static inline void http2_put(http2_client *c, http2_call *call, const void *bytes, size_t size) {
  call->out = realloc(call->out, call->out_size + size + 1);
  assert(call->out != NULL);
  memcpy(call->out + call->out_size, bytes, size);
  call->out_size += size;
  nghttp2_session_resume_data(c->session, call->stream);
}

/* Sends a message. */
static inline void http2_say(http2_client *c, http2_call *call, const void *bytes, size_t size) {
  const uint8_t head[] = {0, (uint8_t)(size >> 24), (uint8_t)(size >> 16), (uint8_t)(size >> 8), (uint8_t)size};
  http2_put(c, call, head, sizeof head);
  http2_put(c, call, bytes, size);
}

static inline void http2_finish(http2_client *c, http2_call *call) {
  call->is_last = 1;
  nghttp2_session_resume_data(c->session, call->stream);
}

/* How many whole messages have come. */
static inline size_t http2_messages(const http2_call *call) {
  size_t count = 0;
  for (size_t at = 0; call->size - at >= 5; count++) {
    const uint8_t *head = call->bytes + at;
    size_t size = (size_t)head[1] << 24 | (size_t)head[2] << 16 | (size_t)head[3] << 8 | head[4];
    if (size > call->size - at - 5)
      break;
    at += 5 + size;
  }
  return count;
}

#endif
