/* Clients of a group whose snapshots are tried: what they are sent, and what they say, in both variants. */
#include "support/xds_client.h"

#include "cache/cache.h"

static xds_client first, second, late;
static egress__xds_variant variant;

static void settle(egress_on_nack on_nack, uint32_t rollout_percent) {
  egress_trial_options options = EGRESS_TRIAL_OPTIONS_INIT;
  options.on_nack = on_nack;
  options.rollout_percent = rollout_percent;
  options.soak_ms = 1000;
  cr_assert_eq(egress_cache_set_trial(first.cache, "g", &options), 0);
}

static void connect(xds_client *client, const char *node_id) {
  xds_connect(client, first.cache, variant);
  xds_ask(client, (xds_request){.type = 'C', .node_id = node_id, .cluster = "g"});
}

/* Two clients of everything of clusters, with a good snapshot. */
static void begin(egress__xds_variant of, egress_on_nack on_nack) {
  variant = of;
  xds_begin(&first, variant);
  settle(on_nack, 0);
  xds_ask(&first, (xds_request){.type = 'C'});
  connect(&second, "m");
  xds_set(&first, "g", "C: a=1 b=1 L: l=1");
  SENT("C: a=1 b=1", xds_drain(&first));
  SENT("C: a=1 b=1", xds_drain(&second));
  int is_tried = on_nack != EGRESS_ON_NACK_NOTHING;
  xds_ack(&first, 'C', NULL);
  cr_assert_eq(egress_cache_trial(first.cache, "g"), is_tried ? EGRESS_TRIAL_OPEN : EGRESS_TRIAL_NONE);
  xds_ack(&second, 'C', NULL);
  cr_assert_eq(egress_cache_trial(first.cache, "g"), is_tried ? EGRESS_TRIAL_GOOD : EGRESS_TRIAL_NONE);
  first.events[0] = second.events[0] = '\0';
  first.ready = second.ready = 0;
}

static void end(void) {
  xds_end(&first);
  xds_end(&second);
}

/* What a client is told when it goes from `all` to where only `changed` differs. */
#define CHANGED(all, changed) (variant == EGRESS__XDS_SOTW ? (all) : (changed))

static void rollback(egress__xds_variant of) {
  begin(of, EGRESS_ON_NACK_ROLLBACK);
  xds_set(&first, "g", "C: a=1 b=2 c=1 L: l=1");
  char version[XDS_WORD];
  snprintf(version, sizeof version, "%s",
           egress_snapshot_type_label(egress_cache_get(first.cache, "g"), EGRESS_TYPE_CLUSTER));
  SENT(CHANGED("C: a=1 b=2 c=1", "C: b=2 c=1"), xds_drain(&first));
  SENT(CHANGED("C: a=1 b=2 c=1", "C: b=2 c=1"), xds_drain(&second));
  SENT("", xds_ack(&second, 'C', NULL));
  first.ready = second.ready = 0;
  /* It may have taken over a part of it. */
  SENT(CHANGED("C: a=1 b=1", "C: b=1 -c"),
       xds_ask(&first, (xds_request){.type = 'C', .nonce = xds_nonce(&first, 'C'), .error = "Cluster b: no"}));
  cr_assert_str_eq(first.events, "nacked C 13 Cluster b: no; rolled back C b of g: Cluster b: no; ");
  cr_assert_str_eq(first.versions, version);
  cr_assert_eq(first.ready, 0, "its own call is on");
  cr_assert_eq(second.ready, 1);
  SENT(CHANGED("C: a=1 b=1", "C: b=1 -c"), xds_drain(&second));
  SENT("", xds_ack(&first, 'C', NULL));
  SENT("", xds_ack(&second, 'C', NULL));
  connect(&late, "o");
  SENT("C: a=1 b=1", late.text);
  xds_end(&late);
  /* The next one is tried again. */
  xds_set(&first, "g", "C: a=1 b=3");
  SENT(CHANGED("C: a=1 b=3", "C: b=3"), xds_drain(&first));
  SENT(CHANGED("C: a=1 b=3", "C: b=3"), xds_drain(&second));
  xds_ack(&first, 'C', NULL);
  xds_ack(&second, 'C', NULL);
  cr_assert_eq(egress_cache_trial(first.cache, "g"), EGRESS_TRIAL_GOOD);
  end();
}

