#ifndef EGRESS_COMPILE_ROUTES_H
#define EGRESS_COMPILE_ROUTES_H

#include "compile/classes.h"
#include "compile/common.h"

/**
 * The RouteConfiguration of the explicit proxy: the whole allowlist. Envoy looks a request's authority up among the
 * domains of the virtual hosts, exact ones first, then the longest suffix; a class of names at one port is one virtual
 * host. What no route takes is refused by the filter `allowlist`, before any DNS query.
 */
egress__message *egress__routes(egress__build *b, const egress_policy *policy, const egress__classes *classes);

#endif
