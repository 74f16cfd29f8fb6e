/* Names that nobody knows, and an embedder who is asked for them. Names of tests carry the number of the rule in
   docs/xds.md. */
#include "support/xds_delta.h"

#include "cache/question.h"

enum { ANSWER_MS = 1000 };

static void begin(void) {
  xds_begin_asking(&client, EGRESS__XDS_DELTA, ANSWER_MS);
}
static void end(void) {
  xds_end(&client);
}
TestSuite(ask, .init = begin, .fini = end);

static int absent(char type, const char *name) {
  return egress_cache_absent(client.cache, "g", xds_type_url(type), name);
}

/* What was told since the last call. */
static const char *events(void) {
  static char text[XDS_TEXT];
  strcpy(text, client.events);
  client.events[0] = '\0';
  return text;
}

static void set_one(xds_client *asked, const egress_event *event) {
  char text[XDS_WORD];
  snprintf(text, sizeof text, "C: %s=1", event->resource);
  xds_set(asked, event->group, text);
}

static void say_absent(xds_client *asked, const egress_event *event) {
  cr_assert_eq(egress_cache_absent(asked->cache, event->group, event->type_url, event->resource), 0);
}

Test(ask, c75_an_unknown_name_waits_until_it_is_there) {
  set("C: a=1");
  SENT("C: a=1", subscribe('C', "a b"));
  SENT("connected n of g; wanted C b of g; ", events());
  SENT("", ack('C'));
  events();
  SENT("C: b=1", set("C: a=1 b=1"));
  SENT("", ack('C'));
  SENT("acked C; ", events());
}

Test(ask, c75_or_until_there_is_nothing) {
  set("C: a=1");
  SENT("", subscribe('C', "b"));
  client.ready = 0;
  cr_assert_eq(absent('C', "b"), 0);
  cr_assert_eq(client.ready, 1);
  SENT("C: -b", xds_drain(&client));
  SENT("", ack('C'));
  cr_assert_eq(absent('C', "b"), EGRESS_ENOENT);
  SENT("C: b=1", set("C: b=1"));
}

Test(ask, c41_or_until_its_time_is_over) {
  set("C: a=1");
  SENT("", subscribe('C', "b"));
  cr_assert_eq(egress__stream_due(client.stream), ANSWER_MS);
  client.config.now_ms = ANSWER_MS - 1;
  SENT("", xds_drain(&client));
  client.config.now_ms = ANSWER_MS;
  SENT("C: -b", xds_drain(&client));
  cr_assert_eq(egress__stream_due(client.stream), UINT64_MAX);
  SENT("", ack('C'));
  SENT("connected n of g; wanted C b of g; acked C; ", events());
}

Test(ask, who_asks_again_is_asked_for_again) {
  set("C: a=1");
  subscribe('C', "b");
  absent('C', "b");
  xds_drain(&client);
  ack('C');
  events();
  SENT("", subscribe('C', "b"));
  SENT("wanted C b of g; ", events());
  SENT("", subscribe('C', "b")); /* while it waits: that is the same question */
  SENT("", events());
  absent('C', "b");
  SENT("C: -b", xds_drain(&client));
}

Test(ask, an_answer_at_once) {
  client.answer = set_one;
  set("C: a=1");
  SENT("C: b=1", subscribe('C', "b"));
  ack('C');
  client.answer = say_absent;
  SENT("C: -c", subscribe('C', "c"));
}

Test(ask, all_of_a_group_wait_for_one_answer) {
  xds_client other, stranger;
  xds_set(&client, "*", "C: a=1");
  xds_connect(&other, client.cache, EGRESS__XDS_DELTA);
  xds_connect(&stranger, client.cache, EGRESS__XDS_DELTA);
  SENT("", subscribe('C', "b"));
  SENT("", xds_ask(&other, (xds_request){.type = 'C', .names = "b"}));
  SENT("connected n of g; ", other.events);
  SENT("", xds_ask(&stranger, (xds_request){.type = 'C', .names = "b", .node_id = "n", .cluster = "h"}));
  SENT("connected n of h; wanted C b of h; ", stranger.events);
  absent('C', "b");
  SENT("C: -b", xds_drain(&client));
  SENT("C: -b", xds_drain(&other));
  SENT("", xds_drain(&stranger));
  xds_set(&client, "*", "C: b=1");
  SENT("C: b=1", xds_drain(&stranger));
  xds_end(&stranger);
  xds_end(&other);
}

