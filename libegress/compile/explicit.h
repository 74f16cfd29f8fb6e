#ifndef EGRESS_COMPILE_EXPLICIT_H
#define EGRESS_COMPILE_EXPLICIT_H

#include "compile/common.h"

/*
 * The HTTP filters of the explicit proxy whose rules come with the routes. Without them each refuses everything, so a
 * route that forgets one is closed, not open.
 */
#define EGRESS__FILTER_ALLOWLIST "allowlist" /* by name and source; before the name is resolved */
#define EGRESS__FILTER_GUARD "guard"         /* by resolved address: what is refused */
#define EGRESS__FILTER_ADDRESSES "addresses" /* by address: what is allowed, for requests that name an address */

/** Starts the names of the routes to addresses, where ALLOWLIST lets through what ADDRESSES judges. */
#define EGRESS__ADDRESS_ROUTE "address-"

/**
 * The listener of the explicit forward proxy: absolute-form HTTP, and CONNECT in HTTP/1.1 and HTTP/2. It does not
 * depend on the policy, so no new policy touches its connections; the verdicts come with EGRESS_ROUTE_HTTP.
 */
egress__message *egress__explicit_listener(egress__build *b, const egress__compile_plan *plan);

#endif
