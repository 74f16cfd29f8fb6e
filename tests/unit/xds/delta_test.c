/* Names of tests carry the number of the rule in docs/xds.md. */
#include "support/xds_delta.h"

static void begin(void) {
  xds_begin(&client, EGRESS__XDS_DELTA);
}
static void end(void) {
  xds_end(&client);
}
TestSuite(delta, .init = begin, .fini = end);

/* "a=VERSION b=VERSION": what a client holds that was sent `text`, of one type. */
static const char *held(char type, const char *text) {
  static char out[XDS_TEXT];
  size_t used = 0;
  egress_snapshot *snap = xds_snapshot(text);
  const char *url = xds_type_url(type);
  out[0] = '\0';
  for (size_t i = 0; i < egress_snapshot_count(snap, url); i++) {
    egress_resource *resource = egress_snapshot_at(snap, url, i);
    used += (size_t)snprintf(out + used, sizeof out - used, "%s=%s ", egress_resource_name(resource),
                             egress_resource_version(resource));
  }
  egress_snapshot_unref(snap);
  return out;
}

Test(delta, c9_unknown_type_is_told_as_removed) {
  set("C: a=1");
  SENT("S: -cert", subscribe('S', "cert"));
  SENT("C: a=1", subscribe('C', NULL));
}

Test(delta, c14_a_request_without_a_nonce_is_no_ack) {
  set("E: a=1 b=1");
  SENT("E: a=1", subscribe('E', "a"));
  SENT("", subscribe('E', "b")); /* the first is still in flight */
  cr_assert_str_eq(client.events, "connected n of g; ");
  SENT("E: b=1", ack('E'));
  cr_assert_str_eq(client.events, "connected n of g; acked E; ");
}

Test(delta, c15_a_stale_nonce_still_subscribes) {
  set("E: a=1 b=1");
  subscribe('E', "a");
  SENT("", xds_ask(&client, (xds_request){.type = 'E', .names = "b", .nonce = "77"}));
  cr_assert_str_eq(client.events, "connected n of g; ");
  SENT("E: b=1", ack('E'));
}

Test(delta, c15_one_request_may_be_ack_and_subscription) {
  set("E: a=1 b=1");
  subscribe('E', "a");
  SENT("E: b=1", xds_ask(&client, (xds_request){.type = 'E', .names = "b", .nonce = xds_nonce(&client, 'E')}));
  cr_assert_str_eq(client.events, "connected n of g; acked E; ");
}

Test(delta, c18_nothing_follows_an_ack_or_a_nack) {
  set("C: a=1");
  subscribe('C', NULL);
  SENT("", ack('C'));
  SENT("C: a=2", set("C: a=2"));
  SENT("", nack('C'));
  SENT("", set("C: a=2"));
  cr_assert_str_eq(client.events, "connected n of g; acked C; nacked C 13 bad; ");
}

Test(delta, c19_after_a_nack_the_next_change_brings_all_that_is_in_doubt) {
  set("C: a=1 b=1 c=1");
  subscribe('C', NULL);
  ack('C');
  SENT("C: a=2 b=2 d=2", set("C: a=2 b=2 c=1 d=2"));
  SENT("", nack('C'));
  SENT("C: a=3 b=2 d=2", set("C: a=3 b=2 c=1 d=2"));
  SENT("", ack('C'));
  SENT("C: b=3", set("C: a=3 b=3 c=1 d=2"));
}

Test(delta, c19_back_to_the_accepted_set_undoes_what_was_taken_over) {
  set("C: a=1 b=1");
  subscribe('C', NULL);
  ack('C');
  set("C: a=2 c=2");
  nack('C');
  SENT("C: a=1 b=1 -c", set("C: a=1 b=1"));
}

Test(delta, c19_refused_at_first) {
  set("C: a=1 b=1");
  subscribe('C', NULL);
  nack('C');
  SENT("C: a=1 c=1 -b", set("C: a=1 c=1"));
  nack('C');
  SENT("C: a=1 -b -c", set("C: a=1"));
  ack('C');
  SENT("C: a=2", set("C: a=2"));
}

