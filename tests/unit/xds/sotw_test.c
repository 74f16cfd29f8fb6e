/* Names of tests carry the number of the rule in docs/xds.md. */
#include "support/xds_client.h"

static xds_client client;

static void begin(void) {
  xds_begin(&client, EGRESS__XDS_SOTW);
}
static void end(void) {
  xds_end(&client);
}
TestSuite(sotw, .init = begin, .fini = end);

static const char *ask(char type, const char *names) {
  return xds_ask(&client, (xds_request){.type = type, .names = names, .nonce = xds_nonce(&client, type)});
}
static const char *ack(char type, const char *names) {
  return xds_ack(&client, type, names);
}
static const char *nack(char type, const char *names) {
  return xds_nack(&client, type, names);
}
/* A list with the nonce of the stream's first response, which is not the newest. */
static const char *stale(char type, const char *names) {
  return xds_ask(&client, (xds_request){.type = type, .names = names, .nonce = client.nonces[0]});
}
/* A new snapshot, and what is sent of it. */
static const char *set(const char *text) {
  xds_set(&client, "g", text);
  return xds_drain(&client);
}

Test(sotw, c3_node_is_needed_once) {
  xds_set(&client, "g", "C: a=1 L: l=1");
  SENT("C: a=1", ask('C', NULL));
  cr_assert_str_eq(egress__stream_node_id(client.stream), "n");
  SENT("L: l=1", xds_ask(&client, (xds_request){.type = 'L', .node_id = "other", .cluster = "elsewhere"}));
  cr_assert_str_eq(egress__stream_node_id(client.stream), "n");
  cr_assert_str_eq(egress__stream_group(client.stream), "g");
}

Test(sotw, c4_a_nack_of_one_type_does_not_disturb_another) {
  set("C: a=1 L: l=1");
  ask('C', NULL);
  ask('L', NULL);
  SENT("", nack('C', NULL));
  SENT("", ack('L', NULL));
  SENT("C: a=2 | L: l=2", set("C: a=2 L: l=2"));
}

Test(sotw, c6_response_says_type_version_and_who) {
  set("C: a=1");
  ask('C', NULL);
  cr_assert_eq(client.last.type, 'C');
  cr_assert_str_eq(client.last.version,
                   egress_snapshot_type_version(egress_cache_get(client.cache, "g"), EGRESS_TYPE_CLUSTER));
  cr_assert_str_eq(client.last.identifier, "tested");
}

Test(sotw, c7_a_name_is_in_a_response_once) {
  set("C: a=1 b=1 R: a=1");
  SENT("R: a=1", ask('R', "a a"));
  SENT("C: a=1 b=1", ask('C', "a * a")); /* by name, as part of everything, and soon changed */
  ack('C', "a * a");
  SENT("C: a=2 b=1", set("C: a=2 b=1 R: a=1"));
}

Test(sotw, c9_unknown_type_gets_nothing_and_does_no_harm) {
  set("C: a=1");
  SENT("", ask('S', "cert"));
  SENT("C: a=1", ask('C', NULL));
  ack('C', NULL);
  SENT("C: a=2 | S: cert=1", set("C: a=2 S: cert=1"));
}

Test(sotw, c10_nonce_of_an_older_stream_is_not_an_ack) {
  set("C: a=1");
  SENT("C: a=1", xds_ask(&client, (xds_request){.type = 'C', .nonce = "17", .error = "of another stream"}));
  cr_assert_str_eq(client.events, "connected n of g; ");
}

Test(sotw, c11_first_request_may_tell_a_version_of_before) {
  set("C: a=1 R: r=1");
  ask('R', "r");
  char version[XDS_WORD];
  strcpy(version, client.last.version);
  xds_reconnect(&client);
  SENT("R: r=1", xds_ask(&client, (xds_request){.type = 'R', .names = "r", .version = version}));
  SENT("C: a=1", xds_ask(&client, (xds_request){.type = 'C', .version = "of another server"}));
}

