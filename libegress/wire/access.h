#ifndef EGRESS_WIRE_ACCESS_H
#define EGRESS_WIRE_ACCESS_H

#include "wire/service.h"

/**
 * Whether a client, who says that it is `node`, may have a type of resource (see egress_access): secrets go only where
 * nobody else can read them, or where the listener was told so; then the embedder decides.
 *
 * Returns 0; EGRESS_EINVAL: no, with status and message of `fault` filled; EGRESS_ENOMEM.
 */
int egress__access_check(const egress__caller *caller, const egress_node *node, const char *type_url,
                         egress__stream_fault *fault);

#endif
