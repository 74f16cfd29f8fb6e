/*
 * Clients that come, take, accept, go, cut off and send junk from several threads, while the configuration changes
 * under them; in each round the server is closed before they are all done. Meant for ThreadSanitizer and
 * AddressSanitizer; without them it still checks that streams and events balance.
 */
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <uv.h>

#include <egress/egress.h>

#include "sample/sample.h"
#include "support/grpc_client.h"

enum {
  ROUNDS = 6,
  THREADS = 6,
  STREAMS = 12,     /* of each thread in a round */
  CLOSE_AFTER = 50, /* streams of all threads, of 72, after which the server is closed */
  CHANGE_EVERY_MS = 2,
  CLUSTERS = 200
};

typedef struct round_state {
  uv_loop_t loop;
  uv_timer_t change;
  egress_cache *cache;
  egress_server *server;
  egress_snapshot *snap;
  char address[64];
  unsigned changes, seed;
  atomic_int streams; /* begun */
  unsigned connected, disconnected, rejected;
} round_state;

static void must(int ok, const char *what) {
  if (ok)
    return;
  fprintf(stderr, "stress: %s\n", what);
  abort();
}

static void on_event(const egress_event *event, void *user) {
  round_state *r = user;
  switch ((egress_event_kind)event->kind) {
  case EGRESS_EVENT_CONNECTED:
    r->connected++;
    return;
  case EGRESS_EVENT_DISCONNECTED:
    r->disconnected++;
    return;
  case EGRESS_EVENT_REJECTED:
    r->rejected++;
    return;
  case EGRESS_EVENT_ACKED:
  case EGRESS_EVENT_NACKED:
    return;
  case EGRESS_EVENT_HELD:
  case EGRESS_EVENT_ROLLED_BACK:
  case EGRESS_EVENT_PROVEN:
  case EGRESS_EVENT_ROLLOUT_STAGED:
  case EGRESS_EVENT_ROLLOUT_SOAKING:
  case EGRESS_EVENT_ROLLOUT_OPEN:
    break; /* nothing is tried here */
  case EGRESS_EVENT_REQUEST:
  case EGRESS_EVENT_RESPONSE:
  case EGRESS_EVENT_SUBSCRIPTION:
  case EGRESS_EVENT_LOAD_REPORT:
  case EGRESS_EVENT_WANTED:
    break; /* nobody asked for them */
  case EGRESS_EVENT_LOST:
    break; /* all are taken at once */
  }
  must(0, "an event of no known kind");
}

static void on_closed(egress_server *server, void *user) {
  round_state *r = user;
  must(egress_server_stream_count(server) == 0, "no stream outlives the server");
  egress_server_free(server);
  r->server = NULL;
}

static void on_change(uv_timer_t *timer) {
  round_state *r = timer->data;
  if (atomic_load(&r->streams) >= CLOSE_AFTER) {
    uv_close((uv_handle_t *)timer, NULL);
    egress_server_close(r->server, on_closed, r);
    return;
  }
  egress_snapshot *next = sample_change(r->snap, r->changes * 7 % CLUSTERS, r->changes + 1);
  egress_snapshot_unref(r->snap);
  r->snap = next;
  r->changes++;
  must(egress_cache_set(r->cache, "*", next) == 0, "set");
}

/* What one stream does; everything may fail at any point, because the server may be gone. */
static void one_stream(client *c, unsigned choice) {
  static const char junk[] = "\377\377\377\377";
  if (choice % 8 == 0) {
    client_send(c, junk, sizeof junk);
    client_status(c);
    return;
  }
  if (client_subscribe(c) != 0)
    return;
  unsigned responses = choice % 5; /* all but the last are accepted, or no further one would come */
  for (unsigned i = 1; i <= responses; i++)
    if (client_take(c, i < responses) < 0)
      return;
  if (choice % 3 == 0) {
    client_finish(c);
    client_status(c);
  }
}

static void run_client(void *user) {
  round_state *r = user;
  unsigned seed = (unsigned)atomic_fetch_add(&r->streams, 1) + r->seed;
  for (int i = 0; i < STREAMS; i++) {
    seed = seed * 1103515245 + 12345;
    client *c = client_open(r->address, NULL);
    one_stream(c, seed >> 16);
    client_close(c);
    atomic_fetch_add(&r->streams, 1);
  }
}

static void run_round(unsigned seed) {
  round_state r = {.seed = seed};
  egress_server_options options = EGRESS_SERVER_OPTIONS_INIT;
  options.on_event = on_event;
  options.user = &r;
  uv_loop_init(&r.loop);
  r.snap = sample_snapshot(CLUSTERS);
  must(egress_cache_new(&r.cache, NULL) == 0 && egress_cache_set(r.cache, "*", r.snap) == 0, "cache");
  must(egress_server_new(&r.server, &r.loop, r.cache, &options) == 0, "server");
  must(egress_server_listen(r.server, "127.0.0.1:0", NULL, NULL) == 0, "listen");
  snprintf(r.address, sizeof r.address, "127.0.0.1:%u", (unsigned)egress_server_port(r.server, 0));
  uv_timer_init(&r.loop, &r.change);
  r.change.data = &r;
  uv_timer_start(&r.change, on_change, 0, CHANGE_EVERY_MS);
  uv_thread_t threads[THREADS];
  for (int i = 0; i < THREADS; i++)
    must(uv_thread_create(&threads[i], run_client, &r) == 0, "thread");
  uv_run(&r.loop, UV_RUN_DEFAULT);
  must(r.server == NULL, "closed");
  for (int i = 0; i < THREADS; i++)
    uv_thread_join(&threads[i]);
  must(uv_loop_close(&r.loop) == 0, "nothing is left on the loop");
  must(r.disconnected >= r.connected && r.connected > 0 && r.rejected > 0, "every stream ends once");
  printf("seed %u: %u changes, %u connected, %u disconnected, %u rejected\n", seed, r.changes, r.connected,
         r.disconnected, r.rejected);
  egress_snapshot_unref(r.snap);
  egress_cache_unref(r.cache);
}

int main(int argc, char **argv) {
  unsigned seed = argc > 1 ? (unsigned)strtoul(argv[1], NULL, 10) : 1;
  for (unsigned i = 0; i < ROUNDS; i++)
    run_round(seed + i);
  return 0;
}
