/*
 * What a client can send, as bytes: a DiscoveryRequest or DeltaDiscoveryRequest, read as it is and then by a stream
 * that has something to send, or a ClientStatusRequest. The first byte chooses. What is read is all there and within
 * limits.
 */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "support/xds.h"
#include "xds/client_status.h"
#include "xds/request.h"

typedef enum what { SOTW, DELTA, SOTW_SERVICE, DELTA_SERVICE, CLIENT_STATUS, WHATS } what;

static const char content[] = "C: a=1! b=1 E: a=1 b=1 L: l=1 R: r=1 xdstp://a/T/k/d=1 S: s=1";

static void must(int ok) {
  if (!ok)
    abort();
}

static void check_fault(const egress__stream_fault *fault) {
  must(fault->status != 0 && fault->message[0] != '\0' && strlen(fault->message) < sizeof fault->message);
}

/* ---- as it is ---- */

static int is_inside(egress__span part, egress__span whole) {
  return part.size == 0 || (part.data >= whole.data && part.data + part.size <= whole.data + whole.size);
}

static size_t walk_names(const egress__request *request, egress__names which) {
  egress__span rest = request->bytes, name;
  size_t count = 0;
  for (; egress__request_name(request, which, &rest, &name); count++)
    must(is_inside(name, request->bytes) && name.size <= EGRESS__NAME_MAX && egress__span_is_text(name));
  return count;
}

static size_t walk_initial(const egress__request *request) {
  egress__span rest = request->bytes, name, version;
  size_t count = 0;
  for (; egress__request_initial(request, &rest, &name, &version); count++)
    must(is_inside(name, request->bytes) && is_inside(version, request->bytes) && egress__span_is_text(name) &&
         egress__span_is_text(version));
  return count;
}

static void check_node(const egress__xds_node_read *node) {
  for (size_t i = 0; i < EGRESS__XDS_NODE_TEXTS; i++)
    must(node->texts[i].size <= EGRESS__NODE_TEXT_MAX && egress__span_is_text(node->texts[i]));
}

static void check_request(egress__xds_variant variant, const char *service, const uint8_t *data, size_t size) {
  egress__request request;
  egress__stream_fault fault = {0};
  if (egress__request_read(&request, variant, service, data, size, &fault) != 0) {
    check_fault(&fault);
    return;
  }
  char error[EGRESS__ERROR_TEXT_MAX + 1];
  egress__request_error_text(error, &request);
  must(egress__span_is_text((egress__span){(const uint8_t *)error, strlen(error)}));
  check_node(&request.node);
  must(request.type_url.size > 0 && request.type_url.size <= EGRESS__TYPE_URL_MAX);
  must(walk_names(&request, EGRESS__NAMES_ADDED) == request.added);
  must(walk_names(&request, EGRESS__NAMES_REMOVED) == request.removed);
  must(walk_initial(&request) == request.initial);
}

/* ---- by a stream ---- */

static void ignore_ready(egress__stream *stream, void *user) {
  (void)stream;
  (void)user;
}

static void check_event(egress__stream *stream, const egress_event *event, void *user) {
  (void)stream;
  (void)user;
  must(event->type_url != NULL && event->version != NULL && event->message != NULL);
}

static egress_cache *new_cache(void) {
  egress_cache *cache;
  egress_snapshot *snap;
  must(egress_cache_new(&cache, NULL) == 0);
  must(xds_snapshot_new(&snap, content, NULL) == 0);
  must(egress_cache_set(cache, "*", snap) == 0);
  egress_snapshot_unref(snap);
  return cache;
}

/* Twice the same: the second time a name is known, and a nonce may be the right one. */
static void play(egress__xds_variant variant, const char *service, const uint8_t *data, size_t size) {
  egress_cache *cache = new_cache();
  egress__stream_config config = {.alloc = egress__alloc_or_default(NULL),
                                  .cache = cache,
                                  .identifier = "fuzz",
                                  .max_subscriptions = 1000,
                                  .max_bytes = 1 << 20,
                                  .on_ready = ignore_ready,
                                  .on_event = check_event};
  egress__stream *stream;
  egress__stream_fault fault = {0};
  must(egress__stream_new(&stream, &config, variant, service, NULL) == 0);
  for (int i = 0; i < 2; i++) {
    if (egress__stream_request(stream, data, size, &fault) != 0) {
      check_fault(&fault);
      break;
    }
    egress__response response;
    while (egress__stream_next(stream, &response) == 1)
      egress__blob_unref(response.body);
  }
  egress__stream_free(stream);
  egress_cache_unref(cache);
}

/* ---- client status ---- */

static void check_client_status(const uint8_t *data, size_t size) {
  egress__status_request request;
  egress__stream_fault fault = {0};
  if (egress__status_request_read(&request, data, size, &fault) != 0) {
    check_fault(&fault);
    return;
  }
  must(request.matcher_count <= EGRESS__MATCHERS_MAX);
  must(egress__status_request_means(&request, "node-1") || request.matcher_count > 0);
  egress__xds_node_read node = {0};
  if (egress__xds_node_parse(&node, request.node, &fault) != 0)
    check_fault(&fault);
  else
    check_node(&node);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  if (size == 0)
    return 0;
  what chosen = (what)(data[0] % WHATS);
  uint8_t *exact = malloc(size); /* so that a sanitizer sees a read too far */
  must(exact != NULL);
  memcpy(exact, data, size);
  egress__xds_variant variant = chosen == SOTW || chosen == SOTW_SERVICE ? EGRESS__XDS_SOTW : EGRESS__XDS_DELTA;
  const char *service = chosen == SOTW || chosen == DELTA ? NULL : EGRESS_TYPE_ENDPOINT;
  if (chosen == CLIENT_STATUS) {
    check_client_status(exact + 1, size - 1);
  } else {
    check_request(variant, service, exact + 1, size - 1);
    play(variant, service, exact + 1, size - 1);
  }
  free(exact);
  return 0;
}
