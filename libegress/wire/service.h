#ifndef EGRESS_WIRE_SERVICE_H
#define EGRESS_WIRE_SERVICE_H

#include "wire/method.h"
#include "wire/server.h"

/*
 * What a method serves, apart from how gRPC carries it: wire/call.c reads and writes messages and keeps the limits that
 * all calls have, a service says what they mean. wire/method.c has the table of methods and services.
 * Thread: the loop's.
 */

/** The connection of a client (wire/conn.h). */
typedef struct egress__conn egress__conn;

/** A client that calls a method, as its service sees it. It stays where it is for the life of the call. */
typedef struct egress__caller {
  egress_server *server;
  const egress__conn *conn; /* that it came in by; NULL once that is gone, for a call that has ended */
  uint64_t stream_id;
  uint64_t opened_ms;  /* when, in the loop's time */
  const char *address; /* the client's, as events say it */
  egress__method method;
  void *self; /* the service's own; valid between its `open` and `free` */
} egress__caller;

typedef struct egress__service {
  /* A client has come: sets `self`. Returns 0, or a code after which it is refused with `fault`. That of `open` and
     `next` says, unless they write to it, that the server is out of memory. */
  int (*open)(egress__caller *caller, egress__stream_fault *fault);
  /* The call is over. */
  void (*free)(egress__caller *caller);
  /* Takes one message, as it came. Returns 0: then `next` is asked; or a code after which the call is ended with
     `fault`. */
  int (*request)(egress__caller *caller, const void *bytes, size_t size, egress__stream_fault *fault);
  /* The next message to send; of a unary method the whole answer, which there must be. Returns 1: `out` is filled;
     0: nothing to send; or a code after which the call is ended with `fault`. */
  int (*next)(egress__caller *caller, egress__response *out, egress__stream_fault *fault);
  /* When `next` has to be asked though nothing happened, in the loop's time; UINT64_MAX: never. */
  uint64_t (*due)(const egress__caller *caller);
  /* Fills in what an event says of the client: node_id and group. */
  void (*describe)(const egress__caller *caller, egress_event *event);
  /* Shows the embedder a message: OPENED, REQUEST or RESPONSE. NULL: those of this service are not shown. */
  void (*show)(const egress__caller *caller, egress_message_kind kind, egress_message message);
} egress__service;

#endif
