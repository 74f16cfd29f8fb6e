#ifndef EGRESS_WIRE_CSDS_H
#define EGRESS_WIRE_CSDS_H

#include "wire/service.h"

/** The client status discovery service: each request is answered. Without `client_status` there is none. */
extern const egress__service egress__csds;

#endif
