#ifndef EGRESS_WIRE_EPOCH_H
#define EGRESS_WIRE_EPOCH_H

#include "wire/server.h"

/** Unix time, in milliseconds, when the loop's clock was 0. */
uint64_t egress__epoch_ms(const egress_server *server);

#endif
