#ifndef EGRESS_WIRE_CALL_PARTS_H
#define EGRESS_WIRE_CALL_PARTS_H

#include "wire/call.h"
#include "wire/conn.h"
#include "wire/patience.h"
#include "wire/quota.h"
#include "wire/sending.h"

/*
 * A call, for the files that make it up: call.c, how it comes and ends; call_in.c, requests; call_out.c, responses;
 * call_due.c, for how long things are waited for.
 *
 *        its service takes it           finish: we end it
 *   NEW ----------------------> OPEN --------------------------> ENDING ----> freed, when its stream is gone
 *    |                           |       the stream is gone       ^
 *    |                           +--------------------------------+
 *    +---- refused: no such method, too many streams, closing ----+
 *
 * While OPEN one request at a time is dealt with, as it comes; a client that sends more than allowed is not told to go
 * on, so that no more than HTTP/2's window of its stream waits here. One response is under way at a time, and the
 * service is asked for the next only after the socket has taken that. A client that stops reading costs one response.
 */
typedef enum call_state { CALL_NEW, CALL_OPEN, CALL_ENDING } call_state;

/* The status with which a call ends, while its last response is under way. */
typedef struct ending {
  egress__status_code status;
  char message[256];
} ending;

struct egress__call {
  egress__caller caller; /* first: its service knows the call by it */
  const egress__service *service;
  egress__conn *conn;                            /* NULL: gone */
  egress__call *next, *previous;                 /* of the server's calls */
  egress__call *next_of_conn, *previous_of_conn; /* of the connection's */
  egress__call *next_ready, *next_handed;
  int32_t stream; /* HTTP/2's number */
  call_state state;
  uint8_t is_ready, is_handed, has_responded;
  uint8_t is_post, is_grpc, has_method, is_half_closed; /* what the client said */
  uint8_t is_crowded;                                   /* nothing is sent: others have not read too much */
  egress__patience patience;
  egress__quota_peer *quota; /* of its client; NULL: it is not counted */
  egress__message request;   /* that is coming */
  uint8_t *held;             /* what came since a request has to wait; NULL: none has */
  size_t held_size;
  egress__sending *sending;    /* the response under way; NULL: none */
  egress__unread_body *unread; /* its body */
  ending *ending;              /* what comes behind it; NULL: nothing */
};

/** What a client is told that there is no memory for. */
extern const egress__stream_fault egress__call_out_of_memory;

/* ---- call.c ---- */

/** Frees the call if nothing refers to it any more. */
void egress__call_let_go(egress__call *call);

/** An event of an open stream. */
void egress__call_event(const egress__call *call, egress_event event);

/** Shows the embedder a message. */
void egress__call_show(const egress__call *call, egress_message_kind kind, egress_message message);

/** What HTTP/2 was asked for returned `rv`: the connection cannot go on unless that is 0. */
void egress__call_check(egress__call *call, int rv);

/** Sends the status at once, before what is left of a response. */
void egress__call_send_status(egress__call *call, egress__status_code status, const char *message);

/** The stream is over for the protocol; its last words may still have to be sent. */
void egress__call_leave(egress__call *call, egress__status_code status, const char *why);

/** Ends an open call with a status for the client, behind a response that is under way; events say `why`. */
void egress__call_end(egress__call *call, egress__status_code status, const char *message, const char *why);
void egress__call_finish_with(egress__call *call, const egress__stream_fault *fault);

/** The same for what a client did wrong, with an event. */
void egress__call_reject(egress__call *call, const egress__stream_fault *fault);

/* ---- call_in.c ---- */

/** A slowed call takes the requests that it held, if it may. */
void egress__call_resume(egress__call *call);

/** Forgets what came and was not taken. */
void egress__call_drop_requests(egress__call *call);

/* ---- call_out.c ---- */

/** The call is asked for a response once control is back in the loop. */
void egress__call_mark_ready(egress__call *call);

/** Begins the next response, if there is one and none is under way. */
void egress__call_flush(egress__call *call);

/** Begins the whole answer to a client that asks once. */
void egress__call_answer(egress__call *call);

/** Forgets the response that was under way. */
void egress__call_drop_sending(egress__call *call);

/* ---- call_due.c ---- */

/** Something passed on the stream. */
void egress__call_renew(egress__call *call);

/** 1 when what clients have not read takes all the room there is. */
int egress__calls_are_crowded(const egress_server *server);

#endif
