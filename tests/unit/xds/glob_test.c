/* Names of the new kind, and globs of them. Names of tests carry the number of the rule in docs/xds.md. */
#include "support/xds_delta.h"

#include "xds/subscription.h"

static void begin(void) {
  xds_begin(&client, EGRESS__XDS_DELTA);
}
static void end(void) {
  xds_end(&client);
}
TestSuite(glob, .init = begin, .fini = end);

#define X "xdstp://a/T/"

static const char *version_of(const char *text, char type, const char *name) {
  static char out[XDS_WORD];
  egress_snapshot *snap = xds_snapshot(text);
  snprintf(out, sizeof out, "%s", egress_resource_version(egress_snapshot_find(snap, xds_type_url(type), name)));
  egress_snapshot_unref(snap);
  return out;
}

Test(glob, c69_a_name_is_the_same_in_any_order_of_its_parameters) {
  set("E: " X "b?y=2&x=1=1");
  SENT("E: " X "b?x=1&y=2=1", subscribe('E', X "b?y=%32&x=1#alt"));
  ack('E');
  SENT("E: -" X "b?x=1&y=2", set("E: c=1"));
  SENT("", ack('E'));
  SENT("", unsubscribe('E', X "%62?x=1&y=2"));
  SENT("", set("E: " X "b?x=1&y=2=2"));
}

Test(glob, c69_state_of_the_world_likewise) {
  xds_client other;
  set("E: " X "b?y=2&x=1=1 R: a=1");
  xds_connect(&other, client.cache, EGRESS__XDS_SOTW);
  /* The message is as it was made; clients know that its name is the same. */
  SENT("E: " X "b?y=2&x=1=1", xds_ask(&other, (xds_request){.type = 'E', .names = X "b?x=1&y=2#z"}));
  SENT("", xds_ack(&other, 'E', X "b?y=2&x=1"));
  xds_end(&other);
}

Test(glob, c69_what_a_client_holds_may_be_told_by_any_name) {
  char held[XDS_TEXT];
  set("E: " X "b?x=1&y=2=1");
  snprintf(held, sizeof held, X "b?y=2&x=1=%s", version_of("E: " X "b?x=1&y=2=1", 'E', X "b?x=1&y=2"));
  SENT("", xds_ask(&client, (xds_request){.type = 'E', .names = X "b?y=2&x=1", .initial = held}));
}

Test(glob, c70_all_below_and_nothing_else) {
  set("E: a=1 " X "b/c=1 " X "b/d/e=1 " X "bb/c=1 " X "b=1 xdstp://b/T/b/c=1");
  SENT("E: " X "b/c=1 " X "b/d/e=1", subscribe('E', X "b/*"));
}

Test(glob, c70_each_change_is_told_alone) {
  set("E: " X "b/c=1 " X "b/d=1");
  subscribe('E', X "b/*");
  ack('E');
  SENT("E: " X "b/d=2", set("E: " X "b/c=1 " X "b/d=2 " X "x=1"));
  ack('E');
  SENT("E: " X "b/e=1 -" X "b/c", set("E: " X "b/d=2 " X "b/e=1"));
  ack('E');
  SENT("E: -" X "b/d -" X "b/e", set("E: " X "x=1"));
  ack('E');
  SENT("E: " X "b/z=1", set("E: " X "b/z=1"));
}

Test(glob, c70_an_empty_collection_is_told_by_the_globs_name) {
  set("E: " X "x=1");
  SENT("E: -" X "b/*", subscribe('E', X "b/*"));
  SENT("", ack('E'));
  SENT("E: " X "b/c=1", set("E: " X "b/c=1"));
}

Test(glob, c70_an_empty_collection_where_there_is_nothing_at_all) {
  set("C: a=1");
  SENT("E: -" X "*", subscribe('E', X "*"));
}

Test(glob, c70_a_first_request_with_a_glob_does_not_mean_everything) {
  set("C: a=1 " X "b/c=1");
  SENT("C: " X "b/c=1", subscribe('C', X "b/*"));
  SENT("", ack('C'));
  SENT("", set("C: a=2 " X "b/c=1"));
  SENT("", unsubscribe('C', X "b/*")); /* nothing at all, not everything */
  SENT("", set("C: a=3 " X "b/c=2"));
}

