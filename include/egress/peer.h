#ifndef EGRESS_PEER_H
#define EGRESS_PEER_H

#include <stddef.h>
#include <stdint.h>

#include <egress/export.h>

EGRESS_BEGIN_DECLS

/** How a client's stream comes in. It is the address listened on that decides this, never what a client says. */
typedef enum egress_transport {
  /** TCP without TLS: whoever reaches the address. */
  EGRESS_TRANSPORT_PLAINTEXT = 1,
  /** A unix socket: whoever may open it, which is the user that the server runs as. */
  EGRESS_TRANSPORT_UNIX = 2,
  /** TLS in which only the server shows a certificate: whoever reaches the address. */
  EGRESS_TRANSPORT_TLS = 3,
  /** TLS in which the client showed a certificate that one of ``tls_client_ca`` has signed. */
  EGRESS_TRANSPORT_MUTUAL_TLS = 4
} egress_transport;

/**
 * Who is at the other end of a stream. Names are those of the client's certificate, which was verified: all are ``""``
 * or of number 0 unless ``transport`` is ``EGRESS_TRANSPORT_MUTUAL_TLS``. Text is UTF-8; a name of a certificate that
 * is not, or that has a NUL in it, is left out.
 */
typedef struct egress_peer {
  /** Address of the client, as in ``egress_event``: for people. */
  const char *address;
  /**
   * SPIFFE ID, such as ``"spiffe://example.org/ns/default/sa/envoy"``; ``""`` when there is none. A certificate has one
   * when it is the only URI in it.
   */
  const char *spiffe_id;
  /** Common name (CN) of the subject, the first one; ``""`` when there is none. */
  const char *common_name;
  /** Alternative names that are URIs, a SPIFFE ID among them. */
  const char *const *uris;
  /** Number of ``uris``. */
  size_t uri_count;
  /** Alternative names that are DNS names, as they are written there: ``"*.example.org"`` is one. */
  const char *const *dns_names;
  /** Number of ``dns_names``. */
  size_t dns_name_count;
  /** An ``egress_transport``. */
  int32_t transport;
  /** 0. */
  uint32_t reserved;
} egress_peer;

EGRESS_END_DECLS

#endif