Test(sotw, c12_stale_nonce_is_not_answered) {
  set("E: a=1 b=1 c=1");
  SENT("E: a=1", ask('E', "a"));
  ack('E', "a");
  SENT("E: b=1", ask('E', "a b"));
  SENT("", xds_ask(&client, (xds_request){.type = 'E', .names = "a b c", .nonce = client.nonces[0]}));
  SENT("E: c=1", ack('E', "a b c"));
  ack('E', "a b c");
  SENT("", xds_ask(&client, (xds_request){.type = 'E', .names = "b c d", .nonce = client.nonces[1]}));
  SENT("E: a=2", set("E: a=2 b=1 c=1 d=1")); /* and the list before it counts */
}

Test(sotw, c13_empty_nonce_after_a_response_is_stale) {
  set("E: a=1 b=1");
  SENT("E: a=1", ask('E', "a"));
  SENT("", xds_ask(&client, (xds_request){.type = 'E', .names = "a b"}));
  SENT("E: b=1", ack('E', "a b"));
}

Test(sotw, c13_before_any_response_the_newest_list_counts) {
  SENT("", ask('E', "a"));
  SENT("", ask('E', "b"));
  SENT("E: b=1", set("E: a=1 b=1"));
}

Test(sotw, c16_ack_is_an_event_with_the_version) {
  set("C: a=1");
  ask('C', NULL);
  SENT("", ack('C', NULL));
  cr_assert_str_eq(client.events, "connected n of g; acked C; ");
  cr_assert_str_eq(client.versions,
                   egress_snapshot_type_version(egress_cache_get(client.cache, "g"), EGRESS_TYPE_CLUSTER));
  SENT("", ack('C', NULL)); /* said again, it is no news */
  cr_assert_str_eq(client.events, "connected n of g; acked C; ");
}

Test(sotw, c17_an_old_version_without_an_error_is_an_ack) {
  set("C: a=1");
  ask('C', NULL);
  xds_ask(&client, (xds_request){.type = 'C', .version = "old", .nonce = xds_nonce(&client, 'C')});
  cr_assert_str_eq(client.events, "connected n of g; acked C; ");
}

Test(sotw, c18_nothing_follows_an_ack_or_a_nack) {
  set("C: a=1");
  ask('C', NULL);
  SENT("", ack('C', NULL));
  SENT("C: a=2", set("C: a=2"));
  SENT("", nack('C', NULL));
  SENT("", xds_drain(&client));
  SENT("", set("C: a=2")); /* the same content again is the same version */
  SENT("", nack('C', NULL));
}

Test(sotw, c19_after_a_nack_the_next_version_is_sent) {
  set("C: a=1");
  ask('C', NULL);
  ack('C', NULL);
  set("C: a=2");
  SENT("", nack('C', NULL));
  SENT("C: a=3", set("C: a=3"));
  SENT("", ack('C', NULL));
  cr_assert_str_eq(client.events, "connected n of g; acked C; nacked C 13 bad; acked C; ");
}

Test(sotw, c19_after_a_nack_the_version_before_is_sent_again) {
  set("C: a=1");
  ask('C', NULL);
  ack('C', NULL);
  set("C: a=2");
  nack('C', NULL);
  SENT("C: a=1", set("C: a=1")); /* Envoy takes over what is good in a response that it refuses */
}

Test(sotw, c19_names_refused_together_come_again_with_the_next_change) {
  set("E: a=1 b=1 c=1");
  ask('E', "a b");
  SENT("", nack('E', "a b"));
  SENT("E: a=2 b=1", set("E: a=2 b=1 c=1"));
  SENT("", ack('E', "a b"));
  SENT("E: b=2", set("E: a=2 b=2 c=1"));
}

Test(sotw, c19_names_changed_in_a_refused_response_come_again) {
  set("E: a=1 b=1 c=1");
  ask('E', "a b c");
  ack('E', "a b c");
  SENT("E: a=2 b=2", set("E: a=2 b=2 c=1"));
  SENT("", nack('E', "a b c"));
  SENT("E: a=3 b=2", set("E: a=3 b=2 c=1")); /* b may or may not have been taken over */
  SENT("", ack('E', "a b c"));
}

Test(sotw, c19_a_nack_may_ask_for_more) {
  set("E: a=1 b=1");
  ask('E', "a");
  SENT("E: b=1", nack('E', "a b"));
  SENT("", ack('E', "a b"));
}

