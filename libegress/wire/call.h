#ifndef EGRESS_WIRE_CALL_H
#define EGRESS_WIRE_CALL_H

#include "wire/message.h"
#include "wire/outbox.h"
#include "wire/service.h"
#include "wire/status_code.h"

/** One stream as gRPC sees it: a call. Thread: the loop's. */
typedef struct egress__call egress__call;

/* ---- what HTTP/2 tells it ---- */

/** A client calls, on this stream of its connection. The call then sees to itself. NULL when out of memory. */
egress__call *egress__call_new(egress__conn *conn, int32_t stream);

/** A header of the request; borrowed. */
void egress__call_header(egress__call *call, egress__span name, egress__span value);

/** All headers have come. */
void egress__call_begin(egress__call *call);

/** Bytes of requests have come. */
void egress__call_data(egress__call *call, const uint8_t *bytes, size_t size);

/** The client has no more to say. */
void egress__call_half_closed(egress__call *call);

/** The client wants no more of it; its stream is gone next. */
void egress__call_cancelled(egress__call *call);

/** The stream is gone, however it ended. `why`: what an event says of it, if it was open until then. */
void egress__call_closed(egress__call *call, const char *why);

/** How many bytes of its response HTTP/2 has not been given yet. */
size_t egress__call_unsent(const egress__call *call);

/* Pieces and bytes of copies that egress__call_put may take. */
enum { EGRESS__CALL_PIECES = 3, EGRESS__CALL_COPIES = EGRESS__MESSAGE_HEAD + EGRESS__RESPONSE_TAIL };

/** Puts the next `size` of those. */
void egress__call_put(egress__call *call, egress__outbox *outbox, size_t size);

/** The connection's calls that have put all of their responses: the socket has taken that. */
void egress__calls_written(egress__conn *conn);

/* ---- what services and the server ask ---- */

/** Ends the stream, unless it has ended, with this status; `message` is copied. */
void egress__call_finish(egress__call *call, egress__status_code status, const char *message);

/** The service may have something to send: it is asked once control is back in the loop. */
void egress__call_wake(egress__caller *caller);

/** Tells an event of the client's stream, with who that is filled in. */
void egress__call_tell(const egress__caller *caller, egress_event event);

/** Sends what the streams marked ready have to say, a bounded number of them. Returns 1 when some are left. */
int egress__calls_flush(egress_server *server);

/** Marks the streams ready whose heartbeat is due, and asks to be called again for the others. */
void egress__calls_beat(egress_server *server);

/** Ends all calls. */
void egress__calls_finish(egress_server *server, egress__status_code status, const char *message);

/** Ends all calls of a connection. */
void egress__calls_finish_of(egress__conn *conn, egress__status_code status, const char *message);

/** The open call behind that of `caller`, NULL: the first; the newest come first. NULL at the end. */
const egress__caller *egress__call_open_after(const egress_server *server, const egress__caller *caller);

#endif
