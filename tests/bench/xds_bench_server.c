/*
 * A server to be timed. Whoever comes gets the sample's clusters, as many as -r says, and its listener.
 *
 *   xds_bench_server -addr HOST:PORT [-ctl HOST:PORT] [-r CLUSTERS] [-patience MS]
 *
 * It says "ready PORT CONTROL-PORT" when it listens; 0 for either lets the kernel choose. Each GET /push on the control
 * port gives one more cluster a new version and is told "version=V resource=NAME": with these a client knows the push
 * when it sees it. Each GET /calm is told "streams=N used=BYTES", what is allocated, when nothing happened for a moment
 * and free memory was given back. -patience is how long a client may leave a response unread, and how long it may be
 * silent before it is asked for a sign of life; without it, or with 0, as long as servers let it by default.
 */
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <uv.h>

#include <egress/egress.h>

#include "sample/sample.h"

enum { CALM_MS = 200, BODY = 256 };

struct request;

typedef struct bench {
  uv_loop_t *loop;
  uv_tcp_t control;
  egress_cache *cache;
  egress_server *server;
  egress_snapshot *snap;
  unsigned clusters, pushes;
  unsigned patience_ms; /* 0: the server's defaults */
  uv_timer_t calm;      /* looks whether clients said anything, or were sent anything */
  size_t events, seen;  /* now, and when it looked last */
  int is_trimmed;
  struct request *waiting; /* for calm */
} bench;

/* One request of the control port. */
typedef struct request {
  uv_tcp_t tcp;
  uv_write_t write;
  bench *bench;
  struct request *next; /* that waits, too */
  char in[1024];
  char out[512];
} request;

static void push(bench *b, char *out, size_t size) {
  char name[SAMPLE_NAME];
  b->pushes++;
  unsigned index = b->pushes * 7919 % b->clusters;
  egress_snapshot *next = sample_change(b->snap, index, b->pushes);
  egress_snapshot_unref(b->snap);
  b->snap = next;
  egress_cache_set(b->cache, "*", next);
  snprintf(out, size, "version=%s resource=%s\n", egress_snapshot_type_version(next, EGRESS_TYPE_CLUSTER),
           sample_name(name, index));
}

static void say_used(const bench *b, char *out, size_t size) {
  struct mallinfo2 info = mallinfo2();
  size_t streams = egress_server_stream_count(b->server);
  snprintf(out, size, "streams=%zu used=%zu\n", streams, info.uordblks + info.hblkhd);
}

static void on_closed(uv_handle_t *handle) {
  free(handle->data);
}

static void on_written(uv_write_t *write, int status) {
  (void)status;
  uv_close((uv_handle_t *)write->handle, on_closed);
}

static void answer(request *r, const char *body) {
  int n = snprintf(r->out, sizeof r->out, "HTTP/1.1 200 OK\r\nContent-Length: %zu\r\nConnection: close\r\n\r\n%s",
                   strlen(body), body);
  uv_buf_t buf = uv_buf_init(r->out, (unsigned)n);
  uv_write(&r->write, (uv_stream_t *)&r->tcp, &buf, 1, on_written);
}

static void on_alloc(uv_handle_t *handle, size_t size, uv_buf_t *buf) {
  (void)size;
  request *r = handle->data;
  *buf = uv_buf_init(r->in, sizeof r->in - 1);
}

static void on_read(uv_stream_t *stream, ssize_t size, const uv_buf_t *buf) {
  request *r = stream->data;
  if (size <= 0) {
    uv_close((uv_handle_t *)stream, on_closed);
    return;
  }
  uv_read_stop(stream);
  char body[BODY] = "unknown\n";
  buf->base[size] = '\0';
  if (strncmp(buf->base, "GET /calm ", 10) == 0) {
    r->next = r->bench->waiting;
    r->bench->waiting = r;
    return;
  }
  if (strncmp(buf->base, "GET /push ", 10) == 0)
    push(r->bench, body, sizeof body);
  answer(r, body);
}

static void on_control(uv_stream_t *stream, int status) {
  bench *b = stream->data;
  request *r = calloc(1, sizeof *r);
  if (status != 0 || r == NULL)
    exit(1);
  r->bench = b;
  uv_tcp_init(b->loop, &r->tcp);
  r->tcp.data = r;
  if (uv_accept(stream, (uv_stream_t *)&r->tcp) != 0 || uv_read_start((uv_stream_t *)&r->tcp, on_alloc, on_read) != 0)
    uv_close((uv_handle_t *)&r->tcp, on_closed);
}

