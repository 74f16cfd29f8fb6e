/*
 * A server over its day in short: streams come, change what they want, refuse what they are sent, stop to read for a
 * while, say goodbye or are cut off, while the cache changes 50 times a second. Now and then the changes pause, until
 *
 * - every stream was told exactly what it wants as it is then, by the hash of each resource: no message was lost;
 * - that is so for all of them before a deadline, and all that said goodbye were answered OK: no stream is stuck;
 * - the server has as many streams as there are clients, and its memory is no more than it was: nothing leaks.
 *
 * Clients are a process of their own (soak_clients.c), so that memory is the server's. EGRESS_LONG=1: 500 streams for
 * five minutes; else a few for seconds. Prints its seed; EGRESS_SEED sets it.
 */
#include <malloc.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>
#include <uv.h>

#define XXH_STATIC_LINKING_ONLY
#include <xxhash.h>

#include <egress/egress.h>

#include "load/process.h"
#include "sample/sample.h"
#include "stress/soak_clients.h"

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define HAS_OWN_MEMORY 0
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define HAS_OWN_MEMORY 0
#endif
#endif
#ifndef HAS_OWN_MEMORY
#define HAS_OWN_MEMORY 1 /* sanitizers keep what is freed */
#endif

enum {
  CHANGE_EVERY_MS = 20,
  CHANGE_NS = CHANGE_EVERY_MS * 1000000,
  PAUSES_MAX = 1000,
  STREAMS = 60,
  SECONDS = 6,
  PAUSE_EVERY = 25, /* changes */
  LONG_STREAMS = 500,
  LONG_SECONDS = 300,
  LONG_PAUSE_EVERY = 250,
  SPARE_KB = 256 /* memory that may come and go */
};

typedef struct memory {
  size_t library_kb, process_kb;
} memory;

typedef struct soak {
  uv_loop_t loop;
  uv_timer_t change;
  uv_pipe_t answers;
  egress_cache *cache;
  egress_server *server;
  egress_snapshot *snap;
  uint64_t hashes[SOAK_CLUSTERS];
  unsigned streams, seconds, pause_every;
  unsigned long changes;
  uint64_t began_ns, paused_ns;
  uint64_t next_ns; /* when a change is due */
  int states_fd, is_paused, is_answered, is_last;
  soak_answer answer;
  size_t answer_size;
  memory seen[PAUSES_MAX];
  unsigned pauses;
  unsigned long refused, rejected;
} soak;

static atomic_size_t live_bytes;
static atomic_long live_blocks;

static void must(int ok, const char *what) {
  if (ok)
    return;
  fprintf(stderr, "soak: %s\n", what);
  exit(1);
}

/* ---- memory ---- */

static void *resize(void *ptr, size_t size, void *user) {
  (void)user;
  size_t before = ptr == NULL ? 0 : malloc_usable_size(ptr);
  void *moved = realloc(ptr, size);
  must(moved != NULL, "the machine is out of memory");
  atomic_fetch_add(&live_bytes, malloc_usable_size(moved) - before);
  atomic_fetch_add(&live_blocks, ptr == NULL);
  return moved;
}

static void release(void *ptr, void *user) {
  (void)user;
  atomic_fetch_sub(&live_bytes, malloc_usable_size(ptr));
  atomic_fetch_sub(&live_blocks, ptr != NULL);
  free(ptr);
}

static const egress_alloc counting = {resize, release, NULL};

static void measure(soak *s) {
  must(s->pauses < PAUSES_MAX, "too many pauses");
  malloc_trim(0);
  s->seen[s->pauses++] = (memory){atomic_load(&live_bytes) / 1024, process_memory_kb(getpid(), "VmRSS")};
}

static memory most(const memory *seen, unsigned count) {
  memory m = {0, 0};
  for (unsigned i = 0; i < count; i++) {
    m.library_kb = seen[i].library_kb > m.library_kb ? seen[i].library_kb : m.library_kb;
    m.process_kb = seen[i].process_kb > m.process_kb ? seen[i].process_kb : m.process_kb;
  }
  return m;
}

/* The most in the last third of the time is no more than in the first, but for a tenth. */
static void check_memory(const soak *s) {
  unsigned third = s->pauses / 3;
  must(third > 0, "too few pauses to compare");
  memory first = most(s->seen, third), last = most(s->seen + s->pauses - third, third);
  printf("memory: the library's %zu KB at first, %zu KB at last; the process's %zu KB, %zu KB\n", first.library_kb,
         last.library_kb, first.process_kb, last.process_kb);
  must(last.library_kb <= first.library_kb + first.library_kb / 10 + SPARE_KB, "the library takes ever more memory");
  if (HAS_OWN_MEMORY)
    must(last.process_kb <= first.process_kb + first.process_kb / 10 + SPARE_KB, "the process takes ever more memory");
}

