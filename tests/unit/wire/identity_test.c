#include "wire/identity.h"

#include <criterion/criterion.h>
#include <stdlib.h>

#include <openssl/pem.h>

#include <egress/error.h>

#include "support/pki.h"

static EVP_PKEY *pair;
static X509 *cert;
static egress__identity who;

static void begin(void) {
  pair = pki_key("EC");
}

static void end(void) {
  egress__identity_dispose(&who, egress__alloc_or_default(NULL));
  X509_free(cert);
  EVP_PKEY_free(pair);
}

TestSuite(identity, .init = begin, .fini = end);

/* Makes `cert` one with such names, as it comes over the wire. */
static void connect_as(const char *common_name, const char *names) {
  char *text = pki_client_certificate(pair, common_name, names);
  BIO *bio = BIO_new_mem_buf(text, -1);
  cert = PEM_read_bio_X509(bio, NULL, NULL, NULL);
  cr_assert_not_null(cert);
  BIO_free(bio);
  free(text);
}

static const egress_peer *read_as(egress_transport transport) {
  cr_assert_eq(egress__identity_read(&who, egress__alloc_or_default(NULL), cert, transport, "there"), 0);
  cr_expect_eq(who.peer.transport, (int32_t)transport);
  cr_expect_str_eq(who.peer.address, "there");
  return &who.peer;
}

Test(identity, the_names_of_a_certificate_by_their_kinds) {
  connect_as("envoy-7",
             "DNS:a.example,URI:spiffe://example.org/ns/a/sa/envoy,DNS:*.b.example,IP:127.0.0.1,email:x@y.example");
  const egress_peer *peer = read_as(EGRESS_TRANSPORT_MUTUAL_TLS);
  cr_expect_str_eq(peer->spiffe_id, "spiffe://example.org/ns/a/sa/envoy");
  cr_expect_str_eq(peer->common_name, "envoy-7");
  cr_assert_eq(peer->uri_count, 1);
  cr_expect_str_eq(peer->uris[0], "spiffe://example.org/ns/a/sa/envoy");
  cr_assert_eq(peer->dns_name_count, 2);
  cr_expect_str_eq(peer->dns_names[0], "a.example");
  cr_expect_str_eq(peer->dns_names[1], "*.b.example");
}

/* A SPIFFE certificate has exactly one URI. */
Test(identity, of_several_URIs_none_is_a_SPIFFE_ID) {
  connect_as("envoy-7", "URI:spiffe://example.org/a,URI:https://example.org/b");
  const egress_peer *peer = read_as(EGRESS_TRANSPORT_MUTUAL_TLS);
  cr_expect_str_eq(peer->spiffe_id, "");
  cr_assert_eq(peer->uri_count, 2);
  cr_expect_str_eq(peer->uris[0], "spiffe://example.org/a");
  cr_expect_str_eq(peer->uris[1], "https://example.org/b");
}

Test(identity, a_URI_of_another_scheme_is_no_SPIFFE_ID) {
  connect_as("envoy-7", "URI:https://example.org/b");
  const egress_peer *peer = read_as(EGRESS_TRANSPORT_MUTUAL_TLS);
  cr_expect_str_eq(peer->spiffe_id, "");
  cr_expect_eq(peer->uri_count, 1);
}

Test(identity, a_name_that_nobody_has) {
  connect_as("gr\xc3\xbc\xc3\x9f dich", NULL);
  const egress_peer *peer = read_as(EGRESS_TRANSPORT_MUTUAL_TLS);
  cr_expect_str_eq(peer->common_name, "gr\xc3\xbc\xc3\x9f dich");
  cr_expect_str_eq(peer->spiffe_id, "");
  cr_expect(peer->uri_count == 0 && peer->dns_name_count == 0);
}

Test(identity, a_name_that_would_be_read_as_a_shorter_one_is_left_out) {
  /* dNSName "a.example\0.evil.example", then "b.example". */
  connect_as("envoy-7",
             "DER:30:24:82:17:61:2e:65:78:61:6d:70:6c:65:00:2e:65:76:69:6c:2e:65:78:61:6d:70:6c:65:82:09:62:2e:65:"
             "78:61:6d:70:6c:65");
  const egress_peer *peer = read_as(EGRESS_TRANSPORT_MUTUAL_TLS);
  cr_assert_eq(peer->dns_name_count, 1);
  cr_expect_str_eq(peer->dns_names[0], "b.example");
}

Test(identity, only_mutual_TLS_vouches_for_names) {
  connect_as("envoy-7", "DNS:a.example");
  for (int32_t transport = EGRESS_TRANSPORT_PLAINTEXT; transport <= EGRESS_TRANSPORT_TLS; transport++) {
    const egress_peer *peer = read_as((egress_transport)transport);
    cr_expect_str_eq(peer->common_name, "");
    cr_expect_str_eq(peer->spiffe_id, "");
    cr_expect(peer->uri_count == 0 && peer->dns_name_count == 0);
  }
}

static void *no_memory(void *ptr, size_t size, void *user) {
  (void)ptr;
  (void)size;
  (void)user;
  return NULL;
}

Test(identity, without_memory_nothing_is_said) {
  const egress_alloc none = {no_memory, NULL, NULL};
  egress__identity out = {.peer = {.address = "before"}};
  connect_as("envoy-7", "DNS:a.example");
  cr_assert_eq(egress__identity_read(&out, &none, cert, EGRESS_TRANSPORT_MUTUAL_TLS, "there"), EGRESS_ENOMEM);
  cr_assert_str_eq(out.peer.address, "before");
  cr_assert_eq(egress__identity_read(&out, &none, cert, EGRESS_TRANSPORT_UNIX, "there"), 0, "that takes none");
}
