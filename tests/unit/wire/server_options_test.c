#include "wire/server_options.h"

#include <criterion/criterion.h>

#include <egress/error.h>

static egress_server_options own;

static void take(egress_server_options given, int expected) {
  given.size = sizeof given;
  cr_assert_eq(egress__server_options_take(&own, &given), expected);
}

Test(server_options, none_are_the_defaults) {
  cr_assert_eq(egress__server_options_take(&own, NULL), 0);
  cr_assert_eq(own.max_streams, 20000);
  cr_assert_eq(own.max_peer_streams, 20000);
  cr_assert_str_eq(own.identifier, "libegress");
  cr_assert_eq(own.idle_ms, 0, "never");
}

Test(server_options, one_client_has_a_quarter_unless_told_otherwise) {
  take((egress_server_options){0}, 0);
  cr_assert_eq(own.max_peer_remembered_bytes, 256 << 20);
  cr_assert_eq(own.max_peer_pending_bytes, 256 << 20);
  take((egress_server_options){.max_remembered_bytes = 1000, .max_pending_bytes = 1}, 0);
  cr_assert_eq(own.max_peer_remembered_bytes, 250);
  cr_assert_eq(own.max_peer_pending_bytes, 1, "something");
  take((egress_server_options){.max_peer_remembered_bytes = 7, .max_peer_pending_bytes = UINT32_MAX}, 0);
  cr_assert_eq(own.max_peer_remembered_bytes, 7);
  cr_assert_eq(own.max_peer_pending_bytes, UINT32_MAX);
}

Test(server_options, what_is_out_of_range_is_refused) {
  take((egress_server_options){.max_request_bytes = 1 << 30}, 0);
  take((egress_server_options){.max_request_bytes = (1 << 30) + 1}, EGRESS_EINVAL);
  take((egress_server_options){.keepalive_ms = INT32_MAX}, 0);
  take((egress_server_options){.keepalive_ms = UINT32_C(1) << 31}, EGRESS_EINVAL);
  take((egress_server_options){.client_status = 2}, EGRESS_EINVAL);
  take((egress_server_options){.events = EGRESS_EVENT_BIT(EGRESS_EVENT_WANTED)}, 0);
  take((egress_server_options){.events = EGRESS_EVENT_BIT(EGRESS_EVENT_WANTED + 1)}, EGRESS_EINVAL);
  take((egress_server_options){.reserved = 1}, EGRESS_EINVAL);
}
