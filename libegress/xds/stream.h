#ifndef EGRESS_XDS_STREAM_H
#define EGRESS_XDS_STREAM_H

#include <egress/cache.h>
#include <egress/event.h>

#include "base/blob.h"

/*
 * One xDS stream: the state of the protocol for one client, no I/O. `wire` feeds it the bytes of each request and
 * sends what it has to say. Thread: the loop's.
 */
typedef struct egress__stream egress__stream;

typedef enum egress__xds_variant {
  EGRESS__XDS_SOTW, /* DiscoveryRequest, DiscoveryResponse: state of the world */
  EGRESS__XDS_DELTA /* DeltaDiscoveryRequest, DeltaDiscoveryResponse */
} egress__xds_variant;

/**
 * What the names and versions that a client makes one stream remember may take, with the tables that find them. A
 * hundred thousand names of 200 bytes take 30 MB; ten thousand clusters and as many endpoints, all subscribed to by a
 * name of 300 bytes and held in a version, take 15 MB. Number and length of names alone would allow 400 MB and more.
 */
enum { EGRESS__STREAM_BYTES_MAX = 32 << 20 };

/** Every response carries the identifier behind its other fields, and for people only. */
enum { EGRESS__IDENTIFIER_MAX = 255 };

/** Why a stream has to end: a gRPC status for the client. */
typedef struct egress__stream_fault {
  int32_t status; /* google.rpc.Code */
  char message[256];
  const char *type_url; /* refused by `authorise`; the stream's. NULL: the fault is another */
} egress__stream_fault;

/** What all streams of a server share; borrowed by each. */
typedef struct egress__stream_config {
  const egress_alloc *alloc;
  egress_cache *cache;    /* of all types, unless `choose` says another */
  const char *identifier; /* control_plane.identifier: UTF-8, at most EGRESS__IDENTIFIER_MAX bytes; NULL: none */
  uint32_t max_subscriptions;
  size_t max_bytes; /* EGRESS__STREAM_BYTES_MAX, less in tests */
  /* What all streams remember together, and the most that they may; it outlives them. NULL: there is no such limit. */
  struct egress__remembered *remembered;
  /* Something to send may have come up, because the cache changed: call egress__stream_next once control is back in
     the loop; and set `now_ms`, if nobody has. Never called from inside a call on the same stream. */
  void (*on_ready)(egress__stream *stream, void *user);
  /* An event; its text is valid during the call. stream_id and peer are left for the caller to fill. NULL: nobody hears
     of any, and nobody is asked for names that are not there. */
  void (*on_event)(egress__stream *stream, const egress_event *event, void *user);
  /* May the client have this type? Asked once for each on a stream, first before the node joins a group. NULL: yes,
     always. Returns 0; EGRESS_EINVAL with status and message of `fault` filled; EGRESS_ENOMEM. */
  int (*authorise)(egress__stream *stream, const egress_node *node, const char *type_url, egress__stream_fault *fault,
                   void *user);
  /* Versions that streams remember, so that they can be shown; they outlive the streams. NULL: none do. */
  struct egress__versions *versions;
  /* 1: REQUEST, RESPONSE and SUBSCRIPTION are events, too. */
  uint8_t is_verbose;
  /* What time it is, from any beginning and never going back: to be set before streams are called. */
  uint64_t now_ms;
  /* Which cache has the type? Asked likewise, after `authorise`, and answered likewise; the cache outlives the stream.
     NULL: `cache`. */
  int (*choose)(egress_cache **out, egress__stream *stream, const egress_node *node, const char *type_url,
                egress__stream_fault *fault, void *user);
  uint8_t gate_on_ack; /* 1: changes of listeners and routes wait for the ACK of what they lead to */
} egress__stream_config;

/**
 * `type_url` (borrowed for the stream's life) is that of a service for one type, whose requests need not say it; NULL:
 * aggregated discovery. `user` is passed to the callbacks. Returns 0 or EGRESS_ENOMEM.
 */
int egress__stream_new(egress__stream **out, const egress__stream_config *config, egress__xds_variant variant,
                       const char *type_url, void *user);

/** What it remembers counts for its client, too, which outlives it. Before the first request. */
void egress__stream_set_peer(egress__stream *stream, struct egress__remembered *peer);

/** Leaves the cache and frees; NULL is allowed. */
void egress__stream_free(egress__stream *stream);

/**
 * Takes one request, as it came.
 *
 * Returns 0: then ask egress__stream_next; or a code after which the stream must be closed with `fault`:
 * EGRESS_EWIRE (INVALID_ARGUMENT), EGRESS_EPROTO (INVALID_ARGUMENT), EGRESS_ELIMIT (RESOURCE_EXHAUSTED), EGRESS_ENOMEM
 * (RESOURCE_EXHAUSTED), EGRESS_EINVAL: the embedder's group function refused the node (PERMISSION_DENIED), or
 * `authorise` the type.
 */
int egress__stream_request(egress__stream *stream, const void *bytes, size_t size, egress__stream_fault *fault);

enum { EGRESS__RESPONSE_TAIL = 1024 };

/**
 * One response: the bytes of `body`, then those of `tail`, are one packed (Delta)DiscoveryResponse; fields may stand in
 * any order, so what all streams share comes first and what is this stream's own (the nonce) last.
 */
typedef struct egress__response {
  egress__blob *body; /* one reference for the caller; NULL: no resources */
  size_t tail_size;
  uint8_t tail[EGRESS__RESPONSE_TAIL];
} egress__response;

/**
 * The next response to send. Call until it returns 0; a type with a response in flight has none until that is
 * answered, however often the cache changes meanwhile.
 *
 * Returns 1: `out` is filled; 0: nothing to send; EGRESS_ENOMEM: ask again later.
 */
int egress__stream_next(egress__stream *stream, egress__response *out);

/**
 * When egress__stream_next has to be called though nothing happened: a heartbeat is due, or an answer overdue. It may
 * be some time late. UINT64_MAX: never, as things stand after it returned 0.
 */
uint64_t egress__stream_due(const egress__stream *stream);

/**
 * The answer to the one request of a client that stays no longer (Fetch…), for a stream that has just taken it: what
 * exists of what it names, which may be nothing.
 *
 * Returns 1: `out` is filled; 0: its group has no snapshot; EGRESS_ENOMEM.
 */
int egress__stream_fetch(egress__stream *stream, egress__response *out);

/** The client's node id, and its group in the cache of the type it asked for first; "" before the first request. */
const char *egress__stream_node_id(const egress__stream *stream);
const char *egress__stream_group(const egress__stream *stream);

/** What the client says its cluster is; "" before the first request. */
const char *egress__stream_node_cluster(const egress__stream *stream);

egress__xds_variant egress__stream_variant(const egress__stream *stream);

/** Its types, the first of a list; NULL: none yet. */
const struct egress__track *egress__stream_tracks(const egress__stream *stream);

#endif
