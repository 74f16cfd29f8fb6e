#include "wire/call.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

#include <grpc/byte_buffer.h>
#include <grpc/byte_buffer_reader.h>
#include <grpc/slice.h>

#include <egress/error.h>

#include "wire/access.h"
#include "wire/method.h"
#include "wire/pace.h"
#include "wire/patience.h"
#include "wire/peer.h"
#include "wire/quota.h"
#include "wire/served.h"

/*
 *             a client comes            finish: we end it
 *   WAITING ------------------> OPEN --------------------------> ENDING ----> freed, when gRPC has answered for all
 *      |                          |       the client is gone       ^          that it was asked
 *      |                          +--------------------------------+
 *      +---- refused: no such method, too many streams, closing ---+
 *
 * While OPEN one request is asked for at a time, and the next only after the last was dealt with; one response is given
 * to gRPC at a time, and the stream is asked for the next only after that was written. A client that stops reading
 * costs one response, a client that floods is read at the pace at which it is answered, and no faster than allowed.
 */
typedef enum call_state { CALL_WAITING, CALL_OPEN, CALL_ENDING } call_state;

struct egress__call {
  struct egress__call *next, *previous; /* of the server's calls */
  struct egress__call *next_ready;
  egress__gate *gate;
  egress_server *server;
  call_state state;
  uint8_t is_ready, is_sending, sent_metadata, is_counted;
  uint8_t is_slowed;  /* the next request has not been asked for: too many have come */
  uint8_t is_crowded; /* nothing is sent: others have not read too much */
  uint8_t is_cut;
  egress__pace pace;
  egress__patience patience;
  egress__quota_peer *quota;
  egress__unread_body *unread; /* body of the response that is being sent */
  egress__method method;       /* valid once a stream was open */
  int cancelled;               /* written by gRPC */
  uint32_t pending;            /* batches under way */
  grpc_call *grpc;
  egress__op accept, request, sent, status, closed;
  grpc_byte_buffer *bytes; /* the request that has come */
  egress__stream *stream;  /* NULL unless OPEN */
  uint64_t stream_id;
  char *peer;
  grpc_call_details *details; /* while WAITING */
  grpc_metadata_array metadata;
};

/* Responses given to gRPC in one turn of the loop: most of it is copying to sockets, and the embedder's other work
   should not wait for a thousand of those. */
enum { FLUSH_PER_TURN = 64 };

static const char out_of_memory[] = "the server is out of memory";

/* ---- the list of calls ---- */

static void link_call(egress__call *call) {
  egress_server *server = call->server;
  call->gate->call_count++;
  call->previous = NULL;
  call->next = server->calls;
  if (call->next != NULL)
    call->next->previous = call;
  server->calls = call;
}

static void unlink_call(egress__call *call) {
  call->gate->call_count--;
  if (call->previous != NULL)
    call->previous->next = call->next;
  else
    call->server->calls = call->next;
  if (call->next != NULL)
    call->next->previous = call->previous;
}

static void mark_ready(egress__call *call) {
  egress_server *server = call->server;
  if (call->is_ready || call->state != CALL_OPEN)
    return;
  call->is_ready = 1;
  call->next_ready = NULL;
  *server->last_ready = call;
  server->last_ready = &call->next_ready;
}

static egress__call *take_ready(egress_server *server) {
  egress__call *call = server->ready;
  if (call == NULL)
    return NULL;
  server->ready = call->next_ready;
  if (server->ready == NULL)
    server->last_ready = &server->ready;
  call->is_ready = 0;
  return call;
}

/* ---- life ---- */

static void on_accepted(egress__op *op);
static void on_request(egress__op *op);
static void on_sent(egress__op *op);
static void on_status_sent(egress__op *op);
static void on_closed(egress__op *op);

egress__call *egress__call_new(egress__gate *gate) {
  const egress_alloc *alloc = gate->server->alloc;
  egress__call *call = egress__calloc(alloc, 1, sizeof *call);
  if (call == NULL)
    return NULL;
  call->details = egress__malloc(alloc, sizeof *call->details);
  if (call->details == NULL) {
    egress__free(alloc, call);
    return NULL;
  }
  call->gate = gate;
  call->server = gate->server;
  call->accept = (egress__op){.done = on_accepted, .owner = call};
  call->request = (egress__op){.done = on_request, .owner = call};
  call->sent = (egress__op){.done = on_sent, .owner = call};
  call->status = (egress__op){.done = on_status_sent, .owner = call};
  call->closed = (egress__op){.done = on_closed, .owner = call};
  return call;
}

