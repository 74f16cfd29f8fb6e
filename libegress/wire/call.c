#include "wire/call.h"

#include <assert.h>
#include <string.h>

#include <grpc/byte_buffer.h>
#include <grpc/byte_buffer_reader.h>
#include <grpc/slice.h>

#include <egress/error.h>

#include "wire/pace.h"
#include "wire/patience.h"
#include "wire/peer.h"
#include "wire/quota.h"

/*
 *        its service takes it           finish: we end it
 *   NEW ----------------------> OPEN --------------------------> ENDING ----> freed, when gRPC has answered for all
 *    |                           |       the client is gone       ^           that it was asked
 *    |                           +--------------------------------+
 *    +---- refused: no such method, too many streams, closing ----+
 *
 * While OPEN one request is asked for at a time, and the next only after the last was dealt with; one response is given
 * to gRPC at a time, and the stream is asked for the next only after that was written. A client that stops reading
 * costs one response, a client that floods is read at the pace at which it is answered, and no faster than allowed.
 */
typedef enum call_state { CALL_NEW, CALL_OPEN, CALL_ENDING } call_state;

struct egress__call {
  egress__caller caller; /* first: its service knows the call by it */
  const egress__service *service;
  egress__call *next, *previous; /* of the server's calls */
  egress__call *next_ready;
  call_state state;
  uint8_t is_ready, is_sending, sent_metadata, is_counted;
  uint8_t is_slowed;  /* the next request has not been asked for: too many have come */
  uint8_t is_crowded; /* nothing is sent: others have not read too much */
  uint8_t is_cut;
  egress__pace pace;
  egress__patience patience;
  egress__quota_peer *quota;
  egress__unread_body *unread; /* body of the response that is being sent */
  int cancelled;               /* written by gRPC */
  uint32_t pending;            /* batches under way */
  egress__op request, sent, status, closed;
  grpc_byte_buffer *bytes; /* the request that has come */
  char *address;           /* the caller's; NULL: there was no memory for it */
};

/* Responses given to gRPC in one turn of the loop: most of it is copying to sockets, and the embedder's other work
   should not wait for a thousand of those. */
enum { FLUSH_PER_TURN = 64 };

static const egress__stream_fault out_of_memory = {.status = GRPC_STATUS_RESOURCE_EXHAUSTED,
                                                   .message = "the server is out of memory"},
                                  is_closing = {.status = GRPC_STATUS_UNAVAILABLE, .message = "the server is closing"},
                                  is_unknown = {.status = GRPC_STATUS_UNIMPLEMENTED,
                                                .message =
                                                    "no such method is served here, only those of API version 3"};

/* ---- the list of calls ---- */

static void link_call(egress__call *call) {
  egress_server *server = call->caller.server;
  call->caller.gate->call_count++;
  call->previous = NULL;
  call->next = server->calls;
  if (call->next != NULL)
    call->next->previous = call;
  server->calls = call;
}

static void unlink_call(egress__call *call) {
  call->caller.gate->call_count--;
  if (call->previous != NULL)
    call->previous->next = call->next;
  else
    call->caller.server->calls = call->next;
  if (call->next != NULL)
    call->next->previous = call->previous;
}