Test(glob, c70_beside_everything) {
  set("C: a=1 " X "b/c=1");
  SENT("C: a=1 " X "b/c=1", subscribe('C', NULL));
  ack('C');
  SENT("C: " X "b/c=1", subscribe('C', X "b/*"));
  ack('C');
  SENT("C: a=2 " X "b/c=2", set("C: a=2 " X "b/c=2"));
  ack('C');
  SENT("C: " X "b/c=2", unsubscribe('C', X "b/*"));
  SENT("", ack('C'));
  subscribe('C', X "b/*");
  ack('C');
  SENT("", unsubscribe('C', "*"));
  SENT("C: " X "b/c=3", set("C: a=3 " X "b/c=3"));
}

Test(glob, c70_asked_again_all_is_told_again) {
  set("E: " X "b/c=1 " X "b/d=1");
  subscribe('E', X "b/*");
  ack('E');
  SENT("E: " X "b/c=1 " X "b/d=1", subscribe('E', X "b/*"));
  ack('E');
  xds_set(&client, "g", "E: " X "b/c=2 " X "b/e=1");
  SENT("E: " X "b/c=2 " X "b/e=1 -" X "b/d", subscribe('E', X "b/*")); /* no name twice */
}

Test(glob, c70_globs_and_names_that_overlap) {
  set("E: " X "b/c=1 " X "b/d/e=1");
  SENT("E: " X "b/c=1 " X "b/d/e=1", subscribe('E', X "b/c " X "b/d/* " X "b/* " X "*"));
  ack('E');
  SENT("E: " X "b/c=1", unsubscribe('E', X "b/c")); /* it is still wanted, as in 40 */
  ack('E');
  SENT("E: " X "b/d/e=1", unsubscribe('E', X "b/d/*"));
  ack('E');
  SENT("E: " X "b/c=1 " X "b/d/e=1", unsubscribe('E', X "b/*"));
  ack('E');
  SENT("", unsubscribe('E', X "*"));
  SENT("", set("E: " X "b/c=2 " X "b/d/e=2"));
}

Test(glob, c70_what_was_owed_as_part_of_it_goes_with_it) {
  set("E: " X "b/c=1 " X "d=1");
  subscribe('E', X "b/c " X "b/*");
  xds_ask(&client, (xds_request){.type = 'E', .drop = X "b/c"}); /* owed, while a response is in flight */
  unsubscribe('E', X "b/*");
  SENT("", ack('E'));
  SENT("", set("E: " X "b/c=2 " X "d=2"));
}

Test(glob, c19_a_refused_collection_comes_again_with_the_next_change) {
  set("E: " X "b/c=1 " X "b/d=1 x=1");
  subscribe('E', X "b/*");
  SENT("", xds_nack(&client, 'E', NULL));
  SENT("", set("E: " X "b/c=1 " X "b/d=1 x=1"));
  SENT("E: " X "b/c=1 " X "b/d=2", set("E: " X "b/c=1 " X "b/d=2 x=1"));
  xds_nack(&client, 'E', NULL);
  SENT("E: -" X "b/* -" X "b/c -" X "b/d", set("E: x=1"));
}

Test(glob, c55_what_vanished_below_it_is_told_and_what_is_held_is_not) {
  char held[XDS_TEXT];
  const char *now = "E: " X "b/c=1 " X "b/d=1";
  set(now);
  snprintf(held, sizeof held, X "b/c=%s " X "b/gone=1 " X "x=1", version_of(now, 'E', X "b/c"));
  SENT("E: " X "b/d=1 -" X "b/gone", xds_ask(&client, (xds_request){.type = 'E', .names = X "b/*", .initial = held}));
}

Test(glob, c71_parameters_asked_for_are_in_the_name) {
  set("E: " X "b/c=1 " X "b/d?x=1=1 " X "b/e?x=1&y=2=1");
  SENT("E: " X "b/d?x=1=1", subscribe('E', X "b/*?x=1"));
  ack('E');
  SENT("E: " X "b/c=1", subscribe('E', X "b/*"));
  ack('E');
  SENT("E: " X "b/e?x=1&y=2=1", subscribe('E', X "b/*?y=2&x=1"));
}

Test(glob, c68_an_error_may_have_the_name_of_a_glob) {
  set("E: " X "b/*=#14 x=1");
  SENT("E: " X "b/*#14", subscribe('E', X "b/*"));
  ack('E');
  SENT("E: " X "b/c=1", set("E: " X "b/c=1")); /* which does not mean that it is empty */
  ack('E');
  SENT("E: " X "b/*#14 -" X "b/c", set("E: " X "b/*=#14"));
  ack('E');
  SENT("E: -" X "b/*", set("E: x=1"));
}

