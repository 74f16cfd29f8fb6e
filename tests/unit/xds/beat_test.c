/* Times to live and heartbeats. Names of tests carry the number of the rule in docs/xds.md. */
#include "support/xds_client.h"

#include "xds/beat.h"

#define TTL "xds.config.supports-resource-ttl"
#define WRAPPED "xds.config.supports-resource-in-sotw"

static xds_client client;

static void end(void) {
  xds_end(&client);
}
TestSuite(beat, .fini = end);

static void begin(egress__xds_variant variant, const char *features) {
  xds_begin(&client, variant);
  client.features = features;
}
static const char *ask(char type, const char *names) {
  return xds_ask(&client, (xds_request){.type = type, .names = names});
}
/* State of the world says its list again; in delta that would ask for it all anew. */
static const char *list(const char *names) {
  return client.variant == EGRESS__XDS_SOTW ? names : NULL;
}
static const char *ack(char type, const char *names) {
  return xds_ack(&client, type, list(names));
}
static const char *nack(char type, const char *names) {
  return xds_nack(&client, type, list(names));
}
static const char *set(const char *text) {
  xds_set(&client, "g", text);
  return xds_drain(&client);
}
static const char *at(uint64_t now_ms) {
  client.config.now_ms = now_ms;
  return xds_drain(&client);
}
#define DUE(expected) cr_assert_eq(egress__stream_due(client.stream), expected)
#define NEVER UINT64_MAX

static const egress__xds_variant both[] = {EGRESS__XDS_SOTW, EGRESS__XDS_DELTA};

/* ---- who is told ---- */

Test(beat, c62_delta_only_who_declares_it_is_told) {
  static const char *const without[] = {NULL, WRAPPED, "xds.config.supports-resource"};
  for (size_t i = 0; i < 3; i++) {
    begin(EGRESS__XDS_DELTA, without[i]);
    set("E: a=1@3000 b=1");
    SENT("E: a=1 b=1", ask('E', "a b"));
    SENT("", ack('E', NULL));
    DUE(NEVER);
    SENT("", at(3000));
    end();
  }
  begin(EGRESS__XDS_DELTA, TTL);
  set("E: a=1@3000 b=1");
  SENT("E: a=1@3000 b=1", ask('E', "a b"));
}

Test(beat, c64_sotw_is_wrapped_only_for_who_declares_both) {
  static const char *const without[] = {NULL, TTL, WRAPPED};
  for (size_t i = 0; i < 3; i++) {
    begin(EGRESS__XDS_SOTW, without[i]);
    set("E: a=1@3000 b=1 C: c=1@3000");
    SENT("E: a=1 b=1", ask('E', "a b"));
    SENT("C: c=1", ask('C', NULL));
    ack('E', "a b");
    ack('C', NULL);
    DUE(NEVER);
    end();
  }
  begin(EGRESS__XDS_SOTW, WRAPPED " x " TTL);
  set("E: a=1@3000 b=1 C: c=1@3000");
  SENT("E: a=1@3000 b=1", ask('E', "a b"));
  cr_assert_str_neq(client.last.versions[0], "", "wrapped");
  cr_assert_str_eq(client.last.versions[1], "", "not wrapped");
  SENT("C: c=1@3000", ask('C', NULL));
}

Test(beat, c62_another_ttl_or_none_is_sent_as_a_change) {
  for (int i = 0; i < 2; i++) {
    begin(both[i], TTL " " WRAPPED);
    set("E: a=1@3000");
    SENT("E: a=1@3000", ask('E', "a"));
    SENT("", ack('E', "a"));
    SENT("E: a=1@6000", set("E: a=1@6000"));
    SENT("", ack('E', "a"));
    DUE(2000);
    SENT("E: a=1", set("E: a=1"));
    SENT("", ack('E', "a"));
    DUE(NEVER);
    if (i == 0)
      end();
  }
}

/* ---- heartbeats ---- */

Test(beat, c63_delta_name_version_and_ttl_are_told_three_times_in_a_ttl) {
  begin(EGRESS__XDS_DELTA, TTL);
  set("E: a=1@3000 b=1");
  at(10000);
  SENT("E: a=1@3000 b=1", ask('E', "a b"));
  char version[XDS_WORD];
  strcpy(version, client.last.versions[0]);
  SENT("", ack('E', NULL));
  DUE(11000);
  SENT("", at(10999));
  SENT("E: a~3000", at(11000));
  cr_assert_str_eq(client.last.versions[0], version);
  DUE(NEVER); /* one response of a type is under way */
  SENT("", at(13000));
  SENT("E: a~3000", ack('E', NULL)); /* the next was due meanwhile */
  SENT("", ack('E', NULL));
  DUE(14000);
}

