#ifndef EGRESS_EVENT_H
#define EGRESS_EVENT_H

#include <stddef.h>
#include <stdint.h>

#include <egress/export.h>

EGRESS_BEGIN_DECLS

struct egress_load_report;

/** What happened on a stream, or to a group's snapshot. */
typedef enum egress_event_kind {
  /** A client opened a stream and said who it is (its first request). */
  EGRESS_EVENT_CONNECTED = 1,
  /**
   * A stream ended; ``message`` says why. One that never asked for anything had no EGRESS_EVENT_CONNECTED; one that was
   * refused when it came, such as by ``max_streams``, has EGRESS_EVENT_REJECTED only.
   */
  EGRESS_EVENT_DISCONNECTED = 2,
  /** The client accepted a response. */
  EGRESS_EVENT_ACKED = 3,
  /** The client refused a response; ``message`` is its own text. It goes on with what it had. */
  EGRESS_EVENT_NACKED = 4,
  /** The server ended a stream because of what the client sent, did not do, or may not have; ``message`` says why. */
  EGRESS_EVENT_REJECTED = 5,
  /**
   * The group's new snapshot was refused by this client, in these words, and no other stream is given it any more
   * (``EGRESS_ON_NACK_HOLD``). The client's own ``EGRESS_EVENT_NACKED`` came before.
   */
  EGRESS_EVENT_HELD = 6,
  /** The same, and all streams go back to the last good snapshot (``EGRESS_ON_NACK_ROLLBACK``). */
  EGRESS_EVENT_ROLLED_BACK = 7,
  /** The group's new snapshot was accepted: it is the last good one now. */
  EGRESS_EVENT_PROVEN = 8,
  /** The group's new snapshot goes to a share of the streams. */
  EGRESS_EVENT_ROLLOUT_STAGED = 9,
  /** These have accepted it; the others wait for ``soak_ms``. */
  EGRESS_EVENT_ROLLOUT_SOAKING = 10,
  /** The others are given it, too. */
  EGRESS_EVENT_ROLLOUT_OPEN = 11,
  /** A client sent a well-formed request; what that leads to comes behind it. Told if asked for. */
  EGRESS_EVENT_REQUEST = 12,
  /** A response, or a heartbeat, was made for a client. Told if asked for. */
  EGRESS_EVENT_RESPONSE = 13,
  /** What a client wants of a type changed (``egress_type_status`` says what it wants). Told if asked for. */
  EGRESS_EVENT_SUBSCRIPTION = 14,
  /** ``lost`` events before this one were dropped, because nobody took them or memory ran out. Always told. */
  EGRESS_EVENT_LOST = 15,
  /** A client reported its load, which is not nothing: ``load`` has it. Only with ``load_report_ms`` of the server. */
  EGRESS_EVENT_LOAD_REPORT = 16,
  /**
   * A client asked for ``resource``, a name that its group's snapshot has not, and waits for it: set a snapshot that
   * has it, or say that there is none (``egress_cache_absent``). Only with ``answer_ms`` of the cache, and once for
   * all clients of the group that wait. docs/on-demand.md.
   */
  EGRESS_EVENT_WANTED = 17
} egress_event_kind;

/** The bit of an event's kind in ``events`` of the server's options. */
#define EGRESS_EVENT_BIT(kind) (UINT32_C(1) << (kind))

/** One event. Text is valid during the callback, or until the next ``egress_server_next_event``. */
typedef struct egress_event {
  /** Which stream of this server, from 1, never used again; 0: the event is a group's. */
  uint64_t stream_id;
  /** The node's id; ``""`` before it is known. */
  const char *node_id;
  /**
   * The group that the node belongs to; ``""`` before it is known. From EGRESS_EVENT_HELD on: the group whose snapshot
   * it is about, which may be ``"*"``.
   */
  const char *group;
  /** Address of the client such as ``"ipv4:127.0.0.1:51234"``, ``"ipv6:[::1]:51234"`` or ``"unix:"``. */
  const char *peer;
  /**
   * Type URL of the request or response, of that accepted or refused, of what the client wants or may not have;
   * ``EGRESS_TYPE_LOAD_STATS`` (CONNECTED, LOAD_REPORT) or ``EGRESS_TYPE_CLIENT_STATUS`` (CONNECTED): the stream is
   * for that; else ``""``.
   */
  const char *type_url;
  /** Version of that response as the client was told it (``egress_snapshot_type_label``); else ``""``. */
  const char *version;
  /** For people: why a stream ended or a response was refused; else ``""``. */
  const char *message;
  /** Name of the resource that was refused (HELD, ROLLED_BACK), where that can be told, or is wanted; else ``""``. */
  const char *resource;
  /** An ``egress_event_kind``. */
  int32_t kind;
  /** ``google.rpc.Code`` that goes with ``message``; 0 when there is none. */
  int32_t status;
  /** Milliseconds from the response to its answer (ACKED, NACKED); else 0. */
  uint64_t elapsed_ms;
  /** Size of the message (REQUEST, RESPONSE); else 0. */
  uint64_t bytes;
  /** How many events were dropped (LOST); else 0. */
  uint64_t lost;
  /** What the client reported (LOAD_REPORT): ``egress/load.h``. Else NULL. */
  const struct egress_load_report *load;
  /**
   * Milliseconds since the change that the response brought (ACKED): since another snapshot counted for the client, and
   * if that was followed by others before the client could be told, since the first of them. 1 or more; 0: the response
   * brought none, such as the first one, or what was asked for. Else 0.
   */
  uint64_t since_change_ms;
} egress_event;

/**
 * Takes one event; may call anything but ``egress_server_free``.
 *
 * Thread: the loop's.
 */
typedef void (*egress_event_fn)(const egress_event *event, void *user);

EGRESS_END_DECLS

#endif
