#include "wire/tls.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include <egress/error.h>

#include "support/pki.h"

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
  SSL_CTX *context = NULL;
  cr_expect_eq(egress__tls_context(&context, &options, diag), rv);
  SSL_CTX_free(context);
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

Test(tls, without_a_certificate_it_is_plaintext) {
  egress_listen_options options = given(NULL, NULL, NULL);
  SSL_CTX *context = SSL_CTX_new(TLS_server_method()), *before = context;
  cr_assert_eq(egress__tls_context(&context, &options, NULL), 0);
  cr_assert_null(context);
  SSL_CTX_free(before);
}

Test(tls, clients_are_asked_for_certificates_only_if_there_are_authorities) {
  SSL_CTX *context;
  egress_listen_options options = given(cert, key, NULL);
  cr_assert_eq(egress__tls_context(&context, &options, NULL), 0);
  cr_assert_eq(SSL_CTX_get_verify_mode(context), SSL_VERIFY_NONE);
  SSL_CTX_free(context);
  options = given(cert, key, cert);
  cr_assert_eq(egress__tls_context(&context, &options, NULL), 0);
  cr_assert_eq(SSL_CTX_get_verify_mode(context), SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT);
  cr_assert_geq(SSL_CTX_get_min_proto_version(context), TLS1_2_VERSION);
  SSL_CTX_free(context);
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
