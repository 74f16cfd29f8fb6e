#include <egress/status.h>

#include <criterion/criterion.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>

#include "support/counted.h"
#include "support/grpc_client.h"
#include "support/pki.h"
#include "support/serving.h"
#include "support/xds.h"

static serving s;
static client *one;

static void begin_with(const egress_server_options *options) {
  egress_snapshot *snap;
  serving_begin(&s, options);
  cr_assert_eq(xds_snapshot_new(&snap, "C: a=1 E: a=1 b=1", NULL), 0);
  cr_assert_eq(egress_cache_set(s.cache, "*", snap), 0);
  egress_snapshot_unref(snap);
}

static void begin(void) {
  begin_with(NULL);
}

static void end(void) {
  serving_end(&s);
}
TestSuite(status, .init = begin, .fini = end);

static void say(xds_request request) {
  static uint8_t bytes[XDS_REQUEST];
  cr_assert_eq(client_send(one, bytes, xds_encode(bytes, EGRESS__XDS_SOTW, &request)), 0);
}

/* Everything once: clusters accepted, endpoints refused. Nonces count from 1. */
static void talk(void *user) {
  (void)user;
  one = client_open(s.address, NULL);
  say((xds_request){.type = 'C', .node_id = "n\"1", .cluster = "edge"});
  cr_assert_gt(client_take(one, 0), 0);
  say((xds_request){.type = 'C', .nonce = "1"});
  say((xds_request){.type = 'E', .names = "a b"});
  cr_assert_gt(client_take(one, 0), 0);
  say((xds_request){.type = 'E', .names = "a b", .nonce = "2", .error = "b: no\nthanks"});
  say((xds_request){.type = 'R', .names = "r"}); /* and nothing comes of it */
}

static void hang_up(void *user) {
  (void)user;
  client_close(one);
}

static int refused(void *user) {
  egress_text *text;
  (void)user;
  cr_assert_eq(egress_server_status_json(&text, s.server), 0);
  int is = strstr(egress_text_data(text), "RouteConfiguration") != NULL;
  egress_text_free(text);
  return is;
}

static void connect_one(void) {
  serving_while(&s, talk, NULL);
  serving_until(&s, refused, NULL);
}

Test(status, says_what_each_stream_wants_and_has) {
  connect_one();
  egress_status *status;
  egress_stream_status stream;
  egress_type_status type;
  cr_assert_eq(egress_status_new(&status, s.server), 0);
  cr_assert_eq(egress_status_next_type(status, &type), 0, "before the first stream");
  cr_assert_eq(egress_status_next_stream(status, &stream), 1);
  cr_assert_eq(stream.stream_id, 1);
  cr_assert_str_eq(stream.node_id, "n\"1");
  cr_assert_str_eq(stream.node_cluster, "edge");
  cr_assert_str_eq(stream.group, "edge");
  cr_assert_str_eq(stream.type_url, "");
  cr_assert_eq(stream.variant, EGRESS_VARIANT_SOTW);
  cr_assert_eq(stream.peer->transport, EGRESS_TRANSPORT_PLAINTEXT);
  cr_assert_eq(strncmp(stream.peer->address, "ipv4:127.0.0.1:", 15), 0);
  cr_assert_gt(stream.opened_ms, UINT64_C(1600000000000), "Unix time");

  cr_assert_null(egress_status_next_name(status), "before the first type");
  cr_assert_eq(egress_status_next_type(status, &type), 1);
  cr_assert_str_eq(type.type_url, EGRESS_TYPE_CLUSTER);
  cr_assert_eq(type.wildcard, 1);
  cr_assert_eq(type.name_count, 0);
  cr_assert_null(egress_status_next_name(status));
  cr_assert_str_eq(type.sent, egress_snapshot_type_version(egress_cache_get(s.cache, "*"), EGRESS_TYPE_CLUSTER));
  cr_assert_str_eq(type.acked, type.sent);
  cr_assert_str_eq(type.nacked, "");
  cr_assert_str_eq(type.message, "");
  cr_assert_geq(type.acked_ms, type.sent_ms);
  cr_assert_geq(type.sent_ms, stream.opened_ms);
  cr_assert_eq(type.nacked_ms, 0);
  cr_assert_eq(type.in_flight, 0);

  cr_assert_eq(egress_status_next_type(status, &type), 1);
  cr_assert_str_eq(type.type_url, EGRESS_TYPE_ENDPOINT);
  cr_assert_eq(type.wildcard, 0);
  cr_assert_eq(type.name_count, 2);
  cr_assert_not_null(egress_status_next_name(status));
  cr_assert_not_null(egress_status_next_name(status));
  cr_assert_null(egress_status_next_name(status));
  cr_assert_str_eq(type.acked, "");
  cr_assert_str_eq(type.nacked, egress_snapshot_type_version(egress_cache_get(s.cache, "*"), EGRESS_TYPE_ENDPOINT));
  cr_assert_str_eq(type.message, "b: no\nthanks");
  cr_assert_geq(type.nacked_ms, type.sent_ms);

  cr_assert_eq(egress_status_next_type(status, &type), 1);
  cr_assert_str_eq(type.type_url, EGRESS_TYPE_ROUTE);
  cr_assert_eq(egress_status_next_type(status, &type), 0);
  cr_assert_eq(egress_status_next_stream(status, &stream), 0);
  cr_assert_eq(egress_status_next_stream(status, &stream), 0, "it does not begin again");
  egress_status_free(status);
  serving_while(&s, hang_up, NULL);
}

