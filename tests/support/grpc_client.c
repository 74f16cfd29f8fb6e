#include "support/grpc_client.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <grpc/byte_buffer.h>
#include <grpc/byte_buffer_reader.h>
#include <grpc/grpc.h>
#include <grpc/grpc_security.h>
#include <grpc/slice.h>

#include <egress/egress.h>

#include "base/protowire.h"

#define METHOD "/envoy.service.discovery.v3.AggregatedDiscoveryService/StreamAggregatedResources"

enum { DEADLINE_S = 60 };

int client_handshake_ms = 20000;

struct client {
  grpc_completion_queue *queue;
  grpc_channel *channel;
  grpc_call *call;
  grpc_metadata_array initial, trailing;
  grpc_status_code status;
  grpc_slice details;
  int ended; /* the status has come */
  char nonce[64], version[64];
};

/* Tags: only one batch of each kind is under way. */
static char tag_start, tag_send, tag_take, tag_end;

static const char *name_of(const void *tag) {
  if (tag == &tag_start)
    return "the beginning";
  if (tag == &tag_send)
    return "a request";
  return tag == &tag_take ? "a response" : "the end of the stream";
}

static int wait_for(client *c, void *tag) {
  grpc_event event = grpc_completion_queue_pluck(
      c->queue, tag, gpr_time_add(gpr_now(GPR_CLOCK_REALTIME), gpr_time_from_seconds(DEADLINE_S, GPR_TIMESPAN)), NULL);
  if (event.type != GRPC_OP_COMPLETE) {
    fprintf(stderr, "client: %s did not come about within %d s\n", name_of(tag), DEADLINE_S);
    abort();
  }
  return event.success ? 0 : -1;
}

static void start(client *c, const grpc_op *ops, size_t count, void *tag) {
  if (grpc_call_start_batch(c->call, ops, count, tag, NULL) != GRPC_CALL_OK)
    abort();
}

static grpc_channel *open_channel(const char *address, const char *ca, grpc_ssl_pem_key_cert_pair *own) {
  grpc_arg args[] = {
      {.type = GRPC_ARG_STRING, .key = GRPC_SSL_TARGET_NAME_OVERRIDE_ARG, .value.string = "localhost"},
      {.type = GRPC_ARG_INTEGER, .key = GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, .value.integer = 1},
      {.type = GRPC_ARG_INTEGER, .key = GRPC_ARG_MAX_RECEIVE_MESSAGE_LENGTH, .value.integer = -1},
      {.type = GRPC_ARG_INTEGER, .key = GRPC_ARG_MIN_RECONNECT_BACKOFF_MS, .value.integer = client_handshake_ms},
  };
  grpc_channel_args all = {.num_args = sizeof args / sizeof args[0], .args = args};
  grpc_channel_credentials *credentials =
      ca != NULL ? grpc_ssl_credentials_create(ca, own, NULL, NULL) : grpc_insecure_credentials_create();
  grpc_channel *channel = grpc_channel_create(address, credentials, &all);
  grpc_channel_credentials_release(credentials);
  return channel;
}

static client *open_stream(const char *address, const char *ca, grpc_ssl_pem_key_cert_pair *own) {
  client *c = calloc(1, sizeof *c);
  if (c == NULL)
    abort();
  grpc_init();
  c->queue = grpc_completion_queue_create_for_pluck(NULL);
  c->channel = open_channel(address, ca, own);
  c->call =
      grpc_channel_create_call(c->channel, NULL, GRPC_PROPAGATE_DEFAULTS, c->queue,
                               grpc_slice_from_static_string(METHOD), NULL, gpr_inf_future(GPR_CLOCK_REALTIME), NULL);
  grpc_metadata_array_init(&c->initial);
  grpc_metadata_array_init(&c->trailing);
  grpc_op first[] = {{.op = GRPC_OP_SEND_INITIAL_METADATA}};
  start(c, first, 1, &tag_start);
  grpc_op last[] = {
      {.op = GRPC_OP_RECV_INITIAL_METADATA, .data.recv_initial_metadata.recv_initial_metadata = &c->initial},
      {.op = GRPC_OP_RECV_STATUS_ON_CLIENT,
       .data.recv_status_on_client = {
           .trailing_metadata = &c->trailing, .status = &c->status, .status_details = &c->details}}};
  start(c, last, 2, &tag_end);
  wait_for(c, &tag_start);
  return c;
}

