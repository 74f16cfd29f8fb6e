#ifndef EGRESS_WIRE_CALL_H
#define EGRESS_WIRE_CALL_H

#include <grpc/status.h>

#include "wire/gate.h"

/** One stream as gRPC sees it: a call. Thread: the loop's. */
typedef struct egress__call egress__call;

/** Returns NULL when out of memory. */
egress__call *egress__call_new(egress__gate *gate);

/** Frees one that never waited; NULL is allowed. */
void egress__call_free(egress__call *call);

/** Waits for the next client of its gate; from then on the call sees to itself. */
void egress__call_wait(egress__call *call);

/** Ends the stream, if a client has it, with this status; `message` is static or copied at once. */
void egress__call_finish(egress__call *call, grpc_status_code status, const char *message);

/** Sends what the streams marked ready have to say, a bounded number of them. Returns 1 when some are left. */
int egress__calls_flush(egress_server *server);

/** Marks the streams ready whose heartbeat is due, and asks to be called again for the others. */
void egress__calls_beat(egress_server *server);

/** Ends all calls that have a client. */
void egress__calls_finish(egress_server *server, grpc_status_code status, const char *message);

/** The callbacks of egress__stream_config; the stream's user is the call. */
void egress__call_on_ready(egress__stream *stream, void *user);
void egress__call_on_event(egress__stream *stream, const egress_event *event, void *user);
int egress__call_authorise(egress__stream *stream, const egress_node *node, const char *type_url,
                           egress__stream_fault *fault, void *user);
int egress__call_choose(egress_cache **out, egress__stream *stream, const egress_node *node, const char *type_url,
                        egress__stream_fault *fault, void *user);

#endif