void egress__call_free(egress__call *call) {
  if (call == NULL)
    return;
  const egress_alloc *alloc = call->server->alloc;
  egress__free(alloc, call->details);
  egress__free(alloc, call->peer);
  egress__free(alloc, call);
}

void egress__call_wait(egress__call *call) {
  link_call(call);
  grpc_completion_queue *queue = egress__inbox_queue(call->server->inbox);
  grpc_call_details_init(call->details);
  grpc_metadata_array_init(&call->metadata);
  call->state = CALL_WAITING;
  egress__inbox_ask(call->server->inbox);
  /* Once the gate shuts down this still answers, with ok 0. */
  grpc_call_error error = grpc_server_request_call(call->gate->grpc, &call->grpc, call->details, &call->metadata, queue,
                                                   queue, &call->accept);
  assert(error == GRPC_CALL_OK && "grpc_server_request_call");
  (void)error;
}

/* Frees the call if gRPC owes it nothing any more. */
static void let_go(egress__call *call) {
  if (call->pending > 0 || call->is_ready || call->state != CALL_ENDING)
    return;
  egress_server *server = call->server;
  if (call->is_counted)
    server->call_count--;
  egress__quota_give(&server->peers, call->quota);
  unlink_call(call);
  grpc_call_unref(call->grpc);
  egress__call_free(call);
}

static void start_batch(egress__call *call, const grpc_op *ops, size_t count, egress__op *tag) {
  egress__inbox_ask(call->server->inbox);
  grpc_call_error error = grpc_call_start_batch(call->grpc, ops, count, tag, NULL);
  assert(error == GRPC_CALL_OK && "the states above allow no other batch");
  (void)error;
  call->pending++;
}

/* ---- events ---- */

static void add_event(egress__call *call, egress_event event) {
  event.stream_id = call->stream_id;
  event.peer = call->peer;
  egress__events_add(&call->server->events, &event);
}

void egress__call_on_event(egress__stream *stream, const egress_event *event, void *user) {
  (void)stream;
  add_event(user, *event);
}

/* ---- access ---- */

int egress__call_authorise(egress__stream *stream, const egress_node *node, const char *type_url,
                           egress__stream_fault *fault, void *user) {
  (void)stream;
  const egress__call *call = user;
  const egress__asked asked = {.gate = call->gate,
                               .call = call->grpc,
                               .address = call->peer != NULL ? call->peer : "",
                               .stream_id = call->stream_id,
                               .node = node,
                               .type_url = type_url};
  return egress__access_check(&asked, fault);
}

int egress__call_choose(egress_cache **out, egress__stream *stream, const egress_node *node, const char *type_url,
                        egress__stream_fault *fault, void *user) {
  (void)stream;
  const egress__call *call = user;
  return egress__served_choose(out, call->server, node, type_url, fault);
}

/* ---- messages ---- */

/* `kind` is that of state of the world: OPENED, REQUEST or RESPONSE. */
static void show(const egress__call *call, egress_message_kind kind, egress_message message) {
  const egress_server_options *options = &call->server->options;
  if (options->on_message == NULL)
    return;
  int is_delta = call->method.variant == EGRESS__XDS_DELTA && kind != EGRESS_MESSAGE_OPENED;
  message.kind = (int32_t)kind + is_delta;
  message.stream_id = call->stream_id;
  message.peer = call->peer != NULL ? call->peer : "";
  message.type_url = call->method.type_url != NULL ? call->method.type_url : "";
  options->on_message(&message, options->user);
}

static void show_response(const egress__call *call, const egress__response *response) {
  egress_message message = {.tail = response->tail, .tail_size = response->tail_size};
  if (response->body != NULL) {
    message.head = response->body->bytes;
    message.head_size = response->body->size;
  }
  show(call, EGRESS_MESSAGE_RESPONSE, message);
}

/* The stream is over for the protocol; gRPC may still have to answer. */
static void leave(egress__call *call, grpc_status_code status, const char *why) {
  if (call->state != CALL_OPEN)
    return;
  add_event(call, (egress_event){.kind = EGRESS_EVENT_DISCONNECTED,
                                 .node_id = egress__stream_node_id(call->stream),
                                 .group = egress__stream_group(call->stream),
                                 .message = why,
                                 .status = (int32_t)status});
  call->state = CALL_ENDING;
  call->server->stream_count--;
  egress__stream_free(call->stream);
  call->stream = NULL;
}

