/*
 * A server whose embedder has no memory to give, with real clients: each allocation in the life of a stream fails in
 * turn, alone and with all that follow it, then one in two and one in eight at random under a crowd, and at last all of
 * them while the server closes. Streams may end for it; nothing else may: when there is memory again the next client is
 * served, and at the end every block is given back.
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
  NTH_MAX = 1000, /* allocations of one stream's life: far more than there are */
  CROWD = 4,
  STREAMS = 20, /* of each of the crowd */
  REFUSED = 3,  /* before the server closes */
  CHANGE_EVERY_MS = 2,
  CLUSTERS = 20,
  RESOURCE_EXHAUSTED = 8, /* google.rpc.Code */
  UNAVAILABLE = 14,
  DEADLINE_S = 60,
  HANDSHAKE_MS = 500 /* many connections are closed for want of memory */
};

static void must(int ok, const char *what) {
  if (ok)
    return;
  fprintf(stderr, "memory: %s\n", what);
  abort();
}

/* ---- memory that fails on demand ---- */

typedef enum failing { FAIL_NEVER, FAIL_NTH, FAIL_FROM_NTH, FAIL_RANDOM } failing;

typedef struct memory {
  atomic_int mode;        /* a `failing` */
  atomic_long left;       /* allocations until the n-th */
  atomic_uint seed, odds; /* one in so many */
  atomic_long failed, live;
  uv_mutex_t lock;
  uv_cond_t changed;
} memory;

static int fails(memory *m) {
  switch ((failing)atomic_load(&m->mode)) {
  case FAIL_NEVER:
    return 0;
  case FAIL_NTH:
    return atomic_fetch_sub(&m->left, 1) == 1;
  case FAIL_FROM_NTH:
    return atomic_fetch_sub(&m->left, 1) <= 1;
  case FAIL_RANDOM:
    return (atomic_fetch_add(&m->seed, 1) * 2654435761U >> 16) % atomic_load(&m->odds) == 0;
  }
  must(0, "a mode of no known kind");
  return 0;
}

static void *resize(void *ptr, size_t size, void *user) {
  memory *m = user;
  if (fails(m)) {
    atomic_fetch_add(&m->failed, 1);
    return NULL;
  }
  void *made = realloc(ptr, size);
  must(made != NULL, "the machine is out of memory");
  if (ptr == NULL)
    atomic_fetch_add(&m->live, 1);
  return made;
}

static void release(void *ptr, void *user) {
  memory *m = user;
  free(ptr);
  uv_mutex_lock(&m->lock);
  atomic_fetch_sub(&m->live, 1);
  uv_cond_signal(&m->changed);
  uv_mutex_unlock(&m->lock);
}

static void fail(memory *m, failing mode, long nth, unsigned odds) {
  atomic_store(&m->mode, FAIL_NEVER);
  atomic_store(&m->left, nth);
  atomic_store(&m->odds, odds);
  atomic_store(&m->failed, 0);
  atomic_store(&m->mode, (int)mode);
}

static void wait_for_nothing_left(memory *m) {
  uint64_t end = uv_hrtime() + (uint64_t)DEADLINE_S * 1000000000U;
  uv_mutex_lock(&m->lock);
  while (atomic_load(&m->live) != 0) {
    uint64_t now = uv_hrtime();
    must(now < end, "blocks were never given back");
    uv_cond_timedwait(&m->changed, &m->lock, end - now);
  }
  uv_mutex_unlock(&m->lock);
}

/* ---- the server, on a loop of the main thread ---- */

typedef struct stage {
  memory memory;
  egress_alloc alloc;
  uv_loop_t loop;
  uv_timer_t change;
  uv_async_t end;
  egress_cache *cache;
  egress_server *server;
  egress_snapshot *snap;
  unsigned changes;
  atomic_uint seed;
  char address[64];
} stage;

static void on_closed(egress_server *server, void *user) {
  stage *s = user;
  must(egress_server_stream_count(server) == 0, "no stream outlives the server");
  egress_server_free(server);
  s->server = NULL;
}

static void on_end(uv_async_t *async) {
  stage *s = async->data;
  uv_close((uv_handle_t *)&s->change, NULL);
  uv_close((uv_handle_t *)&s->end, NULL);
  egress_server_close(s->server, on_closed, s);
}

static void on_change(uv_timer_t *timer) {
  stage *s = timer->data;
  egress_snapshot *next = sample_change(s->snap, s->changes % CLUSTERS, s->changes + 1);
  s->changes++;
  int rv = egress_cache_set(s->cache, "*", next);
  must(rv == 0 || rv == EGRESS_ENOMEM, "set");
  egress_snapshot_unref(s->snap);
  s->snap = next;
}

/* Whatever fails while a server is made and listens, it says so and leaves nothing, and the next try may succeed. */
static void make_server(stage *s) {
  egress_server_options options = EGRESS_SERVER_OPTIONS_INIT;
  options.alloc = &s->alloc;
  int rv = EGRESS_ENOMEM;
  for (long nth = 1; rv != 0; nth++) {
    long live = atomic_load(&s->memory.live);
    fail(&s->memory, FAIL_NTH, nth, 0);
    rv = egress_server_new(&s->server, &s->loop, s->cache, &options);
    if (rv == 0 && (rv = egress_server_listen(s->server, "127.0.0.1:0", NULL, NULL)) != 0)
      egress_server_free(s->server);
    must(rv == 0 ? atomic_load(&s->memory.failed) == 0 : rv == EGRESS_ENOMEM, "a server is made, or there is ENOMEM");
    must(rv == 0 || atomic_load(&s->memory.live) == live, "a server that was not made leaves nothing");
  }
  fail(&s->memory, FAIL_NEVER, 0, 0);
  snprintf(s->address, sizeof s->address, "127.0.0.1:%u", (unsigned)egress_server_port(s->server, 0));
}

