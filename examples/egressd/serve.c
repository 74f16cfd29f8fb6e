/* `egressd serve`: a policy file on one side, Envoys on the other, a loop between them. */
#include "certificates.h"
#include "checks.h"
#include "commands.h"
#include "event_log.h"
#include "state.h"
#include "watch.h"

#include <egress/egress.h>

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <uv.h>

typedef struct daemon_state {
  uv_loop_t loop;
  uv_signal_t term, interrupt, hangup;
  watch watch; /* of the policy */
  watch certificate_watches[CERTIFICATES_FILES];
  unsigned certificate_count; /* of those that are watched */
  event_log log;
  const cli_args *args;
  egress_diag *diag;
  egress_cache *cache;
  egress_server *server;
  certificates shown; /* good or not: as they were read last */
  /* What is in force; NULL before the first good policy. */
  egress_snapshot *snap;
  /* What was in force when the last daemon ended; NULL: not known. */
  char *history;
} daemon_state;

/* Resources of `a` that `b` does not have, or has otherwise; `b` may be NULL. */
static uint64_t differing(const egress_snapshot *a, const egress_snapshot *b) {
  uint64_t count = 0;
  for (size_t t = 0; t < egress_snapshot_type_count(a); t++) {
    const char *type_url = egress_snapshot_type_url(a, t);
    for (size_t i = 0; i < egress_snapshot_count(a, type_url); i++) {
      const egress_resource *mine = egress_snapshot_at(a, type_url, i);
      const char *name = egress_resource_name(mine);
      const egress_resource *theirs = b == NULL ? NULL : egress_snapshot_find(b, type_url, name);
      count += theirs == NULL || strcmp(egress_resource_version(mine), egress_resource_version(theirs)) != 0;
    }
  }
  return count;
}

/* The library calls what it was given as history just that; here it has a path. */
static const char *diagnosed_file(const daemon_state *self, size_t index) {
  const char *file = egress_diag_file(self->diag, index), *state = self->args->text[CLI_STATE];
  return state != NULL && strcmp(file, "history") == 0 ? state : file;
}

static void log_diagnostics(daemon_state *self) {
  for (size_t i = 0; i < egress_diag_count(self->diag); i++) {
    int error = egress_diag_severity(self->diag, i) == EGRESS_ERROR;
    event_log_begin(&self->log, error ? "error" : "warn", "diagnostic");
    event_log_text(&self->log, "file", diagnosed_file(self, i));
    if (egress_diag_line(self->diag, i) > 0) {
      event_log_number(&self->log, "line", egress_diag_line(self->diag, i));
      event_log_number(&self->log, "column", egress_diag_column(self->diag, i));
    }
    event_log_text(&self->log, "code", egress_code_name(egress_diag_code(self->diag, i)));
    event_log_text(&self->log, "message", egress_diag_message(self->diag, i));
    event_log_end(&self->log);
  }
}

static void log_refused(daemon_state *self, int rv) {
  event_log_begin(&self->log, "error", "policy_refused");
  event_log_text(&self->log, "path", self->args->operands[0]);
  event_log_text(&self->log, "code", egress_code_name(rv));
  event_log_text(&self->log, "message", egress_strerror(rv));
  event_log_number(&self->log, "errors", egress_diag_errors(self->diag));
  event_log_text(&self->log, "in_force", self->snap != NULL ? "the last good policy" : "none");
  event_log_end(&self->log);
}

static void log_accepted(daemon_state *self, const egress_policy *policy, const egress_snapshot *snap) {
  event_log_begin(&self->log, "info", "policy");
  event_log_text(&self->log, "path", self->args->operands[0]);
  event_log_number(&self->log, "rules", egress_policy_rule_count(policy));
  event_log_number(&self->log, "destinations", egress_policy_destination_count(policy));
  event_log_number(&self->log, "warnings", egress_diag_count(self->diag));
  event_log_number(&self->log, "changed", differing(snap, self->snap));
  event_log_number(&self->log, "removed", self->snap != NULL ? differing(self->snap, snap) : 0);
  event_log_text(&self->log, "version", egress_snapshot_type_version(snap, EGRESS_TYPE_LISTENER));
  event_log_end(&self->log);
}

/* What is wrong with the text of --state, in the library's words; NULL: nothing. Faults of a policy have other codes.
 */
