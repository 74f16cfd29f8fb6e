#ifndef EGRESS_WIRE_TLS_H
#define EGRESS_WIRE_TLS_H

#include "wire/gate.h"

/** Checks the options for TLS before anything is opened. Returns 0, EGRESS_EINVAL or EGRESS_ETLS. */
int egress__tls_check(const egress_listen_options *options, egress_diag *diag);

/**
 * Makes the gate listen on `address` by TLS; `*out_port` is the port that it got.
 *
 * Returns 0 or EGRESS_ETLS: then the gate has no port.
 */
int egress__tls_listen(uint16_t *out_port, egress__gate *gate, const char *address,
                       const egress_listen_options *options, egress_diag *diag);

#endif