Test(beat, c63_sotw_the_whole_wrapped_resource_is_told_again) {
  begin(EGRESS__XDS_SOTW, TTL " " WRAPPED);
  set("E: a=1@3000 b=1");
  SENT("E: a=1@3000 b=1", ask('E', "a b"));
  SENT("", ack('E', "a b"));
  SENT("E: a=1@3000", at(1000));
  SENT("", ack('E', "a b"));
  DUE(2000);
}

Test(beat, c63_sotw_clusters_and_listeners_stay_whole) {
  begin(EGRESS__XDS_SOTW, TTL " " WRAPPED);
  set("C: a=1@3000 b=1 L: l=1 m=1@3000 n=1");
  SENT("C: a=1@3000 b=1", ask('C', NULL));
  SENT("L: l=1 m=1@3000", ask('L', "l m"));
  ack('C', NULL);
  ack('L', "l m");
  SENT("C: a=1@3000 b=1 | L: l=1 m=1@3000", at(1000));
  ack('C', NULL);
  SENT("", ack('L', "l"));
  DUE(2000);
  SENT("C: a=1@3000 b=1", at(2000)); /* of the listeners it wants, none has a ttl */
  cr_assert_str_eq(client.events, "connected n of g; acked C; acked L; ");
}

Test(beat, c63_a_heartbeat_is_no_update) {
  for (int i = 0; i < 2; i++) {
    begin(both[i], TTL " " WRAPPED);
    set("E: a=1@3000");
    ask('E', "a");
    ack('E', "a");
    char version[XDS_WORD];
    strcpy(version, client.last.version);
    cr_assert_str_neq(at(1000), "");
    cr_assert_str_eq(client.last.version, version);
    SENT("", ack('E', "a"));
    cr_assert_str_eq(client.events, "connected n of g; acked E; ");
    SENT("", set("E: a=1@3000")); /* the client has that still */
    if (i == 0)
      end();
  }
}

Test(beat, c63_an_update_comes_before_a_heartbeat_and_waits_for_one) {
  begin(EGRESS__XDS_DELTA, TTL);
  set("E: a=1@3000 b=1");
  ask('E', "a b");
  ack('E', NULL);
  client.config.now_ms = 1000;
  SENT("E: b=2", set("E: a=1@3000 b=2"));
  SENT("E: a~3000", ack('E', NULL));
  SENT("", set("E: a=1@3000 b=3"));
  SENT("E: b=3", ack('E', NULL));
}

Test(beat, c63_only_what_is_wanted) {
  begin(EGRESS__XDS_DELTA, TTL);
  set("E: a=1@3000 b=1@3000");
  SENT("E: a=1@3000 b=1@3000", ask('E', "a b"));
  SENT("", ack('E', NULL));
  SENT("", xds_ask(&client, (xds_request){.type = 'E', .drop = "b"}));
  SENT("E: a~3000", at(1000));
  SENT("", ack('E', NULL));
  SENT("", xds_ask(&client, (xds_request){.type = 'E', .drop = "a"}));
  DUE(NEVER);
  SENT("", at(5000));
}

Test(beat, c63_types_beat_on_their_own_at_their_shortest_ttl) {
  begin(EGRESS__XDS_DELTA, TTL);
  set("C: a=1@3000 b=1@60000 R: r=1@9000");
  ask('C', NULL);
  ask('R', "r");
  ack('C', NULL);
  ack('R', NULL);
  DUE(1000);
  SENT("C: a~3000 b~60000", at(1000));
  DUE(3000);
  SENT("R: r~9000", at(3000));
}

/* Streams that have all that there is are told by the same bytes. */
Test(beat, heartbeats_of_everything_are_shared) {
  begin(EGRESS__XDS_DELTA, TTL);
  xds_client other;
  xds_connect(&other, client.cache, EGRESS__XDS_DELTA);
  other.features = TTL;
  set("C: a=1@3000 b=1");
  ask('C', NULL);
  ack('C', NULL);
  xds_ask(&other, (xds_request){.type = 'C'});
  xds_ack(&other, 'C', NULL);
  client.config.now_ms = other.config.now_ms = 1000;
  egress__response mine, others;
  cr_assert_eq(egress__stream_next(client.stream, &mine), 1);
  cr_assert_eq(egress__stream_next(other.stream, &others), 1);
  cr_assert_eq(mine.body, others.body);
  egress__blob_unref(mine.body);
  egress__blob_unref(others.body);
  xds_end(&other);
}

