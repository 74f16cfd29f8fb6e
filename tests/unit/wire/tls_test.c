#include "wire/tls.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>
#include <uv.h>

#include <egress/error.h>

#include "support/counted.h"
#include "support/pki.h"
#include "wire/tcp.h"

static EVP_PKEY *pair_key;
static char *cert, *key;
static egress_diag *diag;

static void begin(void) {
  pair_key = pki_key("EC");
  cert = pki_certificate(pair_key);
  key = pki_key_text(pair_key, NULL);
  diag = egress_diag_new(NULL);
}

static void end(void) {
  egress_diag_free(diag);
  free(cert);
  free(key);
  EVP_PKEY_free(pair_key);
}

TestSuite(tls, .init = begin, .fini = end);

static egress_listen_options given(const char *tls_cert, const char *tls_key, const char *tls_client_ca) {
  egress_listen_options options = EGRESS_LISTEN_OPTIONS_INIT;
  options.tls_cert = tls_cert;
  options.tls_key = tls_key;
  options.tls_client_ca = tls_client_ca;
  return options;
}

static void check(egress_listen_options options, int rv, const char *text) {
  egress_diag_clear(diag);
  cr_expect_eq(egress__tls_check(&options, diag), rv);
  cr_expect_not_null(strstr(egress_diag_text(diag), text), "%s, not %s", egress_diag_text(diag), text);
}

Test(tls, what_is_given_is_whole) {
  check(given(NULL, NULL, NULL), 0, "");
  check(given(cert, key, NULL), 0, "");
  check(given(cert, key, cert), 0, "");
  check(given(cert, NULL, NULL), EGRESS_EINVAL, "tls_key is missing");
  check(given(NULL, key, NULL), EGRESS_EINVAL, "tls_cert is missing");
  check(given(NULL, NULL, cert), EGRESS_EINVAL, "without tls_cert");
}

Test(tls, each_text_is_looked_into) {
  check(given("junk", key, NULL), EGRESS_ETLS, "(tls_cert) is not PEM");
  check(given(cert, cert, NULL), EGRESS_ETLS, "(tls_key) is not PEM");
  check(given(cert, key, key), EGRESS_ETLS, "(tls_client_ca) is not PEM");
}

Test(tls, a_copy_is_its_own) {
  egress_listen_options options = given(cert, key, NULL);
  egress__tls tls;
  cr_assert_eq(egress__tls_copy(&tls, egress__alloc_or_default(NULL), &options), 0);
  cr_assert_str_eq(tls.cert, cert);
  cr_assert_str_eq(tls.key, key);
  cr_assert_null(tls.client_ca);
  cr_assert(tls.cert != cert && tls.key != key);
  egress__tls_dispose(&tls, egress__alloc_or_default(NULL));
  cr_assert_null(tls.key);
  egress__tls_dispose(&tls, egress__alloc_or_default(NULL));
}

/* OpenSSL finds 512 bits too few wherever it has a say. */
Test(tls, a_certificate_that_is_too_weak) {
  EVP_PKEY *short_key = EVP_PKEY_Q_keygen(NULL, NULL, "RSA", (size_t)512);
  char *weak_cert = pki_certificate(short_key), *weak_key = pki_key_text(short_key, NULL);
  check(given(weak_cert, weak_key, NULL), EGRESS_ETLS, "(tls_cert) is too weak for OpenSSL on this machine (ee key");
  free(weak_cert);
  free(weak_key);
  EVP_PKEY_free(short_key);
}

/* ---- memory ---- */

static int saw_key; /* among what was freed */

/* A key that was not wiped still begins with its first line. */
static void looking_release(void *ptr, void *user) {
  saw_key += strncmp(ptr, "-----BEGIN PRIVATE", 18) == 0;
  counted_release(ptr, user);
}

