#ifndef EGRESS_WIRE_PEER_H
#define EGRESS_WIRE_PEER_H

enum { EGRESS__PEER_TEXT = 160 };

/**
 * The address at the other end of a socket: `"ipv4:127.0.0.1:51234"`, `"ipv6:[::1]:51234"`, `"unix:"`, or `""` when it
 * is gone already. Returns `out`.
 */
const char *egress__peer_format(char out[EGRESS__PEER_TEXT], int fd);

#endif
