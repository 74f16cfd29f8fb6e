#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <uv.h>

#include <egress/egress.h>

#include "support/pki.h"
#include "wire/server.h"

static uv_loop_t loop;
static egress_cache *cache;
static egress_diag *diag;
static int closed;

static void begin(void) {
  uv_loop_init(&loop);
  cr_assert_eq(egress_cache_new(&cache, NULL), 0);
  diag = egress_diag_new(NULL);
}

static void end(void) {
  egress_diag_free(diag);
  egress_cache_unref(cache);
  cr_assert_eq(uv_loop_close(&loop), 0, "something is left on the loop");
}

TestSuite(server, .init = begin, .fini = end);

static egress_server *make(void) {
  egress_server *server;
  cr_assert_eq(egress_server_new(&server, &loop, cache, NULL), 0);
  return server;
}

static void on_closed(egress_server *server, void *user) {
  cr_assert_eq(user, &closed);
  closed++;
  egress_server_free(server);
}

Test(server, arguments) {
  egress_server *server = NULL;
  egress_server_options options = EGRESS_SERVER_OPTIONS_INIT;
  cr_assert_eq(egress_server_new(NULL, &loop, cache, NULL), EGRESS_EINVAL);
  cr_assert_eq(egress_server_new(&server, NULL, cache, NULL), EGRESS_EINVAL);
  cr_assert_eq(egress_server_new(&server, &loop, NULL, NULL), EGRESS_EINVAL);
  options.size = sizeof options - 1;
  cr_assert_eq(egress_server_new(&server, &loop, cache, &options), EGRESS_EINVAL);
  options = (egress_server_options)EGRESS_SERVER_OPTIONS_INIT;
  options.max_request_bytes = UINT32_MAX;
  cr_assert_eq(egress_server_new(&server, &loop, cache, &options), EGRESS_EINVAL);
  struct {
    egress_server_options known;
    uint64_t newer;
  } later = {EGRESS_SERVER_OPTIONS_INIT, 1};
  later.known.size = sizeof later;
  cr_assert_eq(egress_server_new(&server, &loop, cache, &later.known), EGRESS_EABI);
  cr_assert_null(server);
  egress_server_free(NULL);
  egress_server_close(NULL, NULL, NULL);
  cr_assert_eq(egress_server_listen(NULL, "127.0.0.1:0", NULL, NULL), EGRESS_EINVAL);
}

Test(server, gate_on_ack_is_on_or_off) {
  egress_server *server = NULL;
  egress_server_options options = EGRESS_SERVER_OPTIONS_INIT;
  options.gate_on_ack = 2;
  cr_assert_eq(egress_server_new(&server, &loop, cache, &options), EGRESS_EINVAL);
  cr_assert_null(server);
  for (options.gate_on_ack = 0; options.gate_on_ack < 2; options.gate_on_ack++) {
    cr_assert_eq(egress_server_new(&server, &loop, cache, &options), 0);
    cr_assert_eq(server->streams.gate_on_ack, options.gate_on_ack);
    egress_server_free(server);
    server = NULL;
  }
}

Test(server, identifier_is_utf8_and_fits_a_response) {
  egress_server *server = NULL;
  egress_server_options options = EGRESS_SERVER_OPTIONS_INIT;
  char longest[255 + 2];
  memset(longest, 'x', sizeof longest);
  longest[256] = '\0';
  options.identifier = longest;
  cr_assert_eq(egress_server_new(&server, &loop, cache, &options), EGRESS_EINVAL);
  options.identifier = "Z\xfcrich";
  cr_assert_eq(egress_server_new(&server, &loop, cache, &options), EGRESS_EINVAL);
  cr_assert_null(server);
  longest[255] = '\0';
  options.identifier = longest;
  cr_assert_eq(egress_server_new(&server, &loop, cache, &options), 0);
  egress_server_free(server);
  options.identifier = "Z\xc3\xbcrich";
  cr_assert_eq(egress_server_new(&server, &loop, cache, &options), 0);
  egress_server_free(server);
}

Test(server, one_that_never_listened_can_be_freed_at_once) {
  egress_server *server = make();
  cr_assert_eq(egress_server_port(server, 0), 0);
  cr_assert_eq(egress_server_stream_count(server), 0);
  egress_event event;
  cr_assert_eq(egress_server_next_event(server, &event), 0);
  egress_server_free(server);
}

Test(server, one_that_never_listened_is_closed_on_the_loop) {
  egress_server *server = make();
  egress_server_close(server, on_closed, &closed);
  egress_server_close(server, on_closed, &closed);
  cr_assert_eq(closed, 0);
  cr_assert_eq(egress_server_listen(server, "127.0.0.1:0", NULL, diag), EGRESS_ESTATE);
  uv_run(&loop, UV_RUN_DEFAULT);
  cr_assert_eq(closed, 1);
}

