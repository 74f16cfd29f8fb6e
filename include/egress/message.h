#ifndef EGRESS_MESSAGE_H
#define EGRESS_MESSAGE_H

#include <stddef.h>
#include <stdint.h>

#include <egress/export.h>

EGRESS_BEGIN_DECLS

/** What passed on a stream. */
typedef enum egress_message_kind {
  /** Nothing yet: a client opened the stream. Every stream begins with it; its end is an event. */
  EGRESS_MESSAGE_OPENED = 1,
  /** A ``DiscoveryRequest`` came. */
  EGRESS_MESSAGE_REQUEST = 2,
  /** A ``DeltaDiscoveryRequest`` came. */
  EGRESS_MESSAGE_DELTA_REQUEST = 3,
  /** A ``DiscoveryResponse`` was begun to be sent. */
  EGRESS_MESSAGE_RESPONSE = 4,
  /** A ``DeltaDiscoveryResponse`` was begun to be sent. */
  EGRESS_MESSAGE_DELTA_RESPONSE = 5
} egress_message_kind;

/** A message as it is on the wire, for logs and tests. All that it points to is borrowed during the call. */
typedef struct egress_message {
  /** Which stream of this server, as in ``egress_event``. */
  uint64_t stream_id;
  /** Address of the client, as in ``egress_event``. */
  const char *peer;
  /** Type URL of a service for one type, whose requests need not say it; ``""``: aggregated discovery. */
  const char *type_url;
  /**
   * The first bytes of the packed message. Requests are shown before they are read: they may be anything that a client
   * sent, of at most ``max_request_bytes``.
   */
  const void *head;
  /** Number of bytes in ``head``; 0: then it may be NULL. */
  size_t head_size;
  /** The bytes behind ``head``: responses come in two parts, because what streams share is not copied for each. */
  const void *tail;
  /** Number of bytes in ``tail``; 0: then it may be NULL. */
  size_t tail_size;
  /** An ``egress_message_kind``. */
  int32_t kind;
  /** 0. */
  uint32_t reserved;
} egress_message;

/**
 * Takes one message; may call anything but ``egress_server_free``.
 *
 * Thread: the loop's.
 */
typedef void (*egress_message_fn)(const egress_message *message, void *user);

EGRESS_END_DECLS

#endif
