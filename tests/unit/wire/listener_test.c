#include "wire/listener.h"

#include <arpa/inet.h>
#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "support/grpc_client.h"
#include "support/pki.h"
#include "support/serving.h"
#include "support/xds.h"
#include "wire/tcp.h"
#include "wire/tls.h"

static serving s;
static int warnings; /* of paused listeners */
static client *one;
static long taken;          /* the length of its response, or below 0; asserted in the test's thread */
static const char *trusted; /* whom the client trusts */
static char address[64];
static egress__listener *listener; /* the one that is tested, beside the server's own */

static void on_log(int32_t level, const char *category, const char *text, void *user) {
  (void)user;
  if (strcmp(category, "wire") != 0)
    return;
  cr_assert_eq(level, EGRESS_LOG_WARN);
  cr_assert_not_null(strstr(text, "raise the limit of open files"));
  warnings++;
}

static void begin(void) {
  egress_server_options options = EGRESS_SERVER_OPTIONS_INIT;
  options.log = on_log;
  serving_begin(&s, &options);
}

static char folder[64]; /* of a unix socket; "": none */

static void end(void) {
  serving_end(&s);
  if (folder[0] != '\0')
    rmdir(folder);
}

TestSuite(listener, .init = begin, .fini = end);

/* Opened, and among the server's, which closes and frees it, but not started. */
static void open_at(const char *where, const egress_listen_options *options) {
  egress_listen_options plain = EGRESS_LISTEN_OPTIONS_INIT;
  cr_assert_eq(egress__listener_open(&listener, s.server, where, options != NULL ? options : &plain, NULL), 0);
  *s.server->last_listener = listener;
  s.server->last_listener = &listener->next;
  snprintf(address, sizeof address, "127.0.0.1:%u", (unsigned)listener->port);
}

/* A connection without a client of gRPC behind it. The kernel makes it, whether anybody accepts or not. */
static int connect_raw(void) {
  struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(listener->port)};
  to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  int fd = socket(AF_INET, SOCK_STREAM, 0);
  cr_assert_eq(connect(fd, (const struct sockaddr *)&to, sizeof to), 0);
  return fd;
}

/* An HTTP/2 server speaks first, as soon as it has accepted. */
static int is_served(void *user) {
  const int *fd = user;
  char byte;
  return recv(*fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT) == 1;
}

static void turn(int times) {
  while (times-- > 0)
    uv_run(&s.loop, UV_RUN_ONCE);
}

Test(listener, accepts_nothing_before_it_is_started) {
  open_at("127.0.0.1:0", NULL);
  cr_assert_neq(listener->port, 0);
  int fd = connect_raw();
  turn(20);
  cr_assert(!is_served(&fd));
  egress__listener_start(listener);
  serving_until(&s, is_served, &fd);
  close(fd);
}

static egress__listener *open_and_start(const char *where, const egress_listen_options *options) {
  open_at(where, options);
  egress__listener_start(listener);
  return listener;
}

Test(listener, what_is_said_of_clients_is_said_by_where_they_come_in) {
  char where[80];
  egress_listen_options options = EGRESS_LISTEN_OPTIONS_INIT;
  EVP_PKEY *pair = pki_key("EC");
  char *cert = pki_certificate(pair), *key = pki_key_text(pair, NULL);
  strcpy(folder, "/tmp/egress-listener-XXXXXX");
  cr_assert_not_null(mkdtemp(folder));
  snprintf(where, sizeof where, "unix:%s/s", folder);
  const egress__entry *entry = &s.server->listeners->entry;
  cr_expect(entry->transport == EGRESS_TRANSPORT_PLAINTEXT && !entry->insecure_secrets);
  cr_expect_eq(open_and_start(where, NULL)->entry.transport, EGRESS_TRANSPORT_UNIX);
  options.insecure_secrets = 1;
  entry = &open_and_start("127.0.0.1:0", &options)->entry;
  cr_expect(entry->transport == EGRESS_TRANSPORT_PLAINTEXT && entry->insecure_secrets);
  options.insecure_secrets = 0;
  options.tls_cert = cert;
  options.tls_key = key;
  cr_expect_eq(open_and_start("127.0.0.1:0", &options)->entry.transport, EGRESS_TRANSPORT_TLS);
  options.tls_client_ca = cert;
  cr_expect_eq(open_and_start("127.0.0.1:0", &options)->entry.transport, EGRESS_TRANSPORT_MUTUAL_TLS);
  options.insecure_secrets = 1;
  cr_expect_eq(open_and_start("127.0.0.1:0", &options)->entry.insecure_secrets, 1);
  free(cert);
  free(key);
  EVP_PKEY_free(pair);
}

