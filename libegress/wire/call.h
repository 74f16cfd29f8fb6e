#ifndef EGRESS_WIRE_CALL_H
#define EGRESS_WIRE_CALL_H

#include <grpc/status.h>

#include "wire/service.h"

/** One stream as gRPC sees it: a call. Thread: the loop's. */
typedef struct egress__call egress__call;

/** Takes over a client that came by the gate; from then on the call sees to itself. `method` NULL: there is no such. */
void egress__call_open(egress__gate *gate, grpc_call *grpc, const egress__method *method);

/** Ends the stream, unless it has ended, with this status; `message` is static or copied at once. */
void egress__call_finish(egress__call *call, grpc_status_code status, const char *message);

/** The service may have something to send: it is asked once control is back in the loop. */
void egress__call_wake(egress__caller *caller);

/** Tells an event of the client's stream, with who that is filled in. */
void egress__call_tell(const egress__caller *caller, egress_event event);

/** Sends what the streams marked ready have to say, a bounded number of them. Returns 1 when some are left. */
int egress__calls_flush(egress_server *server);

/** Marks the streams ready whose heartbeat is due, and asks to be called again for the others. */
void egress__calls_beat(egress_server *server);

/** Ends all calls. */
void egress__calls_finish(egress_server *server, grpc_status_code status, const char *message);

/** The open call behind that of `caller`, NULL: the first; the newest come first. NULL at the end. */
const egress__caller *egress__call_open_after(const egress_server *server, const egress__caller *caller);

#endif
