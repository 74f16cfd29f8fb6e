#include "wire/slot.h"

#include <assert.h>

#include "wire/call.h"
#include "wire/gate.h"
#include "wire/method.h"

static void dispose(egress__slot *slot) {
  grpc_call_details_destroy(&slot->details);
  grpc_metadata_array_destroy(&slot->metadata);
}

static void on_accepted(egress__op *op) {
  egress__slot *slot = op->owner;
  egress__gate *gate = slot->gate;
  if (!op->ok) { /* the gate is shutting down */
    dispose(slot);
    gate->call_count--;
    return;
  }
  const grpc_slice *path = &slot->details.method;
  egress__method method;
  int found = egress__method_find(&method, (const char *)GRPC_SLICE_START_PTR(*path), GRPC_SLICE_LENGTH(*path));
  grpc_call *grpc = slot->grpc;
  dispose(slot);
  egress__slot_wait(slot, gate);
  egress__call_open(gate, grpc, found ? &method : NULL);
}

void egress__slot_wait(egress__slot *slot, egress__gate *gate) {
  grpc_completion_queue *queue = egress__inbox_queue(gate->server->inbox);
  slot->gate = gate;
  slot->accept = (egress__op){.done = on_accepted, .owner = slot};
  grpc_call_details_init(&slot->details);
  grpc_metadata_array_init(&slot->metadata);
  egress__inbox_ask(gate->server->inbox);
  /* Once the gate shuts down this still answers, with ok 0. */
  grpc_call_error error =
      grpc_server_request_call(gate->grpc, &slot->grpc, &slot->details, &slot->metadata, queue, queue, &slot->accept);
  assert(error == GRPC_CALL_OK && "grpc_server_request_call");
  (void)error;
}