Test(delta, c19_refused_many_times) {
  set("C: a=1 b=1");
  subscribe('C', NULL);
  ack('C');
  for (int i = 2; i < 10; i++) {
    char text[XDS_WORD], expected[XDS_WORD];
    snprintf(text, sizeof text, "C: a=%d", i);
    snprintf(expected, sizeof expected, "C: a=%d -b", i);
    SENT(expected, set(text));
    SENT("", nack('C'));
  }
  SENT("C: a=1 b=1", set("C: a=1 b=1"));
}

Test(delta, c19_refused_names_come_again_with_the_next_change) {
  set("E: a=1 b=1 c=1");
  subscribe('E', "a b none");
  SENT("", nack('E'));
  SENT("E: a=2 b=1 -none", set("E: a=2 b=1 c=1"));
  ack('E');
  SENT("E: b=2", set("E: a=2 b=2 c=1"));
}

Test(delta, c26_system_version_is_that_of_the_type_and_c27_versions_are_the_resources) {
  set("C: a=1");
  subscribe('C', NULL);
  egress_snapshot *snap = egress_cache_get(client.cache, "g");
  cr_assert_str_eq(client.last.version, egress_snapshot_type_version(snap, EGRESS_TYPE_CLUSTER));
  cr_assert_str_eq(client.last.versions[0],
                   egress_resource_version(egress_snapshot_find(snap, EGRESS_TYPE_CLUSTER, "a")));
}

Test(delta, c26_system_version_is_the_label_and_another_label_alone_sends_nothing) {
  xds_set_labelled(&client, "g", "C: a=1 b=1", "v1");
  SENT("C: a=1 b=1", subscribe('C', NULL));
  cr_assert_str_eq(client.last.version, "v1");
  xds_set_labelled(&client, "g", "C: a=1 b=1", "v2"); /* while the client reads v1 */
  SENT("", ack('C'));
  cr_assert_str_eq(client.versions, "v1");
  xds_set_labelled(&client, "g", "C: a=1 b=2", "v2");
  SENT("C: b=2", xds_drain(&client));
  cr_assert_str_eq(client.last.version, "v2");
  SENT("", ack('C'));
  xds_set_labelled(&client, "g", "C: a=1 b=3", "v2"); /* c25 */
  SENT("C: b=3", xds_drain(&client));
}

Test(delta, c28_unchanged_content_is_not_sent) {
  set("C: a=1 b=1");
  subscribe('C', NULL);
  ack('C');
  SENT("", set("C: a=1 b=1"));
  SENT("C: a=2", set("C: a=2 b=1"));
  ack('C');
  SENT("C: -a", set("C: b=1"));
}

Test(delta, c30_empty_lists_change_nothing) {
  set("E: a=1 b=1");
  subscribe('E', "a b");
  SENT("", ack('E')); /* without a name, as the next */
  SENT("", subscribe('E', NULL));
  SENT("E: a=2 b=2", set("E: a=2 b=2"));
}

Test(delta, c31_empty_first_request_for_scoped_routes_is_wildcard) {
  set("P: a=1 b=1");
  SENT("P: a=1 b=1", subscribe('P', NULL));
  ack('P');
  SENT("P: a=2 -b", set("P: a=2"));
}

Test(delta, c31_star_is_wildcard) {
  set("L: a=1");
  SENT("L: a=1", subscribe('L', "*"));
  ack('L');
  SENT("L: b=1", set("L: a=1 b=1"));
}

Test(delta, c33_from_wildcard_to_a_name_to_nothing) {
  set("C: a=1 b=1");
  SENT("C: a=1 b=1", subscribe('C', NULL));
  ack('C');
  SENT("C: a=1", subscribe('C', "a"));
  ack('C');
  SENT("C: b=2", set("C: a=1 b=2")); /* still everything */
  ack('C');
  SENT("", unsubscribe('C', "*"));
  SENT("", set("C: a=1 b=3"));
  SENT("C: a=2", set("C: a=2 b=3"));
  ack('C');
  SENT("", unsubscribe('C', "a"));
  SENT("", set("C: a=3 b=4"));
  SENT("", subscribe('C', NULL)); /* not everything again */
}

Test(delta, c33_wildcard_dropped_while_a_response_is_in_flight) {
  set("C: a=1 b=1");
  subscribe('C', NULL);
  SENT("", unsubscribe('C', "*"));
  SENT("", ack('C'));
  SENT("", set("C: a=2"));
}

Test(delta, c34_empty_first_request_of_another_type_is_no_interest) {
  set("R: a=1");
  SENT("", subscribe('R', NULL));
  SENT("", set("R: a=2"));
}

