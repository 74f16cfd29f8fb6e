#include "wire/call.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

#include <egress/error.h>

#include "wire/conn.h"
#include "wire/http2.h"
#include "wire/pace.h"
#include "wire/patience.h"
#include "wire/quota.h"
#include "wire/sending.h"

/*
 *        its service takes it           finish: we end it
 *   NEW ----------------------> OPEN --------------------------> ENDING ----> freed, when its stream is gone
 *    |                           |       the stream is gone       ^
 *    |                           +--------------------------------+
 *    +---- refused: no such method, too many streams, closing ----+
 *
 * While OPEN one request at a time is dealt with, as it comes; a client that sends more than allowed is not told to go
 * on, so that no more than HTTP/2's window of its stream waits here. One response is under way at a time, and the
 * service is asked for the next only after the socket has taken that. A client that stops reading costs one response.
 */
typedef enum call_state { CALL_NEW, CALL_OPEN, CALL_ENDING } call_state;

/* The status with which a call ends, while its last response is under way. */
typedef struct ending {
  egress__status_code status;
  char message[256];
} ending;

struct egress__call {
  egress__caller caller; /* first: its service knows the call by it */
  const egress__service *service;
  egress__conn *conn;                            /* NULL: gone */
  egress__call *next, *previous;                 /* of the server's calls */
  egress__call *next_of_conn, *previous_of_conn; /* of the connection's */
  egress__call *next_ready, *next_handed;
  int32_t stream; /* HTTP/2's number */
  call_state state;
  uint8_t is_ready, is_handed, has_responded, is_counted;
  uint8_t is_post, is_grpc, has_method, is_half_closed; /* what the client said */
  uint8_t is_slowed;                                    /* too many requests have come: what comes now is held */
  uint8_t is_crowded;                                   /* nothing is sent: others have not read too much */
  egress__pace pace;
  egress__patience patience;
  egress__quota_peer *quota;
  egress__message request; /* that is coming */
  uint8_t *held;           /* what came while slowed */
  size_t held_size;
  egress__sending *sending;    /* the response under way; NULL: none */
  egress__unread_body *unread; /* its body */
  ending *ending;              /* what comes behind it; NULL: nothing */
};

/* Responses begun in one turn of the loop: most of it is copying to sockets, and the embedder's other work should not
   wait for a thousand of those. */
enum { FLUSH_PER_TURN = 64 };

static const egress__stream_fault out_of_memory = {.status = EGRESS__STATUS_RESOURCE_EXHAUSTED,
                                                   .message = "the server is out of memory"},
                                  is_closing = {.status = EGRESS__STATUS_UNAVAILABLE,
                                                .message = "the server is closing"},
                                  is_cut_short = {.status = EGRESS__STATUS_INTERNAL,
                                                  .message = "the stream ended within a request"},
                                  is_unknown = {.status = EGRESS__STATUS_UNIMPLEMENTED,
                                                .message =
                                                    "no such method is served here, only those of API version 3"};

/* ---- the lists of calls ---- */

static void link_call(egress__call *call) {
  egress_server *server = call->caller.server;
  egress__conn *conn = call->conn;
  call->next = server->calls;
  if (call->next != NULL)
    call->next->previous = call;
  server->calls = call;
  call->next_of_conn = conn->calls;
  if (call->next_of_conn != NULL)
    call->next_of_conn->previous_of_conn = call;
  conn->calls = call;
}

static void unlink_call(egress__call *call) {
  if (call->previous != NULL)
    call->previous->next = call->next;
  else
    call->caller.server->calls = call->next;
  if (call->next != NULL)
    call->next->previous = call->previous;
}

