#include "wire/gate.h"

#include <criterion/criterion.h>
#include <grpc/grpc_security.h>
#include <stdlib.h>

#include "support/counted.h"
#include "support/grpc_client.h"
#include "support/serving.h"

static serving s;
static egress__gate *gate; /* beside the server's own */
static char address[64];   /* of its port */
static client *one;
static int status;

static void open_one(void *user) {
  (void)user;
  one = client_open(address, NULL);
}

static void read_status(void *user) {
  (void)user;
  status = client_status(one);
}

static void close_one(void *user) {
  (void)user;
  client_close(one);
}

static void begin(void) {
  serving_begin(&s, NULL);
  gate = egress__gate_new(s.server);
  cr_assert_not_null(gate);
}

static void end(void) {
  serving_end(&s);
}

TestSuite(gate, .init = begin, .fini = end);

static void start(void) {
  grpc_server_credentials *credentials = grpc_insecure_server_credentials_create();
  int port = grpc_server_add_http2_port(gate->grpc, "127.0.0.1:0", credentials);
  grpc_server_credentials_release(credentials);
  cr_assert_gt(port, 0);
  snprintf(address, sizeof address, "127.0.0.1:%d", port);
  egress__gate_start(gate);
}

static int is_among_gates(void) {
  for (const egress__gate *at = s.server->gates; at != NULL; at = at->next)
    if (at == gate)
      return 1;
  return 0;
}

/* The server frees a gate that is empty. */
static int is_gone(void *user) {
  (void)user;
  return !is_among_gates();
}

static int is_open(void *user) {
  (void)user;
  return egress_server_stream_count(s.server) == 1;
}

static int is_ended(void *user) {
  (void)user;
  return egress_server_stream_count(s.server) == 0;
}

Test(gate, a_new_one_waits_for_nothing) {
  cr_assert(!is_among_gates());
  cr_assert(!gate->is_started);
  cr_assert_eq(gate->call_count, 0);
  egress__gate_free(gate);
  egress__gate_free(NULL);
}

Test(gate, empty_is_down_and_without_calls) {
  egress__gate_free(gate);
  cr_assert(!egress__gate_is_empty(&(egress__gate){.is_down = 0, .call_count = 0}));
  cr_assert(!egress__gate_is_empty(&(egress__gate){.is_down = 1, .call_count = 1}));
  cr_assert(egress__gate_is_empty(&(egress__gate){.is_down = 1, .call_count = 0}));
}

/* ---- memory ---- */

Test(gate, one_that_finds_no_memory_leaves_nothing_behind) {
  const egress_alloc *usual = s.server->alloc;
  egress__gate_free(gate);
  s.server->alloc = &counted;
  gate = NULL;
  size_t need = 0;
  for (; gate == NULL; need++) {
    cr_assert_eq(counted_live, 0);
    counted_left = need;
    gate = egress__gate_new(s.server);
  }
  cr_assert_gt(need, 1, "it needs memory");
  counted_left = 0;
  start(); /* needs none any more */
  s.server->alloc = usual;
  cr_assert_eq(gate->call_count, EGRESS__GATE_SLOTS);
}

/* ---- streams ---- */

Test(gate, started_it_is_the_servers_and_takes_streams) {
  start();
  cr_assert(is_among_gates());
  cr_assert(gate->is_started);
  cr_assert_eq(gate->call_count, EGRESS__GATE_SLOTS);
  serving_while(&s, open_one, NULL);
  serving_until(&s, is_open, NULL);
  cr_assert_eq(gate->call_count, EGRESS__GATE_SLOTS + 1);
  serving_while(&s, close_one, NULL);
}

static int waits_for_nobody(void *user) {
  (void)user;
  return gate->call_count == 1;
}

static void (*usual_done)(egress__op *op);
static int times_down;

static void count_down(egress__op *op) {
  times_down++;
  usual_done(op);
}

Test(gate, a_second_shutdown_does_nothing) {
  start();
  usual_done = gate->shutdown.done;
  gate->shutdown.done = count_down;
  serving_while(&s, open_one, NULL);
  serving_until(&s, is_open, NULL);
  egress__gate_shutdown(gate);
  egress__gate_shutdown(gate);
  serving_while(&s, close_one, NULL);
  serving_until(&s, is_gone, NULL);
  for (int i = 0; i < 20; i++) /* for another answer of gRPC, which would come with the first */
    uv_run(&s.loop, UV_RUN_ONCE);
  cr_assert_eq(times_down, 1);
}

Test(gate, shut_down_it_lives_as_long_as_its_last_stream) {
  start();
  serving_while(&s, open_one, NULL);
  serving_until(&s, is_open, NULL);
  egress__gate_shutdown(gate);
  serving_until(&s, waits_for_nobody, NULL);
  cr_assert(is_among_gates() && !egress__gate_is_empty(gate));
  client *first = one;
  serving_while(&s, open_one, NULL); /* comes too late */
  serving_while(&s, read_status, NULL);
  cr_assert_eq(status, GRPC_STATUS_UNAVAILABLE);
  serving_while(&s, close_one, NULL);
  cr_assert(is_among_gates() && !egress__gate_is_empty(gate));
  one = first;
  serving_while(&s, close_one, NULL);
  serving_until(&s, is_gone, NULL);
}

Test(gate, one_without_streams_is_down_soon) {
  start();
  cr_assert(!egress__gate_is_empty(gate));
  egress__gate_shutdown(gate);
  cr_assert(!egress__gate_is_empty(gate), "gRPC has yet to answer");
  serving_until(&s, is_gone, NULL);
}

Test(gate, cut_it_ends_what_is_left) {
  start();
  serving_while(&s, open_one, NULL);
  serving_until(&s, is_open, NULL);
  egress__gate_shutdown(gate);
  egress__gate_cut(gate);
  serving_while(&s, read_status, NULL);
  cr_assert_neq(status, GRPC_STATUS_OK);
  serving_until(&s, is_ended, NULL);
  serving_until(&s, is_gone, NULL);
  serving_while(&s, close_one, NULL);
}
