/* With gate_on_ack, changes of listeners and routes wait until what they lead to is accepted. */
#include "cache/step.h"
#include "support/xds_client.h"

static xds_client client;
static egress__xds_variant variant;

/* What a client is told, in state of the world and in delta. */
#define TOLD(sotw, delta) (variant == EGRESS__XDS_SOTW ? (sotw) : (delta))

static const char *ack(char type, const char *names) {
  return xds_ack(&client, type, variant == EGRESS__XDS_SOTW ? names : NULL);
}

static const char *nack(char type, const char *names) {
  return xds_nack(&client, type, variant == EGRESS__XDS_SOTW ? names : NULL);
}

/* A client of all clusters and listeners, of the endpoints a, the route r and the secret s, which has taken all. */
static void begin(const char *text) {
  xds_begin(&client, variant);
  client.config.gate_on_ack = 1;
  xds_set(&client, "g", text);
  xds_ask(&client, (xds_request){.type = 'C'});
  ack('C', NULL);
  xds_ask(&client, (xds_request){.type = 'E', .names = "a"});
  ack('E', "a");
  xds_ask(&client, (xds_request){.type = 'L'});
  ack('L', NULL);
  xds_ask(&client, (xds_request){.type = 'R', .names = "r"});
  ack('R', "r");
  xds_ask(&client, (xds_request){.type = 'S', .names = "s"});
  SENT("", ack('S', "s"));
}

#define BOTH(name) \
  static void name(void); \
  Test(gate, name) { \
    for (int i = 0; i < 2; i++) { \
      variant = (egress__xds_variant)i; \
      name(); \
      xds_end(&client); \
    } \
  } \
  static void name(void)

#define ONE "C: a=1 E: a=1 L: l=1 R: r=1 S: s=1"

BOTH(c58_listeners_wait_for_clusters_and_endpoints_and_routes_for_listeners) {
  begin(ONE);
  xds_set(&client, "g", "C: a=2! E: a=2 L: l=2 R: r=2 S: s=1");
  SENT("C: a=2! | E: a=2", xds_drain(&client));
  SENT("", ack('C', NULL));
  SENT("L: l=2", ack('E', "a"));
  SENT("R: r=2", ack('L', NULL));
  SENT("", ack('R', "r"));
}

/* Envoy answers for a cluster when it is warm: when its endpoints came, and its secrets. */
BOTH(c58_endpoints_and_secrets_wait_for_nothing) {
  begin(ONE);
  xds_set(&client, "g", "C: a=2 E: a=2 L: l=1 R: r=1 S: s=2");
  SENT("C: a=2 | E: a=2 | S: s=2", xds_drain(&client));
}

BOTH(c58_what_does_not_change_is_not_waited_for) {
  begin(ONE);
  xds_set(&client, "g", "C: a=1 E: a=1 L: l=1 R: r=2 S: s=1");
  SENT("R: r=2", xds_drain(&client));
}

BOTH(c58_the_first_configuration_waits_for_nothing) {
  xds_begin(&client, variant);
  client.config.gate_on_ack = 1;
  xds_set(&client, "g", ONE);
  SENT("C: a=1", xds_ask(&client, (xds_request){.type = 'C'}));
  SENT("L: l=1", xds_ask(&client, (xds_request){.type = 'L'}));
  SENT("R: r=1", xds_ask(&client, (xds_request){.type = 'R', .names = "r"}));
}

/* A name that is new is told as it is now; what changed of others waits all the same. */
BOTH(c37_new_names_wait_for_nothing) {
  begin(ONE);
  xds_set(&client, "g", "C: a=2 E: a=1 L: l=1 R: r=2 t=2 S: s=1");
  SENT("C: a=2", xds_drain(&client));
  SENT("R: t=2", xds_ask(&client, (xds_request){.type = 'R',
                                                .names = variant == EGRESS__XDS_SOTW ? "r t" : "t",
                                                .nonce = xds_nonce(&client, 'R')}));
  SENT("", ack('R', "r t"));
  SENT(TOLD("R: r=2 t=2", "R: r=2 t=2"), ack('C', NULL)); /* what it holds of both is not told apart */
  SENT("", ack('R', "r t"));
}

/* What it was told of one snapshot is put right though the next is as before. */
BOTH(c37_names_told_early_are_put_right) {
  begin("C: a=1 E: a=1 L: l=1 R: r=1 t=1 S: s=1");
  xds_set(&client, "g", "C: a=2 E: a=1 L: l=1 R: r=1 t=2 S: s=1");
  SENT("C: a=2", xds_drain(&client));
  SENT("R: t=2", xds_ask(&client, (xds_request){.type = 'R',
                                                .names = variant == EGRESS__XDS_SOTW ? "r t" : "t",
                                                .nonce = xds_nonce(&client, 'R')}));
  SENT("", ack('R', "r t"));
  SENT("R: t=2", ack('C', NULL));
  SENT("", ack('R', "r t"));
  xds_set(&client, "g", "C: a=3 E: a=1 L: l=1 R: r=1 t=3 S: s=1");
  SENT("C: a=3", xds_drain(&client));
  SENT("R: t=3", xds_ask(&client, (xds_request){.type = 'R',
                                                .names = variant == EGRESS__XDS_SOTW ? "r" : NULL,
                                                .drop = variant == EGRESS__XDS_SOTW ? NULL : "t",
                                                .nonce = xds_nonce(&client, 'R')})[0] == '\0'
                     ? xds_ask(&client, (xds_request){.type = 'R',
                                                      .names = variant == EGRESS__XDS_SOTW ? "r t" : "t",
                                                      .nonce = xds_nonce(&client, 'R')})
                     : "answered though nothing was asked for");
  xds_set(&client, "g", "C: a=3 E: a=1 L: l=1 R: r=1 t=2 S: s=1");
  SENT("", ack('R', "r t"));
  SENT("R: t=2", ack('C', NULL));
}