Test(glob, c59_endpoints_follow_the_clusters_of_a_collection) {
  set("C: " X "b/c=1!" X "%65 E: " X "e=1");
  SENT("E: " X "e=1", subscribe('E', X "*"));
  ack('E');
  SENT("C: " X "b/c=1!" X "%65 | E: " X "e=1", subscribe('C', X "b/*"));
}

Test(glob, c63_heartbeats_of_a_collection) {
  xds_client other;
  set("E: " X "b/c=1@3000 " X "d=1@3000");
  xds_connect(&other, client.cache, EGRESS__XDS_DELTA);
  other.features = "xds.config.supports-resource-ttl";
  SENT("E: " X "b/c=1@3000", xds_ask(&other, (xds_request){.type = 'E', .names = X "b/*"}));
  SENT("", xds_ack(&other, 'E', NULL));
  other.config.now_ms += 1000;
  SENT("E: " X "b/c~3000", xds_drain(&other));
  SENT("", xds_ack(&other, 'E', NULL));
  xds_ask(&other, (xds_request){.type = 'E', .names = X "b/*"});
  SENT("", xds_nack(&other, 'E', NULL)); /* it may have forgotten them, as one that asks again */
  other.config.now_ms += 1000;
  SENT("", xds_drain(&other));
  xds_end(&other);
}

Test(glob, c70_state_of_the_world_has_no_globs) {
  xds_client other;
  set("E: " X "b/c=1");
  xds_connect(&other, client.cache, EGRESS__XDS_SOTW);
  SENT("", xds_ask(&other, (xds_request){.type = 'E', .names = X "b/*"}));
  xds_end(&other);
}

/* ---- names of other kinds, in a cache that has globs of them ---- */

static void begin_with_globs(void) {
  egress_cache_options options = EGRESS_CACHE_OPTIONS_INIT;
  options.globs = 1;
  egress_cache *cache;
  cr_assert_eq(egress_cache_new(&cache, &options), 0);
  xds_connect(&client, cache, EGRESS__XDS_DELTA);
  egress_cache_unref(cache);
}
TestSuite(text_glob, .init = begin_with_globs, .fini = end);

Test(glob, c83_without_the_option_such_a_name_is_any_name) {
  set("E: b/c=1 b/*=1");
  SENT("E: b/*=1", subscribe('E', "b/*"));
  ack('E');
  SENT("", set("E: b/c=2 b/*=1"));
  SENT("E: -b/*", set("E: b/c=2"));
}

/* That it is asked for again says nothing of others that it holds. */
Test(glob, c54_without_the_option_such_a_name_is_one_that_is_held) {
  char held[XDS_TEXT];
  const char *now = "E: b/c=1 b/*=1";
  snprintf(held, sizeof held, "b/c=%s b/*=%s", version_of(now, 'E', "b/c"), version_of(now, 'E', "b/*"));
  SENT("", xds_ask(&client, (xds_request){.type = 'E', .names = "b/c", .initial = held}));
  subscribe('E', "b/*"); /* before there is a snapshot */
  SENT("E: b/*=1", set(now));
}

Test(text_glob, c54_asked_for_again_nothing_that_is_held_counts) {
  char held[XDS_TEXT];
  const char *now = "E: b/c=1 x=1";
  snprintf(held, sizeof held, "b/c=%s x=%s", version_of(now, 'E', "b/c"), version_of(now, 'E', "x"));
  SENT("", xds_ask(&client, (xds_request){.type = 'E', .names = "b/* x", .initial = held}));
  subscribe('E', "b/*");
  SENT("E: b/c=1 x=1", set(now));
}

Test(text_glob, c70_all_below_and_nothing_else) {
  set("E: b/c=1 b/d/e=1 b/f?x=1 bb/c=1 b=1 a/b/c=1 " X "b/c=1");
  SENT("E: b/c=1 b/d/e=1 b/f?x=1", subscribe('E', "b/*"));
}

Test(text_glob, c70_each_change_is_told_alone) {
  set("E: b/c=1 b/d=1");
  subscribe('E', "b/*");
  ack('E');
  SENT("E: b/d=2", set("E: b/c=1 b/d=2 x=1"));
  ack('E');
  SENT("E: b/e=1 -b/c", set("E: b/d=2 b/e=1"));
  ack('E');
  SENT("E: -b/d -b/e", set("E: x=1"));
  ack('E');
  SENT("E: b/z=1", set("E: b/z=1"));
  ack('E');
  SENT("", unsubscribe('E', "b/*"));
  SENT("", set("E: b/z=2"));
}