Test(sotw, c20_nack_text_is_passed_on_and_made_utf8) {
  set("C: a=1");
  ask('C', NULL);
  xds_ask(&client, (xds_request){.type = 'C', .nonce = xds_nonce(&client, 'C'), .error = "not \xff UTF-8: \xc3\xbc"});
  cr_assert_str_eq(client.events, "connected n of g; nacked C 13 not ? UTF-8: \xc3\xbc; ");
}

Test(sotw, c21_only_the_newest_of_many_requests_is_answered) {
  set("R: a=1 b=1 c=1");
  SENT("R: a=1", ask('R', "a"));
  SENT("", stale('R', "a")); /* an ACK: nothing is owed */
  SENT("R: b=1", ask('R', "a b"));
  SENT("", stale('R', "a b c"));
  SENT("", stale('R', "b c"));
  SENT("R: c=1", ask('R', "c"));
}

Test(sotw, c22_one_response_in_flight_and_c77_then_the_newest_only) {
  set("C: a=1");
  ask('C', NULL);
  SENT("", set("C: a=2"));
  SENT("", set("C: a=3"));
  SENT("C: a=3", ack('C', NULL));
  SENT("", ack('C', NULL));
}

Test(sotw, c24_same_content_has_the_same_version_on_a_new_stream) {
  set("C: a=1");
  ask('C', NULL);
  char version[XDS_WORD];
  strcpy(version, client.last.version);
  xds_reconnect(&client);
  SENT("C: a=1", xds_ask(&client, (xds_request){.type = 'C', .version = version}));
  cr_assert_str_eq(client.last.version, version);
}

/* ---- Labels: versions as the embedder wants them told. ---- */

static const char *set_labelled(const char *text, const char *label) {
  xds_set_labelled(&client, "g", text, label);
  return xds_drain(&client);
}

Test(sotw, c23_the_version_told_is_the_label) {
  set_labelled("C: a=1 L: l=1", "v1");
  SENT("C: a=1", ask('C', NULL));
  cr_assert_str_eq(client.last.version, "v1");
  ack('C', NULL);
  cr_assert_str_eq(client.versions, "v1");
  SENT("C: a=2", set_labelled("C: a=2 L: l=1", "v2"));
  cr_assert_str_eq(client.last.version, "v2");
  nack('C', NULL);
  cr_assert_str_eq(client.versions, "v2");
}

Test(sotw, c23_another_label_of_the_same_content_is_sent) {
  set_labelled("C: a=1 b=1 E: a=1 b=1 R: r=1", "v1");
  ask('C', NULL);
  ack('C', NULL);
  ask('E', "a");
  ack('E', "a");
  SENT("C: a=1 b=1 | E: a=1", set_labelled("C: a=1 b=1 E: a=1 b=1 R: r=1", "v2"));
  cr_assert_str_eq(client.last.version, "v2");
  SENT("", ack('C', NULL));
  SENT("", ack('E', "a"));
  SENT("", set_labelled("C: a=1 b=1 E: a=1 b=1 R: r=1", "v2")); /* of other making */
  SENT("C: a=1 b=1 | E: a=1", set("C: a=1 b=1 E: a=1 b=1 R: r=1"));
  cr_assert_str_eq(client.last.version,
                   egress_snapshot_type_version(egress_cache_get(client.cache, "g"), EGRESS_TYPE_ENDPOINT));
}

Test(sotw, c23_another_label_sends_what_is_wanted_by_name) {
  set_labelled("C: a=1 b=1 E: b=1", "v1");
  SENT("C: a=1", ask('C', "a"));
  ack('C', "a");
  SENT("", ask('E', "a"));
  SENT("C: a=1", set_labelled("C: a=1 b=1 E: b=1", "v2")); /* of the endpoints there is nothing to say */
  SENT("", ack('C', "a"));
  SENT("", ask('C', NULL)); /* wants nothing any more */
  SENT("", set_labelled("C: a=1 b=1 E: b=1", "v3"));
  SENT("C: a=1", ack('C', "a"));
  SENT("", ack('C', "a"));
}

Test(sotw, c23_with_other_content_only_what_changed_is_sent) {
  set_labelled("E: a=1 b=1", "v1");
  ask('E', "a b");
  ack('E', "a b");
  SENT("E: b=2", set_labelled("E: a=1 b=2", "v2"));
  SENT("", ack('E', "a b"));
}

