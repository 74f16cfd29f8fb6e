/*
 * A control plane in one page: gives the policy of a file to every Envoy that connects. Ctrl-C ends it.
 *
 * usage: hello POLICY.yaml [ADDRESS:PORT]
 */
#include <egress/egress.h>
#include <stdio.h>
#include <uv.h>

static void on_closed(egress_server *xds, void *user) {
  (void)user;
  egress_server_free(xds);
}

static void on_interrupt(uv_signal_t *interrupt, int number) {
  (void)number;
  egress_server_close(interrupt->data, on_closed, NULL);
  uv_close((uv_handle_t *)interrupt, NULL);
}

int main(int argc, char **argv) {
  const char *address = argc > 2 ? argv[2] : "127.0.0.1:18000";
  egress_compile_options proxy = EGRESS_COMPILE_OPTIONS_INIT; /* where each Envoy takes its clients' connections */
  proxy.explicit_address = "127.0.0.1:3128";
  proxy.sni_address = "127.0.0.1:8443";

  if (argc < 2)
    return fputs("usage: hello POLICY.yaml [ADDRESS:PORT]\n", stderr), 2;
  uv_loop_t *loop = uv_default_loop();
  egress_diag *faults = egress_diag_new(NULL);
  egress_policy *rules = NULL;
  egress_snapshot *config = NULL;
  egress_cache *groups = NULL;
  egress_server *xds = NULL;
  int ready = !egress_policy_load(&rules, argv[1], NULL, faults) && /* all of the file, or none of it */
              !egress_compile(&config, rules, &proxy, faults) &&    /* what an Envoy needs to enforce the rules */
              !egress_cache_new(&groups, NULL) &&                   /* Envoys can be in groups; */
              !egress_cache_set(groups, "*", config) &&             /* here they all get the same */
              !egress_server_new(&xds, loop, groups, NULL) &&       /* works whenever the loop runs */
              !egress_server_listen(xds, address, NULL, faults);    /* returns at once */
  uv_signal_t interrupt;
  if (ready) {
    uv_signal_init(loop, &interrupt);
    interrupt.data = xds;
    uv_signal_start(&interrupt, on_interrupt, SIGINT);
    printf("serving %s on port %d\n", argv[1], egress_server_port(xds, 0));
    fflush(stdout);
  } else {
    fputs(egress_diag_text(faults), stderr);
    if (xds != NULL)
      egress_server_close(xds, on_closed, NULL);
  }
  uv_run(loop, UV_RUN_DEFAULT);

  egress_cache_unref(groups);
  egress_snapshot_unref(config);
  egress_policy_unref(rules);
  egress_diag_free(faults);
  return uv_loop_close(loop) != 0 || !ready;
}
