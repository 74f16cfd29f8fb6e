#include "wire/identity.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <uv.h>

#include <grpc/grpc_security.h>

#include <egress/error.h>

#include "support/grpc_client.h"
#include "support/pki.h"

enum { DEADLINE_S = 30 };

/* A server of gRPC that takes one call, and its client in a thread. */
static grpc_completion_queue *queue;
static grpc_server *grpc;
static grpc_call *call;
static grpc_call_details details;
static grpc_metadata_array metadata;
static char address[64];
static uv_thread_t thread;
static EVP_PKEY *pair;
static char *server_cert, *client_cert, *key;
static egress__identity who;

static gpr_timespec deadline(void) {
  return gpr_time_add(gpr_now(GPR_CLOCK_REALTIME), gpr_time_from_seconds(DEADLINE_S, GPR_TIMESPAN));
}

static void wait_for(void *tag) {
  grpc_event event = grpc_completion_queue_next(queue, deadline(), NULL);
  cr_assert(event.type == GRPC_OP_COMPLETE && event.tag == tag);
}

static void begin(void) {
  grpc_init();
  queue = grpc_completion_queue_create_for_next(NULL);
  grpc = grpc_server_create(NULL, NULL);
  grpc_server_register_completion_queue(grpc, queue, NULL);
  grpc_call_details_init(&details);
  grpc_metadata_array_init(&metadata);
  pair = pki_key("EC");
  server_cert = pki_certificate(pair);
  key = pki_key_text(pair, NULL);
}

static void end(void) {
  grpc_call_cancel(call, NULL);
  uv_thread_join(&thread);
  grpc_call_unref(call);
  grpc_server_shutdown_and_notify(grpc, queue, &grpc);
  grpc_server_cancel_all_calls(grpc);
  wait_for(&grpc);
  grpc_server_destroy(grpc);
  grpc_call_details_destroy(&details);
  grpc_metadata_array_destroy(&metadata);
  grpc_completion_queue_shutdown(queue);
  cr_assert_eq(grpc_completion_queue_next(queue, deadline(), NULL).type, GRPC_QUEUE_SHUTDOWN);
  grpc_completion_queue_destroy(queue);
  grpc_shutdown();
  egress__identity_dispose(&who, egress__alloc_or_default(NULL));
  free(server_cert);
  free(client_cert);
  free(key);
  EVP_PKEY_free(pair);
}

TestSuite(identity, .init = begin, .fini = end);

static void run_client(void *user) {
  (void)user;
  client *c = client_open_as(address, server_cert, client_cert, key);
  client_status(c); /* that of a call which was cancelled */
  client_close(c);
}

/* Makes `call` that of a client with such a certificate. */
static void connect_as(const char *common_name, const char *names) {
  client_cert = pki_client_certificate(pair, common_name, names);
  grpc_ssl_pem_key_cert_pair own = {.private_key = key, .cert_chain = server_cert};
  grpc_server_credentials *credentials = grpc_ssl_server_credentials_create_ex(
      client_cert, &own, 1, GRPC_SSL_REQUEST_AND_REQUIRE_CLIENT_CERTIFICATE_AND_VERIFY, NULL);
  int port = grpc_server_add_http2_port(grpc, "127.0.0.1:0", credentials);
  grpc_server_credentials_release(credentials);
  cr_assert_gt(port, 0);
  snprintf(address, sizeof address, "127.0.0.1:%d", port);
  grpc_server_start(grpc);
  cr_assert_eq(uv_thread_create(&thread, run_client, NULL), 0);
  cr_assert_eq(grpc_server_request_call(grpc, &call, &details, &metadata, queue, queue, &call), GRPC_CALL_OK);
  wait_for(&call);
}

static const egress_peer *read_as(egress_transport transport) {
  cr_assert_eq(egress__identity_read(&who, egress__alloc_or_default(NULL), call, transport, "there"), 0);
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
  cr_assert_eq(egress__identity_read(&out, &none, call, EGRESS_TRANSPORT_MUTUAL_TLS, "there"), EGRESS_ENOMEM);
  cr_assert_str_eq(out.peer.address, "before");
  cr_assert_eq(egress__identity_read(&out, &none, call, EGRESS_TRANSPORT_UNIX, "there"), 0, "that takes none");
}
