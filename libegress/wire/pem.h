#ifndef EGRESS_WIRE_PEM_H
#define EGRESS_WIRE_PEM_H

#include <egress/diag.h>

/*
 * Judges PEM texts before gRPC gets them: gRPC stops reading at the first damaged certificate behind a good one and
 * says nothing, and of what it cannot use it does not say why. Whether dates, names and signatures convince the
 * other side is not judged here. Nothing asks for a passphrase, and OpenSSL's error queue is left as it was.
 *
 * All return 0, EGRESS_ETLS with which certificate, in which line, and what to do in `diag`, or EGRESS_ENOMEM.
 */

/** A certificate chain, the server's own first, and the private key of that one. */
int egress__pem_check_pair(const char *chain, const char *key, egress_diag *diag);

/** The authorities of client certificates. */
int egress__pem_check_authorities(const char *text, egress_diag *diag);

#endif
