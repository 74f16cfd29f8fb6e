/*
 * A control plane for tests: serves a sample configuration as its arguments say, does what it is told on stdin, prints
 * a line of JSON for everything that happens. The first line is {"ports": [...]}, or {"error": CODE, "text": ...}.
 *
 *   xds_server [-r CLUSTERS] [--max-streams N, or another limit of the server's options] [--pull N] [--messages]
 *              [--on-nack hold|rollback [--rollout PERCENT --soak MS]]
 *              [--refuse TEXT] [--cert FILE --key FILE [--client-ca FILE]] [--insecure] [--insecure-secrets]
 *              [--nofile N] --listen ADDRESS...
 *
 * --messages prints what on_message is shown, too, its bytes in hexadecimal digits. --refuse prints what the function
 * that authorises is asked; it refuses the node that is called TEXT, and the types that end so.
 * TLS, --insecure and --insecure-secrets hold for the addresses behind them. Commands, each answered by one line:
 *   push            changes one cluster
 *   set NAME...     a snapshot of static clusters of these names; Envoy refuses those whose name begins with "bad"
 *   clear           takes the snapshot away
 *   count           {"streams": N}
 *   take            the events that wait, with --pull: then they are not printed as they come
 *   files           {"files": N}: open descriptors
 *   close           closes the server; then the process ends
 */
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>
#include <uv.h>

#include <egress/egress.h>

#include "sample/sample.h"

enum { MAX_LISTEN = 8, LINE = 256 };

typedef struct app {
  uv_loop_t loop;
  uv_pipe_t commands;
  egress_cache *cache;
  egress_server *server;
  egress_snapshot *snap;
  egress_diag *diag;
  unsigned clusters, pushes, nofile;
  int pull;
  const char *refuse;
  egress_server_options options;
  egress_listen_options listen;
  egress_trial_options trial;
  char line[LINE]; /* a command that has not come whole */
  size_t line_size;
} app;

static void print_text(const char *text) {
  putchar('"');
  for (; *text != '\0'; text++) {
    unsigned char c = (unsigned char)*text;
    if (c == '"' || c == '\\')
      printf("\\%c", c);
    else if (c < ' ')
      printf("\\u%04x", c);
    else
      putchar(c);
  }
  putchar('"');
}

static void print_field(const char *name, const char *text) {
  printf(", \"%s\": ", name);
  print_text(text);
}

static const char *kind_name(int32_t kind) {
  static const char *const names[] = {
      "?",       "connected",   "disconnected", "acked",          "nacked",          "rejected",
      "held",    "rolled back", "proven",       "rollout staged", "rollout soaking", "rollout open",
      "request", "response",    "subscription", "lost",           "load report"};
  return kind >= 1 && kind < (int32_t)(sizeof names / sizeof *names) ? names[kind] : names[0];
}

static void print_event(const egress_event *event) {
  printf("{\"event\": \"%s\", \"stream\": %llu, \"status\": %d", kind_name(event->kind),
         (unsigned long long)event->stream_id, event->status);
  print_field("node", event->node_id);
  print_field("group", event->group);
  print_field("peer", event->peer);
  print_field("type", event->type_url);
  print_field("version", event->version);
  print_field("message", event->message);
  print_field("resource", event->resource);
  printf("}\n");
  fflush(stdout);
}

static void on_event(const egress_event *event, void *user) {
  (void)user;
  print_event(event);
}

static void print_bytes(const void *bytes, size_t size) {
  for (size_t i = 0; i < size; i++)
    printf("%02x", ((const unsigned char *)bytes)[i]);
}

static void on_message(const egress_message *message, void *user) {
  static const char *const names[] = {"?", "opened", "request", "delta request", "response", "delta response"};
  (void)user;
  printf("{\"message\": \"%s\", \"stream\": %llu", names[message->kind], (unsigned long long)message->stream_id);
  print_field("peer", message->peer);
  print_field("type", message->type_url);
  printf(", \"bytes\": \"");
  print_bytes(message->head, message->head_size);
  print_bytes(message->tail, message->tail_size);
  printf("\"}\n");
  fflush(stdout);
}

static void print_list(const char *name, const char *const *texts, size_t count) {
  printf(", \"%s\": [", name);
  for (size_t i = 0; i < count; i++) {
    printf(i == 0 ? "" : ", ");
    print_text(texts[i]);
  }
  putchar(']');
}