Test(status, as_json_and_metrics_without_streams) {
  egress_text *text;
  cr_assert_eq(egress_server_status_json(&text, s.server), 0);
  cr_assert_str_eq(egress_text_data(text), "[]\n");
  egress_text_free(text);
  cr_assert_eq(egress_server_metrics(&text, s.server), 0);
  cr_assert_not_null(strstr(egress_text_data(text), "\negress_streams 0\n"));
  egress_text_free(text);
}

/* ---- over mutual TLS ---- */

/* A key and certificate of each side, and where the server has mutual TLS. */
typedef struct mutual {
  char *server_cert, *server_key, *cert, *key;
  char address[64];
} mutual;

static char *text_of_key(char **cert, const char *common_name, const char *names) {
  EVP_PKEY *key = pki_key("EC");
  *cert = common_name == NULL ? pki_certificate(key) : pki_client_certificate(key, common_name, names);
  char *text = pki_key_text(key, NULL);
  EVP_PKEY_free(key);
  return text;
}

static void listen_mutually(mutual *own, const char *names) {
  own->server_key = text_of_key(&own->server_cert, NULL, NULL);
  own->key = text_of_key(&own->cert, "envoy-7", names);
  egress_listen_options options = EGRESS_LISTEN_OPTIONS_INIT;
  options.tls_cert = own->server_cert;
  options.tls_key = own->server_key;
  options.tls_client_ca = own->cert;
  cr_assert_eq(egress_server_listen(s.server, "127.0.0.1:0", &options, NULL), 0);
  snprintf(own->address, sizeof own->address, "127.0.0.1:%u", (unsigned)egress_server_port(s.server, 1));
}

static void talk_mutually(void *user) {
  const mutual *own = user;
  one = client_open_as(own->address, own->server_cert, own->cert, own->key);
  cr_assert_eq(client_subscribe(one), 0);
  cr_assert_gt(client_take(one, 0), 0);
}

static void check_certificate(const char *names, const char *said) {
  mutual own;
  egress_text *text;
  listen_mutually(&own, names);
  serving_while(&s, talk_mutually, &own);
  cr_assert_eq(egress_server_status_json(&text, s.server), 0);
  const char *from = strstr(egress_text_data(text), "\"transport\""),
             *to = strstr(egress_text_data(text), "\"variant\"");
  char found[512];
  size_t count = 0;
  for (; from < to; from++) /* but for how it is indented */
    if (strchr(" \n", *from) == NULL)
      found[count++] = *from;
  found[count] = '\0';
  cr_assert_str_eq(found, said);
  egress_text_free(text);
  serving_while(&s, hang_up, NULL);
  free(own.server_cert);
  free(own.server_key);
  free(own.cert);
  free(own.key);
}

Test(status, says_what_the_certificate_says) {
  check_certificate("URI:spiffe://a.example/b,DNS:d.example,DNS:*.e.example",
                    "\"transport\":\"mutual-tls\",\"spiffeId\":\"spiffe://a.example/b\",\"commonName\":\"envoy-7\","
                    "\"uris\":[\"spiffe://a.example/b\"],\"dnsNames\":[\"d.example\",\"*.e.example\"],");
}

/* Then there is no SPIFFE ID. */
Test(status, says_all_URIs) {
  check_certificate("URI:spiffe://a.example/b,URI:https://c.example/",
                    "\"transport\":\"mutual-tls\",\"commonName\":\"envoy-7\","
                    "\"uris\":[\"spiffe://a.example/b\",\"https://c.example/\"],");
}

Test(status, leaves_out_what_the_certificate_does_not_say) {
  check_certificate(NULL, "\"transport\":\"mutual-tls\",\"commonName\":\"envoy-7\",");
}

