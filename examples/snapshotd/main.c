/* snapshotd: snapshots in over HTTP, out over xDS, a loop between them. */
#include "cli.h"
#include "endpoint.h"
#include "routes.h"

#include <egress/egress.h>

#include <arpa/inet.h>
#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <string.h>

enum { XDS, HTTP, INSECURE, GATE, OPTION_COUNT };

static const cli_option options[] = {
    {XDS, CLI_SOCKET, 1, "xds", "ADDRESS:PORT", "127.0.0.1:18000", 0, 0,
     "Where xDS clients find snapshotd: 127.0.0.1:18000, [::1]:18000 or unix:/PATH. Port 0 lets the kernel pick one; "
     "the line 'listening' says which."},
    {HTTP, CLI_ADDRESS, 1, "http", "ADDRESS:PORT", "127.0.0.1:18001", 0, 0,
     "Where snapshots are given and looked at. Port 0 as above."},
    {INSECURE, CLI_FLAG, 1, "insecure", NULL, NULL, 0, 0,
     "Allows addresses that are not loopback. There is no authentication and no TLS: whoever reaches --http can "
     "reconfigure every client and read all that was sent, secrets among it; whoever reaches --xds can read any node's "
     "snapshot. Serves secrets to REST clients, too."},
    {GATE, CLI_FLAG, 1, "gate-on-ack", NULL, NULL, 0, 0,
     "Listeners wait until a client has accepted the clusters and endpoints of the same snapshot, routes also for its "
     "listeners (aggregated streams)."},
};

const cli_program cli_this_program = {"snapshotd", options, sizeof options / sizeof *options};

static const cli_command command = {
    "",
    1,
    0,
    "",
    "",
    "Serves snapshots of xDS resources, given to it over HTTP, to the clients they are for: a control plane for tests, "
    "and the smallest embedding of libegress's cache and server. Nothing is kept on disk.\n"
    "\nPUT /snapshot/NODE replaces all that the client with this node.id has; NODE is percent-encoded; * stands for "
    "every client that has none of its own. The body is JSON: \"resources\", a list of proto3 JSON messages with "
    "@type; \"resources_b64\", a list of {\"type_url\", \"value\"} with packed messages; \"version\", the text that "
    "clients are told as the version of all types, and \"versions\", by type URL (what neither names is told a hash of "
    "its content); \"ttls\", times to live by type URL, in seconds, told to clients that declare support for them; "
    "\"aliases\", lists by type "
    "URL and name: other names by which clients of delta may ask for a resource. All "
    "are optional. The answer, 200, comes when new requests see the snapshot. A body with a fault is answered by 400 "
    "and {\"errors\": [{\"line\", \"column\", \"message\"}]}, and the old snapshot stays.\n"
    "\nDELETE /snapshot/NODE forgets a snapshot: open streams keep what they have and are sent nothing.\n"
    "\nGET /status: the snapshots, and the open streams with what each wants, accepted and refused last.\n"
    "\nGET /metrics: counters in the text format of Prometheus.\n"
    "\nGET /log?since=N: what passed on the streams behind line N, a line of JSON each: \"seq\", \"stream\", \"kind\" "
    "(open, req, dreq, resp, dresp, close) and \"msg\". 16,384 lines or 64 MiB are kept; a line of kind lost says how "
    "many that were asked for are gone.\n"
    "\nPOST /v3/discovery:clusters, :endpoints, :listeners, :routes, :scoped-routes, :runtime, :extension_configs and, "
    "with --insecure, :secrets: xDS for REST clients. A DiscoveryRequest in proto3 JSON is answered by a "
    "DiscoveryResponse, or by 304 when the client has that.\n"
    "\nA line of JSON on standard output says when it listens, and where. SIGTERM and SIGINT end it.\n"
    "\nExit status: 0: ended by a signal; 1: an address cannot be used; 2: bad command line or environment.",
    NULL};

typedef struct app {
  uv_loop_t loop;
  uv_signal_t term, interrupt;
  egress_server *server;
  http *http;
  routes routes;
} app;

/* ---- what the server tells ---- */

static void on_event(const egress_event *event, void *user) {
  app *self = user;
  if (event->kind == EGRESS_EVENT_DISCONNECTED)
    traffic_log_closed(self->routes.log, event);
}

static void on_message(const egress_message *message, void *user) {
  app *self = user;
  traffic_log_message(self->routes.log, message);
}

/* ---- ending ---- */

static void on_closed(egress_server *server, void *user) {
  app *self = user;
  egress_server_free(server);
  self->server = NULL;
}

static void close_all(app *self) {
  uv_close((uv_handle_t *)&self->term, NULL);
  uv_close((uv_handle_t *)&self->interrupt, NULL);
  http_stop(self->http);
  egress_server_close(self->server, on_closed, self);
}

static void on_signal(uv_signal_t *handle, int number) {
  (void)number;
  close_all(handle->data);
}

/* ---- starting ---- */

static int complain(const char *what, const char *cause) {
  fprintf(stderr, "snapshotd: %s: %s\n", what, cause);
  return -1;
}

