#ifndef EGRESS_WIRE_SERVER_OPTIONS_H
#define EGRESS_WIRE_SERVER_OPTIONS_H

#include <egress/server.h>

/**
 * Takes the options of a server, with the defaults in place of each 0 that means one; NULL: all of them.
 *
 * Returns 0; EGRESS_EINVAL, EGRESS_EABI: as egress_server_new says.
 */
int egress__server_options_take(egress_server_options *own, const egress_server_options *given);

#endif