/* ---- ending ---- */

/* May be called while a response is being written: gRPC sends the status after it. */
static void send_status(egress__call *call, grpc_status_code code, const char *message) {
  grpc_slice details = grpc_slice_from_copied_string(message);
  grpc_op ops[2];
  memset(ops, 0, sizeof ops);
  size_t count = 0;
  if (!call->sent_metadata)
    ops[count++].op = GRPC_OP_SEND_INITIAL_METADATA;
  call->sent_metadata = 1;
  ops[count].op = GRPC_OP_SEND_STATUS_FROM_SERVER;
  ops[count].data.send_status_from_server.status = code;
  ops[count].data.send_status_from_server.status_details = &details;
  start_batch(call, ops, count + 1, &call->status);
  grpc_slice_unref(details);
}

static void finish(egress__call *call, grpc_status_code status, const char *message, const char *why) {
  if (call->state != CALL_OPEN)
    return;
  send_status(call, status, message);
  leave(call, status, why);
}

void egress__call_finish(egress__call *call, grpc_status_code status, const char *message) {
  finish(call, status, message, message);
}

static void on_status_sent(egress__op *op) {
  egress__call *call = op->owner;
  call->pending--;
  let_go(call);
}

static void on_closed(egress__op *op) {
  egress__call *call = op->owner;
  call->pending--;
  leave(call, GRPC_STATUS_CANCELLED, "the client ended the stream or the connection was lost");
  let_go(call);
}

/* ---- waiting ---- */

static int is_crowded(const egress_server *server) {
  return server->unread.bytes >= server->options.max_unread_bytes;
}

static uint64_t patience_end_ms(const egress__call *call) {
  return egress__patience_end_ms(&call->patience, &call->server->options, is_crowded(call->server));
}

/* Something passed. */
static void renew_patience(egress__call *call) {
  call->patience.active_ms = call->server->streams.now_ms;
  egress__server_beat_at(call->server, patience_end_ms(call));
}

/* For clients that do not read: the status goes past what they have not read, which is dropped. */
static void cut(egress__call *call, grpc_status_code status, const char *message) {
  if (call->is_cut)
    return;
  call->is_cut = 1;
  grpc_call_cancel_with_status(call->grpc, status, message, NULL);
  leave(call, status, message);
}

static void give_up(egress__call *call) {
  char message[EGRESS__PATIENCE_TEXT];
  egress_server *server = call->server;
  grpc_status_code status = (grpc_status_code)egress__patience_explain(message, &call->patience, &server->options,
                                                                       is_crowded(server), server->streams.now_ms);
  if (call->state == CALL_OPEN)
    add_event(call, (egress_event){.kind = EGRESS_EVENT_REJECTED,
                                   .node_id = egress__stream_node_id(call->stream),
                                   .group = egress__stream_group(call->stream),
                                   .message = message,
                                   .status = (int32_t)status});
  if (call->is_sending)
    cut(call, status, message);
  else
    egress__call_finish(call, status, message);
}

/* Says so once a minute, whichever clients they are. */
static void tell_slowed(const egress__call *call) {
  enum { TELL_MS = 60 * 1000 };
  egress_server *server = call->server;
  uint64_t now_ms = server->streams.now_ms;
  if (server->slowed_ms != 0 && now_ms - server->slowed_ms < TELL_MS)
    return;
  server->slowed_ms = now_ms;
  egress__server_log(server, EGRESS_LOG_WARN,
                     "stream %llu of %s is slowed to %u requests a second (max_requests_per_second)",
                     (unsigned long long)call->stream_id, call->peer != NULL ? call->peer : "a client",
                     (unsigned)server->options.max_requests_per_second);
}

static egress__pace_rate pace_rate(const egress__call *call) {
  const egress_server_options *options = &call->server->options;
  return (egress__pace_rate){options->max_requests_per_second, options->max_request_burst};
}

/* ---- sending ---- */

/* Thread: any. */
static void unref_body(void *body) {
  egress__blob_unref(body);
}

