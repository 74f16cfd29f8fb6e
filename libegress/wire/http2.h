#ifndef EGRESS_WIRE_HTTP2_H
#define EGRESS_WIRE_HTTP2_H

#include <nghttp2/nghttp2.h>

#include "base/alloc.h"
#include "wire/message.h"

struct egress__conn;
struct egress__call;

/*
 * HTTP/2 by nghttp2, and what gRPC makes of it: a stream is a call (wire/call.h), its DATA frames carry messages, its
 * last HEADERS a status. Nothing here does I/O: wire/conn.c passes bytes in and takes frames out. Thread: the loop's.
 */

/** What all connections of a server have in common. */
typedef struct egress__http2 {
  nghttp2_session_callbacks *callbacks;
  nghttp2_option *option;
  nghttp2_mem memory;
} egress__http2;

/** Returns 0 or EGRESS_ENOMEM. */
int egress__http2_init(egress__http2 *http2, const egress_alloc *alloc);

/** `{0}` is allowed. */
void egress__http2_dispose(egress__http2 *http2);

/** The server's side of a connection. Returns 0 or EGRESS_ENOMEM. */
int egress__http2_open(nghttp2_session **out, egress__http2 *http2, struct egress__conn *conn);

/**
 * Takes bytes that came; calls hear of what is in them. Returns 0, or a code after which the connection cannot go on:
 * EGRESS_EPROTO; EGRESS_ELIMIT: it asks for more than it reads; EGRESS_ENOMEM.
 */
int egress__http2_take(struct egress__conn *conn, const uint8_t *bytes, size_t size);

/** Puts frames into the server's outbox, as many as fit. Returns 0 or EGRESS_ENOMEM, after which it cannot go on. */
int egress__http2_give(struct egress__conn *conn);

/** 1 when egress__http2_give has something to put. */
int egress__http2_has_more(const struct egress__conn *conn);

/* What a call says on its stream. All return 0 or EGRESS_ENOMEM, after which the connection cannot go on. */

/** A response was made. `is_first`: none was before. */
int egress__http2_respond(struct egress__conn *conn, int32_t stream, struct egress__call *call, int is_first);

/**
 * The end, with a status. `is_first`: there was no response. What was not given yet of one that was made is dropped.
 */
int egress__http2_end(struct egress__conn *conn, int32_t stream, int32_t status, const char *message, int is_first);

/** An answer of HTTP alone, to what is no call of gRPC. */
int egress__http2_refuse(struct egress__conn *conn, int32_t stream, const char *status);

/** So many bytes of requests were dealt with: the client may send as many more on the stream. */
void egress__http2_consumed(struct egress__conn *conn, int32_t stream, size_t size);

#endif
