#include "wire/pem.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/pem.h>

#include <egress/error.h>

#include "support/pki.h"

static EVP_PKEY *first_key, *second_key;
static char *first, *second;   /* certificates */
static char *key, *other_text; /* their keys */
static egress_diag *diag;

static void begin(void) {
  first_key = pki_key("EC");
  second_key = pki_key("EC");
  first = pki_certificate(first_key);
  second = pki_certificate(second_key);
  key = pki_key_text(first_key, NULL);
  other_text = pki_key_text(second_key, NULL);
  diag = egress_diag_new(NULL);
}

static void end(void) {
  cr_assert_eq(ERR_peek_error(), 0, "the queue of errors is as it was");
  egress_diag_free(diag);
  free(first);
  free(second);
  free(key);
  free(other_text);
  EVP_PKEY_free(first_key);
  EVP_PKEY_free(second_key);
}

TestSuite(pem, .init = begin, .fini = end);

static size_t lines(const char *text) {
  size_t count = 0;
  for (; *text != '\0'; text++)
    count += *text == '\n';
  return count;
}

static int use_pair(const char *chain, const char *pair_key) {
  SSL_CTX *context = SSL_CTX_new(TLS_server_method());
  int rv = egress__pem_use_pair(context, chain, pair_key, diag);
  SSL_CTX_free(context);
  return rv;
}

static int use_authorities(const char *text) {
  SSL_CTX *context = SSL_CTX_new(TLS_server_method());
  int rv = egress__pem_use_authorities(context, text, diag);
  SSL_CTX_free(context);
  return rv;
}

static void good_pair(const char *chain, const char *pair_key) {
  egress_diag_clear(diag);
  cr_expect_eq(use_pair(chain, pair_key), 0, "%s", egress_diag_text(diag));
}

static void says(int rv, const char *wanted) {
  cr_expect_eq(rv, EGRESS_ETLS, "%s: %s", wanted, egress_code_name(rv));
  cr_expect_not_null(strstr(egress_diag_text(diag), wanted), "%s\nnot %s", egress_diag_text(diag), wanted);
}

static void bad_pair(const char *chain, const char *pair_key, const char *wanted) {
  egress_diag_clear(diag);
  says(use_pair(chain, pair_key), wanted);
}

static void bad_authorities(const char *text, const char *wanted) {
  egress_diag_clear(diag);
  says(use_authorities(text), wanted);
}

/* `text` with `count` characters of it from `at` on replaced. */
static char *with(const char *text, size_t at, size_t count, const char *instead) {
  char *head = strndup(text, at), *half = pki_join(head, instead), *all = pki_join(half, text + at + count);
  free(head);
  free(half);
  return all;
}

/* A certificate that lost its second line of Base64. */
static char *without_a_line(const char *cert) {
  const char *line = strchr(strchr(cert, '\n') + 1, '\n') + 1;
  return with(cert, (size_t)(line - cert), (size_t)(strchr(line, '\n') + 1 - line), "");
}

/* A PEM block of some bytes. */
static char *block(const char *label, const unsigned char *bytes, long size) {
  BIO *bio = BIO_new(BIO_s_mem());
  char *start;
  cr_assert_gt(PEM_write_bio(bio, label, "", bytes, size), 0);
  long length = BIO_get_mem_data(bio, &start);
  char *text = strndup(start, (size_t)length);
  BIO_free(bio);
  return text;
}

Test(pem, pairs_of_every_kind_of_key) {
  static const char *const kinds[] = {"EC", "RSA", "ED25519"};
  for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
    EVP_PKEY *made = pki_key(kinds[i]);
    char *cert = pki_certificate(made), *text = pki_key_text(made, NULL);
    good_pair(cert, text);
    if (!EVP_PKEY_is_a(made, "ED25519")) { /* it has no other form */
      char *old = pki_old_key_text(made, NULL);
      good_pair(cert, old);
      free(old);
    }
    free(cert);
    free(text);
    EVP_PKEY_free(made);
  }
}

Test(pem, what_gRPC_reads_over_is_no_fault) {
  static const char parameters[] = "-----BEGIN EC PARAMETERS-----\nBggqhkjOPQMBBw==\n-----END EC PARAMETERS-----\n";
  char *chain = pki_join(first, second), *all = pki_join(key, chain), *behind_parameters = pki_join(parameters, key);
  char *commented = pki_join("subject=CN = localhost\n=====\n\n", all);
  good_pair(chain, key);
  good_pair(all, all);
  good_pair(commented, commented);
  good_pair(chain, behind_parameters);
  cr_expect_eq(use_authorities(chain), 0);
  free(chain);
  free(all);
  free(commented);
  free(behind_parameters);
}

