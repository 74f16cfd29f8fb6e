#include "wire/gate.h"

#include <grpc/impl/codegen/compression_types.h>

#include <egress/error.h>

#include "wire/tls.h"

enum {
  /* Of one connection; an Envoy has one or two. Go's HTTP/2 servers allow 250. */
  STREAMS_PER_CONNECTION = 256,
  /* Clients may ping this often. A bootstrap of ours asks for a second or more; half of that leaves room for jitter. */
  CLIENT_PING_MS = 500,
  /* Bytes that gRPC reads at once. A connection keeps a buffer of this size, whatever it has received before. */
  READ_CHUNK = 8 * 1024
};

static grpc_arg integer(const char *key, int value) {
  return (grpc_arg){.type = GRPC_ARG_INTEGER, .key = (char *)(uintptr_t)key, .value.integer = value};
}

static grpc_server *new_grpc_server(const egress_server *server) {
  const egress_server_options *options = &server->options;
  grpc_arg args[] = {
      integer(GRPC_ARG_MAX_RECEIVE_MESSAGE_LENGTH, (int)options->max_request_bytes),
      /* A compressed request of the greatest length could unpack to a thousand times of it. */
      integer(GRPC_ARG_ENABLE_PER_MESSAGE_DECOMPRESSION, 0),
      integer(GRPC_ARG_ENABLE_PER_MESSAGE_COMPRESSION, 0),
      integer(GRPC_COMPRESSION_CHANNEL_ENABLED_ALGORITHMS_BITSET, 1 << GRPC_COMPRESS_NONE),
      integer(GRPC_ARG_MAX_CONCURRENT_STREAMS, STREAMS_PER_CONNECTION),
      integer(GRPC_ARG_KEEPALIVE_TIME_MS, (int)options->keepalive_ms),
      integer(GRPC_ARG_KEEPALIVE_TIMEOUT_MS, (int)options->keepalive_timeout_ms),
      integer(GRPC_ARG_MAX_CONNECTION_AGE_MS, (int)options->connection_age_ms),
      integer(GRPC_ARG_MAX_CONNECTION_AGE_GRACE_MS, (int)options->connection_grace_ms),
      integer(GRPC_ARG_KEEPALIVE_PERMIT_WITHOUT_CALLS, 1),
      integer(GRPC_ARG_HTTP2_MIN_RECV_PING_INTERVAL_WITHOUT_DATA_MS, CLIENT_PING_MS),
      /* Two servers on one port would each get some of the clients. */
      integer(GRPC_ARG_ALLOW_REUSEPORT, 0),
      /* What costs memory or work for each connection and serves nothing here. */
      integer(GRPC_ARG_HTTP2_BDP_PROBE, 0),
      integer(GRPC_ARG_ENABLE_CHANNELZ, 0),
      integer(GRPC_ARG_TCP_READ_CHUNK_SIZE, READ_CHUNK),
      integer(GRPC_ARG_TCP_MAX_READ_CHUNK_SIZE, READ_CHUNK),
  };
  grpc_channel_args all = {.num_args = sizeof args / sizeof args[0], .args = args};
  return grpc_server_create(&all, NULL);
}

static void on_shutdown(egress__op *op) {
  egress__gate *gate = op->owner;
  gate->is_down = 1;
}

egress__gate *egress__gate_new(egress_server *server) {
  egress__gate *gate = egress__calloc(server->alloc, 1, sizeof *gate);
  if (gate == NULL)
    return NULL;
  gate->server = server;
  gate->grpc = new_grpc_server(server);
  gate->shutdown = (egress__op){.done = on_shutdown, .owner = gate};
  grpc_server_register_completion_queue(gate->grpc, egress__inbox_queue(server->inbox), NULL);
  return gate;
}

void egress__gate_free(egress__gate *gate) {
  if (gate == NULL)
    return;
  grpc_server_destroy(gate->grpc);
  egress__tls_feed_free(gate->feed);
  egress__free(gate->server->alloc, gate);
}

void egress__gate_start(egress__gate *gate) {
  egress_server *server = gate->server;
  grpc_server_start(gate->grpc);
  gate->is_started = 1;
  gate->next = server->gates;
  server->gates = gate;
  for (; gate->call_count < EGRESS__GATE_SLOTS; gate->call_count++)
    egress__slot_wait(&gate->slots[gate->call_count], gate);
}

void egress__gate_shutdown(egress__gate *gate) {
  if (gate->is_closing)
    return;
  gate->is_closing = 1;
  egress__inbox_ask(gate->server->inbox);
  grpc_server_shutdown_and_notify(gate->grpc, egress__inbox_queue(gate->server->inbox), &gate->shutdown);
}

int egress__gate_is_empty(const egress__gate *gate) {
  return gate->is_down && gate->call_count == 0;
}

void egress__gate_cut(egress__gate *gate) {
  grpc_server_cancel_all_calls(gate->grpc);
}
