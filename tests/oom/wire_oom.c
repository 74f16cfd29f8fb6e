#define _GNU_SOURCE /* memmem */
#include "oom/sweep.h"

#include <string.h>
#include <uv.h>

#include <egress/egress.h>

#include "support/http2_client.h"
#include "support/xds.h"
#include "wire/server.h"

/*
 * A server that runs out of memory while a client is served: that client may be refused, sent away or cut off, but it
 * always hears of it; once memory is back, the next one is served as if nothing had been. All memory of the room but
 * OpenSSL's is of the server's allocator, so this is in plaintext.
 */
enum { DEADLINE_MS = 30 * 1000, LOOK_MS = 1, SMALL = 64 * 1024, WINDOW = 16 << 20, LARGE = 4 << 20, LONG = 300 * 1000 };

#ifdef __SANITIZE_ADDRESS__ /* which makes it twenty times as slow: one script in three */
enum { STRIDE = 3 };
#else
enum { STRIDE = 1 };
#endif

typedef struct script {
  const char *name, *path;
  egress__xds_variant variant;
  char type;
  int is_pushed_to;   /* the stream goes on, and hears of a change */
  size_t padding;     /* of its first request, in bytes */
  size_t large_bytes; /* of the response, which a socket does not take at once; 0: it is small */
} script;

typedef struct scene {
  const egress_alloc *alloc;
  const script *script;
  uv_loop_t loop;
  uv_timer_t tick;
  egress_cache *cache;
  egress_server *server;
  http2_client client;
  int is_closed;
} scene;

static void on_tick(uv_timer_t *tick) {
  (void)tick;
}

static int memory_is_back(const scene *s) {
  const sweep *memory = s->alloc->user;
  return memory->fail_at == 0;
}

/* ---- turns ---- */

static void turn(scene *s) {
  if (s->client.session != NULL)
    http2_turn(&s->client);
  uv_run(&s->loop, UV_RUN_ONCE);
}

typedef int (*condition)(const scene *s, const http2_call *call);

/* Turns until it comes about, or the client has heard that it will not: then returns 0. */
static int until(scene *s, condition is, const http2_call *call) {
  uint64_t end_ms = uv_hrtime() / 1000000 + DEADLINE_MS;
  while (!is(s, call)) {
    assert(uv_hrtime() / 1000000 < end_ms && "the client waits for ever");
    if (s->client.is_lost || (call != NULL && call->is_closed))
      return 0;
    turn(s);
  }
  return 1;
}

static int has_one(const scene *s, const http2_call *call) {
  (void)s;
  return http2_messages(call) == 1;
}

static int has_two(const scene *s, const http2_call *call) {
  (void)s;
  return http2_messages(call) == 2;
}

static int is_answered(const scene *s, const http2_call *call) {
  (void)s;
  return call->is_closed && call->status == 0;
}

static int nobody_is_left(const scene *s, const http2_call *call) {
  (void)call;
  return s->server->conns == NULL && s->server->calls == NULL;
}

static int is_closed(const scene *s, const http2_call *call) {
  (void)call;
  return s->is_closed;
}

/* ---- a client ---- */

/* The nonce of the newest response, which is its last message. */
static const char *nonce_of(const http2_call *call, char out[XDS_WORD]) {
  egress__span message = {call->bytes, call->size};
  for (size_t size = 0; message.size > 0; message.data += size, message.size -= size) {
    const uint8_t *head = message.data;
    message.data += 5;
    message.size -= 5;
    size = (size_t)head[2] << 16 | (size_t)head[3] << 8 | head[4];
    xds_copy(out, xds_field((egress__span){message.data, size}, 5));
  }
  return out;
}

static void ask(scene *s, http2_call *call, const char *nonce) {
  static uint8_t bytes[XDS_REQUEST + LONG], padding[LONG];
  xds_request request = {.type = s->script->type, .node_id = "n", .cluster = "g", .nonce = nonce};
  uint8_t *end = bytes + xds_encode(bytes, s->script->variant, &request);
  if (nonce == NULL && s->script->padding > 0)
    end = egress__put_bytes(end, 1000, padding, s->script->padding); /* a field that nobody knows */
  http2_say(&s->client, call, bytes, (size_t)(end - bytes));
}

static int set(scene *s, const char *words) {
  egress_snapshot *snap;
  size_t large_bytes = s->script->large_bytes;
  int rv =
      large_bytes > 0 ? xds_snapshot_large(&snap, large_bytes, s->alloc) : xds_snapshot_new(&snap, words, s->alloc);
  if (rv != 0)
    return rv;
  rv = egress_cache_set(s->cache, "g", snap);
  egress_snapshot_unref(snap);
  return rv;
}

