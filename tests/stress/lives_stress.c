/*
 * A server that is started and closed leaves nothing behind: 200 lives of each kind, after some to warm up, end with as
 * many descriptors, threads and live heap blocks of the process as there were.
 */
#include <dirent.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <uv.h>

#include <egress/egress.h>

#include "sample/sample.h"
#include "support/grpc_client.h"

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define COUNT_BLOCKS 0
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define COUNT_BLOCKS 0
#endif
#endif
#ifndef COUNT_BLOCKS
#define COUNT_BLOCKS 1
#endif

enum {
  WARM_UP = 20,
  LIVES = COUNT_BLOCKS ? 200 : 20, /* sanitizers find a leak in one */
  CLIENTS = 3
};

/* ---- live heap blocks of the whole process, gRPC's included ---- */

static atomic_long live_blocks;

#if COUNT_BLOCKS
void *__libc_malloc(size_t size);
void *__libc_calloc(size_t count, size_t size);
void *__libc_realloc(void *ptr, size_t size);
void *__libc_memalign(size_t alignment, size_t size);
void __libc_free(void *ptr);

static void *counted(void *ptr) {
  if (ptr != NULL)
    atomic_fetch_add(&live_blocks, 1);
  return ptr;
}

void *malloc(size_t size) {
  return counted(__libc_malloc(size));
}

void *calloc(size_t count, size_t size) {
  return counted(__libc_calloc(count, size));
}

void *realloc(void *ptr, size_t size) {
  void *to = __libc_realloc(ptr, size);
  return ptr == NULL ? counted(to) : to;
}

void *memalign(size_t alignment, size_t size);
void *memalign(size_t alignment, size_t size) {
  return counted(__libc_memalign(alignment, size));
}

void *aligned_alloc(size_t alignment, size_t size) {
  return memalign(alignment, size);
}

int posix_memalign(void **out, size_t alignment, size_t size) {
  *out = memalign(alignment, size);
  return *out == NULL ? 12 : 0;
}

void free(void *ptr) {
  if (ptr != NULL)
    atomic_fetch_sub(&live_blocks, 1);
  __libc_free(ptr);
}
#endif

typedef struct holdings {
  long files, threads, blocks;
} holdings;

static long count_entries(const char *path) {
  long count = 0;
  DIR *folder = opendir(path);
  while (folder != NULL && readdir(folder) != NULL)
    count++;
  if (folder != NULL)
    closedir(folder);
  return count;
}

static holdings count_holdings(void) {
  return (holdings){count_entries("/proc/self/fd"), count_entries("/proc/self/task"), atomic_load(&live_blocks)};
}

/* ---- one life ---- */

typedef struct life {
  uv_loop_t loop;
  egress_server *server;
  const char *listen;      /* NULL: never listens */
  char address[256];       /* for clients */
  const char *cert, *key;  /* NULL: plaintext */
  int clients, leave_open; /* leave_open: the server is the one to end the streams */
  atomic_int left;         /* clients that are not done */
  uv_async_t done;         /* a client is done */
  uv_thread_t threads[CLIENTS];
  int closed;
} life;

static void on_closed(egress_server *server, void *user) {
  life *l = user;
  l->closed++;
  egress_server_free(server);
}

static void end_life(life *l) {
  egress_server_close(l->server, on_closed, l);
  egress_server_close(l->server, on_closed, l);
  if (l->clients > 0)
    uv_close((uv_handle_t *)&l->done, NULL);
}

static void on_done(uv_async_t *done) {
  life *l = done->data;
  if (atomic_load(&l->left) == 0 && l->server != NULL) {
    end_life(l);
    l->server = NULL;
  }
}

static void must(int ok, const char *what) {
  if (ok)
    return;
  fprintf(stderr, "lives: %s\n", what);
  abort();
}

static void run_client(void *user) {
  life *l = user;
  client *c = client_open(l->address, l->cert);
  must(client_subscribe(c) == 0, "subscribe");
  must(client_take(c, 1) > 0, "a response");
  if (!l->leave_open) {
    client_finish(c);
    must(client_status(c) == 0, "status OK");
  }
  atomic_fetch_sub(&l->left, 1);
  uv_async_send(&l->done);
  if (l->leave_open)
    must(client_status(c) == 14, "status UNAVAILABLE when the server closes");
  client_close(c);
}

static void start_clients(life *l) {
  if (l->clients == 0)
    return;
  if (strncmp(l->listen, "unix:", 5) == 0)
    snprintf(l->address, sizeof l->address, "%s", l->listen);
  else
    snprintf(l->address, sizeof l->address, "127.0.0.1:%u", (unsigned)egress_server_port(l->server, 0));
  atomic_store(&l->left, l->clients);
  uv_async_init(&l->loop, &l->done, on_done);
  l->done.data = l;
  for (int i = 0; i < l->clients; i++)
    uv_thread_create(&l->threads[i], run_client, l);
}

