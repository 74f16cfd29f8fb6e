#include "wire/inbox.h"

#include <assert.h>
#include <stdatomic.h>

/*
 *        attach             shutdown               the pump has seen the end        close
 *   NEW --------> RUNNING ------------> DRAINING ---------------------------> ENDED -------> freed, once libuv has let
 *                                                                                            go of `wake`
 *
 * libuv merges wakes, so whoever is woken takes the whole list.
 */
struct egress__inbox {
  const egress_alloc *alloc;
  grpc_completion_queue *queue;
  uv_async_t wake;
  uv_thread_t pump;
  egress__inbox_fn on_wake, on_closed;
  void *user;
  atomic_long asked; /* questions without an answer */
  uv_mutex_t lock;   /* of what follows */
  egress__op *first, **last;
  int attached, ended;
};

/* gRPC orders what is before a question and what is after its answer, too; but tools that look for races do not look
   into gRPC, and an answer without a question would be a fault of ours. */
void egress__inbox_ask(egress__inbox *inbox) {
  atomic_fetch_add_explicit(&inbox->asked, 1, memory_order_release);
}

/* Thread: pump. */
static void take_answer(egress__inbox *inbox) {
  long asked = atomic_fetch_sub_explicit(&inbox->asked, 1, memory_order_acquire);
  assert(asked > 0 && "gRPC answers what it was asked");
  (void)asked;
}

/* Thread: pump. Takes the lock. */
static void put(egress__inbox *inbox, egress__op *op) {
  uv_mutex_lock(&inbox->lock);
  int was_empty = inbox->first == NULL;
  op->next = NULL;
  *inbox->last = op;
  inbox->last = &op->next;
  uv_mutex_unlock(&inbox->lock);
  if (was_empty)
    uv_async_send(&inbox->wake);
}

/* Thread: pump. Takes the lock: the loop may not close `wake` before the last send is over. */
static void end(egress__inbox *inbox) {
  uv_mutex_lock(&inbox->lock);
  inbox->ended = 1;
  if (inbox->attached)
    uv_async_send(&inbox->wake);
  uv_mutex_unlock(&inbox->lock);
}

/* Thread: pump, its whole life. */
static void run_pump(void *user) {
  egress__inbox *inbox = user;
  for (;;) {
    grpc_event event = grpc_completion_queue_next(inbox->queue, gpr_inf_future(GPR_CLOCK_REALTIME), NULL);
    if (event.type == GRPC_QUEUE_SHUTDOWN)
      break;
    egress__op *op = event.tag;
    take_answer(inbox);
    op->ok = event.success;
    put(inbox, op);
  }
  end(inbox);
}

/* Thread: the loop's, when the pump is no more. */
static void give_grpc_back(egress__inbox *inbox) {
  grpc_completion_queue_destroy(inbox->queue);
  grpc_shutdown();
  uv_mutex_destroy(&inbox->lock);
}

egress__inbox *egress__inbox_new(const egress_alloc *alloc) {
  egress__inbox *inbox = egress__calloc(alloc, 1, sizeof *inbox);
  if (inbox == NULL)
    return NULL;
  if (uv_mutex_init(&inbox->lock) != 0)
    goto fail;
  grpc_init();
  inbox->alloc = alloc;
  inbox->queue = grpc_completion_queue_create_for_next(NULL);
  inbox->last = &inbox->first;
  if (uv_thread_create(&inbox->pump, run_pump, inbox) == 0)
    return inbox;
  grpc_completion_queue_shutdown(inbox->queue);
  run_pump(inbox); /* on this thread, for its end only */
  give_grpc_back(inbox);
fail:
  egress__free(alloc, inbox);
  return NULL;
}

void egress__inbox_free(egress__inbox *inbox) {
  if (inbox == NULL)
    return;
  grpc_completion_queue_shutdown(inbox->queue);
  uv_thread_join(&inbox->pump); /* nothing is under way, so it ends at once */
  give_grpc_back(inbox);
  egress__free(inbox->alloc, inbox);
}

grpc_completion_queue *egress__inbox_queue(const egress__inbox *inbox) {
  return inbox->queue;
}

static void on_async(uv_async_t *wake) {
  egress__inbox *inbox = wake->data;
  inbox->on_wake(inbox->user);
}

void egress__inbox_attach(egress__inbox *inbox, uv_loop_t *loop, egress__inbox_fn on_wake, void *user) {
  inbox->on_wake = on_wake;
  inbox->user = user;
  inbox->wake.data = inbox;
  int rv = uv_async_init(loop, &inbox->wake, on_async);
  /* A loop has the descriptor that this needs from its beginning: uv_loop_init makes one of these. */
  assert(rv == 0 && "uv_async_init");
  (void)rv;
  uv_mutex_lock(&inbox->lock);
  inbox->attached = 1;
  uv_mutex_unlock(&inbox->lock);
}

void egress__inbox_wake(egress__inbox *inbox) {
  uv_async_send(&inbox->wake);
}

egress__op *egress__inbox_take(egress__inbox *inbox) {
  uv_mutex_lock(&inbox->lock);
  egress__op *first = inbox->first;
  inbox->first = NULL;
  inbox->last = &inbox->first;
  uv_mutex_unlock(&inbox->lock);
  return first;
}

void egress__inbox_shutdown(egress__inbox *inbox) {
  grpc_completion_queue_shutdown(inbox->queue);
}

int egress__inbox_ended(egress__inbox *inbox) {
  uv_mutex_lock(&inbox->lock);
  int ended = inbox->ended && inbox->first == NULL;
  uv_mutex_unlock(&inbox->lock);
  return ended;
}

static void on_wake_closed(uv_handle_t *handle) {
  egress__inbox *inbox = handle->data;
  egress__inbox_fn on_closed = inbox->on_closed;
  void *user = inbox->user;
  egress__free(inbox->alloc, inbox);
  on_closed(user);
}

void egress__inbox_close(egress__inbox *inbox, egress__inbox_fn on_closed, void *user) {
  inbox->on_closed = on_closed;
  inbox->user = user;
  uv_thread_join(&inbox->pump); /* it has said its last word: this does not wait */
  give_grpc_back(inbox);
  uv_close((uv_handle_t *)&inbox->wake, on_wake_closed);
}
