#ifndef EGRESS_WIRE_PEER_H
#define EGRESS_WIRE_PEER_H

#include <grpc/grpc.h>

enum { EGRESS__PEER_TEXT = 160 };

/**
 * The client's address: `"ipv4:127.0.0.1:51234"`, `"ipv6:[::1]:51234"`, `"unix:"`, or `""` when it is gone already.
 * Returns `out`.
 */
const char *egress__peer_format(char out[EGRESS__PEER_TEXT], grpc_call *call);

#endif