static int make_parts(app *self, const cli_args *args) {
  self->routes = (routes){snapshots_new(), traffic_log_new(), NULL, NULL};
  if (self->routes.snapshots == NULL || self->routes.log == NULL)
    return complain("start", "out of memory");
  egress_server_options made = EGRESS_SERVER_OPTIONS_INIT;
  egress_fetch_options asked = EGRESS_FETCH_OPTIONS_INIT;
  asked.secrets = args->text[INSECURE] != NULL;
  made.on_event = on_event;
  made.on_message = on_message;
  made.user = self;
  made.identifier = asked.identifier = "snapshotd";
  made.gate_on_ack = args->text[GATE] != NULL;
  int rv = egress_server_new(&self->server, &self->loop, snapshots_cache(self->routes.snapshots), &made);
  self->routes.server = self->server;
  if (rv == 0)
    rv = egress_fetch_new(&self->routes.fetch, snapshots_cache(self->routes.snapshots), &asked);
  return rv == 0 ? 0 : complain("start", egress_strerror(rv));
}

static int start_xds(app *self, const cli_args *args) {
  egress_listen_options made = EGRESS_LISTEN_OPTIONS_INIT;
  egress_diag *diag = egress_diag_new(NULL);
  made.insecure = args->text[INSECURE] != NULL;
  made.insecure_secrets = 1; /* all that is served was given in plaintext, and is shown to whoever asks over HTTP */
  int rv = egress_server_listen(self->server, args->text[XDS], &made, diag);
  if (rv != 0)
    complain(args->text[XDS], egress_diag_count(diag) > 0 ? egress_diag_message(diag, 0) : egress_strerror(rv));
  egress_diag_free(diag);
  return rv;
}

static int start_http(app *self, const cli_args *args) {
  union {
    struct sockaddr any;
    struct sockaddr_in v4;
    struct sockaddr_in6 v6;
  } address = {.v6 = {.sin6_port = 0}};
  endpoint at = {.port = 0};
  endpoint_read(&at, args->text[HTTP], 0); /* was judged with the command line */
  address.any.sa_family = (sa_family_t)at.family;
  if (at.family == AF_INET) {
    address.v4.sin_port = htons(at.port);
    memcpy(&address.v4.sin_addr, at.bytes, sizeof address.v4.sin_addr);
  } else {
    address.v6.sin6_port = htons(at.port);
    memcpy(&address.v6.sin6_addr, at.bytes, sizeof address.v6.sin6_addr);
  }
  int error = http_start(&self->http, &self->loop, &address.any, routes_answer, &self->routes);
  return error == 0 ? 0 : complain(args->text[HTTP], strerror(error));
}

static void start_signal(app *self, uv_signal_t *handle, int number) {
  uv_signal_init(&self->loop, handle);
  uv_signal_start(handle, on_signal, number);
  handle->data = self;
}

static int check_loopback(const cli_args *args, unsigned id, const char *what) {
  endpoint at = {.port = 0};
  if (args->text[INSECURE] != NULL || endpoint_read(&at, args->text[id], 0) != ENDPOINT_OK /* unix */ ||
      endpoint_is_loopback(&at))
    return 0;
  return cli_refuse(args, id, what);
}

static int run(const cli_args *args) {
  if (check_loopback(args, XDS,
                     "other machines can reach that address, and read any snapshot; write 127.0.0.1, or "
                     "say --insecure") != 0 ||
      check_loopback(args, HTTP,
                     "other machines can reach that address, and nothing asks who they are; write "
                     "127.0.0.1, or say --insecure") != 0)
    return CLI_EXIT_ERROR;
  app self = {.http = NULL};
  if (uv_loop_init(&self.loop) != 0)
    return complain("start", "out of memory"), CLI_EXIT_NO;
  start_signal(&self, &self.term, SIGTERM);
  start_signal(&self, &self.interrupt, SIGINT);
  int rv = make_parts(&self, args);
  if (rv == 0)
    rv = start_xds(&self, args);
  if (rv == 0)
    rv = start_http(&self, args);
  if (rv == 0) {
    printf("{\"event\": \"listening\", \"xds_port\": %u, \"http_port\": %u}\n", egress_server_port(self.server, 0),
           http_port(self.http));
    fflush(stdout);
  } else {
    close_all(&self);
  }
  uv_run(&self.loop, UV_RUN_DEFAULT);
  http_free(self.http);
  egress_fetch_free(self.routes.fetch);
  traffic_log_free(self.routes.log);
  snapshots_free(self.routes.snapshots);
  uv_loop_close(&self.loop);
  return rv == 0 ? CLI_EXIT_OK : CLI_EXIT_NO;
}

int main(int argc, char **argv) {
  signal(SIGPIPE, SIG_IGN); /* a client that left must not end the server */
  cli_args args;
  if (argc == 2 && strcmp(argv[1], "--version") == 0)
    return printf("snapshotd %s\n", egress_version()) > 0 ? CLI_EXIT_OK : CLI_EXIT_ERROR;
  int rv = cli_parse(&args, &command, argc - 1, argv + 1);
  if (rv > 0)
    return cli_help(&command), CLI_EXIT_OK;
  return rv == 0 ? run(&args) : CLI_EXIT_ERROR;
}
