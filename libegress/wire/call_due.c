#include "wire/call_parts.h"

int egress__calls_are_crowded(const egress_server *server) {
  return server->unread.bytes >= server->options.max_unread_bytes;
}

static uint64_t patience_end_ms(const egress__call *call) {
  return egress__patience_end_ms(&call->patience, &call->caller.server->options,
                                 egress__calls_are_crowded(call->caller.server));
}

/* Something passed. */
void egress__call_renew(egress__call *call) {
  call->patience.active_ms = call->caller.server->streams.now_ms;
  egress__server_beat_at(call->caller.server, patience_end_ms(call));
}

/* For clients that do not read: the status goes past what they have not read, or the connection is given up where not
   even that can be sent. */
static void cut(egress__call *call, egress__status_code status, const char *message) {
  egress__free(call->caller.server->alloc, call->ending);
  call->ending = NULL;
  if (call->conn->rest != NULL)
    egress__conn_fail(call->conn,
                      "a response on the connection was not read in time (max_unread_ms, max_unread_bytes)");
  else
    egress__call_send_status(call, status, message);
  egress__call_leave(call, status, message);
}

static void give_up(egress__call *call) {
  char message[EGRESS__PATIENCE_TEXT];
  egress_server *server = call->caller.server;
  egress__status_code status = (egress__status_code)egress__patience_explain(
      message, &call->patience, &server->options, egress__calls_are_crowded(server), server->streams.now_ms);
  if (call->state == CALL_OPEN)
    egress__call_event(call,
                       (egress_event){.kind = EGRESS_EVENT_REJECTED, .message = message, .status = (int32_t)status});
  if (call->sending != NULL)
    cut(call, status, message);
  else
    egress__call_finish(call, status, message);
}

/* The next call may be asked for: this one is not freed here. */
static void beat(egress__call *call) {
  egress_server *server = call->caller.server;
  uint64_t now_ms = server->streams.now_ms;
  if (call->conn == NULL || call->conn->failure != NULL || (call->state != CALL_OPEN && call->ending == NULL))
    return;
  uint64_t end_ms = patience_end_ms(call);
  if (end_ms <= now_ms) {
    give_up(call);
    return;
  }
  egress__server_beat_at(server, end_ms);
  egress__call_resume(call);
  uint64_t due_ms = call->state == CALL_OPEN ? call->service->due(&call->caller) : UINT64_MAX;
  if (due_ms <= now_ms || call->is_crowded)
    egress__call_mark_ready(call);
  else
    egress__server_beat_at(server, due_ms);
}

void egress__calls_beat(egress_server *server) {
  for (egress__call *call = server->calls; call != NULL; call = call->next)
    beat(call);
}
