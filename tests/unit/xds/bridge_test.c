/* Make before break: what is removed goes when nothing leads to it any more. */
#include "support/xds_client.h"

#include "cache/group.h"

static xds_client client;
static egress__xds_variant variant;

/* What a client is told, in state of the world and in delta. */
#define TOLD(sotw, delta) (variant == EGRESS__XDS_SOTW ? (sotw) : (delta))

static const char *ack(char type, const char *names) {
  return xds_ack(&client, type, variant == EGRESS__XDS_SOTW ? names : NULL);
}

/* A client of everything of clusters, of the endpoints a and b, and of the route r, which has taken all of `text`. */
static void begin(egress__xds_variant of, const char *text) {
  variant = of;
  xds_begin(&client, variant);
  xds_set(&client, "g", text);
  xds_ask(&client, (xds_request){.type = 'C'});
  ack('C', NULL);
  xds_ask(&client, (xds_request){.type = 'E', .names = "a b"});
  ack('E', "a b");
  xds_ask(&client, (xds_request){.type = 'R', .names = "r"});
  SENT("", ack('R', "r"));
  client.events[0] = '\0';
}

static void end(void) {
  egress_cache *cache = egress_cache_ref(client.cache);
  xds_end(&client);
  cr_assert_null(cache->bridges, "nobody is on it any more");
  egress_cache_unref(cache);
}

#define BOTH(name) \
  static void name(void); \
  Test(bridge, name) { \
    for (int i = 0; i < 2; i++) { \
      variant = (egress__xds_variant)i; \
      name(); \
      end(); \
    } \
  } \
  static void name(void)

BOTH(c58_what_is_removed_goes_after_the_routes) {
  begin(variant, "C: a=1 b=1 E: a=1 b=1 R: r=1");
  xds_set(&client, "g", "C: b=1 E: b=1 R: r=2");
  SENT("R: r=2", xds_drain(&client));
  SENT(TOLD("C: b=1", "C: -a | E: -a"), ack('R', "r"));
}

BOTH(c58_what_is_new_comes_before_the_routes) {
  begin(variant, "C: a=1 E: a=1 R: r=1");
  xds_set(&client, "g", "C: b=1 E: b=1 R: r=2");
  SENT(TOLD("C: a=1 b=1 | E: b=1 | R: r=2", "C: b=1 | E: b=1 | R: r=2"), xds_drain(&client));
  SENT("", ack('R', "r"));
  SENT("", ack('E', "a b"));
  SENT(TOLD("C: b=1", "C: -a | E: -a"), ack('C', NULL));
}

BOTH(c58_without_other_routes_it_goes_at_once) {
  begin(variant, "C: a=1 b=1 E: a=1 b=1 R: r=1");
  xds_set(&client, "g", "C: b=1 E: b=1 R: r=1");
  SENT(TOLD("C: b=1", "C: -a | E: -a"), xds_drain(&client));
}

/* Nobody waits for a type that the client does not want. */
BOTH(c58_without_a_wish_for_routes_it_goes_at_once) {
  begin(variant, "C: a=1 b=1 R: r=1");
  xds_ask(&client, variant == EGRESS__XDS_SOTW
                       ? (xds_request){.type = 'R', .names = "", .nonce = xds_nonce(&client, 'R')}
                       : (xds_request){.type = 'R', .drop = "r"});
  xds_set(&client, "g", "C: b=1 R: r=2");
  SENT(TOLD("C: b=1", "C: -a"), xds_drain(&client));
}

/* The client may know the clusters from a stream before, and asks for them while its answer about the routes is due. */
BOTH(c58_clusters_asked_for_while_routes_go) {
  xds_begin(&client, variant);
  xds_set(&client, "g", "C: a=1 b=1 R: r=1");
  xds_ask(&client, (xds_request){.type = 'R', .names = "r"});
  ack('R', "r");
  xds_set(&client, "g", "C: b=1 R: r=2");
  SENT("R: r=2", xds_drain(&client));
  SENT("C: a=1 b=1", xds_ask(&client, (xds_request){.type = 'C'}));
  SENT("", ack('C', NULL));
  SENT(TOLD("C: b=1", "C: -a"), ack('R', "r"));
}

BOTH(c58_a_new_stream_starts_with_the_newest) {
  begin(variant, "C: a=1 b=1 R: r=1");
  xds_set(&client, "g", "C: b=1 R: r=2");
  SENT("R: r=2", xds_drain(&client));
  xds_reconnect(&client);
  SENT("C: b=1", xds_ask(&client, (xds_request){.type = 'C'}));
}

