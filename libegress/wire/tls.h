#ifndef EGRESS_WIRE_TLS_H
#define EGRESS_WIRE_TLS_H

#include "base/addr.h"
#include "wire/gate.h"

/** Checks the options for TLS before anything is opened. Returns 0, EGRESS_EINVAL or EGRESS_ETLS. */
int egress__tls_check(const egress_listen_options *options, egress_diag *diag);

/** What a server shows by TLS: PEM texts, owned. `{0}` with no certificate: plaintext. */
typedef struct egress__tls {
  char *cert, *key, *client_ca;
} egress__tls;

/** Copies what the options say. Returns 0 or EGRESS_ENOMEM. */
int egress__tls_copy(egress__tls *out, const egress_alloc *alloc, const egress_listen_options *options);

/** Wipes and frees; `{0}` is allowed. */
void egress__tls_dispose(egress__tls *tls, const egress_alloc *alloc);

/**
 * What a gate shows to the next client: gRPC asks for it at each handshake, in a thread of its own.
 *
 * Thread: that of the loop, but for gRPC's question.
 */
typedef struct egress__tls_feed egress__tls_feed;

/** Returns NULL when out of memory. */
egress__tls_feed *egress__tls_feed_new(const egress_alloc *alloc, const egress__tls *tls);

/** Frees one that gRPC cannot ask any more: its gate is down. NULL is allowed. */
void egress__tls_feed_free(egress__tls_feed *feed);

/** Handshakes that begin from here on are by `tls`, which was checked. Whether clients are asked for theirs stays. */
void egress__tls_feed_put(egress__tls_feed *feed, const egress__tls *tls);

/**
 * Makes the gate listen on `endpoint` by TLS; `*out_port` is the port that it got.
 *
 * Returns 0; EGRESS_EADDR; EGRESS_EADDRINUSE; EGRESS_ETLS; EGRESS_ENOMEM: then the gate has no port.
 */
int egress__tls_listen(uint16_t *out_port, egress__gate *gate, const egress__endpoint *endpoint, const egress__tls *tls,
                       egress_diag *diag);

#endif