static void mark_ready(egress__call *call) {
  egress_server *server = call->caller.server;
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

static void on_request(egress__op *op);
static void on_sent(egress__op *op);
static void on_status_sent(egress__op *op);
static void on_closed(egress__op *op);

/* Returns NULL when out of memory. */
static egress__call *new_call(egress__gate *gate, grpc_call *grpc) {
  egress_server *server = gate->server;
  egress__call *call = egress__calloc(server->alloc, 1, sizeof *call);
  if (call == NULL)
    return NULL;
  char address[EGRESS__PEER_TEXT];
  call->address = egress__strdup(server->alloc, egress__peer_format(address, grpc));
  call->caller = (egress__caller){
      .server = server, .gate = gate, .grpc = grpc, .address = call->address != NULL ? call->address : ""};
  call->request = (egress__op){.done = on_request, .owner = call};
  call->sent = (egress__op){.done = on_sent, .owner = call};
  call->status = (egress__op){.done = on_status_sent, .owner = call};
  call->closed = (egress__op){.done = on_closed, .owner = call};
  link_call(call);
  return call;
}

/* Frees the call if gRPC owes it nothing any more. */
static void let_go(egress__call *call) {
  if (call->pending > 0 || call->is_ready || call->state != CALL_ENDING)
    return;
  egress_server *server = call->caller.server;
  if (call->is_counted)
    server->call_count--;
  egress__quota_give(&server->peers, call->quota);
  unlink_call(call);
  grpc_call_unref(call->caller.grpc);
  egress__free(server->alloc, call->address);
  egress__free(server->alloc, call);
}

static void start_batch(egress__call *call, const grpc_op *ops, size_t count, egress__op *tag) {
  egress__inbox_ask(call->caller.server->inbox);
  grpc_call_error error = grpc_call_start_batch(call->caller.grpc, ops, count, tag, NULL);
  assert(error == GRPC_CALL_OK && "the states above allow no other batch");
  (void)error;
  call->pending++;
}

/* ---- telling ---- */

void egress__call_tell(const egress__caller *caller, egress_event event) {
  event.stream_id = caller->stream_id;
  event.peer = caller->address;
  egress__server_tell(caller->server, &event);
}

/* An event of an open stream. */
static void tell(const egress__call *call, egress_event event) {
  call->service->describe(&call->caller, &event);
  egress__call_tell(&call->caller, event);
}

const egress__caller *egress__call_open_after(const egress_server *server, const egress__caller *caller) {
  const egress__call *call = caller != NULL ? ((const egress__call *)caller)->next : server->calls;
  while (call != NULL && call->state != CALL_OPEN)
    call = call->next;
  return call != NULL ? &call->caller : NULL;
}

static void show(const egress__call *call, egress_message_kind kind, egress_message message) {
  if (call->service->show != NULL)
    call->service->show(&call->caller, kind, message);
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
  tell(call, (egress_event){.kind = EGRESS_EVENT_DISCONNECTED, .message = why, .status = (int32_t)status});
  call->state = CALL_ENDING;
  call->caller.server->stream_count--;
  call->service->free(&call->caller);
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

static void finish_with(egress__call *call, const egress__stream_fault *fault) {
  egress__call_finish(call, (grpc_status_code)fault->status, fault->message);
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
  return egress__patience_end_ms(&call->patience, &call->caller.server->options, is_crowded(call->caller.server));
}

/* Something passed. */
static void renew_patience(egress__call *call) {
  call->patience.active_ms = call->caller.server->streams.now_ms;
  egress__server_beat_at(call->caller.server, patience_end_ms(call));
}

/* For clients that do not read: the status goes past what they have not read, which is dropped. */
static void cut(egress__call *call, grpc_status_code status, const char *message) {
  if (call->is_cut)
    return;
  call->is_cut = 1;
  grpc_call_cancel_with_status(call->caller.grpc, status, message, NULL);
  leave(call, status, message);
}

static void give_up(egress__call *call) {
  char message[EGRESS__PATIENCE_TEXT];
  egress_server *server = call->caller.server;
  grpc_status_code status = (grpc_status_code)egress__patience_explain(message, &call->patience, &server->options,
                                                                       is_crowded(server), server->streams.now_ms);
  if (call->state == CALL_OPEN)
    tell(call, (egress_event){.kind = EGRESS_EVENT_REJECTED, .message = message, .status = (int32_t)status});
  if (call->is_sending)
    cut(call, status, message);
  else
    egress__call_finish(call, status, message);
}

/* Says so once a minute, whichever clients they are. */
static void tell_slowed(const egress__call *call) {
  enum { TELL_MS = 60 * 1000 };
  egress_server *server = call->caller.server;
  uint64_t now_ms = server->streams.now_ms;
  if (server->slowed_ms != 0 && now_ms - server->slowed_ms < TELL_MS)
    return;
  server->slowed_ms = now_ms;
  egress__server_log(server, EGRESS_LOG_WARN,
                     "stream %llu of %s is slowed to %u requests a second (max_requests_per_second)",
                     (unsigned long long)call->caller.stream_id, call->address != NULL ? call->address : "a client",
                     (unsigned)server->options.max_requests_per_second);
}

static egress__pace_rate pace_rate(const egress__call *call) {
  const egress_server_options *options = &call->caller.server->options;
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
  egress_server *server = call->caller.server;
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
  call->is_crowded = (uint8_t)is_crowded(call->caller.server);
  if (call->is_crowded)
    egress__server_beat_at(call->caller.server, call->caller.server->streams.now_ms);
  return !call->is_crowded;
}

static void flush(egress__call *call) {
  if (call->state != CALL_OPEN || call->is_sending || !wait_for_room(call))
    return;
  egress__response response;
  egress__stream_fault fault = out_of_memory;
  int rv = call->service->next(&call->caller, &response, &fault);
  if (rv == 1)
    rv = send_response(call, &response);
  else if (rv == 0)
    egress__server_beat_at(call->caller.server, call->service->due(&call->caller));
  if (rv < 0) /* the client comes again, by and by; nobody here would know when to try */
    finish_with(call, &fault);
}

/* The whole answer to a client that asks once. */
static void answer_once(egress__call *call) {
  egress__response response;
  egress__stream_fault fault = out_of_memory;
  if (is_crowded(call->caller.server)) { /* waiting is for streams, which have one such response each */
    egress__call_finish(call, GRPC_STATUS_RESOURCE_EXHAUSTED,
                        "responses that were not read take all the room there is (max_unread_bytes)");
    return;
  }
  int rv = call->service->next(&call->caller, &response, &fault);
  assert(rv != 0 && "it has an answer or a fault");
  if (rv == 1)
    rv = send_response(call, &response);
  if (rv == 0)
    finish(call, GRPC_STATUS_OK, "", "the client was answered");
  else
    finish_with(call, &fault);
}

static void on_sent(egress__op *op) {
  egress__call *call = op->owner;
  call->pending--;
  call->is_sending = 0;
  call->patience.has_unread = 0;
  egress__unread_remove(&call->caller.server->unread, call->unread);
  call->unread = NULL;
  renew_patience(call);
  if (op->ok)
    flush(call);
  let_go(call);
}

void egress__call_wake(egress__caller *caller) {
  mark_ready((egress__call *)caller);
  egress__inbox_wake(caller->server->inbox);
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
  uint64_t now_ms = call->caller.server->streams.now_ms,
           next_ms = egress__pace_next_ms(&call->pace, pace_rate(call), now_ms);
  call->is_slowed = next_ms > now_ms;
  if (call->is_slowed) {
    egress__server_beat_at(call->caller.server, next_ms);
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
  tell(call, (egress_event){.kind = EGRESS_EVENT_REJECTED,
                            .type_url = fault->type_url,
                            .message = fault->message,
                            .status = fault->status});
  finish_with(call, fault);
}

static void take_request(egress__call *call) {
  egress__pace_take(&call->pace, pace_rate(call), call->caller.server->streams.now_ms);
  call->patience.has_asked = 1;
  renew_patience(call);
  grpc_byte_buffer_reader reader;
  egress__stream_fault fault = {GRPC_STATUS_INTERNAL, "the request could not be read", NULL};
  int rv = EGRESS_EWIRE;
  if (grpc_byte_buffer_reader_init(&reader, call->bytes)) {
    grpc_slice all = grpc_byte_buffer_reader_readall(&reader);
    const void *bytes = GRPC_SLICE_START_PTR(all);
    show(call, EGRESS_MESSAGE_REQUEST, (egress_message){.head = bytes, .head_size = GRPC_SLICE_LENGTH(all)});
    rv = call->service->request(&call->caller, bytes, GRPC_SLICE_LENGTH(all), &fault);
    grpc_slice_unref(all);
    grpc_byte_buffer_reader_destroy(&reader);
  }
  if (rv != 0)
    reject(call, &fault);
  else if (call->caller.method.is_unary)
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
  egress_server *server = call->caller.server;
  uint64_t now_ms = server->streams.now_ms;
  if (call->is_cut || (call->state == CALL_ENDING && !call->is_sending))
    return;
  uint64_t end_ms = patience_end_ms(call);
  if (end_ms <= now_ms) {
    give_up(call);
    return;
  }
  egress__server_beat_at(server, end_ms);
  if (call->is_slowed)
    ask_for_request(call);
  uint64_t due_ms = call->state == CALL_OPEN ? call->service->due(&call->caller) : UINT64_MAX;
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

static void refuse(egress__call *call, const egress__stream_fault *fault) {
  call->state = CALL_ENDING;
  send_status(call, (grpc_status_code)fault->status, fault->message);
}

static void refuse_for_limit(egress__call *call, const egress__stream_fault *fault) {
  egress__call_tell(&call->caller,
                    (egress_event){.kind = EGRESS_EVENT_REJECTED, .message = fault->message, .status = fault->status});
  refuse(call, fault);
}

static void begin_stream(egress__call *call) {
  egress_server *server = call->caller.server;
  call->state = CALL_OPEN;
  call->is_counted = 1;
  server->call_count++;
  server->stream_count++;
  server->metrics.opened++;
  call->caller.opened_ms = server->streams.now_ms;
  show(call, EGRESS_MESSAGE_OPENED, (egress_message){0});
  renew_patience(call);
  ask_for_request(call);
}

static void open_stream(egress__call *call) {
  egress__stream_fault fault = out_of_memory;
  call->caller.stream_id = ++call->caller.server->last_stream_id;
  if (call->caller.server->state != EGRESS__SERVER_SERVING) {
    refuse(call, &is_closing);
    return;
  }
  int rv = egress__quota_admit(&call->quota, &call->caller, &fault);
  if (rv == EGRESS_ELIMIT)
    refuse_for_limit(call, &fault);
  else if (rv != 0 || call->service->open(&call->caller, &fault) != 0)
    refuse(call, &fault);
  else
    begin_stream(call);
}

void egress__call_open(egress__gate *gate, grpc_call *grpc, const egress__method *method) {
  egress__call *call = new_call(gate, grpc);
  if (call == NULL) {
    grpc_call_cancel_with_status(grpc, (grpc_status_code)out_of_memory.status, out_of_memory.message, NULL);
    grpc_call_unref(grpc);
    return;
  }
  watch_for_close(call);
  if (method == NULL) {
    refuse(call, &is_unknown);
    return;
  }
  call->caller.method = *method;
  call->service = method->service;
  open_stream(call);
}