Test(beat, without_ttl_nothing_is_ever_due) {
  for (int i = 0; i < 2; i++) {
    begin(both[i], TTL " " WRAPPED);
    set("C: a=1 L: l=1");
    ask('C', NULL);
    ack('C', NULL);
    DUE(NEVER);
    SENT("", at(1000000000));
    if (i == 0)
      end();
  }
}

Test(beat, a_ttl_that_comes_later_lives_from_then) {
  begin(EGRESS__XDS_DELTA, TTL);
  set("C: a=1");
  ask('C', NULL);
  ack('C', NULL);
  client.config.now_ms = 50000;
  SENT("C: a=1@3000", set("C: a=1@3000"));
  SENT("", ack('C', NULL));
  DUE(51000);
}

/* ---- after a reconnect and after a refusal ---- */

Test(beat, c63_what_a_client_brings_along_is_refreshed_at_once) {
  begin(EGRESS__XDS_DELTA, TTL);
  client.config.now_ms = 100;
  set("E: a=1@3000 b=1");
  ask('E', "a b");
  char held[XDS_TEXT];
  snprintf(held, sizeof held, "a=%s", client.last.versions[0]);
  xds_reconnect(&client);
  client.features = TTL;
  client.config.now_ms = 200;
  SENT("E: b=1", xds_ask(&client, (xds_request){.type = 'E', .names = "a b", .initial = held}));
  SENT("E: a~3000", ack('E', NULL));
  SENT("", ack('E', NULL));
  DUE(1200);

  xds_reconnect(&client); /* and this time there is nothing else to say */
  client.features = TTL;
  SENT("E: a~3000", xds_ask(&client, (xds_request){.type = 'E', .names = "a", .initial = held}));
}

Test(beat, c63_what_was_refused_is_not_refreshed_but_the_rest_is) {
  for (int i = 0; i < 2; i++) {
    begin(both[i], TTL " " WRAPPED);
    set("E: a=1@3000 b=1@3000");
    ask('E', "a b");
    SENT("", ack('E', "a b"));
    SENT("E: b=2@3000", set("E: a=1@3000 b=2@3000"));
    SENT("", nack('E', "a b"));
    SENT(i == 0 ? "E: a=1@3000" : "E: a~3000", at(1000));
    SENT("", ack('E', "a b"));
    if (i == 0)
      end();
  }
}

Test(beat, c63_a_first_response_that_was_refused_is_not_refreshed) {
  begin(EGRESS__XDS_DELTA, TTL);
  set("C: a=1@3000");
  ask('C', NULL);
  SENT("", nack('C', NULL));
  SENT("", at(1000));
  DUE(2000); /* looked at, and found nothing */
}

Test(beat, c63_sotw_refused_clusters_are_not_told_again_for_a_heartbeat) {
  begin(EGRESS__XDS_SOTW, TTL " " WRAPPED);
  set("C: a=1@3000 b=1");
  ask('C', NULL);
  ack('C', NULL);
  set("C: a=1@3000 b=2");
  SENT("", nack('C', NULL));
  SENT("", at(1000));
}

Test(beat, c63_a_refused_heartbeat_is_an_event_and_the_last) {
  begin(EGRESS__XDS_DELTA, TTL);
  set("E: a=1@3000 b=1");
  ask('E', "a b");
  ack('E', NULL);
  SENT("E: a~3000", at(1000));
  SENT("", nack('E', NULL));
  cr_assert_str_eq(client.events, "connected n of g; acked E; nacked E 13 bad; ");
  DUE(NEVER);
  SENT("", at(9000));
  SENT("E: b=2", set("E: a=1@3000 b=2"));
  SENT("E: a~3000", ack('E', NULL)); /* it is long due */
}

Test(beat, c63_a_forgotten_snapshot_lives_on) {
  begin(EGRESS__XDS_DELTA, TTL);
  set("E: a=1@3000");
  ask('E', "a");
  ack('E', NULL);
  cr_assert_eq(egress_cache_clear(client.cache, "g"), 0);
  SENT("E: a~3000", at(1000));
}