Test(delta, c35_parts_of_everything_cannot_be_left) {
  set("C: a=1 b=1");
  subscribe('C', "*");
  ack('C');
  unsubscribe('C', "a");
  ack('C');
  SENT("C: a=2 b=2", set("C: a=2 b=2"));
}

Test(delta, c36_a_name_that_does_not_exist_is_remembered) {
  set("E: a=1");
  SENT("E: -b", subscribe('E', "b"));
  ack('E');
  SENT("E: b=1", set("E: a=1 b=1"));
  ack('E');
  SENT("E: -b", set("E: a=1"));
  ack('E');
  SENT("E: b=1", set("E: a=1 b=1")); /* c51 */
}

Test(delta, c38_what_is_asked_for_again_is_sent_again) {
  set("E: a=1 b=1");
  SENT("E: a=1", subscribe('E', "a"));
  ack('E');
  SENT("E: a=1", subscribe('E', "a"));
  SENT("", subscribe('E', "a")); /* in flight, so after the ACK */
  SENT("E: a=1", ack('E'));
  ack('E');
  SENT("", unsubscribe('E', "a"));
  SENT("E: a=1", subscribe('E', "a"));
}

Test(delta, c38_everything_asked_for_again_is_sent_again) {
  set("C: a=1 b=1");
  SENT("C: a=1 b=1", subscribe('C', "*"));
  SENT("", subscribe('C', "*"));
  SENT("C: a=1 b=1", ack('C'));
  ack('C');
  SENT("C: a=1 b=1", subscribe('C', "*"));
  ack('C');
  SENT("C: a=2", set("C: a=2 b=1"));
}

Test(delta, c38_everything_asked_for_again_and_refused) {
  set("C: a=1 b=1");
  subscribe('C', "*");
  ack('C');
  SENT("C: a=1 b=1", subscribe('C', "*"));
  SENT("", nack('C'));
  SENT("C: a=2 b=1", set("C: a=2 b=1"));
}

Test(delta, c39_unknown_names_can_be_unsubscribed) {
  set("C: a=1 E: a=1");
  SENT("", unsubscribe('E', "a nothing *"));
  SENT("C: a=1", subscribe('C', NULL));
  ack('C');
  SENT("", unsubscribe('C', "a nothing"));
  SENT("C: a=2", set("C: a=2"));
}

Test(delta, c40_a_name_dropped_under_a_wildcard_is_answered) {
  set("C: a=1");
  SENT("C: a=1 -x", subscribe('C', "* a x"));
  ack('C');
  SENT("C: a=1", unsubscribe('C', "a"));
  ack('C');
  SENT("C: -x", unsubscribe('C', "x"));
  ack('C');
  SENT("", unsubscribe('C', "x"));
}

Test(delta, c40_also_before_the_first_answer) {
  xds_ask(&client, (xds_request){.type = 'C', .names = "* a", .initial = held('C', "C: a=1 b=1")});
  unsubscribe('C', "a");
  SENT("C: a=1", set("C: a=1 b=1"));
}

Test(delta, c41_a_name_that_does_not_exist_is_told_as_removed) {
  set("E: a=1");
  SENT("E: a=1 -x -y", subscribe('E', "x a y"));
}

Test(delta, c42_empty_wildcard_is_answered) {
  set("");
  SENT("C:", subscribe('C', NULL));
  SENT("L:", subscribe('L', "*"));
}

Test(delta, c44_unsubscribed_names_are_not_sent) {
  set("E: a=1 b=1");
  subscribe('E', "a b");
  ack('E');
  SENT("", unsubscribe('E', "a"));
  SENT("E: b=2", set("E: a=2 b=2"));
}

Test(delta, c48_named_changes_and_removals) {
  set("E: a=1 b=1 c=1 d=1");
  subscribe('E', "a b c");
  ack('E');
  SENT("E: a=2 -b", set("E: a=2 c=1 d=2"));
  ack('E');
  SENT("", set("E: a=2 c=1 e=1"));
}

/* What a message has as field `number`, which it has once. */
static egress__span only(egress__span message, uint32_t number) {
  egress__span copy = message, found = {NULL, 0};
  egress__field field;
  while (egress__field_next(&copy, &field) == 1)
    if (field.number == number) {
      cr_assert_null(found.data);
      found = field.bytes;
    }
  cr_assert_not_null(found.data);
  return found;
}