Test(sotw, c25_other_content_under_the_same_label_is_sent) {
  set_labelled("C: a=1", "v1");
  ask('C', NULL);
  SENT("", ack('C', NULL));
  SENT("C: a=2", set_labelled("C: a=2", "v1"));
  SENT("", ack('C', NULL));
  xds_reconnect(&client);
  SENT("C: a=2", xds_ask(&client, (xds_request){.type = 'C', .version = "v1"}));
}

Test(sotw, c18_another_label_is_sent_once_to_who_refused_the_content) {
  set_labelled("C: a=1", "v1");
  ask('C', NULL);
  SENT("", nack('C', NULL));
  SENT("C: a=1", set_labelled("C: a=1", "v2"));
  SENT("", nack('C', NULL));
  SENT("", xds_drain(&client));
  SENT("", set_labelled("C: a=1", "v2"));
}

Test(sotw, c16_an_ack_is_of_the_label_that_was_sent) {
  set_labelled("C: a=1", "v1");
  ask('C', NULL);
  SENT("", set_labelled("C: a=1", "v2")); /* while the client reads v1 */
  SENT("C: a=1", ack('C', NULL));
  cr_assert_str_eq(client.versions, "v1");
  cr_assert_str_eq(client.last.version, "v2");
}

Test(sotw, c29_a_name_that_is_missing_is_unsubscribed_and_c44_not_sent_any_more) {
  set("E: a=1 b=1");
  SENT("E: a=1 b=1", ask('E', "a b"));
  ack('E', "a b");
  SENT("", ask('E', "b"));
  SENT("", set("E: a=2 b=1"));
  SENT("E: b=2", set("E: a=2 b=2"));
}

Test(sotw, c31_empty_list_is_wildcard) {
  set("C: a=1 b=1");
  SENT("C: a=1 b=1", ask('C', NULL));
  ack('C', NULL);
  SENT("C: a=1 b=1 c=1", set("C: a=1 b=1 c=1"));
}

Test(sotw, c31_empty_list_of_scoped_routes_is_wildcard) {
  set("P: a=1 b=1");
  SENT("P: a=1 b=1", ask('P', NULL));
  ack('P', NULL);
  SENT("P: a=1 b=1 c=1", set("P: a=1 b=1 c=1"));
}

Test(sotw, c31_star_is_wildcard) {
  set("L: a=1 b=1");
  SENT("L: a=1 b=1", ask('L', "*"));
}

Test(sotw, c32_from_wildcard_to_names_to_nothing) {
  set("C: a=1 b=1");
  SENT("C: a=1 b=1", ask('C', NULL));
  ack('C', NULL);
  SENT("C: a=1 b=1", ask('C', "* a"));
  ack('C', "* a");
  SENT("", ask('C', "a"));
  SENT("", set("C: a=1 b=2"));
  SENT("C: a=2", set("C: a=2 b=2"));
  ack('C', "a");
  SENT("", ask('C', NULL)); /* none, not everything again */
  SENT("", set("C: a=3 b=3"));
}

Test(sotw, c32_a_name_in_a_stale_list_was_said) {
  set("C: a=1 b=1");
  SENT("C: a=1 b=1", ask('C', NULL));
  SENT("", xds_ask(&client, (xds_request){.type = 'C', .names = "a"})); /* stale: a response is in flight */
  SENT("", ack('C', NULL));                                             /* none, not everything */
  SENT("", set("C: a=2 b=2"));
}

Test(sotw, c32_star_then_nothing) {
  set("C: a=1");
  SENT("C: a=1", ask('C', "*"));
  ack('C', "*");
  SENT("", ask('C', NULL));
  SENT("", set("C: a=2"));
  SENT("C: a=2", ask('C', "*"));
}

Test(sotw, c34_empty_list_of_another_type_is_no_interest) {
  set("R: a=1 E: a=1");
  SENT("", ask('R', NULL));
  SENT("", ask('E', NULL));
  SENT("", set("R: a=2 E: a=2"));
  SENT("R: a=2", ask('R', "a"));
}

