#include "wire/grpc_log.h"

#include <pthread.h>
#include <stdio.h>
#include <string.h>

#include <grpc/support/log.h>

/* gRPC's log is a global of the process, so these are, too. */
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER; /* of `members`; held while a line is passed on */
static egress__grpc_log *members;                        /* oldest first */

static _Thread_local char *caught; /* see egress__grpc_log_catch */
static _Thread_local size_t caught_size;
static _Thread_local int passing_on; /* a log function that itself makes gRPC log must not wait for itself */

static int32_t level_of(gpr_log_severity severity) {
  switch (severity) {
  case GPR_LOG_SEVERITY_DEBUG:
    return EGRESS_LOG_DEBUG;
  case GPR_LOG_SEVERITY_INFO:
    return EGRESS_LOG_INFO;
  case GPR_LOG_SEVERITY_ERROR:
    return EGRESS_LOG_WARN; /* gRPC says "error" of every client that misbehaves */
  }
  return EGRESS_LOG_WARN;
}

/* Lock: held. */
static void tell_of_accept(void) {
  for (egress__grpc_log *member = members; member != NULL; member = member->next)
    if (member->inbox != NULL) {
      atomic_store(&member->accept_failed, 1);
      egress__inbox_wake(member->inbox);
    }
}

/* Thread: any, gRPC's own. Lock: taken. */
static void on_line(gpr_log_func_args *args) {
  if (caught != NULL) {
    if (args->severity == GPR_LOG_SEVERITY_ERROR && caught[0] == '\0')
      snprintf(caught, caught_size, "%s", args->message);
    return;
  }
  if (passing_on)
    return;
  passing_on = 1;
  pthread_mutex_lock(&lock);
  if (strncmp(args->message, "Failed accept4", 14) == 0)
    tell_of_accept();
  for (egress__grpc_log *member = members; member != NULL; member = member->next)
    if (member->log != NULL) {
      member->log(level_of(args->severity), "grpc", args->message, member->user);
      break;
    }
  pthread_mutex_unlock(&lock);
  passing_on = 0;
}

void egress__grpc_log_join(egress__grpc_log *member) {
  pthread_mutex_lock(&lock);
  if (members == NULL)
    gpr_set_log_function(on_line);
  egress__grpc_log **end = &members;
  while (*end != NULL)
    end = &(*end)->next;
  member->next = NULL;
  *end = member;
  pthread_mutex_unlock(&lock);
}

void egress__grpc_log_leave(egress__grpc_log *member) {
  pthread_mutex_lock(&lock);
  for (egress__grpc_log **at = &members; *at != NULL; at = &(*at)->next)
    if (*at == member) {
      *at = member->next;
      break;
    }
  if (members == NULL)
    gpr_set_log_function(NULL); /* gRPC's own again */
  pthread_mutex_unlock(&lock);
}

void egress__grpc_log_watch_accept(egress__grpc_log *member, egress__inbox *inbox) {
  pthread_mutex_lock(&lock);
  member->inbox = inbox;
  pthread_mutex_unlock(&lock);
}

void egress__grpc_log_catch(char *text, size_t size) {
  text[0] = '\0';
  caught = text;
  caught_size = size;
}

void egress__grpc_log_release(void) {
  caught = NULL;
}
