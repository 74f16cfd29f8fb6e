#ifndef EGRESS_WIRE_TLS_H
#define EGRESS_WIRE_TLS_H

#include <openssl/ssl.h>

#include <egress/server.h>

/**
 * What clients of an address are shown, and held to, by TLS 1.2 or later and HTTP/2 only. `*out` is the caller's:
 * SSL_CTX_free; NULL: the options ask for plaintext.
 *
 * Returns 0; EGRESS_EINVAL or EGRESS_ETLS, with what is wrong in `diag`; EGRESS_ENOMEM.
 */
int egress__tls_context(SSL_CTX **out, const egress_listen_options *options, egress_diag *diag);

#endif
