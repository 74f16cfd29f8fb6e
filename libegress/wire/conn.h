#ifndef EGRESS_WIRE_CONN_H
#define EGRESS_WIRE_CONN_H

#include "wire/http2.h"
#include "wire/identity.h"
#include "wire/outbox.h"
#include "wire/pace.h"
#include "wire/server.h"
#include "wire/service.h"
#include "wire/socket.h"

/**
 * One client's connection: a socket, HTTP/2 on it, and the calls on that. It belongs to its server from
 * egress__conn_open on, and goes once libuv has let go of its handle. Thread: the loop's.
 */
struct egress__conn {
  struct egress__conn *next, *previous; /* of the server's */
  struct egress__conn *next_touched;
  egress_server *server;
  uv_poll_t poll;
  egress__socket socket;
  nghttp2_session *session;        /* NULL: TLS is not through with its handshake */
  egress__rest *rest;              /* what the socket has yet to take; NULL: nothing */
  struct egress__quota_peer *peer; /* whose it is, once there is a session */
  egress__pace pace;               /* of the requests on all its streams */
  struct egress__call *calls;
  struct egress__call *handed; /* whose response the socket has been given all of, as soon as `rest` is gone */
  char *address;               /* the client's, as events say it */
  const char *failure;         /* why it is to be closed when nothing is under way; NULL: it is not */
  uint64_t opened_ms, heard_ms, pinged_ms; /* pinged 0: no ping is on its way */
  uint64_t vacant_ms;                      /* since when it has no calls, while it has none */
  egress_transport transport;
  uint8_t insecure_secrets; /* 1: the client may have secrets, whatever the transport */
  uint8_t is_greeted;       /* the client's first frame has come */
  uint8_t is_touched;       /* there may be something to send */
  uint8_t is_inside;        /* HTTP/2 is at work on what came */
  uint8_t is_leaving;       /* it takes no more streams, and ends with the last */
  uint8_t is_last_told;     /* the client knows which of its streams is the last */
  uint8_t is_finished;      /* all was said: what is waited for is the client's end */
  int events;               /* of the poll handle */
};

/** What the listener says of who comes in by it. */
typedef struct egress__entry {
  egress_transport transport;
  uint32_t insecure_secrets;
  SSL_CTX *context; /* NULL: plaintext */
} egress__entry;

/** Takes over a descriptor that was accepted. One for which there is no memory is closed. */
void egress__conn_open(egress_server *server, int fd, const egress__entry *entry);

/** Who the client is. Returns 0 or EGRESS_ENOMEM. */
int egress__conn_identity(egress__identity *out, const egress__conn *conn);

/** HTTP/2 may have something to send: it is asked before control is back in the loop, or when it is. */
void egress__conn_touch(egress__conn *conn);

/**
 * The connection cannot go on: it is closed before control is back in the loop, or when it is. `why`, static, is what
 * events of its open streams say; the first one counts.
 */
void egress__conn_fail(egress__conn *conn, const char *why);

/** What it may be. */
extern const char egress__conn_out_of_memory[];

/** The client is there: it has sent a frame, or a part of one. */
void egress__conn_heard(egress__conn *conn);

/** Its last call has gone: unless another comes in time, so will the connection. */
void egress__conn_vacate(egress__conn *conn);

/** Asks the client to open another connection, and ends this one with its last stream. */
void egress__conn_leave(egress__conn *conn);

/* For all connections of a server. */

/** Sends what the touched ones have, and closes those that failed. */
void egress__conns_settle(egress_server *server);

/** Pings, and ends, whose time has come. */
void egress__conns_beat(egress_server *server);

/** egress__conn_leave for each. */
void egress__conns_leave(egress_server *server);

/** Closes each at once. */
void egress__conns_cut(egress_server *server);

#endif
