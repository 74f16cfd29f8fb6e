#ifndef EGRESS_WIRE_MET_H
#define EGRESS_WIRE_MET_H

#include "wire/service.h"
#include "xds/node.h"

/**
 * Meets the client of a service other than discovery by the node of its first message (empty: it says none), asks
 * whether it may have `type_url`, and raises CONNECTED. Returns 0; with `fault` filled a code, and `out` is as it was.
 */
int egress__meet(egress__xds_node *out, const egress__caller *caller, egress__span node, const char *type_url,
                 egress__stream_fault *fault);

/** Fills `fault` for want of memory; returns EGRESS_ENOMEM. */
int egress__no_memory(egress__stream_fault *fault);

#endif