static const char *state_damage(const daemon_state *self) {
  for (size_t i = 0; i < egress_diag_count(self->diag); i++) {
    if (egress_diag_code(self->diag, i) == EGRESS_EINVAL && strcmp(egress_diag_file(self->diag, i), "history") == 0)
      return egress_diag_message(self->diag, i);
  }
  return NULL;
}

static void log_state_damaged(daemon_state *self, const char *damage) {
  char cause[160];
  /* What follows the semicolon is for callers of the library. */
  snprintf(cause, sizeof cause, "%.*s", (int)strcspn(damage, ";"), damage);
  event_log_begin(&self->log, "error", "state_damaged");
  event_log_text(&self->log, "path", self->args->text[CLI_STATE]);
  event_log_text(&self->log, "cause", cause);
  event_log_text(&self->log, "message",
                 "the state is damaged: remove its file to start without; open connections that lost their permission "
                 "meanwhile are then not ended");
  event_log_end(&self->log);
}

/* Why nothing new is in force: the policy, or at the start the state. */
static void log_fault(daemon_state *self, int rv) {
  const char *damage = state_damage(self);
  if (damage != NULL) {
    log_state_damaged(self, damage);
    return;
  }
  log_diagnostics(self);
  log_refused(self, rv);
}

/* Notes what is about to be in force, for the next start: before any Envoy has it, so that the note is never behind. */
static void note_state(daemon_state *self, const egress_snapshot *snap) {
  const char *path = self->args->text[CLI_STATE];
  egress_text *history = NULL;
  if (path == NULL)
    return;
  int rv = egress_compile_history(&history, snap);
  int cause = rv == 0 ? state_write(path, egress_text_data(history)) : ENOMEM;
  egress_text_free(history);
  if (cause == 0)
    return;
  event_log_begin(&self->log, "error", "state_not_written");
  event_log_text(&self->log, "path", path);
  event_log_text(&self->log, "cause", strerror(cause));
  event_log_text(&self->log, "message", "after a restart, connections that this policy forbids may live on");
  event_log_end(&self->log);
}

/* Puts the file in force if it is good; whatever is wrong with it, what is in force stays. */
static int load(daemon_state *self) {
  egress_compile_options options = command_compile_options(self->args);
  egress_policy *policy = NULL;
  egress_snapshot *snap = NULL;
  options.previous = self->snap;
  options.history = self->history;
  egress_diag_clear(self->diag);
  int rv = egress_policy_load(&policy, self->args->operands[0], NULL, self->diag);
  if (rv == 0)
    rv = egress_compile(&snap, policy, &options, self->diag);
  if (rv == 0) {
    note_state(self, snap);
    rv = egress_cache_set(self->cache, self->args->text[CLI_GROUP], snap);
  }
  if (rv != 0) {
    log_fault(self, rv);
  } else {
    log_diagnostics(self);
    log_accepted(self, policy, snap);
    egress_snapshot_unref(self->snap);
    self->snap = egress_snapshot_ref(snap);
  }
  egress_snapshot_unref(snap);
  egress_policy_unref(policy);
  return rv;
}

static void on_file(void *user) {
  load(user);
}

static void on_hangup(uv_signal_t *handle, int number) {
  daemon_state *self = handle->data;
  (void)number;
  watch_force(&self->watch);
  for (unsigned i = 0; i < self->certificate_count; i++)
    watch_force(&self->certificate_watches[i]);
}

static void on_closed(egress_server *server, void *user) {
  daemon_state *self = user;
  event_log_begin(&self->log, "info", "closed");
  event_log_end(&self->log);
  egress_server_free(server);
  self->server = NULL;
}

/* Takes everything off the loop, which then ends. Closed signal handles give the next signal its usual effect. */
static void close_all(daemon_state *self) {
  uv_close((uv_handle_t *)&self->term, NULL);
  uv_close((uv_handle_t *)&self->interrupt, NULL);
  uv_close((uv_handle_t *)&self->hangup, NULL);
  watch_stop(&self->watch);
  for (unsigned i = 0; i < self->certificate_count; i++)
    watch_stop(&self->certificate_watches[i]);
  egress_server_close(self->server, on_closed, self);
}

static void on_stop(uv_signal_t *handle, int number) {
  daemon_state *self = handle->data;
  event_log_begin(&self->log, "info", "closing");
  event_log_text(&self->log, "signal", number == SIGTERM ? "SIGTERM" : "SIGINT");
  event_log_number(&self->log, "streams", egress_server_stream_count(self->server));
  event_log_end(&self->log);
  close_all(self);
}

