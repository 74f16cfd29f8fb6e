/*
 * Loads an xDS server and measures it: streams of aggregated discovery that want all clusters and listeners, say 60 KB
 * about themselves at first as an Envoy does, check each response and answer it. Prints one line of JSON.
 *
 *   xds_load -addr HOST:PORT -ctl HOST:PORT -pid PID [-n STREAMS] [-s STREAMS OF A CONNECTION] [-delta]
 *            [-r CLUSTERS] [-k PUSHES] [-rounds ROUNDS] [-nack] [-stall STREAMS] [-node BYTES] [-window BYTES]
 *            [-settle MS] [-timeout S]
 *
 * The control port is that of xds_bench_server: GET /push makes the server change one cluster and say which, GET /calm
 * makes it give free memory back and say how many streams it has, and what it has allocated. -nack refuses every push;
 * the first so many streams of -stall stop to read before the pushes and read again after them; in each of ROUNDS all
 * come, take the pushes, and are cut off. The exit status is 2 when a response was missed, was wrong or came unasked,
 * or a stream ended.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <egress/egress.h>

#include "load/control.h"
#include "load/h2.h"
#include "load/options.h"
#include "load/process.h"

enum {
  CONNECTING_MAX = 256, /* at a time: more would be too many for the kernel's queue, and wait a second each */
  STALL_BUFFER = 16384, /* of the kernel, so that it does not read in the place of a client that does not */
  STALL_WINDOW = 65535, /* the same for HTTP/2 */
  ERRORS_TOLD = 5       /* on standard error */
};

/* One stream and what it was sent since the last change began. */
typedef struct client {
  stream stream;
  unsigned clusters, listeners; /* responses of either type */
  uint64_t took_ns;             /* until the first one with clusters */
  uint64_t sum, bytes;          /* of that one */
  unsigned resources, removed;
  char version[REPLY_TEXT], name[REPLY_TEXT];
  char accepted[2][REPLY_TEXT]; /* versions of clusters and listeners */
} client;

/* Of the server, when it is calm. */
typedef struct memory {
  size_t streams, kb;
  size_t used_kb; /* allocated and not freed; 0: it does not say */
} memory;

typedef struct round_memory {
  memory open, closed;
} round_memory;

typedef struct load {
  options options;
  network network;
  control control;
  connection *connections;
  client *clients;
  unsigned connection_count, waiting; /* clients without a response to the change under way */
  unsigned pushed;
  unsigned ready; /* clients that have everything for the first time */
  int is_started;
  uint64_t began_ns, before_sum;
  /* What was found. */
  unsigned misses, wrong, extra, errors, stalled_most;
  uint64_t *took_ns, bytes;
  size_t took_count;
  double start_ms, push_cpu_ms, client_cpu_ms;
  memory idle, start;
  round_memory rounds[ROUNDS_MAX];
} load;

static load l; /* callbacks find it here */

static void must(int ok, const char *what) {
  if (ok)
    return;
  fprintf(stderr, "xds_load: %s\n", what);
  exit(1);
}

/* ---- waiting ---- */

/* Turns until `is_done`, `ms` at most; returns whether it is. */
static int turn_until(int (*is_done)(void), unsigned ms) {
  uint64_t end = poll_now_ns() + (uint64_t)ms * 1000000U;
  while (is_done == NULL || !is_done()) {
    uint64_t now = poll_now_ns();
    if (now >= end)
      return 0;
    poll_turn(l.network.epoll, (int)((end - now) / 1000000U) + 1);
  }
  return 1;
}

static int is_answered(void) {
  return control_is_done(&l.control);
}

static void get(const char *path) {
  control_get(&l.control, l.network.epoll, &l.options.control, path);
}

static memory calm(void) {
  char streams[32], used[32];
  get("/calm");
  must(turn_until(is_answered, l.options.timeout_s * 1000), "the control port does not answer");
  control_value(&l.control, "streams", streams, sizeof streams);
  control_value(&l.control, "used", used, sizeof used);
  must(streams[0] != '\0', "the control port does not know /calm");
  return (memory){strtoul(streams, NULL, 10), process_memory_kb(l.options.pid, "VmRSS"),
                  strtoul(used, NULL, 10) / 1024};
}

/* ---- clients ---- */