/* Accepts what has come, and takes the change that is made then. */
static int is_pushed_to(scene *s, http2_call *call) {
  char nonce[XDS_WORD];
  size_t has = http2_messages(call);
  assert(has == 1);
  ask(s, call, nonce_of(call, nonce));
  int rv = set(s, "C: a=2 b=2");
  if (rv != 0)
    return 0;
  return until(s, has_two, call);
}

/* Returns 1 when the client had all that it wants. */
static int is_served(scene *s, unsigned port) {
  http2_begin(&s->client, http2_socket(port, s->script->large_bytes > 0 ? SMALL : 0), WINDOW);
  nghttp2_session_set_local_window_size(s->client.session, NGHTTP2_FLAG_NONE, 0, WINDOW);
  http2_call *call = http2_open(&s->client, s->script->path);
  ask(s, call, NULL);
  int is_well = 1;
  if (s->script->is_pushed_to)
    is_well = until(s, has_one, call) && is_pushed_to(s, call);
  http2_finish(&s->client, call);
  is_well = until(s, is_answered, call) && is_well;
  http2_end(&s->client);
  until(s, nobody_is_left, NULL);
  return is_well;
}

/* ---- a server ---- */

static void on_closed(egress_server *server, void *user) {
  scene *s = user;
  egress_server_free(server);
  s->is_closed = 1;
}

static int open_server(scene *s) {
  egress_server_options options = EGRESS_SERVER_OPTIONS_INIT;
  egress_cache_options of_cache = EGRESS_CACHE_OPTIONS_INIT;
  options.alloc = of_cache.alloc = s->alloc;
  options.client_status = 1;
  options.load_report_ms = 1000;
  int rv = egress_cache_new(&s->cache, &of_cache);
  if (rv == 0)
    rv = egress_server_new(&s->server, &s->loop, s->cache, &options);
  if (rv == 0)
    rv = egress_server_listen(s->server, "127.0.0.1:0", NULL, NULL);
  return rv == 0 ? set(s, "C: a=1 b=1") : rv;
}

static int serve(scene *s) {
  sweep *memory = s->alloc->user;
  unsigned port = egress_server_port(s->server, 0);
  int is_well = is_served(s, port);
  assert(is_well || !memory_is_back(s));
  memory->fail_at = 0;
  int rv = set(s, "C: a=1 b=1");
  assert(rv == 0);
  is_well = is_served(s, port);
  assert(is_well && "memory is back");
  return 0;
}

static int run(const egress_alloc *alloc, void *user) {
  scene s = {.alloc = alloc, .script = user};
  assert(uv_loop_init(&s.loop) == 0);
  uv_timer_init(&s.loop, &s.tick);
  uv_timer_start(&s.tick, on_tick, LOOK_MS, LOOK_MS);
  int rv = open_server(&s);
  if (rv == 0)
    rv = serve(&s);
  if (s.server != NULL) {
    egress_server_close(s.server, on_closed, &s);
    until(&s, is_closed, NULL);
  }
  egress_cache_unref(s.cache);
  uv_close((uv_handle_t *)&s.tick, NULL);
  uv_run(&s.loop, UV_RUN_DEFAULT);
  assert(uv_loop_close(&s.loop) == 0);
  return rv;
}

#define SERVICE "/envoy.service."

int main(void) {
  static script scripts[] = {
      {.name = "state of the world",
       .path = SERVICE "discovery.v3.AggregatedDiscoveryService/StreamAggregatedResources",
       .variant = EGRESS__XDS_SOTW,
       .type = 'C',
       .is_pushed_to = 1},
      {.name = "delta",
       .path = SERVICE "discovery.v3.AggregatedDiscoveryService/DeltaAggregatedResources",
       .variant = EGRESS__XDS_DELTA,
       .type = 'C',
       .is_pushed_to = 1},
      {.name = "fetch",
       .path = SERVICE "cluster.v3.ClusterDiscoveryService/FetchClusters",
       .variant = EGRESS__XDS_SOTW,
       .type = 'C'},
      {.name = "long",
       .path = SERVICE "cluster.v3.ClusterDiscoveryService/FetchClusters",
       .variant = EGRESS__XDS_SOTW,
       .type = 'C',
       .padding = LONG},
      {.name = "large",
       .path = SERVICE "cluster.v3.ClusterDiscoveryService/FetchClusters",
       .variant = EGRESS__XDS_SOTW,
       .type = 'C',
       .large_bytes = LARGE},
      {.name = "client status",
       .path = SERVICE "status.v3.ClientStatusDiscoveryService/FetchClientStatus",
       .variant = EGRESS__XDS_SOTW},
      {.name = "load",
       .path = SERVICE "load_stats.v3.LoadReportingService/StreamLoadStats",
       .variant = EGRESS__XDS_DELTA},
  };
  for (size_t i = 0; i < sizeof scripts / sizeof scripts[0]; i += STRIDE)
    sweep_run(scripts[i].name, run, &scripts[i]);
  return 0;
}