static const char *event_name(int32_t kind) {
  switch ((egress_event_kind)kind) {
  case EGRESS_EVENT_CONNECTED:
    return "connected";
  case EGRESS_EVENT_DISCONNECTED:
    return "disconnected";
  case EGRESS_EVENT_ACKED:
    return "acked";
  case EGRESS_EVENT_NACKED:
    return "nacked";
  case EGRESS_EVENT_REJECTED:
    return "rejected";
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
    return "lost";
  }
  return "event";
}

static void on_event(const egress_event *event, void *user) {
  daemon_state *self = user;
  int bad = event->kind == EGRESS_EVENT_NACKED || event->kind == EGRESS_EVENT_REJECTED;
  event_log_begin(&self->log, bad ? "error" : "info", event_name(event->kind));
  event_log_number(&self->log, "stream", event->stream_id);
  event_log_text(&self->log, "node", event->node_id);
  event_log_text(&self->log, "group", event->group);
  event_log_text(&self->log, "peer", event->peer);
  event_log_text(&self->log, "type", event->type_url);
  event_log_text(&self->log, "version", event->version);
  if (event->status != 0)
    event_log_number(&self->log, "status", (uint64_t)(uint32_t)event->status);
  if (event->kind == EGRESS_EVENT_LOST)
    event_log_number(&self->log, "events", event->lost);
  event_log_text(&self->log, "message", event->message);
  event_log_end(&self->log);
}

static void on_log(int32_t level, const char *category, const char *text, void *user) {
  static const char *const names[] = {"debug", "info", "warn", "error"};
  daemon_state *self = user;
  if (level < EGRESS_LOG_INFO || level > EGRESS_LOG_ERROR)
    return;
  event_log_begin(&self->log, names[level], "log");
  event_log_text(&self->log, "category", category);
  event_log_text(&self->log, "message", text);
  event_log_end(&self->log);
}

static void log_listening(daemon_state *self) {
  event_log_begin(&self->log, "info", "listening");
  event_log_text(&self->log, "address", self->args->text[CLI_LISTEN]);
  if (egress_server_port(self->server, 0) != 0)
    event_log_number(&self->log, "port", egress_server_port(self->server, 0));
  event_log_number(&self->log, "pid", (uint64_t)uv_os_getpid());
  event_log_text(&self->log, "program", EGRESS_VERSION);
  event_log_text(&self->log, "library", egress_version());
  event_log_end(&self->log);
}

static int listen_on(daemon_state *self) {
  const char *path, *fault;
  if (certificates_read(&self->shown, self->args, &path, &fault) != 0) {
    fprintf(stderr, "egressd serve: %s: %s\n", path, fault);
    return EGRESS_EIO;
  }
  egress_listen_options options = EGRESS_LISTEN_OPTIONS_INIT;
  certificates_show(&self->shown, &options);
  options.insecure = self->args->text[CLI_INSECURE] != NULL;
  egress_diag_clear(self->diag);
  int rv = egress_server_listen(self->server, self->args->text[CLI_LISTEN], &options, self->diag);
  if (rv != 0)
    command_complain(rv, self->diag);
  return rv;
}

/* ---- certificates that change ---- */

static void log_certificates_refused(daemon_state *self, const char *path, const char *message) {
  event_log_begin(&self->log, "error", "certificates_refused");
  if (path != NULL)
    event_log_text(&self->log, "path", path);
  event_log_text(&self->log, "message", message);
  event_log_text(&self->log, "in_force", "the last good certificates");
  event_log_end(&self->log);
}

/* Shows what the files have now, if they are good. Of a pair that is written one file after the other, the first alone
 * is refused, and the second makes it whole. */
static int renew(daemon_state *self, const certificates *now) {
  egress_listen_options options = EGRESS_LISTEN_OPTIONS_INIT;
  certificates_show(now, &options);
  egress_diag_clear(self->diag);
  int rv = egress_server_set_tls(self->server, 0, &options, self->diag);
  if (rv != 0) {
    log_certificates_refused(
        self, NULL, egress_diag_count(self->diag) > 0 ? egress_diag_message(self->diag, 0) : egress_strerror(rv));
    return rv;
  }
  event_log_begin(&self->log, "info", "certificates");
  event_log_text(&self->log, "message", "new connections see them; open ones go on as they began");
  event_log_end(&self->log);
  return 0;
}