Test(sotw, c34_empty_list_of_scoped_routes_behind_a_name_is_none) {
  set("P: a=1 b=1");
  SENT("P: a=1", ask('P', "a"));
  ack('P', "a");
  SENT("", ask('P', NULL));
  SENT("", set("P: a=2 b=2"));
}

Test(sotw, c35_what_everything_is_depends_on_the_node) {
  xds_client other;
  xds_connect(&other, client.cache, EGRESS__XDS_SOTW);
  xds_set(&client, "h", "C: of-h=1");
  set("C: a=1 b=1");
  SENT("C: a=1 b=1", ask('C', NULL));
  SENT("C: of-h=1", xds_ask(&other, (xds_request){.type = 'C', .node_id = "m", .cluster = "h"}));
  xds_end(&other);
}

Test(sotw, c36_a_name_that_does_not_exist_is_remembered) {
  set("E: a=1");
  SENT("E: a=1", ask('E', "a b"));
  ack('E', "a b");
  SENT("E: b=1", set("E: a=1 b=1"));
}

Test(sotw, c36_a_name_of_a_type_that_does_not_exist_is_remembered) {
  set("C: a=1");
  SENT("", ask('E', "a"));
  SENT("E: a=1", set("C: a=1 E: a=1"));
}

Test(sotw, c37_new_name_is_answered_though_unchanged) {
  set("E: a=1 b=1");
  SENT("E: a=1", ask('E', "a"));
  char version[XDS_WORD];
  strcpy(version, client.last.version);
  ack('E', "a");
  SENT("E: b=1", ask('E', "a b"));
  cr_assert_str_eq(client.last.version, version);
}

Test(sotw, c37_new_cluster_name_is_answered_with_all_that_is_wanted) {
  set("C: a=1 b=1 c=1");
  SENT("C: a=1", ask('C', "a"));
  ack('C', "a");
  SENT("C: a=1 b=1", ask('C', "a b"));
}

Test(sotw, c37_asked_for_again_after_it_was_dropped) {
  set("E: a=1 b=1");
  ask('E', "a b");
  ack('E', "a b");
  SENT("", ask('E', "b"));
  SENT("E: a=1", ask('E', "a b"));
}

/*
 * A client lets go of what it drops at once, and waits when it asks again: also when a response that is in flight makes
 * both lists stale.
 */
Test(sotw, c37_dropped_and_asked_for_again_in_stale_lists) {
  set("E: a=1 b=1");
  ask('E', "a b");
  ack('E', "a b");
  SENT("E: b=2", set("E: a=1 b=2"));
  SENT("", stale('E', "b"));
  SENT("", stale('E', "a b"));
  SENT("E: a=1", ack('E', "a b")); /* b was there all the time */
  SENT("", ack('E', "a b"));
}

Test(sotw, c37_dropped_in_a_stale_list_and_asked_for_again_with_the_ack) {
  set("E: a=1 b=1");
  ask('E', "a b");
  ack('E', "a b");
  SENT("E: a=2", set("E: a=2 b=1"));
  SENT("", stale('E', "b"));
  SENT("E: a=2", ack('E', "a b")); /* it may have come when nobody wanted it */
  SENT("", ack('E', "a b"));
}

Test(sotw, c37_everything_dropped_and_asked_for_again_in_stale_lists) {
  set("C: a=1 b=1");
  ask('C', "*");
  ack('C', "*");
  SENT("C: a=1 b=2", set("C: a=1 b=2"));
  SENT("", stale('C', "b"));
  SENT("", stale('C', "*"));
  SENT("C: a=1 b=2", ack('C', "*"));
  SENT("", ack('C', "*"));
}

Test(sotw, c32_everything_kept_in_stale_lists) {
  set("C: a=1 L: a=1");
  ask('C', NULL);
  ack('C', NULL);
  ask('L', "*");
  ack('L', "*");
  SENT("C: a=2 | L: a=2", set("C: a=2 L: a=2"));
  SENT("", stale('C', NULL));
  SENT("", stale('L', "*"));
  SENT("", ack('C', NULL));
  SENT("", ack('L', "*"));
}