static void is_text(egress__span span, const char *text) {
  cr_assert_eq(span.size, strlen(text));
  cr_assert_arr_eq(span.data, text, span.size);
}

Test(delta, c49_a_resource_has_its_name_and_version_and_c50_is_whole) {
  set("C: a=1!x");
  subscribe('C', NULL);
  ack('C');
  xds_set(&client, "g", "C: a=2!x"); /* another version of one field */
  egress__response response;
  cr_assert_eq(egress__stream_next(client.stream, &response), 1);
  egress_resource *resource = egress_snapshot_find(egress_cache_get(client.cache, "g"), EGRESS_TYPE_CLUSTER, "a");
  egress__span entry = only((egress__span){response.body->bytes, response.body->size}, 2);
  is_text(only(entry, 1), egress_resource_version(resource));
  is_text(only(entry, 3), "a");
  egress__span any = only(entry, 2), message = only(any, 2);
  is_text(only(any, 1), EGRESS_TYPE_CLUSTER);
  cr_assert_eq(message.size, egress_resource_size(resource));
  cr_assert_arr_eq(message.data, egress_resource_bytes(resource), message.size);
  egress__field field;
  while (egress__field_next(&entry, &field) == 1)
    cr_assert_leq(field.number, 3); /* no alias, no second name */
  egress__blob_unref(response.body);
}

Test(delta, c51_deleted_and_made_again) {
  set("C: a=1 b=1");
  subscribe('C', NULL);
  SENT("", set("C: b=1"));
  SENT("", set("C: a=1 b=1"));
  SENT("", ack('C')); /* it never saw it gone */
  SENT("C: -a", set("C: b=1"));
  SENT("", set("C: a=2 b=1"));
  SENT("C: a=2", ack('C'));
}

Test(delta, c52_clear_sends_nothing) {
  set("C: a=1");
  subscribe('C', NULL);
  ack('C');
  egress_cache_clear(client.cache, "g");
  SENT("", xds_drain(&client));
  SENT("C: -a", set(""));
}

Test(delta, c53_c54_what_the_client_holds_is_not_sent) {
  set("C: a=1 b=2 E: a=1 b=2");
  SENT("C: b=2", xds_ask(&client, (xds_request){.type = 'C', .initial = held('C', "C: a=1 b=1")}));
  SENT("E: b=2", xds_ask(&client, (xds_request){.type = 'E', .names = "a b", .initial = held('E', "E: a=1 b=1")}));
  ack('C');
  ack('E');
  SENT("C: a=2 | E: a=2", set("C: a=2 b=2 E: a=2 b=2"));
}

Test(delta, c55_what_is_gone_is_told) {
  set("C: a=1 E: a=1");
  SENT("C: -x -y", xds_ask(&client, (xds_request){.type = 'C', .initial = held('C', "C: a=1 x=1 y=1")}));
  SENT("E: -x", xds_ask(&client, (xds_request){.type = 'E', .names = "a x", .initial = held('E', "E: a=1 x=1 z=1")}));
}

Test(delta, c55_what_is_gone_is_told_again_after_a_nack) {
  set("C: a=1 b=1");
  SENT("C: b=1 -x", xds_ask(&client, (xds_request){.type = 'C', .initial = held('C', "C: a=1 x=1")}));
  nack('C');
  SENT("C: a=1 b=2 -x", set("C: a=1 b=2"));
}

Test(delta, c55_also_when_the_snapshot_comes_later) {
  SENT("", xds_ask(&client, (xds_request){.type = 'C', .initial = held('C', "C: a=1 x=1")}));
  SENT("", subscribe('E', "a"));
  SENT("C: b=1 -x | E: -a", set("C: a=1 b=1"));
}

Test(delta, c56_initial_versions_later_are_ignored) {
  set("E: a=1 b=1");
  SENT("E: a=1", subscribe('E', "a"));
  ack('E');
  SENT("E: b=1", xds_ask(&client, (xds_request){.type = 'E', .names = "b", .initial = held('E', "E: b=1")}));
}

Test(delta, c56_initial_versions_alone_are_no_subscription) {
  set("E: a=1");
  SENT("", xds_ask(&client, (xds_request){.type = 'E', .initial = held('E', "E: a=2 x=1")}));
  SENT("E: a=1", subscribe('E', "a"));
}