static void print_access(const egress_access *access) {
  const egress_peer *peer = access->peer;
  printf("{\"access\": %d, \"stream\": %llu", peer->transport, (unsigned long long)access->stream_id);
  print_field("type", access->type_url);
  print_field("node", access->node->id);
  print_field("cluster", access->node->cluster);
  print_field("peer", peer->address);
  print_field("spiffe_id", peer->spiffe_id);
  print_field("common_name", peer->common_name);
  print_list("uris", peer->uris, peer->uri_count);
  print_list("dns_names", peer->dns_names, peer->dns_name_count);
  printf("}\n");
  fflush(stdout);
}

static int ends_with(const char *text, const char *end) {
  size_t size = strlen(text), tail = strlen(end);
  return size >= tail && strcmp(text + size - tail, end) == 0;
}

static int32_t on_access(const egress_access *access, char *reason, size_t size, void *user) {
  enum { UNAUTHENTICATED = 16 };
  const app *a = user;
  print_access(access);
  if (strcmp(access->node->id, a->refuse) != 0 && !ends_with(access->type_url, a->refuse))
    return 0;
  snprintf(reason, size, "the test refuses %s", a->refuse);
  return UNAUTHENTICATED;
}

static void on_log(int32_t level, const char *category, const char *text, void *user) {
  (void)user;
  flockfile(stdout); /* gRPC's lines come from its threads */
  printf("{\"log\": %d", level);
  print_field("category", category);
  print_field("text", text);
  printf("}\n");
  fflush(stdout);
  funlockfile(stdout);
}

static void fail(app *a, int code) {
  printf("{\"error\": \"%s\"", egress_code_name(code));
  print_field("text", egress_diag_text(a->diag));
  printf("}\n");
  fflush(stdout);
  exit(1);
}

static char *read_file(const char *path) {
  FILE *file = fopen(path, "rb");
  if (file == NULL) {
    perror(path);
    exit(2);
  }
  char *text = calloc(1, 1 << 20);
  if (fread(text, 1, (1 << 20) - 1, file) == 0 && ferror(file))
    exit(2);
  fclose(file);
  return text;
}

static void replace(const char **text, char *with) {
  free((void *)(uintptr_t)*text);
  *text = with;
}

/* No TLS and no plaintext but where it is safe, until the arguments say so again. */
static void reset_listen(app *a) {
  replace(&a->listen.tls_cert, NULL);
  replace(&a->listen.tls_key, NULL);
  replace(&a->listen.tls_client_ca, NULL);
  a->listen = (egress_listen_options)EGRESS_LISTEN_OPTIONS_INIT;
}

static unsigned count_files(void) {
  unsigned count = 0;
  DIR *folder = opendir("/proc/self/fd");
  while (folder != NULL && readdir(folder) != NULL)
    count++;
  if (folder != NULL)
    closedir(folder);
  return count;
}

static void on_closed(egress_server *server, void *user) {
  app *a = user;
  egress_server_free(server);
  a->server = NULL;
  printf("{\"closed\": true}\n");
  fflush(stdout);
}

static void push(app *a) {
  char name[SAMPLE_NAME];
  a->pushes++;
  unsigned index = a->pushes * 7919 % a->clusters;
  egress_snapshot *next = sample_change(a->snap, index, a->pushes);
  egress_snapshot_unref(a->snap);
  a->snap = next;
  egress_cache_set(a->cache, "*", next);
  printf("{\"pushed\": \"%s\", \"name\": \"%s\"}\n", egress_snapshot_type_version(next, EGRESS_TYPE_CLUSTER),
         sample_name(name, index));
}

/* A cluster that is said to find its endpoints by EDS, but not where, is refused. */
static void put_cluster(egress_snapshot_builder *builder, const char *name) {
  unsigned char bytes[LINE + 4] = {1 << 3 | 2, (unsigned char)strlen(name)};
  size_t size = 2 + strlen(name);
  memcpy(bytes + 2, name, strlen(name));
  if (strncmp(name, "bad", 3) == 0) {
    bytes[size++] = 2 << 3; /* type */
    bytes[size++] = 3;      /* EDS */
  }
  egress_resource *resource;
  if (strlen(name) > 127 || egress_resource_new(&resource, EGRESS_TYPE_CLUSTER, name, bytes, size, NULL) != 0)
    exit(2);
  egress_snapshot_builder_put(builder, resource);
  egress_resource_unref(resource);
}