/* The answer is in a snapshot that a response in flight holds up: that is not told as absence. */
Test(ask, who_cannot_take_the_answer_yet_waits_on) {
  xds_client other;
  set("C: a=1 L: l=1");
  subscribe('C', "b");
  SENT("L: l=1", subscribe('L', "l"));
  xds_connect(&other, client.cache, EGRESS__XDS_DELTA);
  xds_ask(&other, (xds_request){.type = 'C', .names = "b"});
  xds_set(&client, "g", "C: a=1 b=1 L: l=2");
  SENT("C: b=1", xds_drain(&other));
  SENT("", xds_drain(&client));
  SENT("C: b=1 | L: l=2", ack('L'));
  xds_end(&other);
}

Test(ask, other_things_go_on) {
  set("C: a=1 L: l=1");
  SENT("C: a=1", subscribe('C', "* b"));
  ack('C');
  SENT("C: a=2", set("C: a=2 L: l=1"));
  ack('C');
  SENT("L: l=1", subscribe('L', "l"));
  absent('C', "b");
  SENT("C: -b", xds_drain(&client));
}

Test(ask, who_goes_or_wants_it_no_more_is_told_nothing) {
  set("C: a=1");
  subscribe('C', "b");
  SENT("", unsubscribe('C', "b"));
  cr_assert_eq(absent('C', "b"), 0);
  SENT("", xds_drain(&client));
  subscribe('C', "c");
  xds_reconnect(&client);
  cr_assert_eq(absent('C', "c"), 0);
}

Test(ask, globs_and_everything_are_no_questions) {
  set("C: a=1");
  SENT("C: -xdstp://a/T/*", subscribe('C', "xdstp://a/T/*"));
  SENT("connected n of g; ", events());
}

Test(ask, c53_what_the_client_holds_is_not_removed_before_the_answer) {
  set("C: a=1");
  SENT("", xds_ask(&client, (xds_request){.type = 'C', .names = "b", .initial = "b=1"}));
  absent('C', "b");
  SENT("C: -b", xds_drain(&client));
}

Test(ask, c73_a_virtual_host_that_is_held_is_removed_and_another_is_absent) {
  set("C: a=1");
  SENT("", xds_ask(&client, (xds_request){.type = 'V', .names = "r/a r/b", .initial = "r/a=1"}));
  absent('V', "r/a");
  absent('V', "r/b");
  SENT("V: r/b~^r/b -r/a", xds_drain(&client));
}

Test(ask, c73_an_alias_is_an_answer) {
  set("C: a=1");
  SENT("", subscribe('V', "r/a"));
  SENT("V: r/v=1^r/a", set("V: r/v=1^r/a"));
  cr_assert_eq(absent('V', "r/a"), EGRESS_ENOENT);
}

Test(ask, state_of_the_world_is_asked_for_too) {
  xds_client other;
  set("E: a=1");
  xds_connect(&other, client.cache, EGRESS__XDS_SOTW);
  SENT("E: a=1", xds_ask(&other, (xds_request){.type = 'E', .names = "a b"}));
  SENT("connected n of g; wanted E b of g; ", other.events);
  SENT("", xds_ack(&other, 'E', "a b"));
  xds_set(&other, "g", "E: a=1 b=1");
  SENT("E: b=1", xds_drain(&other));
  xds_end(&other);
}

