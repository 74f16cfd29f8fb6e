#ifndef EGRESS_WIRE_GRPC_LOG_H
#define EGRESS_WIRE_GRPC_LOG_H

#include <stdatomic.h>
#include <stddef.h>

#include <egress/log.h>

#include "wire/inbox.h"

/*
 * gRPC writes one log for the whole process, to stderr unless told otherwise. While a server exists it goes to the log
 * function of the first server that has one, or nowhere.
 */

/** One server's part in it; the server holds the struct between join and leave. */
typedef struct egress__grpc_log {
  struct egress__grpc_log *next;
  egress_log_fn log; /* NULL: wants no lines, but the library stays silent */
  void *user;
  egress__inbox *inbox; /* NULL: does not run */
  atomic_int accept_failed;
} egress__grpc_log;

/** Thread: any. */
void egress__grpc_log_join(egress__grpc_log *member);

/** When this returns no line of `member` is being written, and none will be. Thread: any but inside a log function. */
void egress__grpc_log_leave(egress__grpc_log *member);

/**
 * From here on a failure of gRPC's listeners to accept sets `accept_failed` and wakes `inbox`: gRPC tells of it nowhere
 * but in its log. Whose listener it was is not known, so all servers are told. NULL ends that. Thread: the loop's.
 */
void egress__grpc_log_watch_accept(egress__grpc_log *member, egress__inbox *inbox);

/**
 * Keeps in `text` the first error that gRPC logs on this thread, which is the deepest, for calls of it that say only
 * there what is wrong; no line is passed to a log function. Ends with egress__grpc_log_release.
 */
void egress__grpc_log_catch(char *text, size_t size);
void egress__grpc_log_release(void);

#endif