Test(trial, refusal_leads_all_clients_back_sotw) {
  rollback(EGRESS__XDS_SOTW);
}

Test(trial, refusal_leads_all_clients_back_delta) {
  rollback(EGRESS__XDS_DELTA);
}

static void hold(egress__xds_variant of) {
  begin(of, EGRESS_ON_NACK_HOLD);
  xds_set(&first, "g", "C: a=1 b=2 L: l=1");
  SENT(CHANGED("C: a=1 b=2", "C: b=2"), xds_drain(&first));
  SENT("", xds_nack(&first, 'C', NULL));
  cr_assert_str_eq(first.events, "nacked C 13 bad; held C b of g: bad; ");
  SENT("", xds_drain(&second)); /* it had not asked yet, and never sees it */
  connect(&late, "o");
  SENT("C: a=1 b=1", late.text);
  xds_end(&late);
  end();
}

Test(trial, held_snapshot_goes_to_no_others_sotw) {
  hold(EGRESS__XDS_SOTW);
}

Test(trial, held_snapshot_goes_to_no_others_delta) {
  hold(EGRESS__XDS_DELTA);
}

/* What was refused is not sent again: so nobody would refuse it a second time. */
static void refused_before(egress__xds_variant of) {
  begin(of, EGRESS_ON_NACK_HOLD);
  xds_set(&first, "g", "C: a=1 b=2");
  xds_drain(&first);
  xds_nack(&first, 'C', NULL);
  xds_set(&first, "g", "C: a=1 b=2 L: l=2");
  first.events[0] = '\0';
  SENT("", xds_drain(&first));
  cr_assert_str_eq(first.events, "held C b of g: the client has refused this before; ");
  SENT("", xds_drain(&second));
  end();
}

Test(trial, what_was_refused_before_is_refused_again_sotw) {
  refused_before(EGRESS__XDS_SOTW);
}

Test(trial, what_was_refused_before_is_refused_again_delta) {
  refused_before(EGRESS__XDS_DELTA);
}

/* Refused, and set again with other listeners before the client has gone back. */
static void refused_twice(egress__xds_variant of) {
  begin(of, EGRESS_ON_NACK_ROLLBACK);
  xds_set(&first, "g", "C: a=1 b=2");
  xds_drain(&first);
  xds_request nack = {.type = 'C', .nonce = xds_nonce(&first, 'C'), .error = "bad"};
  cr_assert_eq(xds_send(&first, nack), 0);
  xds_set(&first, "g", "C: a=1 b=2 L: l=2");
  SENT(CHANGED("C: a=1 b=1", "C: b=1"), xds_drain(&first));
  cr_assert_str_eq(first.events, "nacked C 13 bad; rolled back C b of g: bad; "
                                 "rolled back C b of g: the client has refused this before; ");
  end();
}

Test(trial, what_was_refused_before_leads_back_sotw) {
  refused_twice(EGRESS__XDS_SOTW);
}

Test(trial, what_was_refused_before_leads_back_delta) {
  refused_twice(EGRESS__XDS_DELTA);
}

/* A client that refuses what is good for the others has a say in what else changes. */
static void odd_one(egress__xds_variant of) {
  begin(of, EGRESS_ON_NACK_NOTHING);
  egress_trial_options half = EGRESS_TRIAL_OPTIONS_INIT;
  half.on_nack = EGRESS_ON_NACK_ROLLBACK;
  half.good_percent = 50;
  xds_set(&first, "g", "C: a=2");
  xds_drain(&first);
  xds_drain(&second);
  cr_assert_eq(egress_cache_set_trial(first.cache, "g", &half), 0);
  xds_nack(&first, 'C', NULL);
  xds_ack(&second, 'C', NULL);
  cr_assert_eq(egress_cache_trial(first.cache, "g"), EGRESS_TRIAL_GOOD);
  settle(EGRESS_ON_NACK_ROLLBACK, 0);
  xds_set(&first, "g", "C: a=2 L: l=2");
  xds_drain(&second);
  cr_assert_eq(egress_cache_trial(first.cache, "g"), EGRESS_TRIAL_OPEN);
  xds_drain(&first);
  cr_assert_eq(egress_cache_trial(first.cache, "g"), EGRESS_TRIAL_GOOD);
  end();
}