static void live(life l) {
  static egress_snapshot *snap;
  if (snap == NULL)
    snap = sample_snapshot(10);
  egress_cache *cache;
  uv_loop_init(&l.loop);
  must(egress_cache_new(&cache, NULL) == 0, "cache");
  must(egress_cache_set(cache, "*", snap) == 0, "set");
  must(egress_server_new(&l.server, &l.loop, cache, NULL) == 0, "server");
  egress_cache_unref(cache);
  egress_listen_options options = EGRESS_LISTEN_OPTIONS_INIT;
  options.tls_cert = l.cert;
  options.tls_key = l.key;
  if (l.listen != NULL)
    must(egress_server_listen(l.server, l.listen, &options, NULL) == 0, "listen");
  start_clients(&l);
  if (l.clients == 0)
    end_life(&l);
  must(l.closed == 0, "no callback inside close");
  uv_run(&l.loop, UV_RUN_DEFAULT);
  must(l.closed == 1, "one close callback");
  for (int i = 0; i < l.clients; i++)
    uv_thread_join(&l.threads[i]);
  must(uv_loop_close(&l.loop) == 0, "nothing is left on the loop");
}

/* What is held once all threads of gRPC have gone: they are joined by one that nobody can join. */
static holdings settle(long threads) {
  holdings now = count_holdings();
  for (int i = 0; i < 500 && now.threads != threads; i++) {
    uv_sleep(10);
    now = count_holdings();
  }
  return now;
}

static int check(const char *name, long threads, life l) {
  for (int i = 0; i < WARM_UP; i++)
    live(l);
  holdings before = settle(threads);
  uint64_t start = uv_hrtime();
  for (int i = 0; i < LIVES; i++)
    live(l);
  holdings after = settle(threads);
  int same = before.threads == threads && after.files == before.files && after.threads == before.threads &&
             after.blocks == before.blocks;
  printf("%-24s %d lives, %5.1f ms each; files %ld %ld, threads %ld %ld, blocks %ld %ld%s\n", name, LIVES,
         (double)(uv_hrtime() - start) / 1e6 / LIVES, before.files, after.files, before.threads, after.threads,
         before.blocks, after.blocks, same ? "" : "   LEAK");
  fflush(stdout);
  return same;
}

/* ---- certificates ---- */

static char *slurp(const char *folder, const char *name) {
  char path[300];
  snprintf(path, sizeof path, "%s/%s", folder, name);
  FILE *file = fopen(path, "rb");
  must(file != NULL, "the certificate made by openssl");
  char *text = calloc(1, 1 << 14);
  must(text != NULL && fread(text, 1, (1 << 14) - 1, file) > 0, "certificate");
  fclose(file);
  unlink(path);
  return text;
}

static void make_certificate(const char *folder, char **cert, char **key) {
  char command[1024];
  snprintf(command, sizeof command,
           "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj /CN=localhost "
           "-addext subjectAltName=DNS:localhost -keyout %s/key -out %s/cert 2>/dev/null",
           folder, folder);
  must(system(command) == 0, "the program openssl");
  *cert = slurp(folder, "cert");
  *key = slurp(folder, "key");
}

static void do_nothing(void *user) {
  (void)user;
}

/* Threads of a process in which nothing of ours runs. ThreadSanitizer adds its own with the first that is made. */
static long count_idle_threads(void) {
  uv_thread_t thread;
  must(uv_thread_create(&thread, do_nothing, NULL) == 0, "thread");
  uv_thread_join(&thread);
  long least = count_holdings().threads;
  for (int i = 0; i < 20; i++) { /* a joined thread is still listed for a moment */
    uv_sleep(5);
    long now = count_holdings().threads;
    least = now < least ? now : least;
  }
  return least;
}

int main(void) {
  char folder[] = "/tmp/lives.XXXXXX", path[64];
  char *cert, *key;
  must(mkdtemp(folder) != NULL, "mkdtemp");
  make_certificate(folder, &cert, &key);
  snprintf(path, sizeof path, "unix:%s/socket", folder);
  int ok = 1;
  long threads = count_idle_threads();
  ok &= check("never listened", threads, (life){0});
  ok &= check("plaintext", threads, (life){.listen = "127.0.0.1:0"});
  ok &= check("unix", threads, (life){.listen = path});
  ok &= check("tls", threads, (life){.listen = "127.0.0.1:0", .cert = cert, .key = key});
  for (int open = 0; open < 2; open++) {
    life l = {.listen = "127.0.0.1:0", .clients = CLIENTS, .leave_open = open};
    ok &= check(open ? "plaintext, open streams" : "plaintext, clients", threads, l);
    l.listen = path;
    ok &= check(open ? "unix, open streams" : "unix, clients", threads, l);
    l.listen = "127.0.0.1:0";
    l.cert = cert;
    l.key = key;
    ok &= check(open ? "tls, open streams" : "tls, clients", threads, l);
  }
  must(rmdir(folder) == 0, "nothing is left in the folder");
  free(cert);
  free(key);
  return ok ? 0 : 1;
}