/* ---- changes ---- */

static void hash_clusters(soak *s) {
  char name[SAMPLE_NAME];
  for (unsigned i = 0; i < SOAK_CLUSTERS; i++) {
    const egress_resource *resource = egress_snapshot_find(s->snap, EGRESS_TYPE_CLUSTER, sample_name(name, i));
    s->hashes[i] = XXH64(egress_resource_bytes(resource), egress_resource_size(resource), 0);
  }
}

static void change(soak *s) {
  s->changes++;
  egress_snapshot *next = sample_change(s->snap, (unsigned)(s->changes * 7 % SOAK_CLUSTERS), (unsigned)s->changes);
  egress_snapshot_unref(s->snap);
  s->snap = next;
  must(egress_cache_set(s->cache, "*", next) == 0, "set");
}

static void begin_pause(soak *s) {
  soak_state state = {.is_last = uv_hrtime() - s->began_ns >= (uint64_t)s->seconds * 1000000000U};
  hash_clusters(s);
  memcpy(state.hashes, s->hashes, sizeof state.hashes);
  s->is_paused = 1;
  s->is_answered = 0;
  s->is_last = state.is_last;
  s->paused_ns = uv_hrtime();
  must(write(s->states_fd, &state, sizeof state) == (ssize_t)sizeof state, "the clients are gone");
}

static void on_server_closed(egress_server *server, void *user) {
  soak *s = user;
  must(egress_server_stream_count(server) == 0, "no stream outlives the server");
  egress_server_free(server);
  s->server = NULL;
}

static void end_pause(soak *s) {
  measure(s);
  const memory *m = &s->seen[s->pauses - 1];
  uint64_t now = uv_hrtime();
  printf("%.1f s: %lu changes, a pause of %.1f s, library %zu KB, process %zu KB\n", (double)(now - s->began_ns) / 1e9,
         s->changes, (double)(now - s->paused_ns) / 1e9, m->library_kb, m->process_kb);
  fflush(stdout);
  s->is_paused = 0;
  s->next_ns = now;
  if (!s->is_last)
    return;
  uv_close((uv_handle_t *)&s->change, NULL);
  uv_close((uv_handle_t *)&s->answers, NULL);
  egress_server_close(s->server, on_server_closed, s);
}

static void on_change(uv_timer_t *timer) {
  soak *s = timer->data;
  if (s->is_paused) {
    /* Who was cut off is noticed when the loop comes to it; the last state ends all of them. */
    if (s->is_answered && (s->is_last || egress_server_stream_count(s->server) == s->streams))
      end_pause(s);
    else
      must(uv_hrtime() - s->paused_ns < (uint64_t)(SOAK_DEADLINE_S + 30) * 1000000000U,
           s->is_answered ? "the server keeps streams whose clients are gone" : "the clients do not answer");
    return;
  }
  /* As many as are due: a loop that is busy is not spared any. */
  while (!s->is_paused && s->next_ns <= uv_hrtime()) {
    s->next_ns += CHANGE_NS;
    change(s);
    if (s->changes % s->pause_every == 0)
      begin_pause(s);
  }
}

/* ---- the clients' word ---- */

static void on_room(uv_handle_t *handle, size_t size, uv_buf_t *buf) {
  (void)size;
  soak *s = handle->data;
  *buf = uv_buf_init((char *)&s->answer + s->answer_size, (unsigned)(sizeof s->answer - s->answer_size));
}

static void on_answer(uv_stream_t *stream, ssize_t size, const uv_buf_t *buf) {
  (void)buf;
  soak *s = stream->data;
  must(size >= 0 || s->is_last, "the clients are gone");
  if (size < 0) {
    uv_read_stop(stream);
    return;
  }
  s->answer_size += (size_t)size;
  if (s->answer_size < sizeof s->answer)
    return;
  s->answer_size = 0;
  s->is_answered = 1;
}

static void on_event(const egress_event *event, void *user) {
  soak *s = user;
  s->refused += event->kind == EGRESS_EVENT_NACKED;
  s->rejected += event->kind == EGRESS_EVENT_REJECTED;
}

/* ---- the whole ---- */