client *client_open(const char *address, const char *ca) {
  return open_stream(address, ca, NULL);
}

client *client_open_as(const char *address, const char *ca, const char *cert, const char *key) {
  grpc_ssl_pem_key_cert_pair own = {.private_key = key, .cert_chain = cert};
  return open_stream(address, ca, &own);
}

int client_send(client *c, const void *bytes, size_t size) {
  grpc_slice slice = grpc_slice_from_copied_buffer(bytes, size);
  grpc_byte_buffer *buffer = grpc_raw_byte_buffer_create(&slice, 1);
  grpc_op op[] = {{.op = GRPC_OP_SEND_MESSAGE, .data.send_message.send_message = buffer}};
  start(c, op, 1, &tag_send);
  int rv = wait_for(c, &tag_send);
  grpc_byte_buffer_destroy(buffer);
  grpc_slice_unref(slice);
  return rv;
}

/* DiscoveryRequest: version_info 1, node 2 (id 1, cluster 2), type_url 4, response_nonce 5. */
static int send_request(client *c) {
  uint8_t bytes[512], *end = bytes;
  if (c->nonce[0] == '\0')
    end = egress__put_bytes(end, 2, "\012\006stress\022\006stress", 16);
  end = egress__put_bytes(end, 1, c->version, strlen(c->version));
  end = egress__put_bytes(end, 4, EGRESS_TYPE_CLUSTER, strlen(EGRESS_TYPE_CLUSTER));
  end = egress__put_bytes(end, 5, c->nonce, strlen(c->nonce));
  return client_send(c, bytes, (size_t)(end - bytes));
}

int client_subscribe(client *c) {
  return send_request(c);
}

static void keep(char out[64], egress__span text) {
  size_t size = text.size < 63 ? text.size : 63;
  memcpy(out, text.data, size);
  out[size] = '\0';
}

static long read_response(client *c, grpc_byte_buffer *buffer) {
  grpc_byte_buffer_reader reader;
  grpc_byte_buffer_reader_init(&reader, buffer);
  grpc_slice all = grpc_byte_buffer_reader_readall(&reader);
  egress__span rest = {GRPC_SLICE_START_PTR(all), GRPC_SLICE_LENGTH(all)};
  egress__field field;
  while (egress__field_next(&rest, &field) == 1)
    if (field.number == 1)
      keep(c->version, field.bytes);
    else if (field.number == 5)
      keep(c->nonce, field.bytes);
  long size = (long)GRPC_SLICE_LENGTH(all);
  grpc_slice_unref(all);
  grpc_byte_buffer_reader_destroy(&reader);
  return size;
}

long client_take(client *c, int ack) {
  grpc_byte_buffer *buffer = NULL;
  grpc_op op[] = {{.op = GRPC_OP_RECV_MESSAGE, .data.recv_message.recv_message = &buffer}};
  start(c, op, 1, &tag_take);
  wait_for(c, &tag_take);
  if (buffer == NULL)
    return -1;
  long size = read_response(c, buffer);
  grpc_byte_buffer_destroy(buffer);
  if (ack && send_request(c) != 0)
    return -1;
  return size;
}

void client_finish(client *c) {
  grpc_op op[] = {{.op = GRPC_OP_SEND_CLOSE_FROM_CLIENT}};
  start(c, op, 1, &tag_send);
  wait_for(c, &tag_send);
}

int client_status(client *c) {
  if (!c->ended) {
    while (client_take(c, 0) >= 0) {
    } /* gRPC gives the status only behind what was sent before it */
    wait_for(c, &tag_end);
  }
  c->ended = 1;
  return (int)c->status;
}

void client_close(client *c) {
  grpc_call_cancel(c->call, NULL);
  client_status(c);
  grpc_slice_unref(c->details);
  grpc_metadata_array_destroy(&c->initial);
  grpc_metadata_array_destroy(&c->trailing);
  grpc_call_unref(c->call);
  grpc_channel_destroy(c->channel);
  grpc_completion_queue_shutdown(c->queue);
  grpc_completion_queue_destroy(c->queue);
  grpc_shutdown();
  free(c);
}