Test(pem, lines_may_end_as_on_windows_and_the_last_need_not_end) {
  char *windows = calloc(2, strlen(first) + 1), *to = windows;
  for (const char *from = first; *from != '\0'; from++) {
    if (*from == '\n')
      *to++ = '\r';
    *to++ = *from;
  }
  good_pair(windows, key);
  windows[strlen(windows) - 2] = '\0';
  good_pair(windows, key);
  free(windows);
}

Test(pem, texts_without_what_they_are_for) {
  bad_pair("", key, "the certificate (tls_cert) is empty");
  bad_pair(first, "", "the private key (tls_key) is empty");
  bad_authorities("", "the client authorities (tls_client_ca) is empty");
  bad_pair("junk\n", key, "the certificate (tls_cert) is not PEM text of that kind: it has no line \"-----BEGIN CERT");
  bad_pair(key, key, "the certificate (tls_cert) is not PEM text of that kind");
  bad_pair(first, first, "the private key (tls_key) is not PEM text of that kind: it has no line \"-----BEGIN PRIV");
  bad_authorities(key, "the client authorities (tls_client_ca) is not PEM text of that kind");
}

Test(pem, a_damaged_certificate_behind_a_good_one_is_named) {
  char *damaged = without_a_line(second), *chain = pki_join(first, damaged), wanted[128];
  snprintf(wanted, sizeof wanted, "(tls_cert): certificate 2, from line %zu on, is damaged", lines(first) + 1);
  bad_pair(chain, key, wanted);
  snprintf(wanted, sizeof wanted, "(tls_client_ca): certificate 2, from line %zu on, is damaged", lines(first) + 1);
  bad_authorities(chain, wanted);
  char *all = pki_join(key, chain); /* blocks of other kinds have no number */
  snprintf(wanted, sizeof wanted, "certificate 2, from line %zu on, is damaged", lines(key) + lines(first) + 1);
  bad_authorities(all, wanted);
  bad_authorities(damaged, "certificate 1, from line 1 on, is damaged");
  free(damaged);
  free(chain);
  free(all);
}

Test(pem, text_that_is_not_base64) {
  char *cert = with(first, 60, 1, "*"), *damaged_key = with(key, 40, 1, "*");
  bad_authorities(cert, "certificate 1, from line 1 on, is damaged: its text is not Base64");
  bad_pair(first, damaged_key, "(tls_key): the PRIVATE KEY from line 1 on is damaged: its text is not Base64");
  char *both = pki_join(damaged_key, first); /* gRPC would not come to the certificate */
  bad_pair(both, key, "(tls_cert): the PRIVATE KEY from line 1 on is damaged");
  free(cert);
  free(damaged_key);
  free(both);
}

Test(pem, what_decodes_to_something_else) {
  unsigned char *der = NULL;
  int size = i2d_PrivateKey(first_key, &der);
  cr_assert_gt(size, 0);
  char *text = block("CERTIFICATE", der, size), *wrong = block("PRIVATE KEY", (const unsigned char *)"0000", 4);
  bad_authorities(text, "certificate 1, from line 1 on, is damaged: it decodes to something else than a certificate");
  bad_pair(first, wrong, "(tls_key): the PRIVATE KEY from line 1 on is damaged, or of a kind that cannot sign");
  free(text);
  free(wrong);
  OPENSSL_free(der);
}

Test(pem, bytes_behind_what_was_decoded) {
  char *name, *header;
  unsigned char *der;
  long size;
  BIO *bio = BIO_new_mem_buf(first, -1);
  cr_assert_eq(PEM_read_bio(bio, &name, &header, &der, &size), 1);
  der = OPENSSL_realloc(der, (size_t)size + 1);
  der[size] = 0;
  char *text = block("CERTIFICATE", der, size + 1);
  bad_authorities(text, "certificate 1, from line 1 on, is damaged");
  free(text);
  OPENSSL_free(name);
  OPENSSL_free(header);
  OPENSSL_free(der);
  BIO_free(bio);
}

