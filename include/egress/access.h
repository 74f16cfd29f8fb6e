#ifndef EGRESS_ACCESS_H
#define EGRESS_ACCESS_H

#include <stddef.h>
#include <stdint.h>

#include <egress/cache.h>
#include <egress/export.h>
#include <egress/peer.h>

EGRESS_BEGIN_DECLS

/** A client asks for a type, for the first time on its stream. All that it points to is borrowed during the call. */
typedef struct egress_access {
  /** Which stream of this server, as in ``egress_event``. */
  uint64_t stream_id;
  /** Who asks: verified, as far as ``transport`` in it says so. */
  const egress_peer *peer;
  /** What the client says of itself: nothing vouches for it but what ``peer`` allows to conclude. */
  const egress_node *node;
  /** Type URL of the resources asked for. */
  const char *type_url;
} egress_access;

/**
 * Says whether a client may have a type: asked once for each type on a stream, and for the first one before the node
 * joins a group; so that a refusal there refuses the stream. A refusal ends the stream, an aggregated one too, with the
 * status and the reason; it is told as ``EGRESS_EVENT_REJECTED`` with both and the type.
 *
 * :param access: borrowed during the call.
 * :param reason: for the client and the log: written to when access is refused, UTF-8 with a NUL at its end.
 * :param size: bytes that ``reason`` has room for, the NUL among them: 256.
 * :param user: that of the server's options.
 * :return: 0: yes. 1 to 16: no, with this ``google.rpc.Code``; anything else: no, with 7, PERMISSION_DENIED.
 *
 * Thread: the loop's; may call anything but ``egress_server_free``.
 */
typedef int32_t (*egress_authorise_fn)(const egress_access *access, char *reason, size_t size, void *user);

EGRESS_END_DECLS

#endif