Test(listener, one_that_cannot_be_opened_is_not_there) {
  egress_listen_options options = EGRESS_LISTEN_OPTIONS_INIT;
  egress__listener *out = NULL;
  cr_assert_lt(egress__listener_open(&out, s.server, s.address, &options, NULL), 0);
  cr_assert_null(out);
}

static int is_free(uint16_t port) {
  egress__endpoint at;
  int fd;
  uint16_t got;
  cr_assert_eq(egress__endpoint_parse(&at, "127.0.0.1:0"), 0);
  at.port = port;
  if (egress__tcp_listen(&fd, &got, &at, NULL) != 0)
    return 0;
  close(fd);
  return 1;
}

Test(listener, closing_gives_the_address_back) {
  egress__listener *out = NULL;
  egress_listen_options options = EGRESS_LISTEN_OPTIONS_INIT;
  cr_assert_eq(egress__listener_open(&out, s.server, "127.0.0.1:0", &options, NULL), 0);
  egress__listener_start(out);
  size_t handles = s.server->open_handles;
  cr_assert(!is_free(out->port));
  egress__listener_close(out);
  cr_assert(is_free(out->port), "at once");
  while (s.server->open_handles == handles)
    turn(1);
  egress__listener_free(out);
}

/* ---- without descriptors ---- */

static int is_paused(void *user) {
  (void)user;
  return listener->is_paused;
}

/* Allows no descriptor more than there are. Returns the limit that was. */
static rlim_t take_descriptors(void) {
  struct rlimit limit;
  int next = dup(0); /* the lowest that is free */
  close(next);
  getrlimit(RLIMIT_NOFILE, &limit);
  rlim_t before = limit.rlim_cur;
  limit.rlim_cur = (rlim_t)next;
  cr_assert_eq(setrlimit(RLIMIT_NOFILE, &limit), 0);
  return before;
}

static void give_descriptors(rlim_t count) {
  struct rlimit limit;
  getrlimit(RLIMIT_NOFILE, &limit);
  limit.rlim_cur = count;
  setrlimit(RLIMIT_NOFILE, &limit);
}

/* valgrind keeps the limit to itself, so that the kernel still gives descriptors. */
static int is_under_valgrind(void) {
  const char *preloaded = getenv("LD_PRELOAD");
  return preloaded != NULL && strstr(preloaded, "vgpreload") != NULL;
}

Test(listener, without_descriptors_it_pauses_and_warns_once) {
  if (is_under_valgrind())
    cr_skip_test("there is no running out of descriptors under valgrind");
  open_at("127.0.0.1:0", NULL);
  egress__listener_start(listener);
  int fd = connect_raw();
  rlim_t before = take_descriptors();
  serving_until(&s, is_paused, NULL);
  cr_assert_eq(warnings, 1);
  egress__listener_resume(listener);
  cr_assert(!listener->is_paused, "it tries");
  serving_until(&s, is_paused, NULL);
  cr_assert_eq(warnings, 1, "it is the same shortage");
  give_descriptors(before);
  serving_until(&s, is_served, &fd);
  cr_assert(!listener->is_paused, "it was resumed first");
  close(fd);
}

Test(listener, resuming_one_that_serves_does_nothing) {
  open_at("127.0.0.1:0", NULL);
  egress__listener_start(listener);
  egress__listener_resume(listener);
  cr_assert(!listener->is_paused && warnings == 0);
  int fd = connect_raw();
  serving_until(&s, is_served, &fd);
  close(fd);
}

/* ---- clients ---- */

static void open_one(void *user) {
  (void)user;
  one = client_open(address, trusted);
}

static void use_and_close_one(void *user) {
  (void)user;
  taken = client_subscribe(one) == 0 ? client_take(one, 0) : -1;
  client_close(one);
}

static void serve_something(void) {
  egress_snapshot *snap;
  cr_assert_eq(xds_snapshot_new(&snap, "C: a=1", NULL), 0);
  cr_assert_eq(egress_cache_set(s.cache, "*", snap), 0);
  egress_snapshot_unref(snap);
}

