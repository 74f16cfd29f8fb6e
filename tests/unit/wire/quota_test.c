#include "wire/quota.h"

#include <criterion/criterion.h>

#include <egress/error.h>

#include "support/counted.h"

static egress__map peers;

static void init(void) {
  egress__map_init(&peers, &counted);
}

static void dispose(void) {
  cr_assert_eq(peers.count, 0);
  egress__map_dispose(&peers);
  cr_assert_eq(counted_live, 0);
}

TestSuite(quota, .init = init, .fini = dispose);

static egress__quota_peer *take(const char *address, int expected) {
  egress__quota_peer *peer = NULL;
  cr_assert_eq(egress__quota_take(&peer, &peers, &(egress_peer){.address = address, .spiffe_id = ""}, 2), expected,
               "%s", address);
  cr_assert_eq(peer != NULL, expected == 0);
  return peer;
}

Test(quota, an_address_counts_without_its_port) {
  egress__quota_peer *taken[] = {take("ipv4:10.0.0.1:1", 0),
                                 take("ipv4:10.0.0.1:22", 0),
                                 take("ipv4:10.0.0.11:1", 0),
                                 take("ipv6:[::1]:4000", 0),
                                 take("ipv6:[::1]:50", 0),
                                 take("ipv6:[::2]:50", 0),
                                 take("unix:", 0),
                                 take("unix:", 0)};
  take("ipv4:10.0.0.1:333", EGRESS_ELIMIT);
  take("ipv6:[::1]:1", EGRESS_ELIMIT);
  take("unix:", EGRESS_ELIMIT);
  cr_assert_eq(peers.count, 5);
  for (size_t i = 0; i < sizeof taken / sizeof taken[0]; i++)
    egress__quota_give(&peers, taken[i]);
}

Test(quota, an_ended_stream_makes_room) {
  egress__quota_peer *one = take("ipv4:10.0.0.1:1", 0), *two = take("ipv4:10.0.0.1:2", 0);
  take("ipv4:10.0.0.1:3", EGRESS_ELIMIT);
  egress__quota_give(&peers, one);
  egress__quota_peer *three = take("ipv4:10.0.0.1:3", 0);
  egress__quota_give(&peers, two);
  egress__quota_give(&peers, three);
  egress__quota_give(&peers, NULL);
}

Test(quota, without_memory_nobody_is_counted) {
  egress__quota_peer *peer = NULL;
  for (size_t need = 0; peer == NULL; need++) {
    counted_left = need;
    int rv = egress__quota_take(&peer, &peers, &(egress_peer){.address = "unix:", .spiffe_id = ""}, 2);
    cr_assert_eq(rv, peer != NULL ? 0 : EGRESS_ENOMEM);
    cr_assert_eq(peers.count, peer != NULL);
  }
  counted_left = SIZE_MAX;
  egress__quota_give(&peers, peer);
}