Test(server, a_listen_that_fails_leaves_it_as_it_was) {
  egress_server *server = make();
  egress_listen_options options = EGRESS_LISTEN_OPTIONS_INIT;
  cr_assert_eq(egress_server_listen(server, "0.0.0.0:0", NULL, diag), EGRESS_EINVAL);
  cr_assert_eq(egress_server_listen(server, "nonsense", NULL, diag), EGRESS_EADDR);
  cr_assert_eq(egress_server_listen(server, "192.0.2.1:1",
                                    &(egress_listen_options){sizeof options, NULL, NULL, NULL, 1, 0}, diag),
               EGRESS_EADDR);
  options.insecure_secrets = 2;
  cr_assert_eq(egress_server_listen(server, "127.0.0.1:0", &options, diag), EGRESS_EINVAL);
  options = (egress_listen_options)EGRESS_LISTEN_OPTIONS_INIT;
  options.insecure = 2;
  cr_assert_eq(egress_server_listen(server, "0.0.0.0:0", &options, diag), EGRESS_EINVAL);
  options = (egress_listen_options)EGRESS_LISTEN_OPTIONS_INIT;
  options.tls_cert = options.tls_key = "-----BEGIN CERTIFICATE----- PRIVATE KEY-----";
  cr_assert_eq(egress_server_listen(server, "127.0.0.1:0", &options, diag), EGRESS_ETLS);
  cr_assert_eq(egress_server_listen(server, NULL, NULL, diag), EGRESS_EINVAL);
  cr_assert_eq(egress_diag_errors(diag), 6);
  cr_assert_eq(uv_loop_alive(&loop), 0);
  egress_server_free(server);
}

/* What set_tls makes of these texts. */
static int set(egress_server *server, size_t index, const char *cert, const char *key, const char *client_ca) {
  egress_listen_options options = EGRESS_LISTEN_OPTIONS_INIT;
  options.tls_cert = cert;
  options.tls_key = key;
  options.tls_client_ca = client_ca;
  egress_diag_clear(diag);
  int rv = egress_server_set_tls(server, index, &options, diag);
  cr_expect_eq(egress_diag_errors(diag), rv != 0, "%s", egress_diag_text(diag));
  return rv;
}

Test(server, another_certificate_is_of_the_kind_that_was) {
  EVP_PKEY *pair = pki_key("EC"), *other = pki_key("EC");
  char *cert = pki_certificate(pair), *key = pki_key_text(pair, NULL), *others = pki_key_text(other, NULL);
  egress_server *server = make();
  egress_listen_options options = EGRESS_LISTEN_OPTIONS_INIT;
  cr_expect_eq(set(server, 0, cert, key, NULL), EGRESS_EINVAL, "it listens nowhere");
  cr_assert_eq(egress_server_listen(server, "127.0.0.1:0", NULL, diag), 0);
  options.tls_cert = cert;
  options.tls_key = key;
  cr_assert_eq(egress_server_listen(server, "127.0.0.1:0", &options, diag), 0);
  options.tls_client_ca = cert;
  cr_assert_eq(egress_server_listen(server, "127.0.0.1:0", &options, diag), 0);
  cr_expect_eq(set(server, 0, cert, key, NULL), EGRESS_EINVAL, "it is plaintext");
  cr_expect_eq(set(server, 1, cert, key, NULL), 0);
  cr_expect_eq(set(server, 1, cert, key, cert), EGRESS_EINVAL);
  cr_expect_eq(set(server, 1, NULL, NULL, NULL), EGRESS_EINVAL);
  cr_expect_eq(set(server, 1, cert, NULL, NULL), EGRESS_EINVAL);
  cr_expect_eq(set(server, 1, cert, others, NULL), EGRESS_ETLS);
  cr_expect_eq(set(server, 1, "nonsense", key, NULL), EGRESS_ETLS);
  cr_expect_eq(set(server, 2, cert, key, cert), 0);
  cr_expect_eq(set(server, 2, cert, key, NULL), EGRESS_EINVAL);
  cr_expect_eq(set(server, 3, cert, key, NULL), EGRESS_EINVAL);
  cr_expect_eq(egress_server_set_tls(NULL, 0, &options, diag), EGRESS_EINVAL);
  options.insecure = 2;
  cr_expect_eq(egress_server_set_tls(server, 2, &options, diag), EGRESS_EINVAL);
  egress_server_close(server, on_closed, &closed);
  cr_expect_eq(set(server, 1, cert, key, NULL), EGRESS_ESTATE);
  uv_run(&loop, UV_RUN_DEFAULT);
  cr_assert_eq(closed, 1);
  free(cert);
  free(key);
  free(others);
  EVP_PKEY_free(pair);
  EVP_PKEY_free(other);
}

Test(server, closes_once_and_on_the_loop) {
  egress_server *server = make();
  cr_assert_eq(egress_server_listen(server, "127.0.0.1:0", NULL, diag), 0);
  cr_assert_eq(egress_server_listen(server, "nonsense", NULL, diag), EGRESS_EADDR);
  cr_assert_eq(egress_server_listen(server, "127.0.0.2:0", NULL, diag), 0);
  cr_assert_neq(egress_server_port(server, 0), 0);
  cr_assert_neq(egress_server_port(server, 1), 0);
  cr_assert_eq(egress_server_port(server, 2), 0);
  egress_server_close(server, on_closed, &closed);
  egress_server_close(server, NULL, NULL);
  cr_assert_eq(egress_server_listen(server, "127.0.0.1:0", NULL, diag), EGRESS_ESTATE);
  cr_assert_eq(closed, 0);
  uv_run(&loop, UV_RUN_DEFAULT);
  cr_assert_eq(closed, 1);
}

Test(server, several_on_one_loop) {
  egress_server *one = make(), *two = make();
  cr_assert_eq(egress_server_listen(one, "127.0.0.1:0", NULL, diag), 0);
  cr_assert_eq(egress_server_listen(two, "127.0.0.1:0", NULL, diag), 0);
  egress_server_close(one, on_closed, &closed);
  while (closed == 0)
    uv_run(&loop, UV_RUN_ONCE);
  cr_assert(uv_loop_alive(&loop), "the other serves on");
  egress_server_close(two, on_closed, &closed);
  uv_run(&loop, UV_RUN_DEFAULT);
  cr_assert_eq(closed, 2);
}