/* ---- another certificate ---- */

typedef struct identity {
  EVP_PKEY *pair;
  char *cert, *key;
} identity;

static identity first, second;

static void make_identities(void) {
  identity *const all[] = {&first, &second};
  for (size_t i = 0; i < 2; i++) {
    all[i]->pair = pki_key("EC");
    all[i]->cert = pki_certificate(all[i]->pair);
    all[i]->key = pki_key_text(all[i]->pair, NULL);
  }
}

static void free_identities(void) {
  identity *const all[] = {&first, &second};
  for (size_t i = 0; i < 2; i++) {
    free(all[i]->cert);
    free(all[i]->key);
    EVP_PKEY_free(all[i]->pair);
  }
}

static void set_tls(const egress_listen_options *options) {
  SSL_CTX *context;
  cr_assert_eq(egress__tls_context(&context, options, NULL), 0);
  egress__listener_set_context(listener, context);
}

static egress_listen_options shows(const identity *own, const identity *clients) {
  egress_listen_options options = EGRESS_LISTEN_OPTIONS_INIT;
  options.tls_cert = own->cert;
  options.tls_key = own->key;
  options.tls_client_ca = clients != NULL ? clients->cert : NULL;
  return options;
}

static const identity *client_has; /* NULL: no certificate */

static void open_with_identity(void *user) {
  (void)user;
  one = client_has != NULL ? client_open_as(address, trusted, client_has->cert, client_has->key)
                           : client_open(address, trusted);
}

/* Whether a new client that trusts `server` and has the certificate of `own` is served. */
static int serves(const identity *server, const identity *own) {
  trusted = server->cert;
  client_has = own;
  serving_while(&s, open_with_identity, NULL);
  serving_while(&s, use_and_close_one, NULL);
  return taken > 0;
}

static void subscribe_one(void *user) {
  (void)user;
  taken = client_subscribe(one) == 0 ? client_take(one, 1) : -1;
}

static void take_and_close_one(void *user) {
  (void)user;
  taken = client_take(one, 1);
  client_close(one);
}

static void serve_something_else(void) {
  egress_snapshot *snap;
  cr_assert_eq(xds_snapshot_new(&snap, "C: a=2", NULL), 0);
  cr_assert_eq(egress_cache_set(s.cache, "*", snap), 0);
  egress_snapshot_unref(snap);
}

Test(listener, another_certificate_is_for_new_connections) {
  make_identities();
  egress_listen_options options = shows(&first, NULL);
  serve_something();
  open_at("127.0.0.1:0", &options);
  egress__listener_start(listener);
  trusted = first.cert;
  serving_while(&s, open_one, NULL);
  serving_while(&s, subscribe_one, NULL);
  cr_assert_gt(taken, 0);
  client *old = one;
  cr_assert(serves(&first, NULL) && !serves(&second, NULL));
  options = shows(&second, NULL);
  set_tls(&options);
  cr_expect(serves(&second, NULL));
  cr_expect(!serves(&first, NULL));
  serve_something_else();
  one = old;
  serving_while(&s, take_and_close_one, NULL);
  cr_expect_gt(taken, 0, "the old stream goes on");
  free_identities();
}

Test(listener, of_certificates_set_one_after_the_other_the_last_counts) {
  make_identities();
  egress_listen_options options = shows(&first, NULL);
  serve_something();
  open_at("127.0.0.1:0", &options);
  egress__listener_start(listener);
  const identity *const order[] = {&second, &first, &second};
  for (size_t i = 0; i < 3; i++) {
    options = shows(order[i], NULL);
    set_tls(&options);
  }
  cr_expect(serves(&second, NULL));
  cr_expect(serves(&second, NULL), "and goes on to");
  cr_expect(!serves(&first, NULL));
  free_identities();
}

Test(listener, other_authorities_are_for_new_connections) {
  make_identities();
  egress_listen_options options = shows(&first, &first);
  serve_something();
  open_at("127.0.0.1:0", &options);
  egress__listener_start(listener);
  cr_expect(serves(&first, &first));
  cr_expect(!serves(&first, &second));
  cr_expect(!serves(&first, NULL));
  options = shows(&first, &second);
  set_tls(&options);
  cr_expect(serves(&first, &second));
  cr_expect(!serves(&first, &first));
  cr_expect(!serves(&first, NULL), "one is still required");
  free_identities();
}