/* Listeners, and whatever else comes after clusters, count like routes. */
BOTH(c58_other_types_count_like_routes) {
  begin(variant, "C: a=1 b=1 L: l=1 S: s=1");
  SENT("L: l=1", xds_ask(&client, (xds_request){.type = 'L'}));
  SENT("", ack('L', NULL));
  xds_set(&client, "g", "C: b=1 L: l=2 S: s=1");
  SENT("L: l=2", xds_drain(&client));
  SENT(TOLD("C: b=1", "C: -a"), ack('L', NULL));
}

/* The client has what the first of three snapshots had until its routes are those of the second. */
BOTH(c58_a_newer_snapshot_before_the_routes_are_through) {
  begin(variant, "C: a=1 b=1 R: r=1");
  xds_set(&client, "g", "C: b=1 c=1 R: r=2");
  SENT(TOLD("C: a=1 b=1 c=1 | R: r=2", "C: c=1 | R: r=2"), xds_drain(&client));
  xds_set(&client, "g", "C: c=1 d=1 R: r=2");
  SENT(TOLD("C: a=1 b=1 c=1 d=1", "C: d=1"), ack('C', NULL));
  SENT("", ack('R', "r"));
  SENT(TOLD("C: c=1 d=1", "C: -a -b"), ack('C', NULL));
}

/* What only the first had goes together with what the third brings. */
BOTH(c58_a_newer_snapshot_when_the_routes_are_through) {
  begin(variant, "C: a=1 b=1 R: r=1");
  xds_set(&client, "g", "C: b=1 c=1 R: r=2");
  xds_drain(&client);
  xds_set(&client, "g", "C: c=1 d=1 R: r=3");
  SENT("", ack('C', NULL));
  SENT(TOLD("C: b=1 c=1 d=1 | R: r=3", "C: d=1 -a | R: r=3"), ack('R', "r"));
  SENT("", ack('R', "r"));
  SENT(TOLD("C: c=1 d=1", "C: -b"), ack('C', NULL));
}

BOTH(c58_what_comes_back_meanwhile_stays) {
  begin(variant, "C: a=1 b=1 R: r=1");
  xds_set(&client, "g", "C: b=1 R: r=2");
  SENT("R: r=2", xds_drain(&client));
  xds_set(&client, "g", "C: a=1 b=1 R: r=2");
  SENT("", xds_drain(&client));
  SENT("", ack('R', "r"));
}

/* A name that is asked for meanwhile is answered as the client has it. */
BOTH(c37_a_name_asked_for_on_the_way_is_answered) {
  begin(variant, "C: a=1 b=1 E: a=1 b=1 c=1 R: r=1");
  xds_set(&client, "g", "C: b=1 E: b=1 R: r=2");
  SENT("R: r=2", xds_drain(&client));
  SENT("E: c=1", xds_ask(&client, (xds_request){.type = 'E',
                                                .names = variant == EGRESS__XDS_SOTW ? "a b c" : "c",
                                                .nonce = xds_nonce(&client, 'E')}));
  SENT("", ack('E', "a b c"));
  SENT(TOLD("C: b=1", "C: -a | E: -a -c"), ack('R', "r"));
}

/* A refusal is an answer, too: the client goes on with what it has, and there is nothing to wait for. */
BOTH(c58_routes_that_are_refused_hold_nothing_up) {
  begin(variant, "C: a=1 b=1 R: r=1");
  xds_set(&client, "g", "C: b=1 R: r=2");
  SENT("R: r=2", xds_drain(&client));
  SENT(TOLD("C: b=1", "C: -a"), xds_nack(&client, 'R', variant == EGRESS__XDS_SOTW ? "r" : NULL));
}

BOTH(c18_clusters_refused_on_the_way_are_not_sent_again) {
  begin(variant, "C: a=1 b=1 R: r=1");
  xds_set(&client, "g", "C: b=1 c=1 R: r=2");
  SENT(TOLD("C: a=1 b=1 c=1 | R: r=2", "C: c=1 | R: r=2"), xds_drain(&client));
  SENT("", xds_nack(&client, 'C', NULL));
  SENT("", ack('R', "r"));
  xds_set(&client, "g", "C: b=1 c=2 R: r=2");
  SENT(TOLD("C: b=1 c=2", "C: c=2 -a"), xds_drain(&client));
}

