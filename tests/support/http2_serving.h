#ifndef TESTS_SUPPORT_HTTP2_SERVING_H
#define TESTS_SUPPORT_HTTP2_SERVING_H

/*
 * A server (support/serving.h) and clients of HTTP/2 that do as they are told, in one thread: nothing happens but
 * within hs_turn.
 */
#include <malloc.h>

#include "support/http2_client.h"
#include "support/serving.h"
#include "support/xds.h"

#define HS_ADS "/envoy.service.discovery.v3.AggregatedDiscoveryService/"
#define HS_STREAM HS_ADS "StreamAggregatedResources"
#define HS_FETCH "/envoy.service.cluster.v3.ClusterDiscoveryService/FetchClusters"

enum { HS_CLIENTS = 4, HS_WINDOW = 65535 };

static serving s;
static http2_client hs_clients[HS_CLIENTS];
static size_t hs_count;

/* ---- the server's memory ---- */

static size_t hs_bytes, hs_peak;

static inline void *hs_resize(void *ptr, size_t size, void *user) {
  (void)user;
  hs_bytes -= malloc_usable_size(ptr);
  void *moved = realloc(ptr, size);
  assert(moved != NULL);
  hs_bytes += malloc_usable_size(moved);
  hs_peak = hs_bytes > hs_peak ? hs_bytes : hs_peak;
  return moved;
}

static inline void hs_release(void *ptr, void *user) {
  (void)user;
  hs_bytes -= malloc_usable_size(ptr);
  free(ptr);
}

static const egress_alloc hs_alloc = {hs_resize, hs_release, NULL};

/* ---- both ---- */

/* `changed`: options that are not the default ones. */
static inline void hs_begin(egress_server_options changed) {
  changed.size = sizeof changed;
  changed.alloc = &hs_alloc;
  serving_begin(&s, &changed);
}

static inline void hs_turn(void) {
  for (size_t i = 0; i < hs_count; i++)
    http2_turn(&hs_clients[i]);
  uv_run(&s.loop, UV_RUN_ONCE);
}

static inline void hs_end(void) {
  for (size_t i = 0; i < hs_count; i++)
    http2_end(&hs_clients[i]);
  serving_end(&s);
  cr_expect_eq(hs_bytes, 0, "%zu bytes are left", hs_bytes);
}

/* Turns until `is`, which must come about. */
#define HS_UNTIL(is) \
  for (uint64_t end_ms = uv_hrtime() / 1000000 + SERVING_DEADLINE_MS; !(is); hs_turn()) \
  cr_assert_lt(uv_hrtime() / 1000000, end_ms, "it does not come about: " #is)

static inline unsigned hs_port(void) {
  return egress_server_port(s.server, 0);
}

static inline http2_client *hs_connect(uint32_t window, int receive_bytes) {
  assert(hs_count < HS_CLIENTS);
  http2_client *c = &hs_clients[hs_count++];
  http2_begin(c, http2_socket(hs_port(), receive_bytes), window);
  return c;
}

static inline void hs_serve(const char *words) {
  egress_snapshot *snap;
  cr_assert_eq(xds_snapshot_new(&snap, words, NULL), 0);
  cr_assert_eq(egress_cache_set(s.cache, "*", snap), 0);
  egress_snapshot_unref(snap);
}

/* A cluster "a" of somewhat more than `size` bytes. */
static inline void hs_serve_large(size_t size) {
  egress_snapshot *snap;
  cr_assert_eq(xds_snapshot_large(&snap, size, NULL), 0);
  cr_assert_eq(egress_cache_set(s.cache, "*", snap), 0);
  egress_snapshot_unref(snap);
}

static inline void hs_ask(http2_client *c, http2_call *call, char type) {
  static uint8_t bytes[XDS_REQUEST];
  http2_say(c, call, bytes, xds_encode(bytes, EGRESS__XDS_SOTW, &(xds_request){.type = type, .node_id = "n"}));
}

/* A stream that asks for all clusters. */
static inline http2_call *hs_subscribe(http2_client *c) {
  http2_call *call = http2_open(c, HS_STREAM);
  hs_ask(c, call, 'C');
  return call;
}

/* How often `text` stands in what the server has sent. */
static inline size_t hs_said(const http2_call *call, const char *text) {
  size_t count = 0;
  const uint8_t *at = call->bytes, *end = at + call->size;
  while (at != NULL && (at = memmem(at, (size_t)(end - at), text, strlen(text))) != NULL) {
    count++;
    at++;
  }
  return count;
}

#endif