Test(trial, client_that_refuses_what_is_good_has_a_say_sotw) {
  odd_one(EGRESS__XDS_SOTW);
}

Test(trial, client_that_refuses_what_is_good_has_a_say_delta) {
  odd_one(EGRESS__XDS_DELTA);
}

static void no_interest(egress__xds_variant of) {
  begin(of, EGRESS_ON_NACK_ROLLBACK);
  xds_set(&first, "g", "C: a=1 b=1 L: l=2");
  SENT("", xds_drain(&first));
  cr_assert_eq(egress_cache_trial(first.cache, "g"), EGRESS_TRIAL_OPEN);
  SENT("", xds_drain(&second));
  cr_assert_eq(egress_cache_trial(first.cache, "g"), EGRESS_TRIAL_GOOD);
  end();
}

Test(trial, change_that_is_not_sent_is_accepted_sotw) {
  no_interest(EGRESS__XDS_SOTW);
}

Test(trial, change_that_is_not_sent_is_accepted_delta) {
  no_interest(EGRESS__XDS_DELTA);
}

static void every_type_counts(egress__xds_variant of) {
  begin(of, EGRESS_ON_NACK_ROLLBACK);
  SENT("L: l=1", xds_ask(&first, (xds_request){.type = 'L'}));
  xds_ack(&first, 'L', NULL);
  xds_set(&first, "g", "C: a=2 b=1 L: l=2");
  SENT(CHANGED("C: a=2 b=1 | L: l=2", "C: a=2 | L: l=2"), xds_drain(&first));
  xds_drain(&second);
  xds_ack(&second, 'C', NULL);
  xds_ack(&first, 'C', NULL);
  cr_assert_eq(egress_cache_trial(first.cache, "g"), EGRESS_TRIAL_OPEN);
  first.events[0] = '\0';
  SENT(CHANGED("C: a=1 b=1 | L: l=1", "C: a=1 | L: l=1"), xds_nack(&first, 'L', NULL));
  cr_assert_str_eq(first.events, "nacked L 13 bad; rolled back L l of g: bad; ");
  end();
}

Test(trial, every_type_has_to_be_accepted_sotw) {
  every_type_counts(EGRESS__XDS_SOTW);
}

Test(trial, every_type_has_to_be_accepted_delta) {
  every_type_counts(EGRESS__XDS_DELTA);
}

/* Its answer comes when the group has gone on already. */
static void late_answer(egress__xds_variant of) {
  begin(of, EGRESS_ON_NACK_ROLLBACK);
  xds_set(&first, "g", "C: a=1 b=2");
  xds_drain(&first);
  xds_set(&first, "g", "C: a=1 b=3");
  SENT("", xds_drain(&first));
  SENT(CHANGED("C: a=1 b=3", "C: b=3"), xds_nack(&first, 'C', NULL));
  cr_assert_eq(egress_cache_trial(first.cache, "g"), EGRESS_TRIAL_OPEN);
  xds_ack(&first, 'C', NULL);
  SENT(CHANGED("C: a=1 b=3", "C: b=3"), xds_drain(&second));
  xds_ack(&second, 'C', NULL);
  cr_assert_eq(egress_cache_trial(first.cache, "g"), EGRESS_TRIAL_GOOD);
  end();
}

Test(trial, refusal_of_what_was_replaced_changes_nothing_sotw) {
  late_answer(EGRESS__XDS_SOTW);
}