static void begin(soak *s, int answers_fd) {
  egress_cache_options cache_options = EGRESS_CACHE_OPTIONS_INIT;
  egress_server_options options = EGRESS_SERVER_OPTIONS_INIT;
  cache_options.alloc = options.alloc = &counting;
  options.on_event = on_event;
  options.user = s;
  uv_loop_init(&s->loop);
  s->snap = sample_snapshot(SOAK_CLUSTERS);
  must(egress_cache_new(&s->cache, &cache_options) == 0 && egress_cache_set(s->cache, "*", s->snap) == 0, "cache");
  must(egress_server_new(&s->server, &s->loop, s->cache, &options) == 0, "server");
  must(egress_server_listen(s->server, "127.0.0.1:0", NULL, NULL) == 0, "listen");
  uv_pipe_init(&s->loop, &s->answers, 0);
  must(uv_pipe_open(&s->answers, answers_fd) == 0, "pipe");
  s->answers.data = s;
  must(uv_read_start((uv_stream_t *)&s->answers, on_room, on_answer) == 0, "pipe");
  uv_timer_init(&s->loop, &s->change);
  s->change.data = s;
  s->began_ns = s->next_ns = uv_hrtime();
  uv_timer_start(&s->change, on_change, CHANGE_EVERY_MS, CHANGE_EVERY_MS);
}

static void end(soak *s) {
  must(s->server == NULL && uv_loop_close(&s->loop) == 0, "nothing is left on the loop");
  egress_snapshot_unref(s->snap);
  egress_cache_unref(s->cache);
  must(atomic_load(&live_blocks) == 0, "blocks were never given back");
}

/* The child is made before there is anything that it would share; it is told the port once there is one. */
static pid_t start_clients(unsigned streams, unsigned seed, int *port_fd, int *states_fd, int *answers_fd) {
  int port[2], states[2], answers[2];
  must(pipe(port) == 0 && pipe(states) == 0 && pipe(answers) == 0, "pipe");
  pid_t pid = fork();
  must(pid >= 0, "fork");
  if (pid == 0) {
    unsigned number;
    close(port[1]), close(states[1]), close(answers[0]);
    must(read(port[0], &number, sizeof number) == (ssize_t)sizeof number, "the server is gone");
    exit(soak_clients_run(number, streams, seed, states[0], answers[1]));
  }
  close(port[0]), close(states[0]), close(answers[1]);
  *port_fd = port[1], *states_fd = states[1], *answers_fd = answers[0];
  return pid;
}

int main(void) {
  const char *is_long = getenv("EGRESS_LONG"), *given = getenv("EGRESS_SEED");
  unsigned seed = given != NULL ? (unsigned)strtoul(given, NULL, 10) : (unsigned)uv_hrtime();
  soak s = {.streams = STREAMS, .seconds = SECONDS, .pause_every = PAUSE_EVERY};
  if (is_long != NULL && strcmp(is_long, "1") == 0)
    s = (soak){.streams = LONG_STREAMS, .seconds = LONG_SECONDS, .pause_every = LONG_PAUSE_EVERY};
  int port_fd, answers_fd, status;
  printf("seed %u\n", seed);
  fflush(stdout);
  process_allow_many_files();
  signal(SIGPIPE, SIG_IGN); /* who writes to the other notices that it is gone */
  pid_t clients = start_clients(s.streams, seed, &port_fd, &s.states_fd, &answers_fd);
  begin(&s, answers_fd);
  unsigned port = egress_server_port(s.server, 0);
  must(write(port_fd, &port, sizeof port) == (ssize_t)sizeof port, "the clients are gone");
  uv_run(&s.loop, UV_RUN_DEFAULT);
  must(waitpid(clients, &status, 0) == clients && status == 0, "the clients failed");
  end(&s);
  double seconds = (double)(uv_hrtime() - s.began_ns) / 1e9;
  printf("%u streams, %.0f s, %lu changes, %u pauses; %lu lives: %lu cut off, %lu said goodbye; %lu moved, %lu "
         "stalled; %lu responses, %lu refused\n",
         s.streams, seconds, s.changes, s.pauses, s.answer.lives, s.answer.cut, s.answer.finished, s.answer.moved,
         s.answer.stalled, s.answer.responses, s.answer.refused);
  must(s.rejected == 0, "a client was turned away");
  /* Who is cut off takes one refusal with him at most, and so does the end of all. */
  must(s.refused <= s.answer.refused, "refusals that nobody made");
  must(s.answer.refused - s.refused <= s.answer.cut + s.streams, "refusals were lost");
  check_memory(&s);
  return 0;
}
