#include "wire/call_parts.h"

#include <string.h>

#include <egress/error.h>

static const egress__stream_fault is_cut_short = {.status = EGRESS__STATUS_INTERNAL,
                                                  .message = "the stream ended within a request"};

/* ---- pace ---- */

/* Says so once a minute, whichever clients they are. */
static void tell_slowed(const egress__call *call) {
  enum { TELL_MS = 60 * 1000 };
  egress_server *server = call->caller.server;
  uint64_t now_ms = server->streams.now_ms;
  server->metrics.slowed++;
  if (server->slowed_ms != 0 && now_ms - server->slowed_ms < TELL_MS)
    return;
  server->slowed_ms = now_ms;
  egress__server_log(server, EGRESS_LOG_WARN,
                     "the connection of %s is slowed to %u requests a second (max_requests_per_second)",
                     call->caller.address, (unsigned)server->options.max_requests_per_second);
}

static egress__pace_rate pace_rate(const egress__call *call) {
  const egress_server_options *options = &call->caller.server->options;
  return (egress__pace_rate){options->max_requests_per_second, options->max_request_burst};
}

/* 1 until the turn of the request that waits has come: the call is asked again then. */
static int must_wait(const egress__call *call) {
  egress_server *server = call->caller.server;
  if (call->patience.turn_ms <= server->streams.now_ms)
    return 0;
  egress__server_beat_at(server, call->patience.turn_ms);
  return 1;
}

/* Whether the next request may be taken. Each stream has one place in the row at a time, so that all get their turn. */
static int may_begin(egress__call *call) {
  uint64_t now_ms = call->caller.server->streams.now_ms;
  if (call->patience.turn_ms == 0) {
    call->patience.turn_ms = egress__pace_take(&call->conn->pace, pace_rate(call), now_ms);
    if (call->patience.turn_ms > now_ms)
      tell_slowed(call);
  }
  if (must_wait(call))
    return 0;
  call->patience.turn_ms = 0;
  egress__call_renew(call); /* it was not the client that was waited for */
  return 1;
}

/* ---- requests ---- */

/* A request is complete. */
static void take_request(egress__call *call) {
  egress__stream_fault fault = {EGRESS__STATUS_INTERNAL, "the request could not be read", NULL};
  const egress__message *request = &call->request;
  const void *bytes = request->bytes != NULL ? request->bytes : (const uint8_t *)"";
  call->patience.has_asked = 1;
  call->patience.has_begun = 0;
  egress__call_renew(call);
  egress__call_show(call, EGRESS_MESSAGE_REQUEST, (egress_message){.head = bytes, .head_size = request->size});
  int rv = call->service->request(&call->caller, bytes, request->size, &fault);
  egress__message_reset(&call->request, &call->quota->pending);
  if (rv != 0)
    egress__call_reject(call, &fault);
  else if (call->caller.method.is_unary)
    egress__call_answer(call);
  else
    egress__call_flush(call);
}

/* The rest of a request has to come in time, however few bytes keep coming: it holds memory. */
static void wait_for_rest(egress__call *call) {
  egress_server *server = call->caller.server;
  if (call->patience.has_begun)
    return;
  call->patience.has_begun = 1;
  call->patience.begun_ms = server->streams.now_ms;
  egress__server_beat_at(server, call->patience.begun_ms + server->options.first_request_ms);
}

/* Takes requests from the front of the bytes while it may. Returns how much of them was taken. */
static size_t take(egress__call *call, const uint8_t *bytes, size_t size) {
  egress_server *server = call->caller.server;
  size_t all = 0;
  while (all < size && call->state == CALL_OPEN && (egress__message_is_begun(&call->request) || may_begin(call))) {
    egress__stream_fault fault = egress__call_out_of_memory;
    size_t taken;
    int rv = egress__message_take(&taken, &call->request, &call->quota->pending, bytes + all, size - all,
                                  server->options.max_request_bytes, &fault);
    if (rv < 0) {
      egress__call_reject(call, &fault);
      break;
    }
    all += taken;
    if (rv == 0)
      wait_for_rest(call);
    else
      take_request(call);
  }
  return all;
}

/* The client's window of the stream bounds what is held. */
static void hold(egress__call *call, const uint8_t *bytes, size_t size) {
  egress__stream_fault fault = egress__call_out_of_memory;
  size_t had = call->held_size;
  if (egress__pending_grow(&call->quota->pending, &call->held, &call->held_size, had + size, &fault) == 0)
    memcpy(call->held + had, bytes, size);
  else
    egress__call_reject(call, &fault);
}

void egress__call_data(egress__call *call, const uint8_t *bytes, size_t size) {
  size_t taken = call->held == NULL ? take(call, bytes, size) : 0;
  if (taken < size && call->state == CALL_OPEN)
    hold(call, bytes + taken, size - taken);
  egress__http2_consumed(call->conn, call->stream, call->state == CALL_OPEN ? taken : size);
}

/* The client has no more to say, and all that it said was taken. */
static void end_of_requests(egress__call *call) {
  if (egress__message_is_begun(&call->request))
    egress__call_reject(call, &is_cut_short);
  else
    egress__call_end(call, EGRESS__STATUS_OK, "", "the client ended the stream");
}

void egress__call_half_closed(egress__call *call) {
  call->is_half_closed = 1;
  if (call->state == CALL_OPEN && call->held == NULL)
    end_of_requests(call);
}

void egress__call_resume(egress__call *call) {
  if (call->held == NULL || must_wait(call))
    return;
  /* Not the call's meanwhile, because what is in it may end the call. */
  uint8_t *held = call->held;
  size_t size = call->held_size;
  call->held = NULL;
  call->held_size = 0;
  size_t taken = take(call, held, size);
  egress__http2_consumed(call->conn, call->stream, call->state == CALL_OPEN ? taken : size);
  if (call->state == CALL_OPEN && taken < size) {
    egress__pending_drop(&call->quota->pending, &held, &size, taken);
    call->held = held;
    call->held_size = size;
  } else {
    egress__pending_free(&call->quota->pending, &held, &size);
  }
  if (call->is_half_closed && call->held == NULL && call->state == CALL_OPEN)
    end_of_requests(call);
}

void egress__call_drop_requests(egress__call *call) {
  if (call->patience.turn_ms != 0)
    egress__pace_give(&call->conn->pace, pace_rate(call));
  call->patience.turn_ms = 0;
  call->patience.has_begun = 0;
  egress__message_reset(&call->request, &call->quota->pending);
  egress__pending_free(&call->quota->pending, &call->held, &call->held_size);
}
