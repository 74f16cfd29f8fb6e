#include "wire/call_parts.h"

#include <assert.h>

#include <egress/error.h>

/* Responses begun in one turn of the loop: most of it is copying to sockets, and the embedder's other work should not
   wait for a thousand of those. */
enum { FLUSH_PER_TURN = 64 };

/* ---- who is ready ---- */

void egress__call_mark_ready(egress__call *call) {
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

/* ---- responses ---- */

static void show_response(const egress__call *call, const egress__response *response) {
  egress_message message = {.tail = response->tail, .tail_size = response->tail_size};
  if (response->body != NULL) {
    message.head = response->body->bytes;
    message.head_size = response->body->size;
  }
  egress__call_show(call, EGRESS_MESSAGE_RESPONSE, message);
}

void egress__call_drop_sending(egress__call *call) {
  egress_server *server = call->caller.server;
  egress__sending_free(call->sending, server->alloc);
  call->sending = NULL;
  call->patience.has_unread = 0;
  egress__unread_remove(&server->unread, call->unread);
  call->unread = NULL;
}

/* From here on the client is waited for. */
static int count_unread(egress__call *call, const egress__response *response) {
  egress_server *server = call->caller.server;
  if (response->body != NULL && egress__unread_add(&call->unread, &server->unread, response->body) != 0)
    return EGRESS_ENOMEM;
  call->patience.has_unread = 1;
  call->patience.sent_ms = server->streams.now_ms;
  egress__call_renew(call);
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
    egress__call_drop_sending(call);
    return rv;
  }
  show_response(call, response);
  int is_first = !call->has_responded;
  call->has_responded = 1;
  egress__call_check(call, egress__http2_respond(call->conn, call->stream, call, is_first));
  return 0;
}

/* While there is no room the call is tried again by and by. Returns 1 when there is. */
static int wait_for_room(egress__call *call) {
  call->is_crowded = (uint8_t)egress__calls_are_crowded(call->caller.server);
  if (call->is_crowded)
    egress__server_beat_at(call->caller.server, call->caller.server->streams.now_ms);
  return !call->is_crowded;
}

void egress__call_flush(egress__call *call) {
  if (call->state != CALL_OPEN || call->sending != NULL || !wait_for_room(call))
    return;
  egress__response response;
  egress__stream_fault fault = egress__call_out_of_memory;
  int rv = call->service->next(&call->caller, &response, &fault);
  if (rv == 1)
    rv = send_response(call, &response);
  else if (rv == 0)
    egress__server_beat_at(call->caller.server, call->service->due(&call->caller));
  if (rv < 0) /* the client comes again, by and by; nobody here would know when to try */
    egress__call_finish_with(call, &fault);
}

/* The whole answer to a client that asks once. */
void egress__call_answer(egress__call *call) {
  egress__response response;
  egress__stream_fault fault = egress__call_out_of_memory;
  if (egress__calls_are_crowded(call->caller.server)) { /* waiting is for streams, which have one such response each */
    egress__call_finish(call, EGRESS__STATUS_RESOURCE_EXHAUSTED,
                        "responses that were not read take all the room there is (max_unread_bytes)");
    return;
  }
  int rv = call->service->next(&call->caller, &response, &fault);
  assert(rv != 0 && "it has an answer or a fault");
  if (rv == 1)
    rv = send_response(call, &response);
  if (rv == 0)
    egress__call_end(call, EGRESS__STATUS_OK, "", "the client was answered");
  else
    egress__call_finish_with(call, &fault);
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
  egress__call_drop_sending(call);
  egress__call_renew(call);
  if (call->ending != NULL)
    egress__call_send_status(call, call->ending->status, call->ending->message);
  else
    egress__call_flush(call);
}

void egress__calls_written(egress__conn *conn) {
  for (egress__call *call; (call = conn->handed) != NULL;) {
    conn->handed = call->next_handed;
    call->is_handed = 0;
    on_written(call);
    egress__call_let_go(call);
  }
}

void egress__call_wake(egress__caller *caller) {
  if (caller->server->ready == NULL) /* the first of those that are woken together */
    egress__server_set_clock(caller->server);
  egress__call_mark_ready((egress__call *)caller);
  egress__server_wake(caller->server);
}

int egress__calls_flush(egress_server *server) {
  for (size_t i = 0; i < FLUSH_PER_TURN && server->ready != NULL; i++) {
    egress__call *call = take_ready(server);
    egress__call_flush(call);
    egress__call_let_go(call);
  }
  return server->ready != NULL;
}