static void fault(unsigned *counter, const client *c, const char *what) {
  if (l.misses + l.wrong + l.extra + l.errors < ERRORS_TOLD)
    fprintf(stderr, "stream %zu: %s (version \"%s\", resource \"%s\", %u resources, %u removed, status %d)\n",
            (size_t)(c - l.clients), what, c->version, c->name, c->resources, c->removed, c->stream.status);
  ++*counter;
}

static void ask(client *c, const char *type_url, int is_first) {
  char id[32];
  size_t filler = 0;
  snprintf(id, sizeof id, "node-%zu", (size_t)(c - l.clients));
  if (is_first)
    request_filler(l.options.node_bytes, &filler);
  request r = {
      .variant = c->stream.reply.variant, .type_url = type_url, .node_id = is_first ? id : NULL, .node_filler = filler};
  stream_send(&c->stream, &r);
}

static void answer(client *c, int is_cluster) {
  const reply *r = &c->stream.reply;
  char *accepted = c->accepted[is_cluster];
  int refuses = l.options.is_nack && l.is_started;
  if (!refuses)
    snprintf(accepted, REPLY_TEXT, "%s", r->version);
  request req = {.variant = r->variant,
                 .type_url = r->type_url,
                 .version = accepted,
                 .nonce = r->nonce,
                 .error = refuses ? "refused, as every push is here" : NULL};
  stream_send(&c->stream, &req);
}

static void take_clusters(client *c) {
  const reply *r = &c->stream.reply;
  if (c->clusters++ > 0)
    return;
  c->took_ns = poll_now_ns() - l.began_ns;
  c->sum = r->sum;
  c->bytes = r->bytes;
  c->resources = r->resources;
  c->removed = r->removed;
  memcpy(c->version, r->version, REPLY_TEXT);
  memcpy(c->name, r->name, REPLY_TEXT);
  l.waiting--;
}

static void on_reply(stream *s) {
  client *c = s->user;
  int is_cluster = strcmp(s->reply.type_url, EGRESS_TYPE_CLUSTER) == 0;
  answer(c, is_cluster);
  if (is_cluster)
    take_clusters(c);
  else
    c->listeners++;
  if (l.is_started)
    return;
  if (is_cluster && c->clusters == 1)
    ask(c, EGRESS_TYPE_LISTENER, 0);
  if (!is_cluster && c->listeners == 1)
    l.ready++;
}

static void begin_change(unsigned waiting) {
  for (unsigned i = 0; i < l.options.streams; i++) {
    client *c = &l.clients[i];
    c->clusters = c->listeners = 0;
    c->version[0] = c->name[0] = '\0';
  }
  l.waiting = waiting;
  l.began_ns = poll_now_ns();
}

/* ---- they come ---- */

static int may_connect(void) {
  return l.network.connecting < CONNECTING_MAX;
}

static int all_are_connected(void) {
  return l.network.connecting == 0;
}

static int all_are_ready(void) {
  return l.ready == l.options.streams;
}

static void check_first(const client *c) {
  if (stream_is_ended(&c->stream))
    fault(&l.errors, c, "it ended");
  else if (c->clusters == 0 || c->listeners == 0)
    fault(&l.misses, c, "it was not told everything at first");
  else if (c->resources != l.options.clusters || c->sum != l.clients[0].sum)
    fault(&l.wrong, c, "the first clusters are wrong");
}

static void connect_all(void) {
  const options *o = &l.options;
  for (unsigned i = 0; i < l.connection_count; i++) {
    int will_stall = i * o->per_connection < o->stall;
    must(turn_until(may_connect, o->timeout_s * 1000), "the server accepts nobody");
    l.network.receive_buffer = will_stall ? STALL_BUFFER : 0;
    l.network.window = will_stall ? STALL_WINDOW : o->window;
    connection_open(&l.connections[i], &l.network);
  }
  must(turn_until(all_are_connected, o->timeout_s * 1000), "the server accepts nobody");
}

static void ask_all(void) {
  const options *o = &l.options;
  l.is_started = 0;
  l.ready = 0;
  begin_change(o->streams);
  for (unsigned i = 0; i < o->streams; i++) {
    client *c = &l.clients[i];
    stream_open(&c->stream, &l.connections[i / o->per_connection], o->is_delta ? DELTA : SOTW, NULL, c);
    ask(c, EGRESS_TYPE_CLUSTER, 1);
    connection_flush(c->stream.connection);
  }
}