Test(sotw, c29_dropped_in_a_stale_list_and_then_for_good) {
  set("E: a=1 b=1");
  ask('E', "a b");
  ack('E', "a b");
  SENT("E: b=2", set("E: a=1 b=2"));
  SENT("", stale('E', "b"));
  SENT("", ack('E', "b"));
  SENT("", set("E: a=2 b=2"));
}

Test(sotw, c18_refused_dropped_and_asked_for_again_is_answered_once) {
  set("E: a=1 b=1");
  ask('E', "a b");
  ack('E', "a b");
  SENT("E: a=2 b=2", set("E: a=2 b=2"));
  SENT("", stale('E', "b"));
  SENT("", stale('E', "a b"));
  SENT("E: a=2", nack('E', "a b"));
  SENT("", nack('E', "a b"));
  SENT("", nack('E', "a b"));
}

Test(sotw, c18_everything_refused_dropped_and_asked_for_again_is_answered_once) {
  set("C: a=1");
  ask('C', "*");
  ack('C', "*");
  SENT("C: a=2", set("C: a=2"));
  SENT("", stale('C', "x"));
  SENT("C: a=2", nack('C', "*"));
  SENT("", nack('C', "*"));
  SENT("", nack('C', "*"));
}

Test(sotw, c13_dropped_in_a_list_with_an_empty_nonce) {
  set("E: a=1 b=1");
  ask('E', "a b");
  ack('E', "a b");
  SENT("", xds_ask(&client, (xds_request){.type = 'E', .names = "b"}));
  SENT("E: a=2", set("E: a=2 b=1"));
  SENT("E: a=2", ack('E', "a b"));
  SENT("", ack('E', "a b"));
}

Test(sotw, c13_dropped_and_asked_for_again_before_any_response) {
  SENT("", ask('E', "a b"));
  SENT("", ask('E', "b"));
  SENT("", ask('E', "a b"));
  SENT("E: a=1 b=1", set("E: a=1 b=1"));
  SENT("", ack('E', "a b"));
}

Test(sotw, c41_what_exists_is_answered_fast) {
  set("E: a=1");
  SENT("", ask('E', "none"));
  SENT("E: a=1", ask('E', "none a"));
  SENT("L:", ask('L', "none")); /* a whole response says by silence that there is none */
}

Test(sotw, c42_empty_set_is_answered) {
  set("");
  SENT("C:", ask('C', NULL));
  SENT("L:", ask('L', "*"));
  ack('C', NULL);
  ack('L', "*");
  SENT("C: a=1", set("C: a=1"));
  ack('C', NULL);
  SENT("C:", set("L: "));
}

Test(sotw, c45_clusters_and_listeners_are_sent_whole) {
  set("C: a=1 b=1");
  ask('C', NULL);
  ack('C', NULL);
  SENT("C: a=2 b=1", set("C: a=2 b=1"));
  ack('C', NULL);
  SENT("C: b=1", set("C: b=1"));
}

Test(sotw, c45_named_clusters_are_sent_whole) {
  set("C: a=1 b=1 c=1");
  ask('C', "a b");
  ack('C', "a b");
  SENT("C: a=2 b=1", set("C: a=2 b=1 c=1"));
  ack('C', "a b");
  SENT("C: b=1", set("C: b=1 c=1"));
}

Test(sotw, c45_scoped_routes_are_sent_whole) {
  set("P: a=1 b=1");
  ask('P', NULL);
  ack('P', NULL);
  SENT("P: a=2 b=1", set("P: a=2 b=1"));
  ack('P', NULL);
  SENT("P: b=1", set("P: b=1"));
  ack('P', NULL);
  SENT("P:", set("C: a=1"));
}

Test(sotw, c46_deletion_of_another_type_is_not_told) {
  set("E: a=1 b=1");
  ask('E', "a b");
  ack('E', "a b");
  SENT("", set("E: b=1"));
  SENT("E: a=1", set("E: a=1 b=1"));
}

Test(sotw, c47_only_what_changed_is_sent) {
  set("R: a=1 b=1");
  SENT("R: a=1 b=1", ask('R', "a b"));
  ack('R', "a b");
  SENT("R: a=2", set("R: a=2 b=1"));
}

