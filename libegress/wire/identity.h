#ifndef EGRESS_WIRE_IDENTITY_H
#define EGRESS_WIRE_IDENTITY_H

#include <openssl/x509.h>

#include <egress/peer.h>

#include "base/alloc.h"

/** Who a client is, with the memory that its names are in. */
typedef struct egress__identity {
  egress_peer peer;
  void *names; /* one block: the two lists, then the texts */
} egress__identity;

/**
 * Who a client is that came by `transport` from `address` (borrowed), with `cert`, which was verified; NULL: none.
 *
 * Returns 0 or EGRESS_ENOMEM.
 */
int egress__identity_read(egress__identity *out, const egress_alloc *alloc, X509 *cert, egress_transport transport,
                          const char *address);

/** `{0}` is allowed. */
void egress__identity_dispose(egress__identity *identity, const egress_alloc *alloc);

#endif
