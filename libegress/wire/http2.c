#include "wire/http2.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

#include <egress/error.h>

#include "wire/call.h"
#include "wire/conn.h"

enum {
  /* Of one connection; an Envoy has one or two. Go's HTTP/2 servers allow 250. */
  STREAMS_PER_CONNECTION = 256,
  /* Frames that wait to be sent, each some 200 bytes; several for each of those streams. What more is asked for, the
     client does not read. */
  QUEUED_FRAMES = 4096,
  FRAME_HEAD = 9
};

/* ---- memory ---- */

static void *take_memory(size_t size, void *user) {
  return egress__malloc(user, size);
}

static void *take_zeroed(size_t count, size_t size, void *user) {
  return egress__calloc(user, count, size);
}

static void *resize_memory(void *ptr, size_t size, void *user) {
  return egress__resize(user, ptr, size, 1);
}

static void free_memory(void *ptr, void *user) {
  egress__free(user, ptr);
}

/* ---- what comes ---- */

static egress__call *call_of(nghttp2_session *session, int32_t stream) {
  return nghttp2_session_get_stream_user_data(session, stream);
}

static int is_request(const nghttp2_frame *frame) {
  return frame->hd.type == NGHTTP2_HEADERS && frame->headers.cat == NGHTTP2_HCAT_REQUEST;
}

/* A stream without a call is one that there was no memory for. */
static int on_begin_headers(nghttp2_session *session, const nghttp2_frame *frame, void *user) {
  if (is_request(frame))
    nghttp2_session_set_stream_user_data(session, frame->hd.stream_id, egress__call_new(user, frame->hd.stream_id));
  return 0;
}

static int on_header(nghttp2_session *session, const nghttp2_frame *frame, const uint8_t *name, size_t name_size,
                     const uint8_t *value, size_t value_size, uint8_t flags, void *user) {
  (void)flags;
  (void)user;
  egress__call *call = is_request(frame) ? call_of(session, frame->hd.stream_id) : NULL;
  if (call != NULL)
    egress__call_header(call, (egress__span){name, name_size}, (egress__span){value, value_size});
  return 0;
}

static int begin_call(egress__conn *conn, int32_t stream) {
  egress__call *call = call_of(conn->session, stream);
  if (call == NULL)
    return egress__http2_end(conn, stream, EGRESS__STATUS_RESOURCE_EXHAUSTED, "the server is out of memory", 1);
  egress__call_begin(call);
  return 0;
}

static void cancel_call(nghttp2_session *session, int32_t stream) {
  egress__call *call = call_of(session, stream);
  if (call != NULL)
    egress__call_cancelled(call);
}

static int on_frame(nghttp2_session *session, const nghttp2_frame *frame, void *user) {
  egress__conn *conn = user;
  egress__conn_heard(conn);
  int rv = is_request(frame) ? begin_call(conn, frame->hd.stream_id) : 0;
  int is_message = frame->hd.type == NGHTTP2_HEADERS || frame->hd.type == NGHTTP2_DATA;
  egress__call *call = is_message ? call_of(session, frame->hd.stream_id) : NULL;
  if (call != NULL && (frame->hd.flags & NGHTTP2_FLAG_END_STREAM) != 0)
    egress__call_half_closed(call);
  if (frame->hd.type == NGHTTP2_RST_STREAM)
    cancel_call(session, frame->hd.stream_id);
  return rv == 0 ? 0 : NGHTTP2_ERR_CALLBACK_FAILURE;
}

static int on_data(nghttp2_session *session, uint8_t flags, int32_t stream, const uint8_t *bytes, size_t size,
                   void *user) {
  (void)flags;
  egress__call *call = call_of(session, stream);
  egress__conn_heard(user);
  int rv = nghttp2_session_consume_connection(session, size); /* one stream that is slowed holds up no other */
  if (call != NULL)
    egress__call_data(call, bytes, size);
  else
    egress__http2_consumed(user, stream, size);
  return rv == 0 ? 0 : NGHTTP2_ERR_CALLBACK_FAILURE;
}

static int on_stream_closed(nghttp2_session *session, int32_t stream, uint32_t error, void *user) {
  (void)error;
  (void)user;
  egress__call *call = call_of(session, stream);
  if (call != NULL)
    egress__call_closed(call, "the client broke a rule of HTTP/2 on the stream"); /* unless it has ended before */
  return 0;
}