/* Nor do they hold up what comes meanwhile, unless that changes what is in flight. */
BOTH(c22_names_told_early_hold_up_nothing_else) {
  begin(ONE);
  xds_set(&client, "g", "C: a=1 E: a=1 L: l=2 R: r=2 t=2 S: s=1");
  SENT("L: l=2", xds_drain(&client));
  SENT("R: t=2", xds_ask(&client, (xds_request){.type = 'R',
                                                .names = variant == EGRESS__XDS_SOTW ? "r t" : "t",
                                                .nonce = xds_nonce(&client, 'R')}));
  SENT("", ack('L', NULL));
  xds_set(&client, "g", "C: a=1 E: a=1 L: l=3 R: r=2 t=2 S: s=1");
  SENT("L: l=3", xds_drain(&client));
  SENT("", ack('L', NULL));
  xds_set(&client, "g", "C: a=1 E: a=1 L: l=4 R: r=1 S: s=1");
  SENT("", xds_drain(&client));
  SENT("L: l=4", ack('R', "r t"));
}

/* However much the server has to remember of names that there are not. */
Test(gate, c58_a_gate_does_not_give_way_unless_asked) {
  variant = EGRESS__XDS_SOTW;
  begin(ONE);
  char names[32] = "r";
  for (int i = 0; i + 1 < EGRESS__BASES_MAX; i++) {
    char text[64];
    snprintf(text, sizeof text, "C: a=2 E: a=1 L: l=1 R: r=%d S: s=1", i + 2);
    xds_set(&client, "g", text);
    SENT(i == 0 ? "C: a=2" : "", xds_drain(&client));
    snprintf(names + strlen(names), sizeof names - strlen(names), " n%d", i);
    SENT("", xds_ask(&client, (xds_request){.type = 'R', .names = names, .nonce = xds_nonce(&client, 'R')}));
  }
  SENT("", xds_drain(&client));
  SENT("R: r=4", ack('C', NULL));
  xds_end(&client);
}

BOTH(c58_what_was_refused_holds_back_what_comes_after) {
  begin(ONE);
  xds_set(&client, "g", "C: a=2 E: a=1 L: l=2 R: r=2 S: s=1");
  SENT("C: a=2", xds_drain(&client));
  SENT("", nack('C', NULL));
  xds_set(&client, "g", "C: a=2 E: a=1 L: l=3 R: r=2 S: s=1"); /* the same clusters: nobody has them yet */
  SENT("", xds_drain(&client));
  xds_set(&client, "g", "C: a=3 E: a=1 L: l=3 R: r=3 S: s=1");
  SENT("C: a=3", xds_drain(&client));
  SENT("L: l=3", ack('C', NULL));
  SENT("R: r=3", ack('L', NULL));
}

BOTH(c58_back_to_what_it_has_opens_the_gate) {
  begin(ONE);
  xds_set(&client, "g", "C: a=2 E: a=1 L: l=1 R: r=2 S: s=1");
  SENT("C: a=2", xds_drain(&client));
  SENT("", nack('C', NULL));
  xds_set(&client, "g", "C: a=1 E: a=1 L: l=1 R: r=3 S: s=1");
  SENT("C: a=1", xds_drain(&client));
  SENT("R: r=3", ack('C', NULL));
}

BOTH(c58_what_is_removed_waits_until_the_routes_are_accepted) {
  begin("C: a=1 b=1 E: a=1 L: l=1 R: r=1 S: s=1");
  xds_set(&client, "g", "C: a=1 E: a=1 L: l=1 R: r=2 S: s=1");
  SENT("R: r=2", xds_drain(&client));
  SENT("", nack('R', "r"));
  xds_set(&client, "g", "C: a=1 E: a=1 L: l=1 R: r=3 S: s=1");
  SENT("R: r=3", xds_drain(&client));
  SENT(TOLD("C: a=1", "C: -b"), ack('R', "r"));
}

/* Nothing is proven while something is held back. */
BOTH(a_snapshot_on_trial_is_accepted_with_its_last_type) {
  egress_trial_options options = EGRESS_TRIAL_OPTIONS_INIT;
  options.on_nack = EGRESS_ON_NACK_ROLLBACK;
  begin(ONE);
  cr_assert_eq(egress_cache_set_trial(client.cache, "g", &options), 0);
  SENT("", xds_drain(&client));
  xds_set(&client, "g", "C: a=2 E: a=1 L: l=1 R: r=2 S: s=1");
  SENT("C: a=2", xds_drain(&client));
  SENT("R: r=2", ack('C', NULL));
  cr_assert_eq(egress_cache_trial(client.cache, "g"), EGRESS_TRIAL_OPEN);
  SENT("", ack('R', "r"));
  cr_assert_eq(egress_cache_trial(client.cache, "g"), EGRESS_TRIAL_GOOD);
}

/* Back to the last good one: nothing was told of the routes of the refused one. */
BOTH(a_refused_snapshot_is_left_without_its_routes) {
  egress_trial_options options = EGRESS_TRIAL_OPTIONS_INIT;
  options.on_nack = EGRESS_ON_NACK_ROLLBACK;
  begin(ONE);
  cr_assert_eq(egress_cache_set_trial(client.cache, "g", &options), 0);
  SENT("", xds_drain(&client));
  xds_set(&client, "g", "C: a=2 E: a=1 L: l=1 R: r=2 S: s=1");
  SENT("C: a=2", xds_drain(&client));
  SENT("C: a=1", nack('C', NULL));
  SENT("", ack('C', NULL));
}
