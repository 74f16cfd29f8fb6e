#include <criterion/criterion.h>

#include "support/counted.h"
#include "support/xds.h"

#include "xds/request.h"
#include "xds/track.h"

enum { SETS = 8 };

static egress__budget budget;
static egress__track *track;
static egress_snapshot *snaps[SETS];

static egress__track *make(const char *type_url) {
  egress__track *made = egress__track_new(egress__alloc_or_default(NULL),
                                          (egress__span){(const uint8_t *)type_url, strlen(type_url)}, &budget);
  cr_assert_not_null(made);
  return made;
}

static void begin(void) {
  budget = (egress__budget){.max_names = 100, .max_bytes = 100000};
  track = make(EGRESS_TYPE_CLUSTER);
}
static void end(void) {
  egress__track_free(track);
  cr_assert_eq(budget.bytes, 0);
  for (int i = 0; i < SETS; i++)
    egress_snapshot_unref(snaps[i]);
}
TestSuite(track, .init = begin, .fini = end);

/* The clusters of the snapshot in this place, which is a new one. */
static const egress__type_set *set(int i, const char *text) {
  egress_snapshot_unref(snaps[i]);
  cr_assert_eq(xds_snapshot_new(&snaps[i], text, NULL), 0);
  return egress__snapshot_type(snaps[i], EGRESS_TYPE_CLUSTER);
}

static void want(const char *name) {
  cr_assert_eq(egress__subscription_add(&track->want, (egress__span){(const uint8_t *)name, strlen(name)}), 0);
}

static uint32_t owed(egress__owed owed) {
  return track->want.owed[owed];
}

/* The client is told everything of `to` and takes it. */
static void take(const egress__type_set *to) {
  egress__track_sent(track, to, 1, 1);
  egress__track_accepted(track);
}

static void refuse(const egress__type_set *to) {
  egress__track_sent(track, to, 1, 1);
  egress__track_refused(track);
}

Test(track, types_are_sent_in_the_order_of_their_ranks) {
  static const char *const urls[] = {EGRESS_TYPE_CLUSTER, EGRESS_TYPE_ENDPOINT, EGRESS_TYPE_LISTENER, EGRESS_TYPE_ROUTE,
                                     "type.googleapis.com/other"};
  int last = -1;
  for (int i = 0; i < 5; i++) {
    egress__track *other = make(urls[i]);
    cr_assert_str_eq(other->type_url, urls[i]);
    cr_assert_gt(other->rank, last);
    cr_assert_eq(other->whole, i == 0 || i == 2); /* clusters and listeners */
    last = other->rank;
    egress__track_free(other);
  }
  egress__track_free(NULL);
}

Test(track, nothing_is_known_at_first) {
  const egress__type_set *a = set(0, "C: a=1");
  cr_assert_eq(track->phase, EGRESS__PHASE_FRESH);
  cr_assert(track->has.nothing);
  cr_assert(egress__track_differs(track, a));
  cr_assert(egress__track_differs(track, NULL));
  cr_assert_not(egress__track_must_step(track, a)); /* nothing is wanted */
}

Test(track, equal_content_does_not_differ) {
  take(set(0, "C: a=1"));
  cr_assert_not(egress__track_differs(track, set(1, "C: a=1")));
  cr_assert(egress__track_differs(track, set(2, "C: a=2")));
  cr_assert(egress__track_differs(track, NULL));
  take(NULL);
  cr_assert_not(egress__track_differs(track, NULL));
  cr_assert(egress__track_differs(track, set(1, "C: a=1")));
}

Test(track, steps_when_something_is_wanted_that_may_have_changed) {
  const egress__type_set *a = set(0, "C: a=1"), *b = set(1, "C: a=2");
  want("a");
  cr_assert(egress__track_must_step(track, a));
  take(a);
  cr_assert_not(egress__track_must_step(track, a));
  cr_assert(egress__track_must_step(track, b));
  egress__subscription_remove(&track->want, egress__subscription_find(&track->want, "a", 1));
  cr_assert_not(egress__track_must_step(track, b));
  egress__subscription_set_wildcard(&track->want, 1);
  cr_assert(egress__track_must_step(track, a)); /* everything is owed, changed or not */
  take(a);
  cr_assert_not(egress__track_must_step(track, a));
  cr_assert(egress__track_must_step(track, b));
}

Test(track, what_the_client_lacks_is_told_to_those_who_want_everything) {
  want("a");
  cr_assert_not(egress__track_from(track).nothing); /* the name is owed, so that tells it */
  egress__subscription_set_wildcard(&track->want, 1);
  cr_assert(egress__track_from(track).nothing);
  take(set(0, "C: a=1"));
  cr_assert_not(egress__track_from(track).nothing);
  cr_assert_eq(egress__track_from(track).count, 1);
  egress__subscription_set_wildcard(&track->want, 1); /* asked for again: it may have forgotten all */
  cr_assert(egress__track_from(track).nothing);
  egress__track_sent(track, egress__snapshot_type(snaps[0], EGRESS_TYPE_CLUSTER), 1, 2);
  cr_assert(egress__track_from(track).nothing); /* until it accepts */
  egress__track_accepted(track);
  cr_assert_not(egress__track_from(track).nothing);
}

