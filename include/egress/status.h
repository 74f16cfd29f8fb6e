#ifndef EGRESS_STATUS_H
#define EGRESS_STATUS_H

#include <stddef.h>
#include <stdint.h>

#include <egress/export.h>
#include <egress/peer.h>
#include <egress/server.h>
#include <egress/text.h>

EGRESS_BEGIN_DECLS

/** What ``authorise`` is asked for a client of the client status discovery service (CSDS), and what its events have. */
#define EGRESS_TYPE_CLIENT_STATUS "type.googleapis.com/envoy.service.status.v3.ClientStatusRequest"

/**
 * Walks the open streams of a server, the types of each, and the names of each type. It is good for one turn of the
 * loop: use and free it before control goes back there.
 *
 *     egress_stream_status stream;
 *     egress_type_status type;
 *     while (egress_status_next_stream(status, &stream) > 0)
 *       while (egress_status_next_type(status, &type))
 *         ...
 */
typedef struct egress_status egress_status;

/** How a stream tells changes. */
typedef enum egress_variant {
  /** State of the world: ``DiscoveryRequest``, ``DiscoveryResponse``. */
  EGRESS_VARIANT_SOTW = 1,
  /** ``DeltaDiscoveryRequest``, ``DeltaDiscoveryResponse``. */
  EGRESS_VARIANT_DELTA = 2
} egress_variant;

/** An open stream. Text is valid until the next ``egress_status_next_stream``. */
typedef struct egress_stream_status {
  /** Which stream of this server, as in ``egress_event``. */
  uint64_t stream_id;
  /** The node's id, as the client says; ``""`` before it has said it. */
  const char *node_id;
  /** The node's cluster, likewise. */
  const char *node_cluster;
  /** The group that it belongs to; ``""`` before that is known. */
  const char *group;
  /** Who the client is. */
  const egress_peer *peer;
  /** Type URL of a service for one type; ``""``: aggregated discovery. */
  const char *type_url;
  /** When it was opened: milliseconds of Unix time. */
  uint64_t opened_ms;
  /** An ``egress_variant``. */
  int32_t variant;
  /** 0. */
  uint32_t reserved;
} egress_stream_status;

/**
 * A type on a stream. Versions are as clients are told them (``egress_snapshot_type_label``), ``""``: there was none.
 * Times are the last of their kind, in milliseconds of Unix time, 0: never. Text is valid until the stream is called.
 */
typedef struct egress_type_status {
  /** Type URL. */
  const char *type_url;
  /** Version of the last response. */
  const char *sent;
  /** Version that the client accepted last. */
  const char *acked;
  /** Version that the client refused last; what it accepted may be newer. */
  const char *nacked;
  /** What it said then: its own words; ``""``: it never refused one. */
  const char *message;
  /** When a request for the type came. */
  uint64_t requested_ms;
  /** When a response was sent, a heartbeat included. */
  uint64_t sent_ms;
  /** When one was accepted. */
  uint64_t acked_ms;
  /** When one was refused. */
  uint64_t nacked_ms;
  /** Number of names that the client wants by name. */
  size_t name_count;
  /** The ``google.rpc.Code`` that it refused with. */
  int32_t code;
  /** 1: it wants everything; the names are beside that. Else 0. */
  uint32_t wildcard;
  /** 1: a response is not answered yet. Else 0. */
  uint32_t in_flight;
  /** 0. */
  uint32_t reserved;
} egress_type_status;

/**
 * Begins before the first stream.
 *
 * :param out: set on success only; the caller owns it. :return: 0; EGRESS_EINVAL: no ``out`` or no server;
 * EGRESS_ENOMEM.
 *
 * Thread: the loop's. Since: 0.1.
 */
EGRESS_API int egress_status_new(egress_status **out, egress_server *server);

/**
 * Goes to the next open stream, the newest first.
 *
 * :param out: filled when there is one. :return: 1; 0 at the end; EGRESS_EINVAL: an argument is NULL; EGRESS_ENOMEM:
 * the next call tries the same stream again.
 *
 * Thread: the loop's. Since: 0.1.
 */
EGRESS_API int egress_status_next_stream(egress_status *status, egress_stream_status *out);

/** Goes to the stream's next type: 1 with ``out`` filled; 0 at the end. Thread: the loop's. Since: 0.1. */
EGRESS_API int egress_status_next_type(egress_status *status, egress_type_status *out);

/**
 * The next name that the client wants of the type, in no order; NULL at the end. Valid until the stream is called.
 * Thread: the loop's. Since: 0.1.
 */
EGRESS_API const char *egress_status_next_name(egress_status *status);

/** Frees ``status``; NULL is allowed. Thread: the loop's. Since: 0.1. */
EGRESS_API void egress_status_free(egress_status *status);

/**
 * The same as JSON: a list of streams, the newest first, with their types by type URL. docs/status.md says what is in
 * it.
 *
 * :param out: set on success only; the caller owns it. :return: 0; EGRESS_EINVAL: no ``out`` or no server;
 * EGRESS_ELIMIT: it would be longer than 256 MiB; EGRESS_ENOMEM.
 *
 * Thread: the loop's. Since: 0.1.
 */
EGRESS_API int egress_server_status_json(egress_text **out, egress_server *server);

/**
 * Counters of the server since it was made, in the text format 0.0.4 of Prometheus; docs/status.md has a list.
 *
 * :param out: set on success only; the caller owns it. :return: 0; EGRESS_EINVAL: no ``out`` or no server;
 * EGRESS_ENOMEM.
 *
 * Thread: the loop's. Since: 0.1.
 */
EGRESS_API int egress_server_metrics(egress_text **out, egress_server *server);

EGRESS_END_DECLS

#endif
