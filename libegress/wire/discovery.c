#include "wire/discovery.h"

#include <stdio.h>

#include "wire/status_code.h"

#include <egress/error.h>

#include "wire/access.h"
#include "wire/call.h"
#include "wire/conn.h"
#include "wire/quota.h"
#include "wire/served.h"

/* ---- what the stream asks ---- */

void egress__discovery_on_ready(egress__stream *stream, void *user) {
  (void)stream;
  egress__call_wake(user);
}

void egress__discovery_on_event(egress__stream *stream, const egress_event *event, void *user) {
  (void)stream;
  egress__call_tell(user, *event);
}

int egress__discovery_authorise(egress__stream *stream, const egress_node *node, const char *type_url,
                                egress__stream_fault *fault, void *user) {
  (void)stream;
  return egress__access_check(user, node, type_url, fault);
}

int egress__discovery_choose(egress_cache **out, egress__stream *stream, const egress_node *node, const char *type_url,
                             egress__stream_fault *fault, void *user) {
  (void)stream;
  const egress__caller *caller = user;
  return egress__served_choose(out, caller->server, node, type_url, fault);
}

const egress__caller *egress__discovery_after(const egress_server *server, const egress__caller *caller) {
  do
    caller = egress__call_open_after(server, caller);
  while (caller != NULL && caller->method.service != &egress__discovery);
  return caller;
}

/* ---- what the call asks ---- */

static int open_stream(egress__caller *caller, egress__stream_fault *fault) {
  (void)fault; /* it says what there is to say already */
  egress__stream *stream;
  int rv =
      egress__stream_new(&stream, &caller->server->streams, caller->method.variant, caller->method.type_url, caller);
  if (rv != 0)
    return rv;
  egress__stream_set_peer(stream, &caller->conn->peer->remembered);
  caller->self = stream;
  return 0;
}

static void free_stream(egress__caller *caller) {
  egress__stream_free(caller->self);
}

static int take_request(egress__caller *caller, const void *bytes, size_t size, egress__stream_fault *fault) {
  return egress__stream_request(caller->self, bytes, size, fault);
}

/* The whole answer to a client that asks once. */
static int fetch(egress__caller *caller, egress__response *out, egress__stream_fault *fault) {
  int rv = egress__stream_fetch(caller->self, out);
  if (rv != 0)
    return rv;
  fault->status = EGRESS__STATUS_UNAVAILABLE;
  snprintf(fault->message, sizeof fault->message, "there is no snapshot yet for the group of this node");
  return EGRESS_ESTATE;
}

static int next_response(egress__caller *caller, egress__response *out, egress__stream_fault *fault) {
  return caller->method.is_unary ? fetch(caller, out, fault) : egress__stream_next(caller->self, out);
}

static uint64_t due_ms(const egress__caller *caller) {
  return egress__stream_due(caller->self);
}

static void describe(const egress__caller *caller, egress_event *event) {
  event->node_id = egress__stream_node_id(caller->self);
  event->group = egress__stream_group(caller->self);
}

static void show(const egress__caller *caller, egress_message_kind kind, egress_message message) {
  const egress_server_options *options = &caller->server->options;
  if (options->on_message == NULL)
    return;
  int is_delta = caller->method.variant == EGRESS__XDS_DELTA && kind != EGRESS_MESSAGE_OPENED;
  message.kind = (int32_t)kind + is_delta;
  message.stream_id = caller->stream_id;
  message.peer = caller->address;
  message.type_url = caller->method.type_url != NULL ? caller->method.type_url : "";
  options->on_message(&message, options->user);
}

const egress__service egress__discovery = {.open = open_stream,
                                           .free = free_stream,
                                           .request = take_request,
                                           .next = next_response,
                                           .due = due_ms,
                                           .describe = describe,
                                           .show = show};
