#include "wire/call_parts.h"

#include <stdio.h>
#include <string.h>

#include <egress/error.h>

const egress__stream_fault egress__call_out_of_memory = {.status = EGRESS__STATUS_RESOURCE_EXHAUSTED,
                                                         .message = "the server is out of memory"};
static const egress__stream_fault is_closing = {.status = EGRESS__STATUS_UNAVAILABLE,
                                                .message = "the server is closing"},
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
  if (call->conn->calls == NULL)
    egress__conn_vacate(call->conn);
  call->conn = NULL;
  call->caller.conn = NULL;
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
void egress__call_let_go(egress__call *call) {
  if (call->is_ready || call->is_handed || call->conn != NULL)
    return;
  egress_server *server = call->caller.server;
  egress__quota_give(server, call->quota);
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
void egress__call_event(const egress__call *call, egress_event event) {
  call->service->describe(&call->caller, &event);
  egress__call_tell(&call->caller, event);
}

const egress__caller *egress__call_open_after(const egress_server *server, const egress__caller *caller) {
  const egress__call *call = caller != NULL ? ((const egress__call *)caller)->next : server->calls;
  while (call != NULL && call->state != CALL_OPEN)
    call = call->next;
  return call != NULL ? &call->caller : NULL;
}

void egress__call_show(const egress__call *call, egress_message_kind kind, egress_message message) {
  if (call->service->show != NULL)
    call->service->show(&call->caller, kind, message);
}

/* The stream is over for the protocol; its last words may still have to be sent. */
void egress__call_leave(egress__call *call, egress__status_code status, const char *why) {
  if (call->state != CALL_OPEN)
    return;
  egress__call_event(call,
                     (egress_event){.kind = EGRESS_EVENT_DISCONNECTED, .message = why, .status = (int32_t)status});
  call->state = CALL_ENDING;
  call->caller.server->stream_count--;
  egress__call_drop_requests(call);
  call->service->free(&call->caller);
}

/* ---- ending ---- */

/* After which the connection cannot go on, or can. */
void egress__call_check(egress__call *call, int rv) {
  if (rv != 0)
    egress__conn_fail(call->conn, egress__conn_out_of_memory);
}

void egress__call_send_status(egress__call *call, egress__status_code status, const char *message) {
  int is_first = !call->has_responded;
  call->has_responded = 1;
  if (call->conn != NULL)
    egress__call_check(call, egress__http2_end(call->conn, call->stream, (int32_t)status, message, is_first));
}

/* The status comes behind a response that is under way. */
static void end(egress__call *call, egress__status_code status, const char *message) {
  if (call->sending == NULL) {
    egress__call_send_status(call, status, message);
    return;
  }
  call->ending = egress__malloc(call->caller.server->alloc, sizeof *call->ending);
  if (call->ending == NULL) {
    egress__conn_fail(call->conn, egress__conn_out_of_memory);
    return;
  }
  call->ending->status = status;
  snprintf(call->ending->message, sizeof call->ending->message, "%s", message);
}

void egress__call_end(egress__call *call, egress__status_code status, const char *message, const char *why) {
  if (call->state != CALL_OPEN)
    return;
  end(call, status, message);
  egress__call_leave(call, status, why);
}

void egress__call_finish(egress__call *call, egress__status_code status, const char *message) {
  egress__call_end(call, status, message, message);
}

void egress__call_finish_with(egress__call *call, const egress__stream_fault *fault) {
  egress__call_finish(call, (egress__status_code)fault->status, fault->message);
}

void egress__call_cancelled(egress__call *call) {
  egress__call_leave(call, EGRESS__STATUS_CANCELLED, "the client cancelled the stream");
}

void egress__call_closed(egress__call *call, const char *why) {
  const egress_alloc *alloc = call->caller.server->alloc;
  egress__call_leave(call, EGRESS__STATUS_CANCELLED, why);
  egress__call_drop_sending(call);
  egress__free(alloc, call->ending);
  call->ending = NULL;
  unlink_from_conn(call);
  egress__call_let_go(call);
}

void egress__call_reject(egress__call *call, const egress__stream_fault *fault) {
  egress__call_event(call, (egress_event){.kind = EGRESS_EVENT_REJECTED,
                                          .type_url = fault->type_url,
                                          .message = fault->message,
                                          .status = fault->status});
  egress__call_finish_with(call, fault);
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
  egress__call_send_status(call, (egress__status_code)fault->status, fault->message);
}

static void refuse_for_limit(egress__call *call, const egress__stream_fault *fault) {
  egress__call_tell(&call->caller,
                    (egress_event){.kind = EGRESS_EVENT_REJECTED, .message = fault->message, .status = fault->status});
  refuse(call, fault);
}

static void begin_stream(egress__call *call) {
  egress_server *server = call->caller.server;
  call->state = CALL_OPEN;
  server->stream_count++;
  server->metrics.opened++;
  call->caller.opened_ms = server->streams.now_ms;
  egress__call_show(call, EGRESS_MESSAGE_OPENED, (egress_message){0});
  egress__call_renew(call);
}

static void open_stream(egress__call *call) {
  egress__stream_fault fault = egress__call_out_of_memory;
  if (call->service->open(&call->caller, &fault) != 0)
    refuse(call, &fault);
  else
    begin_stream(call);
}

/* Whatever comes of it, it has a number. */
static void admit(egress__call *call) {
  egress_server *server = call->caller.server;
  egress__stream_fault fault;
  call->caller.stream_id = ++server->last_stream_id;
  if (server->state != EGRESS__SERVER_SERVING) {
    refuse(call, &is_closing);
  } else if (egress__quota_take(server, call->conn->peer, &fault) != 0) {
    refuse_for_limit(call, &fault);
  } else {
    call->quota = call->conn->peer;
    open_stream(call);
  }
}

void egress__call_begin(egress__call *call) {
  if (!call->is_post || !call->is_grpc) {
    call->state = CALL_ENDING;
    egress__call_check(call, egress__http2_refuse(call->conn, call->stream, call->is_post ? "415" : "405"));
  } else if (!call->has_method) {
    refuse(call, &is_unknown);
  } else {
    call->service = call->caller.method.service;
    admit(call);
  }
}
