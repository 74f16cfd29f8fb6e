#ifndef EGRESS_WIRE_SLOT_H
#define EGRESS_WIRE_SLOT_H

#include "wire/inbox.h"

struct egress__gate;

/** A place at a gate where the next client is waited for, over and over until the gate shuts down. */
typedef struct egress__slot {
  struct egress__gate *gate;
  egress__op accept;
  grpc_call *grpc;
  grpc_call_details details;
  grpc_metadata_array metadata;
} egress__slot;

/** Waits; gate->call_count has counted it by now. Thread: the loop's. */
void egress__slot_wait(egress__slot *slot, struct egress__gate *gate);

#endif