Test(tls, no_key_is_left_in_memory_that_was_freed) {
  const egress_alloc scarce = {counted_resize, looking_release, NULL};
  egress_listen_options options = given(cert, key, cert);
  egress__tls tls;
  for (size_t count = 0; count < 3; count++) {
    counted_left = count;
    cr_assert_eq(egress__tls_copy(&tls, &scarce, &options), EGRESS_ENOMEM);
    cr_assert(counted_live == 0 && saw_key == 0);
  }
  counted_left = 3;
  cr_assert_eq(egress__tls_copy(&tls, &scarce, &options), 0);
  egress__tls_dispose(&tls, &scarce);
  cr_assert(counted_live == 0 && saw_key == 0);
}

/* ---- listening ---- */

/*
 * This program puts itself in front of close: as soon as the address has been tried and is free again, somebody else
 * takes it.
 */
static uint16_t stolen_port;
static int thief = -1;

int close(int fd) {
  int rv = (int)syscall(SYS_close, fd);
  if (stolen_port != 0) {
    egress__endpoint at;
    egress__endpoint_parse(&at, "127.0.0.1:0");
    at.port = stolen_port;
    stolen_port = 0;
    uint16_t port;
    cr_assert_eq(egress__tcp_listen(&thief, &port, &at, NULL), 0);
  }
  return rv;
}

/* A port that was free a moment ago. */
static uint16_t free_port(void) {
  egress__endpoint at;
  int fd;
  uint16_t port;
  cr_assert_eq(egress__endpoint_parse(&at, "127.0.0.1:0"), 0);
  cr_assert_eq(egress__tcp_listen(&fd, &port, &at, NULL), 0);
  close(fd);
  return port;
}

typedef struct served {
  uv_loop_t loop;
  egress_cache *cache;
  egress_server *server;
  egress__gate *gate;
} served;

/* A server that is not on its loop, and a gate of it. */
static void set_up(served *s) {
  uv_loop_init(&s->loop);
  cr_assert_eq(egress_cache_new(&s->cache, NULL), 0);
  cr_assert_eq(egress_server_new(&s->server, &s->loop, s->cache, NULL), 0);
  s->server->inbox = egress__inbox_new(s->server->alloc);
  s->gate = egress__gate_new(s->server);
  cr_assert_not_null(s->gate);
}

static void tear_down(served *s) {
  egress__gate_free(s->gate);
  egress__inbox_free(s->server->inbox);
  s->server->inbox = NULL;
  egress_server_free(s->server);
  egress_cache_unref(s->cache);
  cr_assert_eq(uv_loop_close(&s->loop), 0);
}

static int listen_at(served *s, const char *address, uint16_t port, const egress__tls *tls) {
  egress__endpoint at;
  uint16_t got = 0;
  egress_diag_clear(diag);
  cr_assert_eq(egress__endpoint_parse(&at, address), 0);
  at.port = port;
  int rv = egress__tls_listen(&got, s->gate, &at, tls, diag);
  cr_expect_eq(got == 0, rv != 0, "out is written on success only");
  return rv;
}

Test(tls, a_port_taken_between_trying_and_listening_is_in_use) {
  served s;
  egress__tls tls = {.cert = cert, .key = key};
  set_up(&s);
  uint16_t port = free_port();
  stolen_port = port;
  cr_expect_eq(listen_at(&s, "127.0.0.1:0", port, &tls), EGRESS_EADDRINUSE, "%s", egress_diag_text(diag));
  cr_assert_neq(thief, -1, "it was stolen");
  cr_expect_not_null(strstr(egress_diag_text(diag), "choose another port"), "%s", egress_diag_text(diag));
  close(thief);
  tear_down(&s);
}

Test(tls, an_address_of_another_machine) {
  served s;
  egress__tls tls = {.cert = cert, .key = key};
  set_up(&s);
  cr_expect_eq(listen_at(&s, "192.0.2.1:0", 0, &tls), EGRESS_EADDR); /* TEST-NET-1 */
  tear_down(&s);
}