Test(trial, refusal_of_what_was_replaced_changes_nothing_delta) {
  late_answer(EGRESS__XDS_DELTA);
}

/* A client is led back while its answer is on the way. */
static void back_in_flight(egress__xds_variant of) {
  begin(of, EGRESS_ON_NACK_ROLLBACK);
  xds_set(&first, "g", "C: a=1 b=2");
  xds_drain(&first);
  xds_drain(&second);
  xds_nack(&first, 'C', NULL);
  SENT("", xds_drain(&second));
  SENT(CHANGED("C: a=1 b=1", "C: b=1"), xds_ack(&second, 'C', NULL));
  end();
}

Test(trial, way_back_waits_for_the_answer_sotw) {
  back_in_flight(EGRESS__XDS_SOTW);
}

Test(trial, way_back_waits_for_the_answer_delta) {
  back_in_flight(EGRESS__XDS_DELTA);
}

/* The first of the two is in a share of one percent that nobody else is in: the one of the lower bucket. */
static void rollout(egress__xds_variant of) {
  begin(of, EGRESS_ON_NACK_ROLLBACK);
  settle(EGRESS_ON_NACK_ROLLBACK, 1);
  xds_drain(&first);
  xds_drain(&second);
  cr_assert_eq(egress_cache_trial(first.cache, "g"), EGRESS_TRIAL_GOOD);
  first.ready = second.ready = 0;
  xds_set(&first, "g", "C: a=1 b=2");
  cr_assert_eq(first.ready + second.ready, 1);
  xds_client *share = first.ready ? &first : &second, *rest = first.ready ? &second : &first;
  SENT("", xds_drain(rest));
  SENT(CHANGED("C: a=1 b=2", "C: b=2"), xds_drain(share));
  SENT("", xds_ack(share, 'C', NULL));
  cr_assert_eq(egress_cache_trial(first.cache, "g"), EGRESS_TRIAL_SOAKING);
  SENT("", xds_drain(rest));
  cr_assert_eq(egress__cache_tick(first.cache, 5), EGRESS__STEPS_KEPT_MS); /* responses are still kept, then none is */
  cr_assert_eq(egress__cache_tick(first.cache, 5 + EGRESS__STEPS_KEPT_MS), 1000 - EGRESS__STEPS_KEPT_MS);
  cr_assert_eq(egress__cache_tick(first.cache, 1004), 1);
  cr_assert_eq(rest->ready, 0);
  egress__cache_tick(first.cache, 1005);
  cr_assert_eq(rest->ready, 1);
  SENT(CHANGED("C: a=1 b=2", "C: b=2"), xds_drain(rest));
  SENT("", xds_drain(share));
  xds_ack(rest, 'C', NULL);
  cr_assert_eq(egress_cache_trial(first.cache, "g"), EGRESS_TRIAL_GOOD);
  /* The next one is refused by the share: the rest never hears of it. */
  xds_set(&first, "g", "C: a=1 b=3");
  xds_drain(share);
  SENT(CHANGED("C: a=1 b=2", "C: b=2"), xds_nack(share, 'C', NULL));
  SENT("", xds_drain(rest));
  end();
}

Test(trial, rollout_goes_to_a_share_first_sotw) {
  rollout(EGRESS__XDS_SOTW);
}

Test(trial, rollout_goes_to_a_share_first_delta) {
  rollout(EGRESS__XDS_DELTA);
}

Test(trial, client_that_asks_once_has_no_say) {
  begin(EGRESS__XDS_SOTW, EGRESS_ON_NACK_ROLLBACK);
  xds_set(&first, "g", "C: a=1 b=2");
  egress__response response;
  xds_connect(&late, first.cache, variant);
  cr_assert_eq(xds_send(&late, (xds_request){.type = 'C', .node_id = "o", .cluster = "g"}), 0);
  cr_assert_eq(egress__stream_fetch(late.stream, &response), 1);
  egress__blob_unref(response.body);
  xds_end(&late);
  cr_assert_eq(egress_cache_trial(first.cache, "g"), EGRESS_TRIAL_OPEN);
  end();
}