/* The body is shared by all streams that get it. Takes over the reference. */
static grpc_byte_buffer *buffer_of(const egress__response *response) {
  grpc_slice slices[2];
  size_t count = 0;
  egress__blob *body = response->body;
  if (body != NULL)
    slices[count++] = grpc_slice_new_with_user_data(body->bytes, body->size, unref_body, body);
  if (response->tail_size > 0)
    slices[count++] = grpc_slice_from_copied_buffer((const char *)response->tail, response->tail_size);
  grpc_byte_buffer *buffer = grpc_raw_byte_buffer_create(slices, count);
  while (count-- > 0)
    grpc_slice_unref(slices[count]);
  return buffer;
}

/* From here on the client is waited for. */
static int count_unread(egress__call *call, const egress__response *response) {
  egress_server *server = call->server;
  if (response->body != NULL && egress__unread_add(&call->unread, &server->unread, response->body) != 0)
    return EGRESS_ENOMEM;
  call->patience.has_unread = 1;
  call->patience.sent_ms = server->streams.now_ms;
  renew_patience(call);
  return 0;
}

/* Returns 0, or EGRESS_ENOMEM: the response is let go of. */
static int send_response(egress__call *call, const egress__response *response) {
  if (count_unread(call, response) != 0) {
    egress__blob_unref(response->body);
    return EGRESS_ENOMEM;
  }
  show_response(call, response); /* before its bytes are gRPC's */
  grpc_byte_buffer *buffer = buffer_of(response);
  grpc_op ops[2];
  memset(ops, 0, sizeof ops);
  size_t count = 0;
  if (!call->sent_metadata)
    ops[count++].op = GRPC_OP_SEND_INITIAL_METADATA;
  call->sent_metadata = 1;
  ops[count].op = GRPC_OP_SEND_MESSAGE;
  ops[count].data.send_message.send_message = buffer;
  call->is_sending = 1;
  start_batch(call, ops, count + 1, &call->sent);
  grpc_byte_buffer_destroy(buffer);
  return 0;
}

/* While there is no room the call is tried again by and by. Returns 1 when there is. */
static int wait_for_room(egress__call *call) {
  call->is_crowded = (uint8_t)is_crowded(call->server);
  if (call->is_crowded)
    egress__server_beat_at(call->server, call->server->streams.now_ms);
  return !call->is_crowded;
}

static void flush(egress__call *call) {
  if (call->state != CALL_OPEN || call->is_sending || !wait_for_room(call))
    return;
  egress__response response;
  int rv = egress__stream_next(call->stream, &response);
  if (rv == 1)
    rv = send_response(call, &response);
  else if (rv == 0)
    egress__server_beat_at(call->server, egress__stream_due(call->stream));
  if (rv < 0) /* the client comes again, by and by; nobody here would know when to try */
    egress__call_finish(call, GRPC_STATUS_RESOURCE_EXHAUSTED, out_of_memory);
}

/* The whole answer to a client that asks once. */
static void answer_once(egress__call *call) {
  egress__response response;
  if (is_crowded(call->server)) { /* waiting is for streams, which have one such response each */
    egress__call_finish(call, GRPC_STATUS_RESOURCE_EXHAUSTED,
                        "responses that were not read take all the room there is (max_unread_bytes)");
    return;
  }
  int rv = egress__stream_fetch(call->stream, &response);
  if (rv == 1 && send_response(call, &response) == 0) {
    finish(call, GRPC_STATUS_OK, "", "the client was answered");
  } else if (rv == 0) {
    egress__call_finish(call, GRPC_STATUS_UNAVAILABLE, "there is no snapshot yet for the group of this node");
  } else {
    egress__call_finish(call, GRPC_STATUS_RESOURCE_EXHAUSTED, out_of_memory);
  }
}

static void on_sent(egress__op *op) {
  egress__call *call = op->owner;
  call->pending--;
  call->is_sending = 0;
  call->patience.has_unread = 0;
  egress__unread_remove(&call->server->unread, call->unread);
  call->unread = NULL;
  renew_patience(call);
  if (op->ok)
    flush(call);
  let_go(call);
}

void egress__call_on_ready(egress__stream *stream, void *user) {
  (void)stream;
  egress__call *call = user;
  mark_ready(call);
  egress__inbox_wake(call->server->inbox);
}

int egress__calls_flush(egress_server *server) {
  for (size_t i = 0; i < FLUSH_PER_TURN && server->ready != NULL; i++) {
    egress__call *call = take_ready(server);
    flush(call);
    let_go(call);
  }
  return server->ready != NULL;
}

