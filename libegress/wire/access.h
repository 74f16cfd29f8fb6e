#ifndef EGRESS_WIRE_ACCESS_H
#define EGRESS_WIRE_ACCESS_H

#include <grpc/grpc.h>

#include "wire/gate.h"

/** A client that asks for a type of resource: see egress_access. */
typedef struct egress__asked {
  const egress__gate *gate; /* that it came in by */
  grpc_call *call;
  const char *address;
  uint64_t stream_id;
  const egress_node *node;
  const char *type_url;
} egress__asked;

/**
 * Whether it may have that: secrets go only where nobody else can read them, or where the listener was told so; then
 * the embedder decides.
 *
 * Returns 0; EGRESS_EINVAL: no, with status and message of `fault` filled; EGRESS_ENOMEM.
 */
int egress__access_check(const egress__asked *asked, egress__stream_fault *fault);

#endif