/* ---- metrics ---- */

Test(status, metrics_count_what_passed) {
  connect_one();
  egress_text *text;
  cr_assert_eq(egress_server_metrics(&text, s.server), 0);
  static const char *const lines[] = {"egress_streams 1",
                                      "egress_streams_opened_total 1",
                                      "egress_subscribed_streams{type=\"" EGRESS_TYPE_ROUTE "\"} 1",
                                      "egress_requests_total{type=\"" EGRESS_TYPE_ENDPOINT "\"} 2",
                                      "egress_responses_total{type=\"" EGRESS_TYPE_ENDPOINT "\"} 1",
                                      "egress_nacks_total{type=\"" EGRESS_TYPE_ENDPOINT "\"} 1",
                                      "egress_acks_total{type=\"" EGRESS_TYPE_CLUSTER "\"} 1"};
  for (size_t i = 0; i < sizeof lines / sizeof lines[0]; i++)
    cr_assert_not_null(strstr(egress_text_data(text), lines[i]), "%s", lines[i]);
  egress_text_free(text);
  serving_while(&s, hang_up, NULL);
}

Test(status, fails_without_memory_and_leaves_nothing) {
  connect_one();
  const egress_alloc *usual = s.server->alloc;
  s.server->alloc = &counted;
  for (int which = 0; which < 2; which++) {
    egress_text *text = NULL;
    size_t need = 0;
    for (; text == NULL; need++) {
      counted_left = need;
      int rv = which == 0 ? egress_server_status_json(&text, s.server) : egress_server_metrics(&text, s.server);
      cr_assert_eq(rv, text == NULL ? EGRESS_ENOMEM : 0);
      cr_assert_eq(counted_live > 0, text != NULL);
    }
    cr_assert_gt(need, 2);
    egress_text_free(text);
    cr_assert_eq(counted_live, 0);
  }
  counted_left = 0;
  egress_status *status = NULL;
  cr_assert_eq(egress_status_new(&status, s.server), EGRESS_ENOMEM);
  cr_assert_null(status);
  s.server->alloc = usual;
  serving_while(&s, hang_up, NULL);
}

Test(status, of_nothing_is_refused) {
  egress_text *text = NULL;
  egress_status *status = NULL;
  egress_type_status type;
  cr_assert_eq(egress_server_status_json(&text, NULL), EGRESS_EINVAL);
  cr_assert_eq(egress_server_status_json(NULL, s.server), EGRESS_EINVAL);
  cr_assert_eq(egress_server_metrics(&text, NULL), EGRESS_EINVAL);
  cr_assert_eq(egress_status_new(&status, NULL), EGRESS_EINVAL);
  cr_assert_eq(egress_status_next_stream(NULL, NULL), EGRESS_EINVAL);
  cr_assert_eq(egress_status_next_type(NULL, &type), 0);
  cr_assert_null(egress_status_next_name(NULL));
  egress_status_free(NULL);
}

/* ---- events that are asked for ---- */

static unsigned take_kinds(void) {
  egress_event event;
  unsigned kinds = 0;
  while (egress_server_next_event(s.server, &event))
    kinds |= EGRESS_EVENT_BIT(event.kind);
  return kinds;
}

Test(status_of_events, are_those_that_were_asked_for, .fini = end) {
  egress_server_options options = EGRESS_SERVER_OPTIONS_INIT;
  options.events = EGRESS_EVENT_BIT(EGRESS_EVENT_REQUEST) | EGRESS_EVENT_BIT(EGRESS_EVENT_RESPONSE) |
                   EGRESS_EVENT_BIT(EGRESS_EVENT_SUBSCRIPTION);
  begin_with(&options);
  connect_one();
  cr_assert_eq(take_kinds(), options.events);
  serving_while(&s, hang_up, NULL);
}

Test(status, events_are_the_usual_ones_when_nobody_asks) {
  struct pollfd look = {.fd = egress_server_event_fd(s.server), .events = POLLIN};
  cr_assert_geq(look.fd, 0);
  cr_assert_eq(poll(&look, 1, 0), 0);
  connect_one();
  cr_assert_eq(poll(&look, 1, 0), 1);
  cr_assert_eq(take_kinds(), EGRESS_EVENT_BIT(EGRESS_EVENT_CONNECTED) | EGRESS_EVENT_BIT(EGRESS_EVENT_ACKED) |
                                 EGRESS_EVENT_BIT(EGRESS_EVENT_NACKED));
  cr_assert_eq(poll(&look, 1, 0), 0);
  serving_while(&s, hang_up, NULL);
}