Test(pem, lines_that_begin_and_end_blocks) {
  size_t size = strlen(first), at = (size_t)(strstr(first, "-----END") - first);
  char *no_end = strndup(first, at), *no_end_before = pki_join(no_end, second), *indented = pki_join("  ", first);
  char *dash = with(first, 0, 1, ""), *dash_later = pki_join(second, dash), *no_begin = strchr(first, '\n') + 1;
  char *other_end = with(first, at, size - at, "-----END PRIVATE KEY-----\n"), *tail = with(first, 27, 0, "x");
  char wanted[64];
  bad_authorities(no_end, "what begins in line 1 has no line \"-----END CERTIFICATE-----\"");
  bad_authorities(no_end_before, "what begins in line 1 has no line \"-----END CERTIFICATE-----\"");
  bad_authorities(indented, "line 1 is damaged");
  bad_authorities(dash, "line 1 is damaged");
  bad_authorities(tail, "line 1 is damaged");
  snprintf(wanted, sizeof wanted, "line %zu is damaged", lines(second) + 1);
  bad_authorities(dash_later, wanted);
  snprintf(wanted, sizeof wanted, "line %zu is damaged", lines(first) - 1);
  bad_authorities(no_begin, wanted);
  snprintf(wanted, sizeof wanted, "line %zu is damaged", lines(first));
  bad_authorities(other_end, wanted);
  free(no_end);
  free(no_end_before);
  free(indented);
  free(dash);
  free(dash_later);
  free(other_end);
  free(tail);
}

Test(pem, a_kind_that_gRPC_reads_over_behind_the_first) {
  char *text = with(first, 11, 0, "TRUSTED "), *at = strstr(text, "END "),
       *trusted = with(text, (size_t)(at - text), 4, "END TRUSTED ");
  bad_authorities(trusted, "the TRUSTED CERTIFICATE from line 1 on is of a kind that only OpenSSL knows");
  free(text);
  free(trusted);
}

Test(pem, keys_of_other_certificates) {
  char *chain = pki_join(first, second);
  bad_pair(first, other_text, "the private key (tls_key) does not belong to the certificate (tls_cert); give the key");
  bad_pair(chain, other_text,
           "(tls_key) belongs to certificate 2 of the certificate (tls_cert), and must belong to the");
  free(chain);
}

Test(pem, keys_with_a_passphrase_are_refused_and_nobody_is_asked) {
  static const char wanted[] = "is encrypted, and nobody is asked for its passphrase; give it without one";
  char *text = pki_key_text(first_key, "x"), *old = pki_old_key_text(first_key, "x");
  cr_assert_not_null(strstr(old, "Proc-Type: 4,ENCRYPTED"));
  bad_pair(first, text, wanted);
  bad_pair(first, old, wanted);
  /* Its label says that it is not encrypted. */
  BIO *bio = BIO_new_mem_buf(text, -1);
  char *name, *header;
  unsigned char *der;
  long size;
  cr_assert_eq(PEM_read_bio(bio, &name, &header, &der, &size), 1);
  char *disguised = block("PRIVATE KEY", der, size);
  bad_pair(first, disguised, "the PRIVATE KEY from line 1 on is damaged, or of a kind that cannot sign");
  OPENSSL_free(name);
  OPENSSL_free(header);
  OPENSSL_free(der);
  BIO_free(bio);
  free(disguised);
  free(text);
  free(old);
}

/* A key of RFC 5915: the private number is followed by the public point; one of them was changed. */
Test(pem, a_key_whose_halves_do_not_go_together) {
  unsigned char *der = NULL;
  int size = i2d_PrivateKey(first_key, &der);
  cr_assert(size > 39 && der[5] == 0x04 && der[6] == 0x20, "an octet string of 32 bytes: the private number");
  der[20] ^= 1;
  char *text = block("EC PRIVATE KEY", der, size);
  bad_pair(first, text, "(tls_key): the EC PRIVATE KEY from line 1 on is damaged");
  OPENSSL_free(der);
  free(text);
}

Test(pem, texts_are_bounded) {
  enum { LIMIT = 1 << 20 };
  char *text = malloc(LIMIT + 2);
  size_t size = strlen(first);
  memset(text, '\n', LIMIT + 1);
  memcpy(text, first, size);
  text[LIMIT] = '\0';
  good_pair(text, key);
  cr_expect_eq(use_authorities(text), 0);
  text[LIMIT] = '\n';
  text[LIMIT + 1] = '\0';
  bad_pair(text, key, "the certificate (tls_cert) has more than 1048576 bytes");
  bad_pair(first, text, "the private key (tls_key) has more than 1048576 bytes");
  bad_authorities(text, "(tls_client_ca) has more than 1048576 bytes");
  free(text);
}

Test(pem, errors_of_others_are_kept) {
  ERR_raise(ERR_LIB_USER, 7);
  bad_pair("junk", key, "is not PEM text");
  bad_authorities("-----BEGIN CERTIFICATE-----\n*\n-----END CERTIFICATE-----\n", "is damaged");
  cr_assert_eq(ERR_GET_REASON(ERR_get_error()), 7);
}