int egress__http2_take(egress__conn *conn, const uint8_t *bytes, size_t size) {
  ssize_t rv = nghttp2_session_mem_recv(conn->session, bytes, size);
  if (rv >= 0)
    return nghttp2_session_get_outbound_queue_size(conn->session) <= QUEUED_FRAMES ? 0 : EGRESS_ELIMIT;
  if (rv == NGHTTP2_ERR_FLOODED)
    return EGRESS_ELIMIT;
  return rv == NGHTTP2_ERR_NOMEM || rv == NGHTTP2_ERR_CALLBACK_FAILURE ? EGRESS_ENOMEM : EGRESS_EPROTO;
}

void egress__http2_consumed(egress__conn *conn, int32_t stream, size_t size) {
  /* Of one that is gone there is nothing to say. One that is not told to go on would wait for ever. */
  if (nghttp2_session_consume_stream(conn->session, stream, size) != 0)
    egress__conn_fail(conn, egress__conn_out_of_memory);
  else
    egress__conn_touch(conn);
}

/* ---- what goes ---- */

/* How much of its response a call has to give now. */
static ssize_t on_wanted(nghttp2_session *session, int32_t stream, uint8_t *out, size_t size, uint32_t *flags,
                         nghttp2_data_source *source, void *user) {
  (void)session;
  (void)stream;
  (void)out;
  (void)user;
  size_t left = egress__call_unsent(source->ptr);
  if (left == 0)
    return NGHTTP2_ERR_DEFERRED;
  *flags |= NGHTTP2_DATA_FLAG_NO_COPY;
  return (ssize_t)(left < size ? left : size);
}

static int on_data_frame(nghttp2_session *session, nghttp2_frame *frame, const uint8_t *head, size_t size,
                         nghttp2_data_source *source, void *user) {
  (void)session;
  (void)frame;
  egress__outbox *outbox = ((egress__conn *)user)->server->outbox;
  if (!egress__outbox_has_room(outbox, EGRESS__CALL_PIECES + 1, FRAME_HEAD + EGRESS__CALL_COPIES))
    return NGHTTP2_ERR_WOULDBLOCK; /* it is asked again */
  egress__outbox_copy(outbox, head, FRAME_HEAD);
  egress__call_put(source->ptr, outbox, size);
  return 0;
}

static ssize_t on_other_frame(nghttp2_session *session, const uint8_t *bytes, size_t size, int flags, void *user) {
  (void)session;
  (void)flags;
  egress__outbox *outbox = ((egress__conn *)user)->server->outbox;
  if (!egress__outbox_has_room(outbox, 1, size))
    return NGHTTP2_ERR_WOULDBLOCK;
  egress__outbox_copy(outbox, bytes, size);
  return (ssize_t)size;
}

/* The end of a call is the end of its stream, also for a client that could say more. */
static int on_frame_sent(nghttp2_session *session, const nghttp2_frame *frame, void *user) {
  (void)user;
  if (frame->hd.type != NGHTTP2_HEADERS || (frame->hd.flags & NGHTTP2_FLAG_END_STREAM) == 0 ||
      nghttp2_session_get_stream_remote_close(session, frame->hd.stream_id) != 0)
    return 0;
  int rv = nghttp2_submit_rst_stream(session, NGHTTP2_FLAG_NONE, frame->hd.stream_id, NGHTTP2_NO_ERROR);
  return rv == 0 ? 0 : NGHTTP2_ERR_CALLBACK_FAILURE;
}

int egress__http2_give(egress__conn *conn) {
  return nghttp2_session_send(conn->session) == 0 ? 0 : EGRESS_ENOMEM;
}

int egress__http2_has_more(const egress__conn *conn) {
  return nghttp2_session_want_write(conn->session);
}

/* ---- what calls say ---- */

static nghttp2_nv header(const char *name, const char *value, size_t size) {
  return (nghttp2_nv){.name = (uint8_t *)(uintptr_t)name,
                      .value = (uint8_t *)(uintptr_t)value,
                      .namelen = strlen(name),
                      .valuelen = size,
                      .flags = NGHTTP2_NV_FLAG_NO_COPY_NAME};
}

static nghttp2_nv text_header(const char *name, const char *value) {
  return header(name, value, strlen(value));
}

/* A stream that is gone already is no fault: its call will hear of that. */
static int submitted(egress__conn *conn, int rv) {
  egress__conn_touch(conn);
  return rv == NGHTTP2_ERR_NOMEM ? EGRESS_ENOMEM : 0;
}