static void set(app *a, const char *names) {
  egress_snapshot_builder *builder;
  egress_snapshot *next;
  char text[LINE];
  snprintf(text, sizeof text, "%s", names);
  egress_snapshot_builder_new(&builder, NULL, NULL);
  for (char *rest = text, *name; (name = strtok_r(rest, " ", &rest)) != NULL;)
    put_cluster(builder, name);
  if (egress_snapshot_builder_build(&next, builder) != 0)
    exit(2);
  egress_snapshot_builder_free(builder);
  egress_cache_set(a->cache, "*", next);
  printf("{\"set\": \"%s\"}\n", egress_snapshot_type_version(next, EGRESS_TYPE_CLUSTER));
  egress_snapshot_unref(next);
}

static void run(app *a, const char *command) {
  egress_event event;
  if (strcmp(command, "push") == 0) {
    push(a);
  } else if (strncmp(command, "set ", 4) == 0) {
    set(a, command + 4);
  } else if (strcmp(command, "clear") == 0) {
    printf("{\"cleared\": %d}\n", egress_cache_clear(a->cache, "*"));
  } else if (strcmp(command, "count") == 0) {
    printf("{\"streams\": %zu}\n", egress_server_stream_count(a->server));
  } else if (strcmp(command, "files") == 0) {
    printf("{\"files\": %u}\n", count_files());
  } else if (strcmp(command, "take") == 0) {
    unsigned count = 0;
    for (; egress_server_next_event(a->server, &event); count++)
      print_event(&event);
    printf("{\"taken\": %u, \"dropped\": %llu}\n", count, (unsigned long long)egress_server_dropped_events(a->server));
  } else if (strcmp(command, "close") == 0) {
    egress_server_close(a->server, on_closed, a);
    egress_server_close(a->server, on_closed, a); /* does nothing */
    uv_close((uv_handle_t *)&a->commands, NULL);
  }
  fflush(stdout);
}

static void on_alloc(uv_handle_t *handle, size_t size, uv_buf_t *buf) {
  (void)size;
  app *a = handle->data;
  *buf = uv_buf_init(a->line + a->line_size, (unsigned)(LINE - a->line_size));
}

static void on_read(uv_stream_t *stream, ssize_t size, const uv_buf_t *buf) {
  (void)buf;
  app *a = stream->data;
  if (size < 0) {
    run(a, "close");
    return;
  }
  a->line_size += (size_t)size;
  for (char *end; (end = memchr(a->line, '\n', a->line_size)) != NULL;) {
    *end = '\0';
    run(a, a->line);
    size_t used = (size_t)(end - a->line) + 1;
    a->line_size -= used;
    memmove(a->line, end + 1, a->line_size);
  }
}

static void start_server(app *a) {
  egress_cache_new(&a->cache, NULL);
  a->snap = sample_snapshot(a->clusters);
  egress_cache_set(a->cache, "*", a->snap);
  if (a->trial.on_nack != EGRESS_ON_NACK_NOTHING && egress_cache_set_trial(a->cache, "*", &a->trial) != 0)
    exit(2);
  a->options.log = on_log;
  a->options.user = a;
  if (!a->pull)
    a->options.on_event = on_event;
  int rv = egress_server_new(&a->server, &a->loop, a->cache, &a->options);
  if (rv != 0)
    fail(a, rv);
}

/* The option of the server that an argument is about; NULL: it is about something else. */
static uint32_t *limit_of(egress_server_options *options, const char *name) {
  const struct {
    const char *name;
    uint32_t *option;
  } limits[] = {{"--max-streams", &options->max_streams},
                {"--max-request-bytes", &options->max_request_bytes},
                {"--max-subscriptions", &options->max_subscriptions},
                {"--max-peer-streams", &options->max_peer_streams},
                {"--max-requests-per-second", &options->max_requests_per_second},
                {"--max-request-burst", &options->max_request_burst},
                {"--max-unread-bytes", &options->max_unread_bytes},
                {"--max-remembered-bytes", &options->max_remembered_bytes},
                {"--max-pending-bytes", &options->max_pending_bytes},
                {"--max-peer-remembered-bytes", &options->max_peer_remembered_bytes},
                {"--max-peer-pending-bytes", &options->max_peer_pending_bytes},
                {"--max-unread-ms", &options->max_unread_ms},
                {"--first-request-ms", &options->first_request_ms},
                {"--idle-ms", &options->idle_ms},
                {"--keepalive-ms", &options->keepalive_ms},
                {"--keepalive-timeout-ms", &options->keepalive_timeout_ms},
                {"--connection-age-ms", &options->connection_age_ms},
                {"--connection-grace-ms", &options->connection_grace_ms}};
  for (size_t i = 0; i < sizeof limits / sizeof limits[0]; i++)
    if (strcmp(limits[i].name, name) == 0)
      return limits[i].option;
  return NULL;
}