static void listen_for_control(bench *b, const char *address) {
  char host[64];
  int port;
  struct sockaddr_in name;
  if (sscanf(address, "%63[^:]:%d", host, &port) != 2 || uv_ip4_addr(host, port, &name) != 0)
    exit(2);
  uv_tcp_init(b->loop, &b->control);
  b->control.data = b;
  if (uv_tcp_bind(&b->control, (const struct sockaddr *)&name, 0) != 0 ||
      uv_listen((uv_stream_t *)&b->control, 16, on_control) != 0) {
    fprintf(stderr, "cannot listen on %s\n", address);
    exit(1);
  }
}

static unsigned control_port(const bench *b) {
  struct sockaddr_in name;
  int size = sizeof name;
  uv_tcp_getsockname(&b->control, (struct sockaddr *)&name, &size);
  return ntohs(name.sin_port);
}

/*
 * What many clients said and were sent at once was freed, but glibc gives a process's memory back only where nothing
 * lies behind it. An embedder that cares does this, once it is calm.
 */
static void on_calm(uv_timer_t *timer) {
  bench *b = timer->data;
  int is_calm = b->events == b->seen;
  b->seen = b->events;
  if (is_calm && (!b->is_trimmed || b->waiting != NULL))
    malloc_trim(0);
  b->is_trimmed = is_calm;
  while (is_calm && b->waiting != NULL) {
    request *r = b->waiting;
    char body[BODY];
    b->waiting = r->next;
    say_used(b, body, sizeof body);
    answer(r, body);
  }
}

static void allow_many_files(void) {
  struct rlimit limit;
  getrlimit(RLIMIT_NOFILE, &limit);
  limit.rlim_cur = limit.rlim_max;
  setrlimit(RLIMIT_NOFILE, &limit);
}

/* Takes them: where nobody does, a thousand wait, each in a place of its own among what streams leave free. */
static void on_event(const egress_event *event, void *user) {
  bench *b = user;
  (void)event;
  b->events++;
}

static void serve(bench *b, const char *address) {
  egress_diag *diag = egress_diag_new(NULL);
  egress_server_options options = EGRESS_SERVER_OPTIONS_INIT;
  options.on_event = on_event;
  options.user = b;
  options.keepalive_ms = options.max_unread_ms = b->patience_ms;
  b->snap = sample_snapshot(b->clusters);
  if (egress_cache_new(&b->cache, NULL) != 0 || egress_cache_set(b->cache, "*", b->snap) != 0 ||
      egress_server_new(&b->server, b->loop, b->cache, &options) != 0 ||
      egress_server_listen(b->server, address, NULL, diag) != 0) {
    fprintf(stderr, "%s", egress_diag_text(diag));
    exit(1);
  }
  egress_diag_free(diag);
}

int main(int argc, char **argv) {
  bench b = {.loop = uv_default_loop(), .clusters = 1000};
  const char *address = "127.0.0.1:28700", *control = "127.0.0.1:28701";
  for (int i = 1; i + 1 < argc; i += 2)
    if (strcmp(argv[i], "-addr") == 0)
      address = argv[i + 1];
    else if (strcmp(argv[i], "-ctl") == 0)
      control = argv[i + 1];
    else if (strcmp(argv[i], "-r") == 0)
      b.clusters = (unsigned)strtoul(argv[i + 1], NULL, 10);
    else if (strcmp(argv[i], "-patience") == 0)
      b.patience_ms = (unsigned)strtoul(argv[i + 1], NULL, 10);
    else
      return 2;
  if (b.clusters == 0)
    return 2;
  allow_many_files();
  serve(&b, address);
  listen_for_control(&b, control);
  uv_timer_init(b.loop, &b.calm);
  b.calm.data = &b;
  uv_timer_start(&b.calm, on_calm, CALM_MS, CALM_MS);
  printf("ready %u %u\n", (unsigned)egress_server_port(b.server, 0), control_port(&b));
  fflush(stdout);
  return uv_run(b.loop, UV_RUN_DEFAULT);
}