/* The same for one more address of a server that serves. */
static void listen_again(stage *s) {
  int rv = EGRESS_ENOMEM;
  for (long nth = 1; rv != 0; nth++) {
    fail(&s->memory, FAIL_NTH, nth, 0);
    rv = egress_server_listen(s->server, "127.0.0.1:0", NULL, NULL);
    must(rv == 0 ? atomic_load(&s->memory.failed) == 0 : rv == EGRESS_ENOMEM, "it listens, or there is ENOMEM");
  }
  fail(&s->memory, FAIL_NEVER, 0, 0);
}

static void begin(stage *s, unsigned seed) {
  *s = (stage){.alloc = {resize, release, &s->memory}, .seed = seed};
  must(uv_mutex_init(&s->memory.lock) == 0 && uv_cond_init(&s->memory.changed) == 0, "lock");
  atomic_store(&s->memory.seed, seed);
  uv_loop_init(&s->loop);
  s->snap = sample_snapshot(CLUSTERS);
  egress_cache_options options = EGRESS_CACHE_OPTIONS_INIT;
  options.alloc = &s->alloc;
  must(egress_cache_new(&s->cache, &options) == 0 && egress_cache_set(s->cache, "*", s->snap) == 0, "cache");
  make_server(s);
  listen_again(s);
  uv_timer_init(&s->loop, &s->change);
  s->change.data = s;
  uv_timer_start(&s->change, on_change, CHANGE_EVERY_MS, CHANGE_EVERY_MS);
  uv_async_init(&s->loop, &s->end, on_end);
  s->end.data = s;
}

/* ---- clients, on threads of their own ---- */

/* Comes, takes as many responses, goes. Returns the status with which the stream ended, 0 if all went well. */
static int one_stream(stage *s, int responses) {
  client *c = client_open(s->address, NULL);
  int ok = client_subscribe(c) == 0;
  for (int i = 1; ok && i <= responses; i++)
    ok = client_take(c, i < responses) >= 0;
  if (ok)
    client_finish(c);
  int status = client_status(c);
  client_close(c);
  return status;
}

static void must_serve(stage *s) {
  must(one_stream(s, 3) == 0, "with memory again, a client is served");
}

/* Each allocation of a stream's life, until there is none left to fail. */
static void sweep(stage *s, failing mode) {
  for (long nth = 1, failed = 1; failed > 0; nth++) {
    must(nth < NTH_MAX, "the life of a stream takes ever more allocations");
    fail(&s->memory, mode, nth, 0);
    int status = one_stream(s, 1);
    failed = atomic_load(&s->memory.failed);
    fail(&s->memory, FAIL_NEVER, 0, 0);
    must(status == 0 || failed > 0, "a stream ends early for want of memory only");
    must(status == 0 || status == RESOURCE_EXHAUSTED || status == UNAVAILABLE, "the status says why");
    must_serve(s);
  }
}

static void run_one(void *user) {
  stage *s = user;
  unsigned seed = atomic_fetch_add(&s->seed, 1);
  for (unsigned i = 0; i < STREAMS; i++)
    one_stream(s, (int)((seed + i) % 4));
}

static void crowd(stage *s, unsigned odds) {
  uv_thread_t threads[CROWD];
  fail(&s->memory, FAIL_RANDOM, 0, odds);
  for (int i = 0; i < CROWD; i++)
    must(uv_thread_create(&threads[i], run_one, s) == 0, "thread");
  for (int i = 0; i < CROWD; i++)
    uv_thread_join(&threads[i]);
  must(atomic_load(&s->memory.failed) > 0, "something failed");
  printf("one in %u: %ld allocations failed\n", odds, atomic_load(&s->memory.failed));
  fail(&s->memory, FAIL_NEVER, 0, 0);
  must_serve(s);
}

static void run_all(void *user) {
  stage *s = user;
  must_serve(s);
  sweep(s, FAIL_NTH);
  sweep(s, FAIL_FROM_NTH);
  crowd(s, 2);
  crowd(s, 8);
  client *last = client_open(s->address, NULL);
  must(client_subscribe(last) == 0 && client_take(last, 0) > 0, "served once more");
  fail(&s->memory, FAIL_FROM_NTH, 1, 0);
  for (int i = 0; i < REFUSED; i++) /* and nobody comes after them, as nobody else would find what they left behind */
    must(one_stream(s, 1) != 0, "without any memory, a client is refused");
  uv_async_send(&s->end);
  must(client_status(last) == UNAVAILABLE, "the last stream ends as the server closes");
  client_close(last);
}

int main(int argc, char **argv) {
  static stage s;
  client_handshake_ms = HANDSHAKE_MS;
  begin(&s, argc > 1 ? (unsigned)strtoul(argv[1], NULL, 10) : 1);
  uv_thread_t driver;
  must(uv_thread_create(&driver, run_all, &s) == 0, "thread");
  uv_run(&s.loop, UV_RUN_DEFAULT);
  uv_thread_join(&driver);
  must(s.server == NULL, "closed");
  must(uv_loop_close(&s.loop) == 0, "nothing is left on the loop");
  egress_snapshot_unref(s.snap);
  egress_cache_unref(s.cache);
  wait_for_nothing_left(&s.memory);
  uv_cond_destroy(&s.memory.changed);
  uv_mutex_destroy(&s.memory.lock);
  return 0;
}
