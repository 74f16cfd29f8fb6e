#include <assert.h>
#include <string.h>

#include <egress/bootstrap.h>
#include <egress/compile.h>
#include <egress/policy.h>

#include "oom/sweep.h"
#include "support/policies.h"

/* What the compiler is given; read once, with malloc. */
typedef struct inputs {
  egress_policy *before, *now;
  egress_snapshot *previous;
} inputs;

static egress_policy *read_text(const char *text) {
  egress_policy *policy;
  int rv = egress_policy_parse(&policy, text, strlen(text), "p", NULL, NULL);
  assert(rv == 0);
  (void)rv;
  return policy;
}

static egress_compile_options both_listeners(const egress_alloc *alloc) {
  egress_compile_options options = EGRESS_COMPILE_OPTIONS_INIT;
  options.alloc = alloc;
  options.explicit_address = "127.0.0.1:3128";
  options.sni_address = "127.0.0.1:8443";
  return options;
}

static int compile(const egress_alloc *alloc, void *user) {
  const inputs *in = user;
  egress_compile_options options = both_listeners(alloc);
  options.previous = in->previous;
  egress_snapshot *snap = NULL;
  int rv = egress_compile(&snap, in->now, &options, NULL);
  assert((rv == 0) == (snap != NULL) && "out is written on success only");
  egress_snapshot_unref(snap);
  return rv;
}

/* The history of one process, and the next process that reads it. */
static int history(const egress_alloc *alloc, void *user) {
  const inputs *in = user;
  egress_compile_options options = both_listeners(alloc);
  egress_snapshot *snap = NULL;
  egress_text *text = NULL;
  options.previous = in->previous;
  int rv = egress_compile(&snap, in->now, &options, NULL);
  if (rv == 0)
    rv = egress_compile_history(&text, snap);
  egress_snapshot_unref(snap);
  if (rv != 0)
    return rv;
  options.previous = NULL;
  options.history = egress_text_data(text);
  snap = NULL;
  rv = egress_compile(&snap, in->before, &options, NULL);
  assert((rv == 0) == (snap != NULL));
  egress_snapshot_unref(snap);
  egress_text_free(text);
  return rv;
}

static int bootstrap(const egress_alloc *alloc, void *user) {
  egress_bootstrap_options options = EGRESS_BOOTSTRAP_OPTIONS_INIT;
  options.alloc = alloc;
  options.node_id = "envoy-1";
  options.control_plane = user;
  options.tls_ca = "/ca.pem";
  options.tls_cert = "/cert.pem";
  options.tls_key = "/key.pem";
  egress_text *text = NULL;
  int rv = egress_bootstrap(&text, &options, NULL);
  assert((rv == 0) == (text != NULL));
  egress_text_free(text);
  return rv;
}

int main(void) {
  /* Of the whole policy's rules, one is removed, one is narrowed, one was not there. */
  static const char earlier[] = "version: egress/v1\n"
                                "defaults: {allow_private: [10.0.0.0/8]}\n"
                                "rules:\n"
                                "  - {name: billing-payments, to: [\"**.payments.example\"]}\n"
                                "  - {name: builds, to: [\"**\"]}\n"
                                "  - {name: gone, to: [gone.example]}\n";
  inputs in = {read_text(earlier), read_text(whole_policy), NULL};
  egress_compile_options options = both_listeners(NULL);
  int rv = egress_compile(&in.previous, in.before, &options, NULL);
  assert(rv == 0);
  (void)rv;
  sweep_run("compile", compile, &in);
  sweep_run("history", history, &in);
  egress_policy_unref(in.now);
  in.now = read_text("version: egress/v1\ndefaults: {revoke: keep}\n"
                     "rules:\n  - {name: builds, to: [a.example]}\n");
  sweep_run("compile, keeping chains", compile, &in);
  sweep_run("history, keeping chains", history, &in);
  sweep_run("bootstrap", bootstrap, (void *)(uintptr_t) "control-plane.example:18000");
  egress_snapshot_unref(in.previous);
  egress_policy_unref(in.before);
  egress_policy_unref(in.now);
  return 0;
}