BOTH(c52_a_snapshot_that_is_forgotten_on_the_way_is_still_brought_to_its_end) {
  begin(variant, "C: a=1 b=1 R: r=1");
  xds_set(&client, "g", "C: b=1 R: r=2");
  SENT("R: r=2", xds_drain(&client));
  cr_assert_eq(egress_cache_clear(client.cache, "g"), 0);
  SENT(TOLD("C: b=1", "C: -a"), ack('R', "r"));
}

static void try_snapshots(egress_on_nack on_nack) {
  egress_trial_options options = EGRESS_TRIAL_OPTIONS_INIT;
  options.on_nack = on_nack;
  cr_assert_eq(egress_cache_set_trial(client.cache, "g", &options), 0);
  SENT("", xds_drain(&client));
  cr_assert_eq(egress_cache_trial(client.cache, "g"), EGRESS_TRIAL_GOOD);
}

BOTH(a_snapshot_on_trial_is_accepted_at_its_end) {
  begin(variant, "C: a=1 b=1 R: r=1");
  try_snapshots(EGRESS_ON_NACK_ROLLBACK);
  xds_set(&client, "g", "C: b=1 c=1 R: r=2");
  xds_drain(&client);
  ack('C', NULL);
  SENT(TOLD("C: b=1 c=1", "C: -a"), ack('R', "r"));
  cr_assert_eq(egress_cache_trial(client.cache, "g"), EGRESS_TRIAL_OPEN);
  SENT("", ack('C', NULL));
  cr_assert_eq(egress_cache_trial(client.cache, "g"), EGRESS_TRIAL_GOOD);
}

/* What is refused on the way is the new snapshot, and the client goes back to where it came from. */
BOTH(a_snapshot_on_trial_is_refused_on_the_way) {
  begin(variant, "C: a=1 b=1 R: r=1");
  try_snapshots(EGRESS_ON_NACK_ROLLBACK);
  xds_set(&client, "g", "C: b=1 c=1 R: r=2");
  xds_drain(&client);
  SENT("", xds_nack(&client, 'C', NULL)); /* routes in flight would be overtaken */
  cr_assert_str_eq(client.events, "nacked C 13 bad; rolled back C c of g: bad; ");
  SENT("R: r=1", ack('R', "r"));
  SENT(TOLD("C: a=1 b=1", "C: -c"), ack('R', "r"));
}

/* Half of a change is not told under the label of the whole. */
Test(bridge, c58_labels_on_the_way) {
  variant = EGRESS__XDS_SOTW;
  xds_begin(&client, variant);
  xds_set_labelled(&client, "g", "C: a=1 b=1 R: r=1", "one");
  xds_ask(&client, (xds_request){.type = 'C'});
  cr_assert_str_eq(client.last.version, "one");
  ack('C', NULL);
  SENT("R: r=1", xds_ask(&client, (xds_request){.type = 'R', .names = "r"}));
  ack('R', "r");
  xds_set_labelled(&client, "g", "C: b=1 R: r=2", "two");
  SENT("R: r=2", xds_drain(&client));
  cr_assert_str_eq(client.last.version, "two");
  SENT("C: b=1", ack('R', "r"));
  cr_assert_str_eq(client.last.version, "two");
  ack('C', NULL);

  xds_set_labelled(&client, "g", "C: c=1 R: r=3", "three");
  SENT("C: b=1 c=1 | R: r=3", xds_drain(&client));
  cr_assert_str_eq(client.last.version, "three");
  ack('C', NULL);
  cr_assert_str_neq(client.versions, "two");
  cr_assert_str_neq(client.versions, "three");
  SENT("C: c=1", ack('R', "r"));
  cr_assert_str_eq(client.last.version, "three");
  end();
}

/* A service for one type does not know of others. */
Test(bridge, c58_separate_streams_have_no_order) {
  variant = EGRESS__XDS_SOTW;
  xds_begin(&client, variant);
  egress__stream_free(client.stream);
  cr_assert_eq(egress__stream_new(&client.stream, &client.config, variant, EGRESS_TYPE_CLUSTER, &client), 0);
  xds_set(&client, "g", "C: a=1 b=1 R: r=1");
  SENT("C: a=1 b=1", xds_ask(&client, (xds_request){.type = 'C'}));
  ack('C', NULL);
  xds_set(&client, "g", "C: b=1 R: r=2");
  SENT("C: b=1", xds_drain(&client));
  end();
}