static void unlink_from_conn(egress__call *call) {
  if (call->previous_of_conn != NULL)
    call->previous_of_conn->next_of_conn = call->next_of_conn;
  else
    call->conn->calls = call->next_of_conn;
  if (call->next_of_conn != NULL)
    call->next_of_conn->previous_of_conn = call->previous_of_conn;
  call->conn = NULL;
  call->caller.conn = NULL;
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

egress__call *egress__call_new(egress__conn *conn, int32_t stream) {
  egress_server *server = conn->server;
  egress__call *call = egress__calloc(server->alloc, 1, sizeof *call);
  if (call == NULL)
    return NULL;
  call->caller = (egress__caller){.server = server, .conn = conn, .address = conn->address};
  call->conn = conn;
  call->stream = stream;
  link_call(call);
  return call;
}

/* Frees the call if nothing refers to it any more. */
static void let_go(egress__call *call) {
  if (call->is_ready || call->is_handed || call->conn != NULL)
    return;
  egress_server *server = call->caller.server;
  if (call->is_counted)
    server->call_count--;
  egress__quota_give(&server->peers, call->quota);
  unlink_call(call);
  egress__free(server->alloc, call);
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

/* The stream is over for the protocol; its last words may still have to be sent. */
static void leave(egress__call *call, egress__status_code status, const char *why) {
  if (call->state != CALL_OPEN)
    return;
  tell(call, (egress_event){.kind = EGRESS_EVENT_DISCONNECTED, .message = why, .status = (int32_t)status});
  call->state = CALL_ENDING;
  call->caller.server->stream_count--;
  call->service->free(&call->caller);
}

/* ---- ending ---- */

/* After which the connection cannot go on, or can. */
static void check(egress__call *call, int rv) {
  if (rv != 0)
    egress__conn_fail(call->conn);
}

static void send_status(egress__call *call, egress__status_code status, const char *message) {
  int is_first = !call->has_responded;
  call->has_responded = 1;
  if (call->conn != NULL)
    check(call, egress__http2_end(call->conn, call->stream, (int32_t)status, message, is_first));
}

/* The status comes behind a response that is under way. */
static void end(egress__call *call, egress__status_code status, const char *message) {
  if (call->sending == NULL) {
    send_status(call, status, message);
    return;
  }
  call->ending = egress__malloc(call->caller.server->alloc, sizeof *call->ending);
  if (call->ending == NULL) {
    egress__conn_fail(call->conn);
    return;
  }
  call->ending->status = status;
  snprintf(call->ending->message, sizeof call->ending->message, "%s", message);
}

static void finish(egress__call *call, egress__status_code status, const char *message, const char *why) {
  if (call->state != CALL_OPEN)
    return;
  end(call, status, message);
  leave(call, status, why);
}

void egress__call_finish(egress__call *call, egress__status_code status, const char *message) {
  finish(call, status, message, message);
}

static void finish_with(egress__call *call, const egress__stream_fault *fault) {
  egress__call_finish(call, (egress__status_code)fault->status, fault->message);
}

static void drop_sending(egress__call *call) {
  egress_server *server = call->caller.server;
  egress__sending_free(call->sending, server->alloc);
  call->sending = NULL;
  call->patience.has_unread = 0;
  egress__unread_remove(&server->unread, call->unread);
  call->unread = NULL;
}

void egress__call_closed(egress__call *call) {
  const egress_alloc *alloc = call->caller.server->alloc;
  leave(call, EGRESS__STATUS_CANCELLED, "the client ended the stream or the connection was lost");
  drop_sending(call);
  egress__free(alloc, call->ending);
  egress__free(alloc, call->held);
  call->ending = NULL;
  call->held = NULL;
  egress__message_reset(&call->request, alloc);
  unlink_from_conn(call);
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

/* For clients that do not read: the status goes past what they have not read, or the connection is given up where not
   even that can be sent. */
static void cut(egress__call *call, egress__status_code status, const char *message) {
  egress__free(call->caller.server->alloc, call->ending);
  call->ending = NULL;
  if (call->conn->rest != NULL)
    egress__conn_fail(call->conn);
  else
    send_status(call, status, message);
  leave(call, status, message);
}

static void give_up(egress__call *call) {
  char message[EGRESS__PATIENCE_TEXT];
  egress_server *server = call->caller.server;
  egress__status_code status = (egress__status_code)egress__patience_explain(
      message, &call->patience, &server->options, is_crowded(server), server->streams.now_ms);
  if (call->state == CALL_OPEN)
    tell(call, (egress_event){.kind = EGRESS_EVENT_REJECTED, .message = message, .status = (int32_t)status});
  if (call->sending != NULL)
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
                     (unsigned long long)call->caller.stream_id, call->caller.address,
                     (unsigned)server->options.max_requests_per_second);
}

static egress__pace_rate pace_rate(const egress__call *call) {
  const egress_server_options *options = &call->caller.server->options;
  return (egress__pace_rate){options->max_requests_per_second, options->max_request_burst};
}

/* ---- sending ---- */

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

/* Takes the reference to the body over. Returns 0 or EGRESS_ENOMEM. */
static int send_response(egress__call *call, const egress__response *response) {
  call->sending = egress__sending_new(call->caller.server->alloc, response);
  if (call->sending == NULL) {
    egress__blob_unref(response->body);
    return EGRESS_ENOMEM;
  }
  int rv = count_unread(call, response);
  if (rv != 0) {
    drop_sending(call);
    return rv;
  }
  show_response(call, response);
  int is_first = !call->has_responded;
  call->has_responded = 1;
  check(call, egress__http2_respond(call->conn, call->stream, call, is_first));
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
  if (call->state != CALL_OPEN || call->sending != NULL || !wait_for_room(call))
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
    egress__call_finish(call, EGRESS__STATUS_RESOURCE_EXHAUSTED,
                        "responses that were not read take all the room there is (max_unread_bytes)");
    return;
  }
  int rv = call->service->next(&call->caller, &response, &fault);
  assert(rv != 0 && "it has an answer or a fault");
  if (rv == 1)
    rv = send_response(call, &response);
  if (rv == 0)
    finish(call, EGRESS__STATUS_OK, "", "the client was answered");
  else
    finish_with(call, &fault);
}

size_t egress__call_unsent(const egress__call *call) {
  return call->sending == NULL ? 0 : call->sending->size - call->sending->sent;
}

void egress__call_put(egress__call *call, egress__outbox *outbox, size_t size) {
  egress__sending_put(call->sending, outbox, size);
  if (egress__call_unsent(call) > 0)
    return;
  call->is_handed = 1;
  call->next_handed = call->conn->handed;
  call->conn->handed = call;
}

/* The response is the kernel's to deliver now. */
static void on_written(egress__call *call) {
  if (call->conn == NULL)
    return;
  drop_sending(call);
  renew_patience(call);
  if (call->ending != NULL)
    send_status(call, call->ending->status, call->ending->message);
  else
    flush(call);
}

void egress__calls_written(egress__conn *conn) {
  for (egress__call *call; (call = conn->handed) != NULL;) {
    conn->handed = call->next_handed;
    call->is_handed = 0;
    on_written(call);
    let_go(call);
  }
}

void egress__call_wake(egress__caller *caller) {
  mark_ready((egress__call *)caller);
  egress__server_wake(caller->server);
}

int egress__calls_flush(egress_server *server) {
  for (size_t i = 0; i < FLUSH_PER_TURN && server->ready != NULL; i++) {
    egress__call *call = take_ready(server);
    flush(call);
    let_go(call);
  }
  return server->ready != NULL;
}

void egress__calls_finish(egress_server *server, egress__status_code status, const char *message) {
  /* A call is freed only when its stream is gone, which is later: the list holds still. */
  for (egress__call *call = server->calls; call != NULL; call = call->next)
    egress__call_finish(call, status, message);
}

void egress__calls_finish_of(egress__conn *conn, egress__status_code status, const char *message) {
  for (egress__call *call = conn->calls; call != NULL; call = call->next_of_conn)
    egress__call_finish(call, status, message);
}

/* ---- receiving ---- */

static void reject(egress__call *call, const egress__stream_fault *fault) {
  tell(call, (egress_event){.kind = EGRESS_EVENT_REJECTED,
                            .type_url = fault->type_url,
                            .message = fault->message,
                            .status = fault->status});
  finish_with(call, fault);
}

/* A request is complete. */
static void take_request(egress__call *call) {
  egress_server *server = call->caller.server;
  egress__stream_fault fault = {EGRESS__STATUS_INTERNAL, "the request could not be read", NULL};
  const egress__message *request = &call->request;
  const void *bytes = request->bytes != NULL ? request->bytes : (const uint8_t *)"";
  egress__pace_take(&call->pace, pace_rate(call), server->streams.now_ms);
  call->patience.has_asked = 1;
  renew_patience(call);
  show(call, EGRESS_MESSAGE_REQUEST, (egress_message){.head = bytes, .head_size = request->size});
  int rv = call->service->request(&call->caller, bytes, request->size, &fault);
  egress__message_reset(&call->request, server->alloc);
  if (rv != 0)
    reject(call, &fault);
  else if (call->caller.method.is_unary)
    answer_once(call);
  else
    flush(call);
}

/* 1 when the next request may not be taken yet: the call is then asked again. */
static int must_wait(egress__call *call) {
  egress_server *server = call->caller.server;
  uint64_t next_ms = egress__pace_next_ms(&call->pace, pace_rate(call), server->streams.now_ms);
  if (next_ms <= server->streams.now_ms)
    return 0;
  egress__server_beat_at(server, next_ms);
  tell_slowed(call);
  return 1;
}

/* Takes requests from the front of the bytes while it may. Returns how much of them was taken. */
static size_t take(egress__call *call, const uint8_t *bytes, size_t size) {
  const egress_server *server = call->caller.server;
  size_t all = 0;
  while (all < size && call->state == CALL_OPEN && !call->is_slowed) {
    egress__stream_fault fault = out_of_memory;
    size_t taken;
    int rv = egress__message_take(&taken, &call->request, server->alloc, bytes + all, size - all,
                                  server->options.max_request_bytes, &fault);
    if (rv < 0) {
      reject(call, &fault);
      break;
    }
    all += taken;
    if (rv == 0)
      continue;
    take_request(call);
    call->is_slowed = call->state == CALL_OPEN && must_wait(call);
  }
  return all;
}

/* The client's window of the stream bounds what is held. */
static void hold(egress__call *call, const uint8_t *bytes, size_t size) {
  uint8_t *held = egress__resize(call->caller.server->alloc, call->held, call->held_size + size, 1);
  if (held == NULL) {
    reject(call, &out_of_memory);
    return;
  }
  memcpy(held + call->held_size, bytes, size);
  call->held = held;
  call->held_size += size;
}

void egress__call_data(egress__call *call, const uint8_t *bytes, size_t size) {
  size_t taken = take(call, bytes, size);
  if (taken < size && call->state == CALL_OPEN)
    hold(call, bytes + taken, size - taken);
  egress__http2_consumed(call->conn, call->stream, call->state == CALL_OPEN ? taken : size);
}

/* The client has no more to say, and all that it said was taken. */
static void end_of_requests(egress__call *call) {
  if (egress__message_is_begun(&call->request))
    reject(call, &is_cut_short);
  else
    finish(call, EGRESS__STATUS_OK, "", "the client ended the stream");
}

void egress__call_half_closed(egress__call *call) {
  call->is_half_closed = 1;
  if (call->state == CALL_OPEN && call->held == NULL)
    end_of_requests(call);
}

/* It was slowed, and may go on. */
static void go_on(egress__call *call) {
  uint8_t *held = call->held;
  size_t size = call->held_size;
  call->is_slowed = 0;
  call->held = NULL;
  call->held_size = 0;
  if (size > 0)
    egress__call_data(call, held, size);
  egress__free(call->caller.server->alloc, held);
  if (call->is_half_closed && call->held == NULL && call->state == CALL_OPEN)
    end_of_requests(call);
}

/* ---- what is due ---- */

/* The next call may be asked for: this one is not freed here. */
static void beat(egress__call *call) {
  egress_server *server = call->caller.server;
  uint64_t now_ms = server->streams.now_ms;
  if (call->conn == NULL || call->conn->is_failed || (call->state != CALL_OPEN && call->ending == NULL))
    return;
  uint64_t end_ms = patience_end_ms(call);
  if (end_ms <= now_ms) {
    give_up(call);
    return;
  }
  egress__server_beat_at(server, end_ms);
  if (call->is_slowed && !must_wait(call))
    go_on(call);
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

static int is_text(egress__span text, const char *wanted) {
  return text.size == strlen(wanted) && memcmp(text.data, wanted, text.size) == 0;
}

static int begins_with(egress__span text, const char *wanted) {
  return text.size >= strlen(wanted) && memcmp(text.data, wanted, strlen(wanted)) == 0;
}

void egress__call_header(egress__call *call, egress__span name, egress__span value) {
  if (is_text(name, ":path"))
    call->has_method = (uint8_t)egress__method_find(&call->caller.method, (const char *)value.data, value.size);
  else if (is_text(name, ":method"))
    call->is_post = (uint8_t)is_text(value, "POST");
  else if (is_text(name, "content-type"))
    call->is_grpc = (uint8_t)begins_with(value, "application/grpc");
}

static void refuse(egress__call *call, const egress__stream_fault *fault) {
  call->state = CALL_ENDING;
  send_status(call, (egress__status_code)fault->status, fault->message);
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

void egress__call_begin(egress__call *call) {
  if (!call->is_post || !call->is_grpc) {
    call->state = CALL_ENDING;
    check(call, egress__http2_refuse(call->conn, call->stream, call->is_post ? "415" : "405"));
  } else if (!call->has_method) {
    refuse(call, &is_unknown);
  } else {
    call->service = call->caller.method.service;
    open_stream(call);
  }
}