/* One argument with its value; returns how many it took. */
static int take_argument(app *a, const char *name, const char *value) {
  if (strcmp(name, "--insecure") == 0) {
    a->listen.insecure = 1;
    return 1;
  }
  if (strcmp(name, "--insecure-secrets") == 0) {
    a->listen.insecure_secrets = 1;
    return 1;
  }
  if (strcmp(name, "--messages") == 0) {
    a->options.on_message = on_message;
    return 1;
  }
  if (value == NULL)
    exit(2);
  unsigned number = (unsigned)strtoul(value, NULL, 10);
  if (strcmp(name, "-r") == 0)
    a->clusters = number;
  else if (limit_of(&a->options, name) != NULL)
    *limit_of(&a->options, name) = number;
  else if (strcmp(name, "--pull") == 0)
    a->pull = 1, a->options.max_events = number;
  else if (strcmp(name, "--on-nack") == 0)
    a->trial.on_nack = strcmp(value, "hold") == 0 ? EGRESS_ON_NACK_HOLD : EGRESS_ON_NACK_ROLLBACK;
  else if (strcmp(name, "--rollout") == 0)
    a->trial.rollout_percent = number;
  else if (strcmp(name, "--soak") == 0)
    a->trial.soak_ms = number;
  else if (strcmp(name, "--nofile") == 0)
    a->nofile = number;
  else if (strcmp(name, "--refuse") == 0)
    a->refuse = value, a->options.authorise = on_access;
  else if (strcmp(name, "--cert") == 0)
    replace(&a->listen.tls_cert, read_file(value));
  else if (strcmp(name, "--key") == 0)
    replace(&a->listen.tls_key, read_file(value));
  else if (strcmp(name, "--client-ca") == 0)
    replace(&a->listen.tls_client_ca, read_file(value));
  else if (strcmp(name, "--listen") != 0)
    exit(2);
  return 2;
}

static void listen_on(app *a, char **argv, int argc) {
  for (int i = 1; i < argc; i += take_argument(a, argv[i], argv[i + 1]))
    if (strcmp(argv[i], "--listen") == 0) {
      int rv = egress_server_listen(a->server, argv[i + 1], &a->listen, a->diag);
      if (rv != 0)
        fail(a, rv);
    }
}

static void print_ports(const app *a, int argc, char **argv) {
  size_t count = 0;
  printf("{\"ports\": [");
  for (int i = 1; i < argc; i++)
    if (strcmp(argv[i], "--listen") == 0) {
      printf("%s%u", count == 0 ? "" : ", ", (unsigned)egress_server_port(a->server, count));
      count++;
    }
  printf("]}\n");
  fflush(stdout);
}

int main(int argc, char **argv) {
  app a = {.clusters = 10,
           .options = EGRESS_SERVER_OPTIONS_INIT,
           .listen = EGRESS_LISTEN_OPTIONS_INIT,
           .trial = EGRESS_TRIAL_OPTIONS_INIT};
  for (int i = 1; i < argc;)
    i += take_argument(&a, argv[i], argv[i + 1]);
  reset_listen(&a);
  uv_loop_init(&a.loop);
  a.diag = egress_diag_new(NULL);
  start_server(&a);
  listen_on(&a, argv, argc);
  reset_listen(&a);
  print_ports(&a, argc, argv);
  if (a.nofile != 0) {
    struct rlimit limit = {a.nofile, a.nofile};
    setrlimit(RLIMIT_NOFILE, &limit);
  }
  a.commands.data = &a;
  uv_pipe_init(&a.loop, &a.commands, 0);
  uv_pipe_open(&a.commands, STDIN_FILENO);
  uv_read_start((uv_stream_t *)&a.commands, on_alloc, on_read);
  uv_run(&a.loop, UV_RUN_DEFAULT);
  egress_snapshot_unref(a.snap);
  egress_cache_unref(a.cache);
  egress_diag_free(a.diag);
  return uv_loop_close(&a.loop) == 0 ? 0 : 1;
}
