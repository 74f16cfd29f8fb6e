#include "wire/quota.h"

#include <criterion/criterion.h>
#include <string.h>

#include <egress/error.h>

#include "support/counted.h"
#include "wire/status_code.h"

enum { PEER_STREAMS = 2, STREAMS = 3, PEER_REMEMBERED = 70, PEER_PENDING = 50, PENDING = 80 };

static egress_server server = {.alloc = &counted,
                               .options = {.max_streams = STREAMS,
                                           .max_peer_streams = PEER_STREAMS,
                                           .max_peer_remembered_bytes = PEER_REMEMBERED,
                                           .max_peer_pending_bytes = PEER_PENDING},
                               .pending.max_bytes = PENDING};
static egress__stream_fault fault;

static void init(void) {
  egress__map_init(&server.peers, &counted);
}

static void dispose(void) {
  cr_assert_eq(server.peers.count, 0);
  cr_assert_eq(server.call_count, 0);
  egress__map_dispose(&server.peers);
  cr_assert_eq(counted_live, 0);
}

TestSuite(quota, .init = init, .fini = dispose);

static egress__quota_peer *join_as(const char *address, const char *spiffe_id) {
  egress__quota_peer *peer = NULL;
  cr_assert_eq(egress__quota_join(&peer, &server, &(egress_peer){.address = address, .spiffe_id = spiffe_id}), 0);
  return peer;
}

static egress__quota_peer *join(const char *address) {
  return join_as(address, "");
}

static void is_refused(egress__quota_peer *peer, const char *name) {
  memset(&fault, 0, sizeof fault);
  cr_assert_eq(egress__quota_take(&server, peer, &fault), EGRESS_ELIMIT);
  cr_assert_eq(fault.status, EGRESS__STATUS_RESOURCE_EXHAUSTED);
  cr_assert_not_null(strstr(fault.message, name), "%s", fault.message);
}

/* ---- who is one client ---- */

Test(quota, an_address_counts_without_its_port) {
  egress__quota_peer *peers[] = {join("ipv4:10.0.0.1:1"),
                                 join("ipv4:10.0.0.1:22"),
                                 join("ipv4:10.0.0.11:1"),
                                 join("ipv6:[::1]:4000"),
                                 join("ipv6:[::1]:50"),
                                 join("ipv6:[::2]:50"),
                                 join("unix:"),
                                 join("unix:")};
  cr_assert_eq(peers[0], peers[1]);
  cr_assert_eq(peers[3], peers[4]);
  cr_assert_eq(peers[6], peers[7]);
  cr_assert_eq(server.peers.count, 5);
  for (size_t i = 0; i < sizeof peers / sizeof peers[0]; i++)
    egress__quota_leave(&server, peers[i]);
}

Test(quota, a_verified_id_counts_whatever_its_address) {
  egress__quota_peer *one = join_as("ipv4:10.0.0.1:1", "spiffe://a/b"), *two = join_as("unix:", "spiffe://a/b"),
                     *other = join("ipv4:10.0.0.1:1");
  cr_assert_eq(one, two);
  cr_assert_neq(one, other);
  egress__quota_leave(&server, one);
  egress__quota_leave(&server, two);
  egress__quota_leave(&server, other);
}

/* ---- streams ---- */

Test(quota, an_ended_stream_makes_room) {
  egress__quota_peer *one = join("ipv4:10.0.0.1:1"), *other = join("ipv4:10.0.0.2:1");
  cr_assert_eq(egress__quota_take(&server, one, &fault), 0);
  cr_assert_eq(egress__quota_take(&server, one, &fault), 0);
  is_refused(one, "2 streams open, the most that one may have (max_peer_streams)");
  cr_assert_eq(egress__quota_take(&server, other, &fault), 0);
  is_refused(other, "3 streams open, the most it allows (max_streams)");
  egress__quota_give(&server, one);
  cr_assert_eq(egress__quota_take(&server, one, &fault), 0);
  egress__quota_give(&server, one);
  egress__quota_give(&server, one);
  egress__quota_give(&server, other);
  egress__quota_leave(&server, one);
  egress__quota_leave(&server, other);
}

Test(quota, a_stream_may_outlive_its_connection) {
  egress__quota_peer *peer = join("unix:");
  cr_assert_eq(egress__quota_take(&server, peer, &fault), 0);
  egress__quota_leave(&server, peer);
  cr_assert_eq(join("unix:"), peer, "it is known still");
  egress__quota_leave(&server, peer);
  egress__quota_give(&server, peer);
  egress__quota_give(&server, NULL);
  egress__quota_leave(&server, NULL);
}

/* ---- bytes ---- */

Test(quota, every_client_has_limits_of_its_own) {
  egress__quota_peer *one = join("ipv4:10.0.0.1:1"), *other = join("ipv4:10.0.0.2:1");
  uint8_t *bytes = NULL, *others = NULL;
  size_t size = 0, others_size = 0;
  cr_assert_eq(one->remembered.max_bytes, PEER_REMEMBERED);
  cr_assert_eq(egress__pending_grow(&one->pending, &bytes, &size, PEER_PENDING, &fault), 0);
  cr_assert_eq(egress__pending_grow(&one->pending, &bytes, &size, PEER_PENDING + 1, &fault), EGRESS_ELIMIT);
  cr_assert_eq(egress__pending_grow(&other->pending, &others, &others_size, PENDING - PEER_PENDING, &fault), 0);
  cr_assert_eq(server.pending.bytes, PENDING);
  egress__pending_free(&one->pending, &bytes, &size);
  egress__pending_free(&other->pending, &others, &others_size);
  egress__quota_leave(&server, one);
  egress__quota_leave(&server, other);
}

Test(quota, without_memory_nobody_is_counted) {
  egress__quota_peer *peer = NULL;
  for (size_t need = 0; peer == NULL; need++) {
    counted_left = need;
    int rv = egress__quota_join(&peer, &server, &(egress_peer){.address = "unix:", .spiffe_id = ""});
    cr_assert_eq(rv, peer != NULL ? 0 : EGRESS_ENOMEM);
    cr_assert_eq(server.peers.count, peer != NULL);
  }
  counted_left = SIZE_MAX;
  egress__quota_leave(&server, peer);
}