static void come(unsigned round) {
  const options *o = &l.options;
  connect_all();
  ask_all();
  turn_until(all_are_ready, o->timeout_s * 1000);
  double took_ms = (double)(poll_now_ns() - l.began_ns) / 1e6;
  for (unsigned i = 0; i < o->streams; i++)
    check_first(&l.clients[i]);
  turn_until(NULL, o->settle_ms);
  l.is_started = 1;
  l.before_sum = l.clients[0].sum;
  if (round > 0)
    return;
  l.start_ms = took_ms;
  l.start = calm();
}

/* ---- pushes ---- */

static int all_are_told(void) {
  return l.waiting == 0 && control_is_done(&l.control);
}

/* Delta tells the resource that has changed; to those who refused earlier ones, these again, too. */
static int is_told(const client *c, const char *name) {
  if (!l.options.is_delta)
    return c->resources == l.options.clusters;
  if (l.options.is_nack)
    return c->resources >= 1 && c->resources <= l.pushed;
  return c->resources == 1 && strcmp(c->name, name) == 0;
}

static void check_push(const client *c, const client *like, const char *version, const char *name) {
  if (stream_is_ended(&c->stream))
    fault(&l.errors, c, "it ended");
  else if (c->clusters == 0)
    fault(&l.misses, c, "a push did not come");
  else if (strcmp(c->version, version) != 0 || c->removed > 0 || c->sum != like->sum || c->sum == l.before_sum ||
           !is_told(c, name))
    fault(&l.wrong, c, "a push is not what the server says it is");
  if (c->clusters + c->listeners > 1)
    fault(&l.extra, c, "more than one response to a push");
}

static void count_push(const client *like) {
  for (unsigned i = l.options.stall; i < l.options.streams; i++)
    if (l.clients[i].clusters > 0)
      l.took_ns[l.took_count++] = l.clients[i].took_ns;
  l.before_sum = like->sum;
  l.bytes = like->bytes;
}

static void push(void) {
  const options *o = &l.options;
  char version[REPLY_TEXT], name[REPLY_TEXT];
  uint64_t server_ns = process_cpu_ns(o->pid), client_ns = process_cpu_ns(getpid());
  begin_change(o->streams - o->stall);
  l.pushed++;
  get("/push");
  turn_until(all_are_told, o->timeout_s * 1000);
  turn_until(NULL, o->settle_ms);
  l.push_cpu_ms += (double)(process_cpu_ns(o->pid) - server_ns) / 1e6;
  l.client_cpu_ms += (double)(process_cpu_ns(getpid()) - client_ns) / 1e6;
  control_value(&l.control, "version", version, sizeof version);
  control_value(&l.control, "resource", name, sizeof name);
  const client *like = &l.clients[o->streams - 1];
  for (unsigned i = o->stall; i < o->streams; i++)
    check_push(&l.clients[i], like, version, name);
  count_push(like);
}

/* Those that did not read do so again, and end where all others are. */
static int stalled_are_told(void) {
  for (unsigned i = 0; i < l.options.stall; i++)
    if (strcmp(l.clients[i].accepted[1], l.clients[l.options.streams - 1].accepted[1]) != 0)
      return 0;
  return 1;
}

static void set_stalled(int is_stalled) {
  for (unsigned i = 0; i < l.options.stall; i++)
    connection_stall(l.clients[i].stream.connection, is_stalled);
}

static void resume_stalled(void) {
  begin_change(l.options.stall);
  set_stalled(0);
  turn_until(stalled_are_told, l.options.timeout_s * 1000);
  turn_until(NULL, l.options.settle_ms);
  for (unsigned i = 0; i < l.options.stall; i++) {
    const client *c = &l.clients[i];
    if (stream_is_ended(&c->stream))
      fault(&l.errors, c, "it ended");
    else if (strcmp(c->accepted[1], l.clients[l.options.streams - 1].accepted[1]) != 0)
      fault(&l.misses, c, "it reads again and is not told the newest");
    l.stalled_most = c->clusters > l.stalled_most ? c->clusters : l.stalled_most;
  }
}

/* ---- they go ---- */

