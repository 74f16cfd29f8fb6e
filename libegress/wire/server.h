#ifndef EGRESS_WIRE_SERVER_H
#define EGRESS_WIRE_SERVER_H

#include <openssl/bio.h>
#include <uv.h>

#include <egress/server.h>

#include "cache/cache.h"
#include "wire/events.h"
#include "wire/http2.h"
#include "wire/metrics.h"
#include "wire/outbox.h"
#include "wire/pending.h"
#include "wire/unread.h"
#include "xds/budget.h"
#include "xds/record.h"
#include "xds/stream.h"

/* What the files of this room share of a server. Thread: the loop's. */

typedef enum egress__server_state {
  EGRESS__SERVER_IDLE, /* nothing was listened on; nothing is on the loop */
  EGRESS__SERVER_SERVING,
  EGRESS__SERVER_CLOSING,   /* asked to close; begins when control is back in the loop */
  EGRESS__SERVER_ENDING,    /* streams have their last status, connections end */
  EGRESS__SERVER_RELEASING, /* libuv lets go of the handles */
  EGRESS__SERVER_CLOSED
} egress__server_state;

/** A cache that the server serves (wire/served.h). */
typedef struct egress__served {
  struct egress__served *next;
  struct egress_server *server;
  egress_cache *cache;
  egress__observer observer; /* of the cache */
} egress__served;

struct egress_server {
  const egress_alloc *alloc;
  uv_loop_t *loop;
  egress__served served;         /* the cache that it was made with; others follow it */
  egress_server_options options; /* no zero is left in its limits */
  char *identifier;
  egress__server_state state;
  egress__stream_config streams;
  egress__http2 http2;
  BIO_METHOD *bio;        /* of TLS (wire/socket.h) */
  egress__outbox *outbox; /* what is being written, for one connection after the other */
  uint8_t *in;            /* what has just been read, likewise: EGRESS__SERVER_IN bytes */
  uint8_t is_turning;     /* between egress__server_enter and _leave */
  uv_async_t wake;        /* there is something to do once control is back in the loop */
  struct egress__listener *listeners, **last_listener;
  struct egress__conn *conns;               /* all that are not closed */
  struct egress__conn *touched;             /* those that may have something to send, or failed */
  struct egress__call *calls;               /* all of them */
  struct egress__call *ready, **last_ready; /* streams that may have something to send */
  size_t call_count;                        /* calls that hold one of max_streams */
  size_t stream_count;                      /* of those, open ones */
  egress__map peers;                        /* egress__quota_peer of each that has connections */
  egress__unread unread;
  egress__pending_all pending;
  uint64_t slowed_ms; /* when the log said last that a client is slowed; 0: never */
  uint64_t last_stream_id;
  egress__events events;
  egress__metrics metrics;
  egress__versions versions; /* that streams remember */
  egress__remembered remembered;
  uv_timer_t ticks; /* for egress__cache_tick */
  uv_timer_t timer; /* serving: accept again after descriptors ran out; ending: enough waited for clients */
  uv_timer_t beats; /* serving: runs when a heartbeat is due */
  uint64_t beat_ms; /* when it runs, in the loop's time; UINT64_MAX: not started */
  size_t open_handles;
  egress_close_fn on_closed;
  void *close_user;
};

/* Bytes read from one connection at once. */
enum { EGRESS__SERVER_IN = 64 * 1024 };

/* connection_age_ms where none was given. */
enum { EGRESS__AGE_NEVER = INT32_MAX };

/** Begins what a callback of libuv does: the clock is set. */
void egress__server_enter(egress_server *server);

/** Ends it: what came of it is sent, and told to the embedder. */
void egress__server_leave(egress_server *server);

/** Sets the clock for what the embedder does between a leave and an enter: the loop may have slept since it looked. */
void egress__server_set_clock(egress_server *server);

/** Has what is left to do done once control is back in the loop, unless that is before long anyway. */
void egress__server_wake(egress_server *server);

/** Counts a libuv handle of the server, and lets it go: the close callback of each of them. */
void egress__server_hold_handle(egress_server *server);
void egress__server_release_handle(egress_server *server);

/** Counts an event, and keeps it for the embedder if that kind is asked for. */
void egress__server_tell(egress_server *server, const egress_event *event);

/** Writes to the server's log, if it has one. */
void egress__server_log(const egress_server *server, egress_log_level level, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/** Sees to it that streams with a heartbeat due at `due_ms`, in the loop's time, are called then, or a little later. */
void egress__server_beat_at(egress_server *server, uint64_t due_ms);

/** Tries `resume` of every listener again in a while. */
void egress__server_retry_accept(egress_server *server);

#endif