Test(sotw, c52_clear_sends_nothing) {
  set("C: a=1 b=1 E: a=1");
  ask('C', NULL);
  ack('C', NULL);
  cr_assert_eq(egress_cache_clear(client.cache, "g"), 0);
  SENT("", xds_drain(&client));
  SENT("E: a=1", ask('E', "a")); /* still answered from what it has */
  ack('E', "a");
  SENT("C: a=2 b=1", set("C: a=2 b=1 E: a=1"));
}

Test(sotw, c52_clear_also_forgets_what_was_not_sent) {
  set("C: a=1 E: a=1");
  ask('C', NULL);
  ack('C', NULL);
  xds_set(&client, "g", "C: a=2 E: a=2");
  egress_cache_clear(client.cache, "g");
  SENT("", xds_drain(&client));
  SENT("E: a=1", ask('E', "a"));
}

Test(sotw, c52_clear_does_not_bring_what_others_have) {
  set("C: a=1");
  ask('C', NULL);
  xds_set(&client, "g", "C: a=2");
  xds_set(&client, "*", "");
  egress_cache_clear(client.cache, "g");
  SENT("", ack('C', NULL)); /* a=2 waited for this; now nothing waits */
  xds_set(&client, "*", "C: b=1");
  SENT("C: b=1", xds_drain(&client));
}

Test(sotw, c52_clear_leaves_who_has_nothing_to_what_others_have) {
  xds_set(&client, "*", "C: b=1");
  xds_set(&client, "g", "C: a=1");
  xds_send(&client, (xds_request){.type = 'C', .node_id = "n", .cluster = "g"});
  egress_cache_clear(client.cache, "g");
  SENT("C: b=1", xds_drain(&client));
}

Test(sotw, c52_no_snapshot_is_not_an_empty_one) {
  SENT("", ask('C', NULL));
  SENT("", ask('L', NULL));
  SENT("C: | L:", set(""));
}

Test(sotw, c58_order_is_clusters_endpoints_listeners_routes) {
  SENT("", ask('S', "s"));
  SENT("", ask('R', "r"));
  SENT("", ask('L', NULL));
  SENT("", ask('E', "e"));
  SENT("", ask('C', NULL));
  SENT("C: c=1 | E: e=1 | L: l=1 | R: r=1 | S: s=1", set("C: c=1 E: e=1 L: l=1 R: r=1 S: s=1"));
}

Test(sotw, c58_routes_wait_for_clusters_that_wait_for_an_ack) {
  set("C: a=1 R: r=1");
  ask('C', NULL);
  ask('R', "r");
  ack('R', "r");
  SENT("", set("C: a=1 b=1 R: r=to-b")); /* the client still works on C: a=1 */
  SENT("C: a=1 b=1 | R: r=to-b", ack('C', NULL));
}

Test(sotw, c58_what_a_response_in_flight_does_not_concern_goes_on) {
  set("C: a=1 R: r=1");
  ask('C', NULL);
  ask('R', "r");
  ack('R', "r");
  SENT("R: r=2", set("C: a=1 R: r=2"));
}

Test(sotw, c58_new_names_are_answered_while_clusters_wait) {
  set("C: a=1! E: a=1 b=1");
  SENT("C: a=1!", ask('C', NULL));
  SENT("", set("C: a=2! E: a=2 b=2")); /* held up by clusters */
  SENT("E: a=1", ask('E', "a"));       /* Envoy gives its ACK when the endpoints are there */
  ack('E', "a");
  SENT("C: a=2! | E: a=2", ack('C', NULL));
}

Test(sotw, c59_endpoints_of_changed_clusters_are_sent_again) {
  set("C: a=1! b=1! c=1 E: a=1 b=1 c=1");
  ask('C', NULL);
  ack('C', NULL);
  SENT("E: a=1 b=1 c=1", ask('E', "a b c"));
  ack('E', "a b c");
  SENT("C: a=2! b=1! c=2 | E: a=1", set("C: a=2! b=1! c=2 E: a=1 b=1 c=1"));
  ack('C', NULL);
  SENT("", ack('E', "a b c"));
  SENT("", ask('E', "a b c")); /* Envoy says again what it said */
}

