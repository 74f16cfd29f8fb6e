#include "wire/tls.h"

#include <criterion/criterion.h>
#include <criterion/parameterized.h>
#include <string.h>

#include <egress/error.h>

#define CERT "-----BEGIN CERTIFICATE-----\n-----END CERTIFICATE-----\n"
#define KEY "-----BEGIN EC PRIVATE KEY-----\n-----END EC PRIVATE KEY-----\n"

static void check(const char *cert, const char *key, const char *ca, int rv, const char *text) {
  egress_diag *diag = egress_diag_new(NULL);
  egress_listen_options options = EGRESS_LISTEN_OPTIONS_INIT;
  options.tls_cert = cert;
  options.tls_key = key;
  options.tls_client_ca = ca;
  cr_expect_eq(egress__tls_check(&options, diag), rv);
  cr_expect_not_null(strstr(egress_diag_text(diag), text), "%s, not %s", egress_diag_text(diag), text);
  egress_diag_free(diag);
}

Test(tls, what_is_given_is_whole) {
  check(NULL, NULL, NULL, 0, "");
  check(CERT, KEY, NULL, 0, "");
  check(CERT, KEY, CERT, 0, "");
  check(CERT, NULL, NULL, EGRESS_EINVAL, "tls_key is missing");
  check(NULL, KEY, NULL, EGRESS_EINVAL, "tls_cert is missing");
  check(NULL, NULL, CERT, EGRESS_EINVAL, "without tls_cert");
}

Test(tls, what_is_given_is_pem_of_its_kind) {
  check("", KEY, NULL, EGRESS_ETLS, "(tls_cert) is empty");
  check(CERT, "", NULL, EGRESS_ETLS, "(tls_key) is empty");
  check(CERT, KEY, "", EGRESS_ETLS, "(tls_client_ca) is empty");
  check("junk", KEY, NULL, EGRESS_ETLS, "(tls_cert) is not PEM");
  check(CERT, CERT, NULL, EGRESS_ETLS, "(tls_key) is not PEM");
  check(CERT, KEY, KEY, EGRESS_ETLS, "(tls_client_ca) is not PEM");
  check(CERT, "-----BEGIN ENCRYPTED PRIVATE KEY-----\n", NULL, EGRESS_ETLS, "without a passphrase");
  check(CERT, "-----BEGIN EC PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\n", NULL, EGRESS_ETLS, "without a passphrase");
}