Test(ask, c66_state_of_the_world_is_told_not_found) {
  xds_client other;
  set("E: a=1");
  xds_connect(&other, client.cache, EGRESS__XDS_SOTW);
  SENT("E: a=1", xds_ask(&other, (xds_request){.type = 'E', .names = "a b"}));
  SENT("", xds_ack(&other, 'E', "a b"));
  cr_assert_eq(absent('E', "b"), 0);
  SENT("E: b#none", xds_drain(&other));
  SENT("", xds_ack(&other, 'E', "a b"));
  xds_set(&other, "g", "E: a=2");
  SENT("E: a=2", xds_drain(&other)); /* once */
  SENT("", xds_ack(&other, 'E', "a b"));
  xds_set(&other, "g", "E: a=2 b=1");
  SENT("E: b=1", xds_drain(&other));
  xds_end(&other);
}

Test(ask, c66_state_of_the_world_is_told_when_the_time_is_over) {
  xds_client other;
  set("E: a=1");
  xds_connect(&other, client.cache, EGRESS__XDS_SOTW);
  SENT("", xds_ask(&other, (xds_request){.type = 'E', .names = "b"}));
  other.config.now_ms = ANSWER_MS;
  SENT("E: b#none", xds_drain(&other));
  xds_end(&other);
}

/* Absence from a whole response may be that of the answer to an older request. */
Test(ask, c66_state_of_the_world_is_told_beside_what_comes_whole) {
  xds_client other;
  set("C: a=1 b=1 c=#14 L: l=1 m=#14");
  xds_connect(&other, client.cache, EGRESS__XDS_SOTW);
  SENT("C: a=1 b=1 c#14", xds_ask(&other, (xds_request){.type = 'C', .names = "* x"}));
  SENT("L: l=1", xds_ask(&other, (xds_request){.type = 'L', .names = "l x"}));
  SENT("", xds_ack(&other, 'C', "* x"));
  SENT("", xds_ack(&other, 'L', "l x"));
  absent('C', "x");
  absent('L', "x");
  SENT("C: a=1 b=1 x#none | L: l=1 x#none", xds_drain(&other));
  SENT("", xds_ack(&other, 'C', "* x"));
  xds_set(&other, "g", "C: a=1 b=2 c=#7 L: l=1 m=#14");
  SENT("C: a=1 b=2 c#7", xds_drain(&other));
  xds_end(&other);
}

Test(ask, c66_refused_with_other_things_it_is_told_again_with_the_next_change) {
  xds_client other;
  set("C: a=1 c=#14");
  xds_connect(&other, client.cache, EGRESS__XDS_SOTW);
  other.answer = say_absent;
  SENT("C: a=1 c#14 x#none", xds_ask(&other, (xds_request){.type = 'C', .names = "* x"}));
  SENT("", xds_nack(&other, 'C', "* x"));
  xds_set(&other, "g", "C: a=2 c=#14");
  SENT("C: a=2 c#14 x#none", xds_drain(&other));
  xds_end(&other);
}

Test(ask, c66_who_drops_the_name_and_asks_again_is_told_again) {
  xds_client other;
  set("E: a=1");
  xds_connect(&other, client.cache, EGRESS__XDS_SOTW);
  other.answer = say_absent;
  SENT("E: b#none", xds_ask(&other, (xds_request){.type = 'E', .names = "b"}));
  SENT("", xds_ack(&other, 'E', NULL));
  SENT("E: b#none", xds_ack(&other, 'E', "b"));
  SENT("connected n of g; wanted E b of g; acked E; wanted E b of g; ", other.events);
  xds_end(&other);
}

Test(ask, c12_a_list_without_the_name_that_is_overtaken_drops_it_too) {
  xds_client other;
  set("E: a=1");
  xds_connect(&other, client.cache, EGRESS__XDS_SOTW);
  other.answer = say_absent;
  SENT("E: b#none", xds_ask(&other, (xds_request){.type = 'E', .names = "b"}));
  SENT("", xds_ask(&other, (xds_request){.type = 'E', .names = "c", .nonce = "stale"}));
  SENT("E: b#none", xds_ack(&other, 'E', "b"));
  SENT("connected n of g; wanted E b of g; acked E; wanted E b of g; ", other.events);
  xds_end(&other);
}