static void on_certificates(void *user) {
  daemon_state *self = user;
  const char *path, *fault;
  certificates now;
  if (certificates_read(&now, self->args, &path, &fault) != 0) {
    log_certificates_refused(self, path, fault);
    return;
  }
  if (certificates_same(&now, &self->shown) || renew(self, &now) == EGRESS_ENOMEM) {
    certificates_dispose(&now);
    return;
  }
  certificates_dispose(&self->shown);
  self->shown = now;
}

static int make_parts(daemon_state *self) {
  egress_server_options options = EGRESS_SERVER_OPTIONS_INIT;
  options.on_event = on_event;
  options.log = on_log;
  options.user = self;
  options.identifier = "egressd " EGRESS_VERSION;
  self->diag = egress_diag_new(NULL);
  int rv = self->diag != NULL ? egress_cache_new(&self->cache, NULL) : EGRESS_ENOMEM;
  if (rv == 0)
    rv = egress_server_new(&self->server, &self->loop, self->cache, &options);
  if (rv != 0)
    command_complain(rv, NULL);
  return rv;
}

static void start_signal(daemon_state *self, uv_signal_t *handle, uv_signal_cb callback, int number) {
  uv_signal_init(&self->loop, handle);
  uv_signal_start(handle, callback, number);
  handle->data = self;
}

static void start_watch(daemon_state *self, watch *out, const char *path, watch_fn on_change) {
  int rv = watch_start(out, &self->loop, path, on_change, self);
  if (rv == 0)
    return;
  event_log_begin(&self->log, "warn", "not_watching");
  event_log_text(&self->log, "path", path);
  event_log_text(&self->log, "message", "changes of the folder are not reported: looking every 2 s");
  event_log_text(&self->log, "cause", uv_strerror(rv));
  event_log_end(&self->log);
}

static void start_handles(daemon_state *self) {
  start_signal(self, &self->term, on_stop, SIGTERM);
  start_signal(self, &self->interrupt, on_stop, SIGINT);
  start_signal(self, &self->hangup, on_hangup, SIGHUP);
  start_watch(self, &self->watch, self->args->operands[0], on_file);
  for (unsigned i = 0; i < CERTIFICATES_FILES; i++) {
    const char *path = certificates_path(self->args, i);
    if (path != NULL)
      start_watch(self, &self->certificate_watches[self->certificate_count++], path, on_certificates);
  }
}

static int read_history(daemon_state *self) {
  const char *path = self->args->text[CLI_STATE];
  int cause = path != NULL ? state_read(&self->history, path) : 0;
  if (cause == 0)
    return 0;
  return cli_refuse(self->args, CLI_STATE,
                    cause == EINVAL ? "is not a file that egressd wrote; remove it to start without" : strerror(cause));
}

static void dispose(daemon_state *self) {
  free(self->history);
  certificates_dispose(&self->shown);
  egress_snapshot_unref(self->snap);
  egress_cache_unref(self->cache);
  egress_diag_free(self->diag);
  uv_loop_close(&self->loop);
}

int command_serve(const cli_args *args) {
  if (check_listeners(args) != 0 || check_server(args) != 0)
    return CLI_EXIT_ERROR;
  daemon_state self = {.args = args};
  self.log = (event_log){stdout, strcmp(args->text[CLI_LOG_FORMAT], "json") == 0};
  if (uv_loop_init(&self.loop) != 0)
    return command_complain(EGRESS_ENOMEM, NULL), CLI_EXIT_ERROR;
  int rv = read_history(&self);
  if (rv == 0)
    rv = make_parts(&self);
  if (rv == 0) {
    start_handles(&self); /* before the file is read: a change in between is then not missed */
    /* The address before the state: a daemon that cannot have the one must not replace the other, which may belong to
     * the daemon that has it. Nobody is served before the loop runs. */
    rv = listen_on(&self);
    if (rv == 0)
      rv = load(&self);
    if (rv == 0)
      log_listening(&self);
    else
      close_all(&self);
    uv_run(&self.loop, UV_RUN_DEFAULT);
  }
  dispose(&self);
  return rv == 0 ? CLI_EXIT_OK : CLI_EXIT_NO;
}
