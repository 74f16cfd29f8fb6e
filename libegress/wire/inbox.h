#ifndef EGRESS_WIRE_INBOX_H
#define EGRESS_WIRE_INBOX_H

#include <grpc/grpc.h>
#include <uv.h>

#include "base/alloc.h"

/*
 * The way from gRPC's threads to the loop: gRPC's completion queue, the one thread that waits on it, and the list of
 * what has come out of it. Thread: the loop's, but for the pump in inbox.c.
 */
typedef struct egress__inbox egress__inbox;

/**
 * One thing that gRPC can be asked for: its tag. At most one completion of it is under way, so the list of completions
 * needs no memory.
 */
typedef struct egress__op {
  struct egress__op *next;
  void (*done)(struct egress__op *op);
  void *owner;
  int ok; /* what gRPC said */
} egress__op;

typedef void (*egress__inbox_fn)(void *user);

/**
 * Starts gRPC (counted over the process), the queue and the pump; nothing of it is on the loop yet. Returns NULL when
 * the system has no memory or threads left.
 */
egress__inbox *egress__inbox_new(const egress_alloc *alloc);

/** Ends and frees one that is not on the loop and was not used; NULL is allowed. */
void egress__inbox_free(egress__inbox *inbox);

grpc_completion_queue *egress__inbox_queue(const egress__inbox *inbox);

/** Puts it on the loop, before gRPC is asked for anything; `on_wake` runs there when something has come. */
void egress__inbox_attach(egress__inbox *inbox, uv_loop_t *loop, egress__inbox_fn on_wake, void *user);

/** To be called each time before gRPC is asked for something, with everything written that the answer needs. */
void egress__inbox_ask(egress__inbox *inbox);

/** Makes `on_wake` run once control is back in the loop. */
void egress__inbox_wake(egress__inbox *inbox);

/** Takes all that has come, oldest first. */
egress__op *egress__inbox_take(egress__inbox *inbox);

/** Ends the queue: what is under way still comes, then the pump wakes the loop for the last time. */
void egress__inbox_shutdown(egress__inbox *inbox);

/** 1 when nothing can come any more. */
int egress__inbox_ended(egress__inbox *inbox);

/** Joins the pump, gives gRPC back and frees an inbox that has ended; `on_closed` runs on the loop, after the call. */
void egress__inbox_close(egress__inbox *inbox, egress__inbox_fn on_closed, void *user);

#endif
