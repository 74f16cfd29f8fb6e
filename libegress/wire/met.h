#ifndef EGRESS_WIRE_MET_H
#define EGRESS_WIRE_MET_H

#include "wire/service.h"

/** Who the client of a service other than discovery says it is; `{0}` before it has said so. */
typedef struct egress__met {
  char *node_id, *node_cluster; /* NULL: not met */
  uint8_t features;
} egress__met;

/**
 * Meets a client by the node of its first message (empty: it says none), asks whether it may have `type_url`, and
 * raises CONNECTED. Returns 0; with `fault` filled a code, and `out` is as it was.
 */
int egress__meet(egress__met *out, const egress__caller *caller, egress__span node, const char *type_url,
                 egress__stream_fault *fault);

void egress__met_dispose(egress__met *met, const egress_alloc *alloc);

/** Fills `fault` for want of memory; returns EGRESS_ENOMEM. */
int egress__no_memory(egress__stream_fault *fault);

#endif
