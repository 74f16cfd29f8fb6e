#ifndef EGRESS_COMPILE_GUARD_H
#define EGRESS_COMPILE_GUARD_H

#include "compile/build.h"
#include "policy/model.h"

/*
 * What is decided by address, as envoy.config.rbac.v3.RBAC. It runs behind the filter that resolves the name, and
 * judges the address that Envoy is about to dial.
 */

/** What the connection is known to speak: bits. */
typedef enum egress__spoken {
  EGRESS__SPOKEN_TLS = 1 << EGRESS_PROTOCOL_TLS,
  EGRESS__SPOKEN_HTTP = 1 << EGRESS_PROTOCOL_HTTP,
  EGRESS__SPOKEN_TCP = 1 << EGRESS_PROTOCOL_TCP
} egress__spoken;

/** Refuses everything, because no rule allows it. */
egress__message *egress__guard_closed(egress__build *b);

/** For connections that a name allowed: refuses special-use addresses and those of deny entries. */
egress__message *egress__guard_of_names(egress__build *b, const egress_policy *policy, unsigned spoken);

/** For connections that asked for an address: refuses those of deny entries, and IPv4 written as IPv6. */
egress__message *egress__guard_of_addresses(egress__build *b, const egress_policy *policy, unsigned spoken);

/** For connections that asked for an address: allows those of rules. NULL: no rule has any. */
egress__message *egress__allowed_addresses(egress__build *b, const egress_policy *policy, unsigned spoken);

#endif