Test(text_glob, c70_an_empty_collection_is_told_by_the_globs_name) {
  set("E: x=1");
  SENT("E: -b/*", subscribe('E', "b/*"));
  SENT("", ack('E'));
  SENT("E: b/c=1", set("E: b/c=1"));
}

Test(text_glob, c70_beside_everything) {
  set("C: a=1 b/c=1");
  SENT("C: a=1 b/c=1", subscribe('C', NULL));
  ack('C');
  SENT("C: b/c=1", subscribe('C', "b/*"));
  ack('C');
  SENT("C: a=2 b/c=2", set("C: a=2 b/c=2"));
  ack('C');
  SENT("C: b/c=2", unsubscribe('C', "b/*"));
  SENT("", ack('C'));
  subscribe('C', "b/*");
  ack('C');
  SENT("", unsubscribe('C', "*"));
  SENT("C: b/c=3", set("C: a=3 b/c=3"));
}

Test(text_glob, c70_asked_again_all_is_told_again) {
  set("E: b/c=1 b/d=1");
  subscribe('E', "b/*");
  ack('E');
  SENT("E: b/c=1 b/d=1", subscribe('E', "b/*"));
  ack('E');
  xds_set(&client, "g", "E: b/c=2 b/e=1");
  SENT("E: b/c=2 b/e=1 -b/d", subscribe('E', "b/*"));
}

Test(text_glob, c70_globs_and_names_that_overlap) {
  set("E: b/c=1 b/d/e=1 /f=1");
  SENT("E: /f=1 b/c=1 b/d/e=1", subscribe('E', "b/c b/d/* b/* /*"));
  ack('E');
  SENT("E: b/c=1", unsubscribe('E', "b/c"));
  ack('E');
  SENT("E: b/d/e=1", unsubscribe('E', "b/d/*"));
  ack('E');
  SENT("", unsubscribe('E', "b/*"));
  SENT("E: /f=2", set("E: b/c=2 b/d/e=2 /f=2"));
}

Test(text_glob, c68_an_error_may_have_the_name_of_a_glob) {
  set("E: b/*=#14 x=1");
  SENT("E: b/*#14", subscribe('E', "b/*"));
  ack('E');
  SENT("E: b/c=1", set("E: b/c=1"));
  ack('E');
  SENT("E: b/*#14 -b/c", set("E: b/*=#14"));
}

Test(text_glob, c70_those_of_the_new_kind_are_there_as_ever) {
  set("E: " X "b/c=1 " X "b/d?x=1=1 b/c=1");
  SENT("E: " X "b/c=1", subscribe('E', X "b/*"));
}

Test(text_glob, c70_state_of_the_world_has_none) {
  xds_client other;
  set("E: b/c=1");
  xds_connect(&other, client.cache, EGRESS__XDS_SOTW);
  SENT("", xds_ask(&other, (xds_request){.type = 'E', .names = "b/*"}));
  xds_end(&other);
}

Test(glob, more_globs_than_the_limit_end_the_stream) {
  static uint8_t bytes[XDS_REQUEST * 4];
  egress__stream_fault fault = {0};
  egress__stream_free(client.stream);
  client.config.max_subscriptions = 2 * EGRESS__GLOBS_MAX;
  cr_assert_eq(egress__stream_new(&client.stream, &client.config, EGRESS__XDS_DELTA, NULL, &client), 0);
  set("E: a=1");
  xds_ask(&client, (xds_request){.type = 'E'});
  uint8_t *to = xds_put_text(bytes, 2, xds_type_url('E'));
  for (int i = 0; i <= EGRESS__GLOBS_MAX; i++) {
    char name[XDS_WORD];
    snprintf(name, sizeof name, X "%d/*", i);
    if (i == EGRESS__GLOBS_MAX) {
      cr_assert_eq(egress__stream_request(client.stream, bytes, (size_t)(to - bytes), &fault), 0);
      to = xds_put_text(bytes, 2, xds_type_url('E'));
    }
    to = xds_put_text(to, 3, name);
  }
  cr_assert_eq(egress__stream_request(client.stream, bytes, (size_t)(to - bytes), &fault), EGRESS_ELIMIT);
  cr_assert_str_eq(fault.message, "more than 4096 globs of one type");
}
