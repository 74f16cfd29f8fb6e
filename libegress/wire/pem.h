#ifndef EGRESS_WIRE_PEM_H
#define EGRESS_WIRE_PEM_H

#include <openssl/ssl.h>

#include <egress/diag.h>

/*
 * Gives OpenSSL what PEM texts say, and judges them with care first: OpenSSL's own readers stop at the first damaged
 * certificate behind a good one and say nothing. Whether dates, names and signatures convince the other side is not
 * judged here. Nothing asks for a passphrase, and OpenSSL's error queue is left as it was.
 *
 * Both return 0, EGRESS_ETLS with which certificate, in which line, and what to do in `diag`, or EGRESS_ENOMEM; then
 * `context` is of no use any more.
 */

/** A certificate chain, the server's own first, and the private key of that one. */
int egress__pem_use_pair(SSL_CTX *context, const char *chain, const char *key, egress_diag *diag);

/** The authorities of client certificates. */
int egress__pem_use_authorities(SSL_CTX *context, const char *text, egress_diag *diag);

#endif