Test(delta, c57_up_to_date_everything_is_answered_with_nothing) {
  set("C: a=1 b=1 E: a=1");
  SENT("C:", xds_ask(&client, (xds_request){.type = 'C', .initial = held('C', "C: a=1 b=1")}));
  SENT("", xds_ask(&client, (xds_request){.type = 'E', .names = "a", .initial = held('E', "E: a=1")}));
  ack('C');
  SENT("C: b=2", set("C: a=1 b=2 E: a=1"));
}

Test(delta, c38_asked_for_again_before_the_first_answer) {
  xds_ask(&client, (xds_request){.type = 'E', .names = "a b", .initial = held('E', "E: a=1 b=1")});
  subscribe('E', "a");
  SENT("E: a=1", set("E: a=1 b=1"));
}

Test(delta, c38_everything_asked_for_again_before_the_first_answer) {
  xds_ask(&client, (xds_request){.type = 'C', .initial = held('C', "C: a=1 x=1")});
  unsubscribe('C', "*");
  subscribe('C', "*");
  SENT("C: a=1 -x", set("C: a=1"));
}

Test(delta, c58_order_is_clusters_endpoints_listeners_routes) {
  subscribe('S', "s");
  subscribe('R', "r");
  subscribe('L', NULL);
  subscribe('E', "e");
  subscribe('C', NULL);
  SENT("C: c=1 | E: e=1 | L: l=1 | R: r=1 | S: s=1", set("C: c=1 E: e=1 L: l=1 R: r=1 S: s=1"));
}

Test(delta, c59_endpoints_of_changed_clusters_are_sent_again) {
  set("C: a=1! b=1! E: a=1 b=1");
  subscribe('C', NULL);
  ack('C');
  SENT("E: a=1 b=1", subscribe('E', "a b"));
  ack('E');
  SENT("C: a=2! | E: a=1", set("C: a=2! b=1! E: a=1 b=1"));
  ack('C');
  SENT("", ack('E'));
  SENT("C: a=3! | E: a=2", set("C: a=3! b=1! E: a=2 b=1"));
}

Test(delta, c59_endpoints_subscribed_as_everything) {
  set("C: a=1! E: a=1 b=1");
  subscribe('C', NULL);
  ack('C');
  SENT("E: a=1 b=1", subscribe('E', "*"));
  ack('E');
  SENT("C: a=2! | E: a=1", set("C: a=2! E: a=1 b=1"));
  ack('E');
  ack('C');
  SENT("E: -a", set("C: a=2! E: b=1"));
}

Test(delta, c59_clusters_asked_for_are_new_to_the_client) {
  set("C: a=1! b=1!a E: a=1");
  subscribe('E', "a");
  ack('E');
  SENT("C: a=1! | E: a=1", subscribe('C', "a"));
  ack('C');
  ack('E');
  SENT("C: b=1!a | E: a=1", subscribe('C', "b"));
  ack('C');
  ack('E');
  SENT("C: a=1! b=1!a | E: a=1", subscribe('C', "*"));
}

Test(delta, c59_clusters_that_changed_while_the_client_was_away) {
  xds_ask(&client, (xds_request){.type = 'C', .initial = held('C', "C: a=1! b=1!")});
  xds_ask(&client, (xds_request){.type = 'E', .names = "a b", .initial = held('E', "E: a=1 b=1")});
  SENT("C: a=2! | E: a=1", set("C: a=2! b=1! E: a=1 b=1"));
}

Test(delta, c75_names_beside_a_wildcard) {
  set("C: a=1 b=1");
  SENT("C: a=1 b=1", subscribe('C', "*"));
  ack('C');
  SENT("C: -late", subscribe('C', "late"));
  ack('C');
  SENT("C: late=1", set("C: a=1 b=1 late=1"));
}

Test(delta, c79_who_the_server_is) {
  set("C: a=1");
  subscribe('C', NULL);
  cr_assert_str_eq(client.last.identifier, "tested");
}

Test(delta, c77_the_newest_only) {
  set("C: a=1 b=1");
  subscribe('C', NULL);
  SENT("", set("C: a=2 b=2"));
  SENT("", set("C: a=1 b=3"));
  SENT("C: b=3", ack('C'));
}