void egress__calls_finish(egress_server *server, grpc_status_code status, const char *message) {
  /* A call is freed only when gRPC answers, so the list holds still. */
  for (egress__call *call = server->calls; call != NULL; call = call->next)
    egress__call_finish(call, status, message);
}

/* ---- receiving ---- */

static void ask_for_request(egress__call *call) {
  if (call->state != CALL_OPEN)
    return;
  uint64_t now_ms = call->server->streams.now_ms, next_ms = egress__pace_next_ms(&call->pace, pace_rate(call), now_ms);
  call->is_slowed = next_ms > now_ms;
  if (call->is_slowed) {
    egress__server_beat_at(call->server, next_ms);
    tell_slowed(call);
    return;
  }
  grpc_op ops[1];
  memset(ops, 0, sizeof ops);
  ops[0].op = GRPC_OP_RECV_MESSAGE;
  ops[0].data.recv_message.recv_message = &call->bytes;
  start_batch(call, ops, 1, &call->request);
}

static void reject(egress__call *call, const egress__stream_fault *fault) {
  add_event(call, (egress_event){.kind = EGRESS_EVENT_REJECTED,
                                 .node_id = egress__stream_node_id(call->stream),
                                 .group = egress__stream_group(call->stream),
                                 .type_url = fault->type_url,
                                 .message = fault->message,
                                 .status = fault->status});
  egress__call_finish(call, (grpc_status_code)fault->status, fault->message);
}

static void take_request(egress__call *call) {
  egress__pace_take(&call->pace, pace_rate(call), call->server->streams.now_ms);
  call->patience.has_asked = 1;
  renew_patience(call);
  grpc_byte_buffer_reader reader;
  egress__stream_fault fault = {GRPC_STATUS_INTERNAL, "the request could not be read", NULL};
  int rv = EGRESS_EWIRE;
  if (grpc_byte_buffer_reader_init(&reader, call->bytes)) {
    grpc_slice all = grpc_byte_buffer_reader_readall(&reader);
    const void *bytes = GRPC_SLICE_START_PTR(all);
    show(call, EGRESS_MESSAGE_REQUEST, (egress_message){.head = bytes, .head_size = GRPC_SLICE_LENGTH(all)});
    rv = egress__stream_request(call->stream, bytes, GRPC_SLICE_LENGTH(all), &fault);
    grpc_slice_unref(all);
    grpc_byte_buffer_reader_destroy(&reader);
  }
  if (rv != 0)
    reject(call, &fault);
  else if (call->method.is_unary)
    answer_once(call);
  else
    flush(call);
}

static void on_request(egress__op *op) {
  egress__call *call = op->owner;
  call->pending--;
  if (call->bytes == NULL) {
    /* The client has no more to say; ok 0 is the end of the stream, which on_closed tells of. */
    if (op->ok)
      finish(call, GRPC_STATUS_OK, "", "the client ended the stream");
  } else if (call->state == CALL_OPEN) {
    take_request(call);
  }
  grpc_byte_buffer_destroy(call->bytes); /* NULL is allowed */
  call->bytes = NULL;
  ask_for_request(call);
  let_go(call);
}

/* ---- what is due ---- */

/* The next call may be asked for: this one is not freed here. */
static void beat(egress__call *call) {
  egress_server *server = call->server;
  uint64_t now_ms = server->streams.now_ms;
  if (call->state == CALL_WAITING || call->is_cut || (call->state == CALL_ENDING && !call->is_sending))
    return;
  uint64_t end_ms = patience_end_ms(call);
  if (end_ms <= now_ms) {
    give_up(call);
    return;
  }
  egress__server_beat_at(server, end_ms);
  if (call->is_slowed)
    ask_for_request(call);
  uint64_t due_ms = call->state == CALL_OPEN ? egress__stream_due(call->stream) : UINT64_MAX;
  if (due_ms <= now_ms || call->is_crowded)
    mark_ready(call);
  else
    egress__server_beat_at(server, due_ms);
}

void egress__calls_beat(egress_server *server) {
  for (egress__call *call = server->calls; call != NULL; call = call->next)
    beat(call);
}

/* ---- a client comes ---- */

