/*
 * A script of snapshot changes and client actions from bytes, played against the model, which ends the process when a
 * client is not sent what it must be. Between its steps a stream of another kind says what it likes.
 */
#include <stdint.h>

#include "model/model.h"

enum { NOISE_BYTES = 600 }; /* what may be remembered: one table and a few names */

/* The bytes not used yet. */
typedef struct bytes {
  const uint8_t *data;
  size_t size;
} bytes;

static unsigned take(void *user, unsigned limit) {
  bytes *b = user;
  if (b->size == 0)
    return 0;
  b->size--;
  return *b->data++ % limit;
}

static void ignore_ready(egress__stream *stream, void *user) {
  (void)stream;
  (void)user;
}

static void check_event(egress__stream *stream, const egress_event *event, void *user) {
  (void)stream;
  (void)user;
  assert(event->type_url != NULL && event->version != NULL && event->message != NULL && event->peer != NULL);
}

/* Takes all that is due. */
static void drop_responses(egress__stream *stream) {
  egress__response response;
  while (egress__stream_next(stream, &response) == 1)
    egress__blob_unref(response.body);
}

/* A stream that says what it likes. */
static void send_noise(const groups *g, bytes *b) {
  egress__stream_config config = {
      .alloc = g->alloc,
      .cache = g->cache,
      .identifier = "fuzz",
      .max_subscriptions = 1000,
      .max_bytes = NOISE_BYTES,
      .on_ready = ignore_ready,
      .on_event = check_event,
  };
  egress__stream *stream;
  egress__stream_fault fault = {0};
  egress__xds_variant variant = take(b, 2) ? EGRESS__XDS_DELTA : EGRESS__XDS_SOTW;
  int rv = egress__stream_new(&stream, &config, variant, NULL, NULL);
  assert(rv == 0);
  for (unsigned left = take(b, 8); rv == 0 && left > 0; left--) {
    size_t size = take(b, 64);
    size = size < b->size ? size : b->size;
    rv = egress__stream_request(stream, b->data, size, &fault);
    b->data += size;
    b->size -= size;
    if (rv == 0)
      drop_responses(stream);
  }
  assert(rv == 0 || fault.message[0] != '\0');
  egress__stream_free(stream);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  static model m;
  bytes b = {data, size};
  choices from = {take, &b};
  model_begin(&m, NULL);
  while (b.size > 0) {
    step s;
    step_choose(&s, &from);
    model_play(&m, &s);
    if (take(&b, 16) == 1)
      send_noise(&m.groups, &b);
  }
  model_end(&m);
  return 0;
}