/* A cluster that changes needs its endpoints again, and those that were there are gone: that is another question. */
Test(ask, c66_what_was_there_and_is_gone_is_asked_for_again) {
  xds_client other;
  set("C: c=1!");
  xds_connect(&other, client.cache, EGRESS__XDS_SOTW);
  SENT("C: c=1!", xds_ask(&other, (xds_request){.type = 'C'}));
  SENT("", xds_ack(&other, 'C', NULL));
  SENT("", xds_ask(&other, (xds_request){.type = 'E', .names = "c"}));
  xds_set(&other, "g", "C: c=1! E: c=1");
  SENT("E: c=1", xds_drain(&other));
  SENT("", xds_ack(&other, 'E', "c"));
  other.events[0] = '\0';
  xds_set(&other, "g", "C: c=2!");
  SENT("C: c=2!", xds_drain(&other));
  SENT("wanted E c of g; ", other.events);
  SENT("", xds_ack(&other, 'C', NULL));
  absent('E', "c");
  SENT("E: c#none", xds_drain(&other));
  xds_end(&other);
}

Test(ask, c66_who_wants_the_name_no_more_is_told_nothing_of_it) {
  xds_client other;
  set("C: a=1");
  xds_connect(&other, client.cache, EGRESS__XDS_SOTW);
  SENT("C: a=1", xds_ask(&other, (xds_request){.type = 'C', .names = "* x"}));
  SENT("", xds_ack(&other, 'C', "*"));
  absent('C', "x");
  SENT("", xds_drain(&other));
  xds_set(&other, "g", "C: a=1 x=1");
  SENT("C: a=1 x=1", xds_drain(&other));
  SENT("", xds_ack(&other, 'C', "* y"));
  xds_set(&other, "g", "C: a=2 x=1");
  SENT("C: a=2 x=1", xds_drain(&other));
  absent('C', "y");
  SENT("", xds_drain(&other)); /* after what is in flight */
  SENT("C: a=2 x=1", xds_ack(&other, 'C', "*"));
  xds_end(&other);
}

/* It may be about to come. */
Test(ask, c41_state_of_the_world_is_told_nothing_that_nobody_was_asked_for) {
  xds_client other;
  xds_begin(&other, EGRESS__XDS_SOTW);
  xds_set(&other, "g", "E: a=1");
  SENT("E: a=1", xds_ask(&other, (xds_request){.type = 'E', .names = "a b"}));
  xds_end(&other);
}

Test(ask, nothing_has_no_name) {
  static uint8_t bytes[XDS_REQUEST];
  set("C: a=1");
  size_t size = xds_encode(bytes, client.variant, &(xds_request){.type = 'C', .node_id = "n", .cluster = "g"});
  uint8_t *end = xds_put_text(bytes + size, 3, "");
  cr_assert_eq(egress__stream_request(client.stream, bytes, (size_t)(end - bytes), &client.fault), 0);
  SENT("C: -", xds_drain(&client));
  SENT("connected n of g; ", events());
}

Test(ask, a_name_of_the_new_kind_may_be_answered_in_any_form) {
  set("C: a=1");
  SENT("", subscribe('C', "xdstp://a/T/%62#d"));
  SENT("connected n of g; wanted C xdstp://a/T/b of g; ", events());
  cr_assert_eq(absent('C', "xdstp://a/T/%62"), 0);
  SENT("C: -xdstp://a/T/b", xds_drain(&client));
}

Test(ask, arguments) {
  cr_assert_eq(egress_cache_absent(NULL, "g", "t", "n"), EGRESS_EINVAL);
  cr_assert_eq(egress_cache_absent(client.cache, NULL, "t", "n"), EGRESS_EINVAL);
  cr_assert_eq(egress_cache_absent(client.cache, "g", NULL, "n"), EGRESS_EINVAL);
  cr_assert_eq(egress_cache_absent(client.cache, "g", "t", NULL), EGRESS_EINVAL);
  cr_assert_eq(egress_cache_absent(client.cache, "g", "t", "n"), EGRESS_ENOENT);
}
