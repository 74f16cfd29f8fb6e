#ifndef TESTS_SUPPORT_SERVING_H
#define TESTS_SUPPORT_SERVING_H

/*
 * A server that serves on a loop which turns only when the test says so, in plaintext and on 127.0.0.1, and its clients
 * (support/grpc_client.h) in a thread beside it. Thread: the test's.
 */
#include <criterion/criterion.h>
#include <stdatomic.h>
#include <stdio.h>
#include <uv.h>

#include <egress/egress.h>

#include "wire/server.h"

enum { SERVING_DEADLINE_MS = 30 * 1000, SERVING_LOOK_MS = 2 };

typedef struct serving {
  uv_loop_t loop;
  uv_timer_t tick; /* so that a condition is looked at even when nothing comes */
  egress_cache *cache;
  egress_server *server;
  char address[64];
  int closed;
} serving;

static inline void serving_on_tick(uv_timer_t *tick) {
  (void)tick;
}

static inline void serving_begin(serving *s, const egress_server_options *options) {
  *s = (serving){0};
  cr_assert_eq(uv_loop_init(&s->loop), 0);
  uv_timer_init(&s->loop, &s->tick);
  uv_timer_start(&s->tick, serving_on_tick, SERVING_LOOK_MS, SERVING_LOOK_MS);
  cr_assert_eq(egress_cache_new(&s->cache, NULL), 0);
  cr_assert_eq(egress_server_new(&s->server, &s->loop, s->cache, options), 0);
  cr_assert_eq(egress_server_listen(s->server, "127.0.0.1:0", NULL, NULL), 0);
  snprintf(s->address, sizeof s->address, "127.0.0.1:%u", (unsigned)egress_server_port(s->server, 0));
}

/* Turns the loop until `is(user)`, which must come about. */
static inline void serving_until(serving *s, int (*is)(void *user), void *user) {
  uint64_t deadline = uv_hrtime() / 1000000 + SERVING_DEADLINE_MS;
  while (!is(user)) {
    cr_assert_lt(uv_hrtime() / 1000000, deadline, "what is waited for does not come about");
    uv_run(&s->loop, UV_RUN_ONCE);
  }
}

/* What clients do, in a thread. */
typedef struct serving_part {
  void (*run)(void *user);
  void *user;
  atomic_int is_over;
} serving_part;

static inline void serving_run_part(void *user) {
  serving_part *part = user;
  part->run(part->user);
  atomic_store(&part->is_over, 1);
}

static inline int serving_part_is_over(void *user) {
  serving_part *part = user;
  return atomic_load(&part->is_over);
}

/* Turns the loop while clients do their part, until they are through with it. */
static inline void serving_while(serving *s, void (*run)(void *user), void *user) {
  serving_part part = {.run = run, .user = user};
  uv_thread_t thread;
  cr_assert_eq(uv_thread_create(&thread, serving_run_part, &part), 0);
  serving_until(s, serving_part_is_over, &part);
  uv_thread_join(&thread);
}

static inline void serving_on_closed(egress_server *server, void *user) {
  serving *s = user;
  s->closed = 1;
  egress_server_free(server);
}

static inline int serving_is_closed(void *user) {
  const serving *s = user;
  return s->closed;
}

static inline void serving_end(serving *s) {
  egress_server_close(s->server, serving_on_closed, s);
  serving_until(s, serving_is_closed, s);
  uv_close((uv_handle_t *)&s->tick, NULL);
  uv_run(&s->loop, UV_RUN_DEFAULT);
  egress_cache_unref(s->cache);
  cr_assert_eq(uv_loop_close(&s->loop), 0, "something is left on the loop");
}

#endif