static void watch_for_close(egress__call *call) {
  grpc_op ops[1];
  memset(ops, 0, sizeof ops);
  ops[0].op = GRPC_OP_RECV_CLOSE_ON_SERVER;
  ops[0].data.recv_close_on_server.cancelled = &call->cancelled;
  start_batch(call, ops, 1, &call->closed);
}

static void refuse(egress__call *call, grpc_status_code status, const char *message) {
  call->state = CALL_ENDING;
  send_status(call, status, message);
}

static void refuse_for_limit(egress__call *call, const char *message) {
  add_event(call, (egress_event){
                      .kind = EGRESS_EVENT_REJECTED, .message = message, .status = GRPC_STATUS_RESOURCE_EXHAUSTED});
  refuse(call, GRPC_STATUS_RESOURCE_EXHAUSTED, message);
}

/* Refuses a stream too many. Returns 1 when there is room for it. */
static int fits_in(egress__call *call) {
  char message[160];
  egress_server *server = call->server;
  const egress_server_options *options = &server->options;
  if (server->call_count >= options->max_streams) {
    snprintf(message, sizeof message, "the server has %u streams open, the most it allows (max_streams)",
             (unsigned)options->max_streams);
    refuse_for_limit(call, message);
    return 0;
  }
  if (options->max_peer_streams >= options->max_streams)
    return 1; /* the limit above comes first: what nobody reads is not counted */
  int rv = egress__quota_take(&call->quota, &server->peers, call->gate, call->grpc,
                              call->peer != NULL ? call->peer : "", options->max_peer_streams);
  if (rv == EGRESS_ELIMIT) {
    snprintf(message, sizeof message, "this client has %u streams open, the most that one may have (max_peer_streams)",
             (unsigned)options->max_peer_streams);
    refuse_for_limit(call, message);
  } else if (rv != 0) {
    refuse(call, GRPC_STATUS_RESOURCE_EXHAUSTED, out_of_memory);
  }
  return rv == 0;
}

static void open_stream(egress__call *call, const egress__method *method) {
  egress_server *server = call->server;
  char peer[EGRESS__PEER_TEXT];
  call->peer = egress__strdup(server->alloc, egress__peer_format(peer, call->grpc));
  call->stream_id = ++server->last_stream_id;
  if (server->state != EGRESS__SERVER_SERVING) {
    refuse(call, GRPC_STATUS_UNAVAILABLE, "the server is closing");
  } else if (!fits_in(call)) {
    return;
  } else if (egress__stream_new(&call->stream, &server->streams, method->variant, method->type_url, call) != 0) {
    refuse(call, GRPC_STATUS_RESOURCE_EXHAUSTED, out_of_memory);
  } else {
    call->state = CALL_OPEN;
    call->is_counted = 1;
    call->method = *method;
    server->call_count++;
    server->stream_count++;
    show(call, EGRESS_MESSAGE_OPENED, (egress_message){0});
    renew_patience(call);
    ask_for_request(call);
  }
}

static void dispose_details(egress__call *call) {
  grpc_call_details_destroy(call->details);
  grpc_metadata_array_destroy(&call->metadata);
  egress__free(call->server->alloc, call->details);
  call->details = NULL;
}

/* Takes the next client in the place of this one; 0 when there is no memory for that. */
static int refill(egress__call *call) {
  egress__call *next = egress__call_new(call->gate);
  if (next != NULL)
    egress__call_wait(next);
  return next != NULL;
}

static void on_accepted(egress__op *op) {
  egress__call *call = op->owner;
  if (!op->ok) { /* the gate is shutting down */
    dispose_details(call);
    unlink_call(call);
    egress__call_free(call);
    return;
  }
  if (!refill(call)) {
    grpc_call_cancel_with_status(call->grpc, GRPC_STATUS_RESOURCE_EXHAUSTED, out_of_memory, NULL);
    grpc_call_unref(call->grpc);
    grpc_call_details_destroy(call->details);
    grpc_metadata_array_destroy(&call->metadata);
    unlink_call(call);
    egress__call_wait(call);
    return;
  }
  watch_for_close(call);
  const grpc_slice *path = &call->details->method;
  egress__method method;
  int found = egress__method_find(&method, (const char *)GRPC_SLICE_START_PTR(*path), GRPC_SLICE_LENGTH(*path));
  dispose_details(call);
  if (found)
    open_stream(call, &method);
  else
    refuse(call, GRPC_STATUS_UNIMPLEMENTED, "only the discovery services of API version 3 are served here");
}