static void go(memory *kept) {
  for (unsigned i = 0; i < l.connection_count; i++)
    connection_cut(&l.connections[i]);
  for (unsigned i = 0; i < l.options.streams; i++)
    stream_close(&l.clients[i].stream);
  uint64_t end = poll_now_ns() + (uint64_t)l.options.timeout_s * 1000000000U;
  do {
    must(poll_now_ns() < end, "the server keeps streams whose clients are gone");
    turn_until(NULL, l.options.settle_ms + 1);
    *kept = calm();
  } while (kept->streams > 0);
}

static void run_round(unsigned round) {
  come(round);
  set_stalled(1);
  for (unsigned i = 0; i < l.options.pushes; i++)
    push();
  l.rounds[round].open = calm();
  if (l.options.stall > 0)
    resume_stalled();
  go(&l.rounds[round].closed);
}

/* ---- report ---- */

static int compare(const void *a, const void *b) {
  uint64_t one = *(const uint64_t *)a, two = *(const uint64_t *)b;
  return (one > two) - (one < two);
}

static double took_ms(double share) {
  return l.took_count == 0 ? 0 : (double)l.took_ns[(size_t)((double)(l.took_count - 1) * share)] / 1e6;
}

static double per_stream(size_t kb) {
  return ((double)kb - (double)l.idle.kb) / l.options.streams;
}

static void print_rounds(const char *name, size_t offset) {
  printf(", \"%s\": [", name);
  for (unsigned i = 0; i < l.options.rounds; i++)
    printf("%s%zu", i == 0 ? "" : ", ", *(const size_t *)((const char *)&l.rounds[i] + offset));
  printf("]");
}

static void report(void) {
  const options *o = &l.options;
  double pushes = o->pushes == 0 ? 1 : (double)o->pushes * o->rounds;
  qsort(l.took_ns, l.took_count, sizeof *l.took_ns, compare);
  printf("{\"streams\": %u, \"clusters\": %u, \"variant\": \"%s\", \"pushes\": %u, \"rounds\": %u, ", o->streams,
         o->clusters, o->is_delta ? "delta" : "sotw", o->pushes, o->rounds);
  printf("\"start_ms\": %.1f, \"push_p50_ms\": %.2f, \"push_p99_ms\": %.2f, \"push_cpu_ms\": %.2f, ", l.start_ms,
         took_ms(0.5), took_ms(0.99), l.push_cpu_ms / pushes);
  printf("\"client_cpu_ms\": %.2f, \"push_bytes\": %llu, ", l.client_cpu_ms / pushes, (unsigned long long)l.bytes);
  printf("\"stream_start_kb\": %.2f, \"stream_end_kb\": %.2f, \"idle_kb\": %zu, \"peak_kb\": %zu, ",
         per_stream(l.start.kb), per_stream(l.rounds[o->rounds - 1].open.kb), l.idle.kb,
         process_memory_kb(o->pid, "VmHWM"));
  printf("\"start_kb\": %zu, \"idle_used_kb\": %zu, \"stalled_responses_most\": %u, ", l.start.kb, l.idle.used_kb,
         l.stalled_most);
  printf("\"misses\": %u, \"wrong\": %u, \"extra\": %u, \"errors\": %u", l.misses, l.wrong, l.extra, l.errors);
  print_rounds("open_kb", offsetof(round_memory, open.kb));
  print_rounds("closed_kb", offsetof(round_memory, closed.kb));
  print_rounds("closed_used_kb", offsetof(round_memory, closed.used_kb));
  puts("}");
}

int main(int argc, char **argv) {
  (void)argc;
  options *o = &l.options;
  options_read(o, argv);
  process_allow_many_files();
  l.network = (network){.epoll = epoll_create1(EPOLL_CLOEXEC), .address = o->address, .on_reply = on_reply};
  l.connection_count = (o->streams + o->per_connection - 1) / o->per_connection;
  l.connections = calloc(l.connection_count, sizeof *l.connections);
  l.clients = calloc(o->streams, sizeof *l.clients);
  l.took_ns = calloc((size_t)o->streams * o->pushes * o->rounds + 1, sizeof *l.took_ns);
  must(l.network.epoll >= 0 && l.connections != NULL && l.clients != NULL && l.took_ns != NULL, "memory");
  l.idle = calm();
  must(l.idle.kb > 0, "there is no process -pid");
  must(l.idle.streams == 0, "somebody else is on the server");
  for (unsigned i = 0; i < o->rounds; i++)
    run_round(i);
  report();
  return l.misses + l.wrong + l.extra + l.errors == 0 ? 0 : 2;
}