Test(sotw, c59_endpoints_by_their_service_name) {
  set("C: a=1!svc E: svc=1 a=1");
  ask('C', NULL);
  ack('C', NULL);
  ask('E', "svc a");
  ack('E', "svc a");
  SENT("C: a=2!svc | E: svc=1", set("C: a=2!svc E: svc=1 a=1"));
}

Test(sotw, c59_clusters_asked_for_are_new_to_the_client) {
  set("C: a=1! b=1!a c=1! E: a=1 c=1");
  ask('E', "a c");
  ack('E', "a c");
  SENT("C: a=1! | E: a=1", ask('C', "a"));
  ack('E', "a c");
  SENT("C: a=1! b=1!a | E: a=1", ack('C', "a b"));
  ack('E', "a c");
  SENT("C: a=1! b=1!a c=1! | E: a=1 c=1", ack('C', "*"));
}

Test(sotw, c59_clusters_dropped_and_asked_for_again_in_stale_lists) {
  set("C: a=1! b=1! E: a=1 b=1");
  ask('C', "a b");
  ack('C', "a b");
  ask('E', "a b");
  ack('E', "a b");
  SENT("C: a=1! b=2! | E: b=1", set("C: a=1! b=2! E: a=1 b=1"));
  ack('E', "a b");
  SENT("", stale('C', "b"));
  SENT("", stale('C', "a b"));
  SENT("C: a=1! b=2! | E: a=1", ack('C', "a b"));
}

Test(sotw, c59_endpoints_no_longer_wanted_by_name_but_as_part_of_everything) {
  set("C: a=1! E: a=1");
  ask('C', NULL);
  ack('C', NULL);
  SENT("E: a=1", ask('E', "* a"));
  SENT("C: a=2!", set("C: a=2! E: a=1")); /* the endpoints are due, after those in flight */
  SENT("E: a=1", ack('E', "*"));
  SENT("", ack('E', "*"));
}

Test(sotw, c59_clusters_refused_and_told_again) {
  set("C: a=1! E: a=1");
  ask('E', "a");
  ack('E', "a");
  SENT("C: a=1! | E: a=1", ask('C', "a"));
  ack('E', "a");
  SENT("C: a=1! | E: a=1", nack('C', "a x")); /* asked for x, all is said again */
}

Test(sotw, c59_endpoints_of_clusters_not_wanted_are_not_sent_again) {
  set("C: a=1! b=1! E: a=1 b=1");
  ask('C', "a");
  ack('C', "a");
  ask('E', "a b");
  ack('E', "a b");
  SENT("C: a=2! | E: a=1", set("C: a=2! b=2! E: a=1 b=1"));
}

Test(sotw, c60_routes_come_after_what_they_lead_to) {
  set("C: a=1! E: a=1 R: r=to-a");
  ask('C', NULL);
  ask('E', "a b");
  ask('R', "r");
  ack('C', NULL);
  ack('E', "a b");
  ack('R', "r");
  SENT("C: a=1! b=1! | E: b=1 | R: r=to-b", set("C: a=1! b=1! E: a=1 b=1 R: r=to-b"));
}

Test(sotw, c76_changes_of_names_not_wanted_are_not_sent) {
  set("E: a=1 b=1 C: a=1 b=1");
  ask('E', "a");
  ack('E', "a");
  ask('C', "a");
  ack('C', "a");
  SENT("", set("E: a=1 b=2 C: a=1 b=2"));
  SENT("", set("E: a=1 C: a=1"));
  SENT("C: a=2 | E: a=2", set("E: a=2 C: a=2"));
}

Test(sotw, c76_a_type_that_did_not_change_is_not_sent) {
  set("C: a=1 L: l=1");
  ask('C', NULL);
  ask('L', NULL);
  ack('C', NULL);
  ack('L', NULL);
  SENT("L: l=2", set("C: a=1 L: l=2"));
}

Test(sotw, c83_names_are_opaque) {
  set("L: grpc/server?xds.resource.listening_address=1 L: a%5B:]=1");
  SENT("L: a%5B:]=1", ask('L', "a%5B:]"));
}

Test(sotw, star_of_another_type_is_everything) {
  set("R: a=1 b=1");
  SENT("R: a=1 b=1", ask('R', "*"));
  ack('R', "*");
  SENT("R: a=2 b=1", set("R: a=2 b=1"));
}
