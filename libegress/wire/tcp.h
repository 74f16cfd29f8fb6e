#ifndef EGRESS_WIRE_TCP_H
#define EGRESS_WIRE_TCP_H

#include <stdint.h>

#include <egress/diag.h>

#include "base/addr.h"

/**
 * Listens on `endpoint`: a nonblocking socket in `*out_fd`, its port in `*out_port`.
 *
 * Returns 0; EGRESS_EADDR; EGRESS_EADDRINUSE.
 */
int egress__tcp_listen(int *out_fd, uint16_t *out_port, const egress__endpoint *endpoint, egress_diag *diag);

/** Says why an endpoint cannot be listened on: `error` is an errno. Returns EGRESS_EADDR or EGRESS_EADDRINUSE. */
int egress__tcp_fault(const egress__endpoint *endpoint, int error, egress_diag *diag);

#endif