Test(track, response_is_in_flight_until_it_is_answered) {
  want("a");
  egress__track_sent(track, set(0, "C: a=1"), 1, 7);
  cr_assert_eq(track->phase, EGRESS__PHASE_WAITING);
  cr_assert_eq(track->nonce, 7);
  cr_assert_eq(owed(EGRESS__OWED_SENT), 1);
  egress__track_accepted(track);
  cr_assert_eq(track->phase, EGRESS__PHASE_ACCEPTED);
  cr_assert_eq(owed(EGRESS__OWED_NO), 1);
  egress__track_sent(track, set(1, "C: a=2"), 1, 9);
  cr_assert_eq(track->nonce, 9);
  egress__track_refused(track);
  cr_assert_eq(track->phase, EGRESS__PHASE_REFUSED);
}

Test(track, refused_debts_are_paid_by_the_next_step_only) {
  want("a");
  refuse(set(0, "C: a=1"));
  cr_assert_eq(owed(EGRESS__OWED_LATER), 1);
  egress__track_sent(track, NULL, 0, 2);
  cr_assert_eq(owed(EGRESS__OWED_LATER), 1);
  egress__track_sent(track, set(1, "C: a=2"), 1, 3);
  cr_assert_eq(owed(EGRESS__OWED_SENT), 1);
}

Test(track, accepted_set_is_all_that_the_client_has) {
  const egress__type_set *a = set(0, "C: a=1"), *b = set(1, "C: a=2"), *c = set(2, "C: a=3");
  take(a);
  refuse(b);
  cr_assert_eq(track->has.count, 2);
  cr_assert_eq(track->has.sets[0], a);
  cr_assert_eq(track->has.sets[1], b);
  take(c);
  cr_assert_eq(track->has.count, 1);
  cr_assert_eq(track->has.sets[0], c);
}

Test(track, response_that_only_pays_debts_leaves_what_the_client_has_in_doubt) {
  const egress__type_set *a = set(0, "C: a=1"), *b = set(1, "C: a=2");
  take(a);
  refuse(b);
  egress__track_sent(track, b, 0, 3);
  cr_assert_eq(track->has.count, 2);
  egress__track_accepted(track);
  cr_assert_eq(track->has.count, 2);
}

Test(track, refused_again_and_again_the_oldest_refused_set_goes) {
  const egress__type_set *sets[EGRESS__BASES_MAX + 1];
  char text[XDS_WORD];
  for (int i = 0; i <= EGRESS__BASES_MAX; i++) {
    snprintf(text, sizeof text, "C: a=%d", i);
    sets[i] = set(i, text);
    if (i == 0)
      take(sets[i]);
    else
      refuse(sets[i]);
  }
  cr_assert_eq(track->has.count, EGRESS__BASES_MAX);
  cr_assert_eq(track->has.sets[0], sets[0]); /* what it accepted stays */
  for (int i = 1; i < EGRESS__BASES_MAX; i++)
    cr_assert_eq(track->has.sets[i], sets[i + 1]);
}

Test(track, where_nothing_had_to_be_said_the_client_is_there_already) {
  const egress__type_set *a = set(0, "C: a=1"), *b = set(1, "C: a=1 b=1");
  want("a");
  take(a);
  egress__track_settled(track, b, 1);
  cr_assert_eq(track->phase, EGRESS__PHASE_ACCEPTED);
  cr_assert_eq(track->nonce, 1);
  cr_assert_eq(track->has.count, 1);
  cr_assert_eq(track->has.sets[0], b);
  want("c");
  egress__track_settled(track, NULL, 0);
  cr_assert_eq(owed(EGRESS__OWED_NO), 2);
  cr_assert_eq(track->has.sets[0], b);
}

Test(track, refresh_lets_the_older_of_equal_sets_go) {
  egress_snapshot *old;
  cr_assert_eq(xds_snapshot_new(&old, "C: a=1", &counted), 0);
  take(egress__snapshot_type(old, EGRESS_TYPE_CLUSTER));
  egress_snapshot_unref(old);
  egress__track_refresh(track, set(0, "C: a=2")); /* not equal */
  cr_assert_gt(counted_live, 0);
  const egress__type_set *equal = set(1, "C: a=1");
  egress__track_refresh(track, equal);
  cr_assert_eq(counted_live, 0);
  cr_assert_eq(track->has.sets[0], equal);
}

Test(track, refresh_of_nothing_is_nothing) {
  egress__track_refresh(track, set(0, "C: a=1"));
  cr_assert_eq(track->has.count, 0);
}

/* The versions that a client said it holds count until the first answer. */
Test(track, first_answer_ends_the_initial_versions) {
  for (int settled = 0; settled <= 1; settled++) {
    static uint8_t bytes[XDS_REQUEST];
    egress__request request;
    egress__stream_fault fault;
    size_t size = xds_encode(bytes, EGRESS__XDS_DELTA, &(xds_request){.type = 'C', .initial = "a=1"});
    cr_assert_eq(egress__request_read(&request, EGRESS__XDS_DELTA, NULL, bytes, size, &fault), 0);
    cr_assert_eq(egress__initial_new(&track->initial, track->alloc, &budget, &request), 0);
    cr_assert_gt(budget.bytes, 0);
    if (settled)
      egress__track_settled(track, NULL, 0);
    else
      egress__track_sent(track, NULL, 0, 1);
    cr_assert_null(track->initial);
    cr_assert_eq(budget.bytes, 0);
  }
}
