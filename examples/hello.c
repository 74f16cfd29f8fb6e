/*
 * The shortest control plane: serves one policy file to every Envoy that asks, until Ctrl-C.
 *
 * usage: hello POLICY.yaml [ADDRESS:PORT]
 */
#include <egress/egress.h>
#include <stdio.h>
#include <uv.h>

static void on_closed(egress_server *server, void *user) {
  (void)user;
  egress_server_free(server);
}

static void on_interrupt(uv_signal_t *interrupt, int number) {
  (void)number;
  egress_server_close(interrupt->data, on_closed, NULL);
  uv_close((uv_handle_t *)interrupt, NULL);
}

int main(int argc, char **argv) {
  const char *address = argc > 2 ? argv[2] : "127.0.0.1:18000";
  egress_compile_options listeners = EGRESS_COMPILE_OPTIONS_INIT;
  listeners.explicit_address = "127.0.0.1:3128";
  listeners.sni_address = "127.0.0.1:8443";

  if (argc < 2)
    return fputs("usage: hello POLICY.yaml [ADDRESS:PORT]\n", stderr), 2;
  uv_loop_t *loop = uv_default_loop();
  egress_diag *diag = egress_diag_new(NULL);
  egress_policy *policy = NULL;
  egress_snapshot *snap = NULL;
  egress_cache *cache = NULL;
  egress_server *server = NULL;
  int failed =
      egress_policy_load(&policy, argv[1], NULL, diag) != 0 || /* text to checked policy: every fault with its place */
      egress_compile(&snap, policy, &listeners, diag) != 0 ||  /* to Envoy resources, versioned by their content */
      egress_cache_new(&cache, NULL) != 0 ||                   /* which group of Envoys gets what: */
      egress_cache_set(cache, "*", snap) != 0 ||               /* "*" is every group that has none of its own */
      egress_server_new(&server, loop, cache, NULL) != 0 ||    /* on your loop, which you run */
      egress_server_listen(server, address, NULL, diag) != 0;  /* Envoys connect from here on */
  uv_signal_t interrupt;
  if (!failed) {
    uv_signal_init(loop, &interrupt);
    interrupt.data = server;
    uv_signal_start(&interrupt, on_interrupt, SIGINT);
    printf("serving %s on port %d\n", argv[1], egress_server_port(server, 0));
    fflush(stdout);
  } else {
    fputs(egress_diag_text(diag), stderr);
    if (server != NULL)
      egress_server_close(server, on_closed, NULL);
  }
  uv_run(loop, UV_RUN_DEFAULT);

  egress_cache_unref(cache);
  egress_snapshot_unref(snap);
  egress_policy_unref(policy);
  egress_diag_free(diag);
  return uv_loop_close(loop) != 0 || failed;
}