int egress__http2_respond(egress__conn *conn, int32_t stream, egress__call *call, int is_first) {
  nghttp2_data_provider provider = {.source.ptr = call, .read_callback = on_wanted};
  const nghttp2_nv headers[] = {text_header(":status", "200"), text_header("content-type", "application/grpc")};
  int rv = is_first ? nghttp2_submit_response(conn->session, stream, headers, 2, &provider)
                    : nghttp2_session_resume_data(conn->session, stream);
  return submitted(conn, rv);
}

int egress__http2_end(egress__conn *conn, int32_t stream, int32_t status, const char *message, int is_first) {
  char number[12], text[EGRESS__STATUS_TEXT];
  snprintf(number, sizeof number, "%d", (int)status);
  size_t size = egress__message_encode(text, message);
  const nghttp2_nv headers[] = {text_header(":status", "200"), text_header("content-type", "application/grpc"),
                                text_header("grpc-status", number), header("grpc-message", text, size)};
  size_t skipped = is_first ? 0 : 2, count = (size > 0 ? 4 : 3) - skipped;
  return submitted(conn, is_first ? nghttp2_submit_response(conn->session, stream, headers, count, NULL)
                                  : nghttp2_submit_trailer(conn->session, stream, headers + skipped, count));
}

int egress__http2_refuse(egress__conn *conn, int32_t stream, const char *status) {
  const nghttp2_nv headers[] = {text_header(":status", status)};
  return submitted(conn, nghttp2_submit_response(conn->session, stream, headers, 1, NULL));
}

/* ---- life ---- */

static void set_callbacks(nghttp2_session_callbacks *callbacks) {
  nghttp2_session_callbacks_set_on_begin_headers_callback(callbacks, on_begin_headers);
  nghttp2_session_callbacks_set_on_header_callback(callbacks, on_header);
  nghttp2_session_callbacks_set_on_frame_recv_callback(callbacks, on_frame);
  nghttp2_session_callbacks_set_on_data_chunk_recv_callback(callbacks, on_data);
  nghttp2_session_callbacks_set_on_stream_close_callback(callbacks, on_stream_closed);
  nghttp2_session_callbacks_set_send_callback(callbacks, on_other_frame);
  nghttp2_session_callbacks_set_send_data_callback(callbacks, on_data_frame);
  nghttp2_session_callbacks_set_on_frame_send_callback(callbacks, on_frame_sent);
}

static void set_options(nghttp2_option *option) {
  nghttp2_option_set_no_auto_window_update(option, 1);          /* a client that is slowed is not told to go on */
  nghttp2_option_set_no_closed_streams(option, 1);              /* nothing is remembered of them */
  nghttp2_option_set_max_deflate_dynamic_table_size(option, 0); /* a stream has one answer of few headers */
}

int egress__http2_init(egress__http2 *http2, const egress_alloc *alloc) {
  egress__http2 made = {.memory = {(void *)(uintptr_t)alloc, take_memory, free_memory, take_zeroed, resize_memory}};
  if (nghttp2_session_callbacks_new(&made.callbacks) != 0 || nghttp2_option_new(&made.option) != 0) {
    egress__http2_dispose(&made);
    return EGRESS_ENOMEM;
  }
  set_callbacks(made.callbacks);
  set_options(made.option);
  *http2 = made;
  return 0;
}

void egress__http2_dispose(egress__http2 *http2) {
  nghttp2_session_callbacks_del(http2->callbacks);
  nghttp2_option_del(http2->option);
  *http2 = (egress__http2){0};
}

int egress__http2_open(nghttp2_session **out, egress__http2 *http2, egress__conn *conn) {
  nghttp2_session *session;
  if (nghttp2_session_server_new3(&session, http2->callbacks, conn, http2->option, &http2->memory) != 0)
    return EGRESS_ENOMEM;
  const nghttp2_settings_entry settings[] = {{NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS, STREAMS_PER_CONNECTION},
                                             {NGHTTP2_SETTINGS_HEADER_TABLE_SIZE, 0}};
  if (nghttp2_submit_settings(session, NGHTTP2_FLAG_NONE, settings, 2) != 0) {
    nghttp2_session_del(session);
    return EGRESS_ENOMEM;
  }
  *out = session;
  return 0;
}
