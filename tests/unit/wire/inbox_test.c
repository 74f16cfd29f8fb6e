#include "wire/inbox.h"

#include <criterion/criterion.h>
#include <grpc/grpc.h>
#include <grpc/support/time.h>

enum { OPS = 100 };

typedef struct state {
  egress__inbox *inbox;
  grpc_server *grpc;
  egress__op ops[OPS];
  int done, closed;
} state;

static void on_done(egress__op *op) {
  state *s = op->owner;
  cr_assert_eq(op, &s->ops[s->done], "in the order in which they came");
  cr_assert_eq(op->ok, 1);
  s->done++;
}

static void on_closed(void *user) {
  state *s = user;
  s->closed++;
}

static void on_wake(void *user) {
  state *s = user;
  egress__op *op = egress__inbox_take(s->inbox);
  while (op != NULL) {
    egress__op *next = op->next;
    op->done(op);
    op = next;
  }
  if (s->done == OPS && s->grpc != NULL) {
    grpc_server_destroy(s->grpc);
    s->grpc = NULL;
    egress__inbox_shutdown(s->inbox);
  } else if (egress__inbox_ended(s->inbox)) {
    egress__inbox_close(s->inbox, on_closed, s);
    cr_assert_eq(s->closed, 0, "later than the call");
  }
}

Test(inbox, everything_comes_once_and_then_the_end) {
  static state s;
  uv_loop_t loop;
  uv_loop_init(&loop);
  s.inbox = egress__inbox_new(egress__alloc_or_default(NULL));
  cr_assert_not_null(s.inbox);
  egress__inbox_attach(s.inbox, &loop, on_wake, &s);
  s.grpc = grpc_server_create(NULL, NULL);
  grpc_server_register_completion_queue(s.grpc, egress__inbox_queue(s.inbox), NULL);
  grpc_server_start(s.grpc);
  for (size_t i = 0; i < OPS; i++) {
    s.ops[i] = (egress__op){.done = on_done, .owner = &s};
    egress__inbox_ask(s.inbox);
    grpc_server_shutdown_and_notify(s.grpc, egress__inbox_queue(s.inbox), &s.ops[i]);
  }
  uv_run(&loop, UV_RUN_DEFAULT);
  cr_assert_eq(s.done, OPS);
  cr_assert_eq(s.closed, 1);
  cr_assert_eq(uv_loop_close(&loop), 0);
  cr_assert_eq(grpc_is_initialized(), 0);
}

Test(inbox, one_that_was_not_put_on_a_loop_is_freed_at_once) {
  egress__inbox_free(NULL);
  egress__inbox *inbox = egress__inbox_new(egress__alloc_or_default(NULL));
  cr_assert_not_null(inbox);
  egress__inbox_free(inbox);
  cr_assert_eq(grpc_is_initialized(), 0);
}
