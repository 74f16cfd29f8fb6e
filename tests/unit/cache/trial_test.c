#include "cache/trial.h"

#include <criterion/criterion.h>
#include <egress/error.h>

#include "snapshot/snapshot.h"
#include "support/xds.h"

static egress_cache *cache;
static char told[XDS_TEXT]; /* group events: "proven g; " */
static int ticks;           /* calls of on_due */

static const char *kind_name(int32_t kind) {
  static const char *const names[] = {"held", "rolled back", "proven", "staged", "soaking", "open"};
  cr_assert(kind >= EGRESS_EVENT_HELD && kind <= EGRESS_EVENT_ROLLOUT_OPEN);
  return names[kind - EGRESS_EVENT_HELD];
}

static void on_event(egress__observer *observer, const egress_event *event) {
  (void)observer;
  size_t used = strlen(told);
  snprintf(told + used, sizeof told - used, "%s %s; ", kind_name(event->kind), event->group);
  cr_assert_eq(event->stream_id, 0);
  cr_assert_str_eq(event->node_id, "");
  cr_assert_str_eq(event->resource, "");
}

static void on_due(egress__observer *observer) {
  (void)observer;
  ticks++;
}

static egress__observer observer = {.on_event = on_event, .on_due = on_due};

static void begin(void) {
  cr_assert_eq(egress_cache_new(&cache, NULL), 0);
  egress__cache_observe(cache, &observer);
}
static void end(void) {
  egress__cache_unobserve(cache, &observer);
  egress_cache_unref(cache);
}
TestSuite(trial, .init = begin, .fini = end);

#define TOLD(expected) \
  do { \
    cr_assert_str_eq(told, expected); \
    told[0] = '\0'; \
  } while (0)

/* A stream that takes what counts for it when it is told to. */
typedef struct watcher {
  egress__watch watch;
  int changes;
  egress_snapshot *has;
} watcher;

static void on_change(egress__watch *watch) {
  ((watcher *)watch)->changes++;
}

static void take(watcher *w) {
  w->has = egress__watch_snapshot(&w->watch);
  egress__watch_take(&w->watch, w->has);
}

/* Joins without taking anything. */
static void enter_as(watcher *w, const char *group, const char *node_id) {
  *w = (watcher){.watch = {.on_change = on_change}};
  cr_assert_eq(egress__cache_join(cache, &(egress_node){.id = node_id, .cluster = group}, &w->watch), 0);
}

/* A node of a bucket from `low` up to and without `high`. */
static void enter_bucket(watcher *w, const char *group, unsigned low, unsigned high) {
  for (int i = 0;; i++) {
    char id[XDS_WORD];
    snprintf(id, sizeof id, "node-%d", i);
    enter_as(w, group, id);
    if (w->watch.bucket >= low && w->watch.bucket < high)
      return;
    egress__watch_leave(&w->watch);
  }
}

static void enter(watcher *w, const char *group) {
  enter_as(w, group, "n");
  take(w);
}

static void leave(watcher *w) {
  egress__watch_leave(&w->watch);
}

/* Takes what it was told of and accepts it. */
static void accept(watcher *w) {
  if (w->watch.changed)
    take(w);
  if (w->watch.judged)
    egress__watch_accept(&w->watch);
}

static egress_event heard; /* by the last refusal that counted */

/* Refuses the clusters of `snap`. */
static int refuse_what(watcher *w, egress_snapshot *snap, const char *text) {
  heard = (egress_event){.kind = EGRESS_EVENT_NACKED, .type_url = EGRESS_TYPE_CLUSTER, .message = text};
  return egress__watch_refuse(&heard, &w->watch, egress__snapshot_type(snap, EGRESS_TYPE_CLUSTER));
}

/* Takes what it was told of and refuses its clusters. */
static int refuse(watcher *w) {
  if (w->watch.changed)
    take(w);
  return refuse_what(w, w->has, "no");
}

static egress_snapshot *set(const char *group, const char *text) {
  egress_snapshot *snap;
  cr_assert_eq(xds_snapshot_new(&snap, text, NULL), 0);
  cr_assert_eq(egress_cache_set(cache, group, snap), 0);
  egress_snapshot_unref(snap); /* the cache has its own reference */
  return snap;
}

static void settle(const char *group, egress_on_nack on_nack, uint32_t good, uint32_t rollout, uint32_t soak) {
  egress_trial_options options = EGRESS_TRIAL_OPTIONS_INIT;
  options.on_nack = on_nack;
  options.good_percent = good;
  options.rollout_percent = rollout;
  options.soak_ms = soak;
  cr_assert_eq(egress_cache_set_trial(cache, group, &options), 0);
}

#define STATE(group, expected) cr_assert_eq(egress_cache_trial(cache, group), expected)

/* ---- settings ---- */

Test(trial, options_are_checked) {
  egress_trial_options options = EGRESS_TRIAL_OPTIONS_INIT;
  cr_assert_eq(egress_cache_set_trial(NULL, "g", &options), EGRESS_EINVAL);
  cr_assert_eq(egress_cache_set_trial(cache, "", &options), EGRESS_EINVAL);
  options.on_nack = 3;
  cr_assert_eq(egress_cache_set_trial(cache, "g", &options), EGRESS_EINVAL);
  options.on_nack = EGRESS_ON_NACK_HOLD;
  options.good_percent = 101;
  cr_assert_eq(egress_cache_set_trial(cache, "g", &options), EGRESS_EINVAL);
  options.good_percent = 0;
  options.rollout_percent = 101;
  cr_assert_eq(egress_cache_set_trial(cache, "g", &options), EGRESS_EINVAL);
  options.on_nack = EGRESS_ON_NACK_NOTHING;
  options.rollout_percent = 10;
  cr_assert_eq(egress_cache_set_trial(cache, "g", &options), EGRESS_EINVAL, "nothing would end it");
  options.size--;
  cr_assert_eq(egress_cache_set_trial(cache, "g", &options), EGRESS_EINVAL);
  cr_assert_eq(egress_cache_set_trial(cache, "g", NULL), 0, "there was nothing said");
  STATE(NULL, EGRESS_TRIAL_NONE);
  cr_assert_eq(egress_cache_trial(NULL, "g"), EGRESS_TRIAL_NONE);
  cr_assert_eq(egress_cache_good(cache, NULL), NULL);
  cr_assert_eq(egress_cache_good(NULL, "g"), NULL);
}

Test(trial, nothing_is_tried_unless_somebody_says_so) {
  watcher w, other;
  enter(&w, "g");
  enter(&other, "g");
  set("g", "C: a=1");
  accept(&w);
  egress_snapshot *snap = set("g", "C: a=2");
  take(&w);
  cr_assert_not(w.watch.judged);
  cr_assert_eq(refuse(&w), 0);
  take(&other);
  cr_assert_eq(other.has, snap);
  STATE("g", EGRESS_TRIAL_NONE);
  cr_assert_eq(egress_cache_good(cache, "g"), NULL);
  TOLD("");
}

Test(trial, settings_of_a_group_come_before_those_of_star) {
  settle("*", EGRESS_ON_NACK_HOLD, 0, 0, 0);
  settle("mine", EGRESS_ON_NACK_NOTHING, 0, 0, 0);
  set("mine", "C: a=1");
  set("other", "C: a=1");
  STATE("mine", EGRESS_TRIAL_NONE);
  STATE("other", EGRESS_TRIAL_OPEN);
  cr_assert_eq(egress_cache_set_trial(cache, "mine", NULL), 0);
  STATE("mine", EGRESS_TRIAL_OPEN);
  cr_assert_eq(egress_cache_set_trial(cache, "*", NULL), 0);
  STATE("mine", EGRESS_TRIAL_NONE);
  STATE("other", EGRESS_TRIAL_NONE);
}

Test(trial, snapshot_that_is_there_goes_on_trial_with_the_settings) {
  watcher w;
  set("g", "C: a=1");
  enter(&w, "g");
  settle("g", EGRESS_ON_NACK_ROLLBACK, 0, 0, 0);
  STATE("g", EGRESS_TRIAL_OPEN);
  cr_assert_eq(w.changes, 1); /* so that it comes and says what it thinks */
  accept(&w);
  STATE("g", EGRESS_TRIAL_GOOD);
  settle("g", EGRESS_ON_NACK_HOLD, 0, 0, 0);
  STATE("g", EGRESS_TRIAL_GOOD);
  leave(&w);
}

Test(trial, without_settings_everybody_has_the_newest_again) {
  watcher w;
  settle("g", EGRESS_ON_NACK_ROLLBACK, 0, 0, 0);
  egress_snapshot *good = set("g", "C: a=1");
  enter(&w, "g");
  accept(&w);
  egress_snapshot *bad = set("g", "C: a=2");
  cr_assert_eq(refuse(&w), 1);
  take(&w);
  cr_assert_eq(w.has, good);
  cr_assert_eq(egress_cache_set_trial(cache, "g", NULL), 0);
  STATE("g", EGRESS_TRIAL_NONE);
  cr_assert_eq(egress_cache_good(cache, "g"), NULL);
  take(&w);
  cr_assert_eq(w.has, bad);
  leave(&w);
}

Test(trial, settings_of_star_leave_a_trial_alone_that_is_not_theirs) {
  watcher w;
  settle("g", EGRESS_ON_NACK_ROLLBACK, 0, 0, 0);
  set("g", "C: a=1");
  enter(&w, "g");
  accept(&w);
  set("g", "C: a=2");
  cr_assert_eq(refuse(&w), 1);
  settle("*", EGRESS_ON_NACK_HOLD, 0, 0, 0);
  STATE("g", EGRESS_TRIAL_REFUSED);
  settle("g", EGRESS_ON_NACK_ROLLBACK, 0, 0, 0);
  STATE("g", EGRESS_TRIAL_OPEN); /* its own begin it again */
  leave(&w);
}

/* ---- good or not ---- */

Test(trial, snapshot_is_good_when_all_streams_accepted_it) {
  watcher a, b;
  settle("g", EGRESS_ON_NACK_ROLLBACK, 0, 0, 0);
  enter(&a, "g");
  enter(&b, "g");
  egress_snapshot *snap = set("g", "C: a=1");
  STATE("g", EGRESS_TRIAL_OPEN);
  cr_assert_eq(egress_cache_good(cache, "g"), NULL);
  accept(&a);
  accept(&a);
  STATE("g", EGRESS_TRIAL_OPEN);
  accept(&b);
  STATE("g", EGRESS_TRIAL_GOOD);
  cr_assert_eq(egress_cache_good(cache, "g"), snap);
  TOLD("proven g; ");
  egress_snapshot *next = set("g", "C: a=2");
  cr_assert_eq(egress_cache_get(cache, "g"), next);
  cr_assert_eq(egress_cache_good(cache, "g"), snap);
  leave(&a);
  leave(&b);
}

Test(trial, share_is_enough_if_asked_for) {
  watcher w[3];
  settle("g", EGRESS_ON_NACK_ROLLBACK, 60, 0, 0);
  for (int i = 0; i < 3; i++)
    enter(&w[i], "g");
  set("g", "C: a=1");
  accept(&w[0]);
  STATE("g", EGRESS_TRIAL_OPEN); /* 33 % */
  accept(&w[1]);
  STATE("g", EGRESS_TRIAL_GOOD); /* 66 % */
  for (int i = 0; i < 3; i++)
    leave(&w[i]);
}

Test(trial, without_streams_nothing_is_proven) {
  watcher w;
  settle("g", EGRESS_ON_NACK_ROLLBACK, 0, 0, 0);
  set("g", "C: a=1");
  STATE("g", EGRESS_TRIAL_OPEN);
  enter(&w, "g");
  leave(&w);
  STATE("g", EGRESS_TRIAL_OPEN);
  TOLD("");
}

Test(trial, who_leaves_is_not_waited_for) {
  watcher a, b;
  settle("g", EGRESS_ON_NACK_ROLLBACK, 0, 0, 0);
  enter(&a, "g");
  enter(&b, "g");
  set("g", "C: a=1");
  accept(&a);
  leave(&b);
  STATE("g", EGRESS_TRIAL_GOOD);
  TOLD("proven g; ");
  set("g", "C: a=2");
  enter(&b, "g");
  accept(&b);
  leave(&b); /* and its consent goes with it */
  STATE("g", EGRESS_TRIAL_OPEN);
  leave(&a);
}

/* With a good snapshot and then another one. */
static egress_snapshot *good, *bad;

static void prove_then_set(watcher *a, watcher *b, egress_on_nack on_nack) {
  settle("g", on_nack, 0, 0, 0);
  enter(a, "g");
  enter(b, "g");
  good = set("g", "C: a=1 b=1 L: l=1");
  accept(a);
  accept(b);
  TOLD("proven g; ");
  bad = set("g", "C: a=1 b=2 L: l=1");
}

Test(trial, hold_gives_it_to_no_others) {
  watcher first, second, third;
  prove_then_set(&first, &second, EGRESS_ON_NACK_HOLD);
  cr_assert_eq(refuse(&first), 1);
  STATE("g", EGRESS_TRIAL_REFUSED);
  cr_assert_eq(heard.kind, EGRESS_EVENT_HELD);
  cr_assert_str_eq(heard.group, "g");
  cr_assert_str_eq(heard.resource, "b");
  cr_assert_str_eq(heard.message, "no");
  cr_assert_eq(egress__watch_snapshot(&first.watch), bad, "who has it keeps it");
  take(&second);
  cr_assert_eq(second.has, good);
  enter(&third, "g");
  cr_assert_eq(third.has, good);
  cr_assert_eq(egress_cache_get(cache, "g"), bad);
  cr_assert_eq(egress_cache_good(cache, "g"), good);
  leave(&first);
  leave(&second);
  leave(&third);
}

Test(trial, rollback_leads_all_back) {
  watcher first, second, third;
  prove_then_set(&first, &second, EGRESS_ON_NACK_ROLLBACK);
  accept(&second);
  cr_assert_eq(second.has, bad);
  int changes = second.changes;
  cr_assert_eq(refuse(&first), 1);
  cr_assert_eq(heard.kind, EGRESS_EVENT_ROLLED_BACK);
  cr_assert_eq(second.changes, changes + 1);
  take(&first);
  take(&second);
  enter(&third, "g");
  cr_assert(first.has == good && second.has == good && third.has == good);
  accept(&first); /* nothing is asked any more */
  accept(&second);
  accept(&third);
  STATE("g", EGRESS_TRIAL_REFUSED);
  cr_assert_eq(refuse_what(&second, bad, ""), 0, "one refusal is enough");
  TOLD("");
  leave(&first);
  leave(&second);
  leave(&third);
}

Test(trial, refusal_of_what_was_replaced_changes_nothing) {
  watcher a, b;
  prove_then_set(&a, &b, EGRESS_ON_NACK_ROLLBACK);
  egress_snapshot *replaced = egress_snapshot_ref(bad); /* as its stream has it */
  take(&a);
  set("g", "C: a=1 b=3 L: l=1");
  cr_assert_eq(refuse_what(&a, replaced, "no"), 0);
  STATE("g", EGRESS_TRIAL_OPEN);
  egress_snapshot_unref(replaced);
  leave(&a);
  leave(&b);
}

Test(trial, refusal_of_what_is_still_there_counts_for_the_newest) {
  watcher a, b;
  prove_then_set(&a, &b, EGRESS_ON_NACK_ROLLBACK);
  take(&a);
  egress_snapshot *next = set("g", "C: a=1 b=2 L: l=2"); /* other listeners, the same clusters */
  cr_assert_eq(refuse_what(&a, next, "no"), 1);
  STATE("g", EGRESS_TRIAL_REFUSED);
  leave(&a);
  leave(&b);
}

Test(trial, refusal_of_what_was_good_changes_nothing) {
  watcher a, b;
  prove_then_set(&a, &b, EGRESS_ON_NACK_ROLLBACK);
  set("g", "C: a=1 b=1 L: l=2");
  take(&a);
  cr_assert_not(egress__watch_tries(&a.watch, EGRESS_TYPE_CLUSTER));
  cr_assert(egress__watch_tries(&a.watch, EGRESS_TYPE_LISTENER));
  cr_assert_eq(refuse(&a), 0);
  STATE("g", EGRESS_TRIAL_OPEN);
  leave(&a);
  leave(&b);
}

Test(trial, without_a_good_one_there_is_nothing_to_go_back_to) {
  watcher a, b;
  settle("g", EGRESS_ON_NACK_ROLLBACK, 0, 0, 0);
  enter(&a, "g");
  egress_snapshot *snap = set("g", "C: a=1");
  cr_assert_eq(refuse(&a), 0);
  enter(&b, "g");
  cr_assert_eq(b.has, snap);
  accept(&b);
  STATE("g", EGRESS_TRIAL_OPEN); /* not all have accepted it */
  leave(&a);
  leave(&b);
}

Test(trial, another_snapshot_is_tried_after_a_refusal) {
  watcher a, b;
  prove_then_set(&a, &b, EGRESS_ON_NACK_ROLLBACK);
  cr_assert_eq(refuse(&a), 1);
  take(&a);
  egress_snapshot *next = set("g", "C: a=1 b=3");
  STATE("g", EGRESS_TRIAL_OPEN);
  accept(&a);
  accept(&b);
  cr_assert(a.has == next && b.has == next); /* b never took what was refused, nor went back */
  STATE("g", EGRESS_TRIAL_GOOD);
  cr_assert_eq(egress_cache_good(cache, "g"), next);
  set("g", "C: a=1 b=4");
  cr_assert_eq(refuse(&b), 1);
  take(&a);
  cr_assert_eq(a.has, next);
  leave(&a);
  leave(&b);
}

Test(trial, same_snapshot_set_again_is_tried_again) {
  watcher a, b;
  prove_then_set(&a, &b, EGRESS_ON_NACK_HOLD);
  cr_assert_eq(refuse(&a), 1);
  cr_assert_eq(egress_cache_set(cache, "g", bad), 0);
  STATE("g", EGRESS_TRIAL_OPEN);
  cr_assert_eq(egress_cache_good(cache, "g"), good);
  accept(&a);
  accept(&b);
  STATE("g", EGRESS_TRIAL_GOOD);
  leave(&a);
  leave(&b);
}

Test(trial, who_accepted_too_early_may_still_refuse) {
  watcher a, late;
  settle("g", EGRESS_ON_NACK_ROLLBACK, 0, 0, 0);
  enter(&a, "g");
  good = set("g", "C: a=1");
  accept(&a);
  set("g", "C: a=2");
  accept(&a); /* of listeners; of clusters it has not heard yet */
  STATE("g", EGRESS_TRIAL_GOOD);
  enter(&late, "g");
  cr_assert_eq(refuse(&late), 0, "others took it before");
  STATE("g", EGRESS_TRIAL_GOOD);
  cr_assert_eq(refuse(&a), 1);
  STATE("g", EGRESS_TRIAL_REFUSED);
  cr_assert_eq(egress_cache_good(cache, "g"), good);
  take(&late);
  cr_assert_eq(late.has, good);
  leave(&a);
  leave(&late);
}

static int released;

static void on_release(void *attachment) {
  released += *(int *)attachment;
}

static void set_marked(const char *text) {
  static int one = 1;
  egress_snapshot *snap;
  cr_assert_eq(xds_snapshot_new(&snap, text, NULL), 0);
  egress__snapshot_attach(snap, &one, on_release);
  cr_assert_eq(egress_cache_set(cache, "g", snap), 0);
  egress_snapshot_unref(snap);
}

Test(trial, two_snapshots_are_kept) {
  watcher w;
  settle("g", EGRESS_ON_NACK_ROLLBACK, 0, 0, 0);
  enter(&w, "g");
  set_marked("C: a=1");
  accept(&w);
  set_marked("C: a=2");
  cr_assert_eq(released, 0); /* the good one and the newest */
  set_marked("C: a=3");
  cr_assert_eq(released, 1);
  refuse(&w);
  cr_assert_eq(released, 1);
  set_marked("C: a=4");
  cr_assert_eq(released, 2);
  accept(&w);
  cr_assert_eq(released, 2); /* it was accepted, and may still be refused */
  set_marked("C: a=5");
  cr_assert_eq(released, 3);
  cr_assert_eq(egress_cache_clear(cache, "g"), 0);
  cr_assert_eq(released, 5);
  STATE("g", EGRESS_TRIAL_NONE);
  leave(&w);
}

/* ---- "*" ---- */

Test(trial, all_streams_that_star_serves_have_a_say) {
  watcher own, one, two;
  settle("*", EGRESS_ON_NACK_ROLLBACK, 0, 0, 0);
  enter(&own, "own");
  enter(&one, "one");
  enter(&two, "two");
  set("own", "C: a=9");
  egress_snapshot *all = set("*", "C: a=1");
  accept(&one);
  STATE("*", EGRESS_TRIAL_OPEN);
  accept(&two);
  STATE("*", EGRESS_TRIAL_GOOD);
  accept(&own);
  TOLD("proven *; proven own; ");
  set("*", "C: a=2");
  cr_assert_eq(refuse(&two), 1);
  cr_assert_str_eq(heard.group, "*");
  take(&one);
  cr_assert_eq(one.has, all);
  STATE("own", EGRESS_TRIAL_GOOD);
  leave(&own);
  leave(&one);
  leave(&two);
}

Test(trial, stars_trial_loses_a_group_that_gets_its_own) {
  watcher one, two;
  settle("*", EGRESS_ON_NACK_ROLLBACK, 0, 0, 0);
  set("*", "C: a=1");
  enter(&one, "one");
  enter(&two, "two");
  accept(&one);
  set("two", "C: a=2");
  STATE("*", EGRESS_TRIAL_GOOD);
  STATE("two", EGRESS_TRIAL_OPEN);
  accept(&two);
  STATE("two", EGRESS_TRIAL_GOOD);
  leave(&one);
  leave(&two);
}

Test(trial, streams_of_a_snapshot_that_is_gone_are_not_waited_for) {
  watcher one, two, three;
  settle("*", EGRESS_ON_NACK_ROLLBACK, 0, 0, 0);
  set("*", "C: a=1");
  set("two", "C: a=2");
  enter(&one, "one");
  enter(&two, "two");
  enter(&three, "three");
  cr_assert_eq(egress_cache_clear(cache, "two"), 0);
  leave(&two); /* it was not counted, and is not missed */
  accept(&one);
  STATE("*", EGRESS_TRIAL_OPEN);
  accept(&three);
  STATE("*", EGRESS_TRIAL_GOOD);
  leave(&three);
  enter(&two, "two");
  set("two", "C: a=2");
  accept(&two);
  egress_cache_clear(cache, "two");
  set("*", "C: a=3"); /* now it counts for them again */
  accept(&one);
  STATE("*", EGRESS_TRIAL_OPEN);
  accept(&two);
  STATE("*", EGRESS_TRIAL_GOOD);
  leave(&one);
  leave(&two);
}

/* ---- rollout ---- */

enum { SHARE = 30, FAR = 40 };

/* A good snapshot with one stream inside of the share and one outside; then another snapshot. */
static void begin_rollout(watcher *in, watcher *out, egress_on_nack on_nack, uint32_t soak_ms) {
  settle("g", on_nack, 0, SHARE, soak_ms);
  enter_bucket(in, "g", 0, SHARE);
  enter_bucket(out, "g", FAR, EGRESS__BUCKETS);
  good = set("g", "C: a=1");
  STATE("g", EGRESS_TRIAL_OPEN); /* there is no good one for the others */
  accept(in);
  accept(out);
  STATE("g", EGRESS_TRIAL_GOOD);
  TOLD("proven g; ");
  in->changes = out->changes = 0;
  bad = set("g", "C: a=2");
  STATE("g", EGRESS_TRIAL_STAGED);
  TOLD("staged g; ");
}

Test(trial, bucket_is_the_nodes) {
  watcher a, b;
  enter_as(&a, "g", "some node");
  enter_as(&b, "h", "some node");
  cr_assert_eq(a.watch.bucket, b.watch.bucket);
  cr_assert_lt(a.watch.bucket, EGRESS__BUCKETS);
  leave(&a);
  leave(&b);
}

Test(trial, rollout_goes_to_the_share_then_soaks_then_to_all) {
  watcher in, out, late_in, late_out;
  begin_rollout(&in, &out, EGRESS_ON_NACK_ROLLBACK, 500);
  cr_assert_eq(in.changes, 1);
  cr_assert_eq(out.changes, 0);
  cr_assert_eq(ticks, 0);
  accept(&in);
  cr_assert_eq(in.has, bad);
  STATE("g", EGRESS_TRIAL_SOAKING);
  TOLD("soaking g; ");
  cr_assert_eq(ticks, 1);
  cr_assert_eq(egress__cache_tick(cache, 10000), 500); /* time begins with the first tick */
  cr_assert_eq(egress__cache_tick(cache, 10499), 1);
  enter_bucket(&late_in, "g", 0, SHARE);
  enter_bucket(&late_out, "g", SHARE, EGRESS__BUCKETS);
  accept(&late_in);
  accept(&late_out);
  cr_assert(late_in.has == bad && late_out.has == good);
  STATE("g", EGRESS_TRIAL_SOAKING);
  cr_assert_eq(out.changes, 0);
  cr_assert_eq(egress__cache_tick(cache, 10500), UINT64_MAX);
  STATE("g", EGRESS_TRIAL_OPEN);
  TOLD("open g; ");
  cr_assert_eq(in.changes, 1, "it has it");
  cr_assert_eq(out.changes, 1);
  accept(&out);
  STATE("g", EGRESS_TRIAL_OPEN);
  accept(&late_out);
  cr_assert(out.has == bad && late_out.has == bad);
  STATE("g", EGRESS_TRIAL_GOOD);
  TOLD("proven g; ");
  leave(&in);
  leave(&out);
  leave(&late_in);
  leave(&late_out);
}

Test(trial, without_soak_it_goes_on_at_once) {
  watcher in, out;
  begin_rollout(&in, &out, EGRESS_ON_NACK_HOLD, 0);
  accept(&in);
  STATE("g", EGRESS_TRIAL_OPEN);
  TOLD("open g; ");
  cr_assert_eq(ticks, 0);
  leave(&in);
  leave(&out);
}

Test(trial, refusal_ends_a_rollout) {
  for (int soaking = 0; soaking < 2; soaking++) {
    watcher in, out;
    begin_rollout(&in, &out, EGRESS_ON_NACK_ROLLBACK, 500);
    take(&in);
    if (soaking)
      accept(&in);
    cr_assert_eq(refuse(&in), 1);
    cr_assert_eq(heard.kind, EGRESS_EVENT_ROLLED_BACK);
    STATE("g", EGRESS_TRIAL_REFUSED);
    cr_assert_eq(egress__cache_tick(cache, 1 << 20), UINT64_MAX);
    take(&in);
    take(&out);
    cr_assert(in.has == good && out.has == good);
    leave(&in);
    leave(&out);
    cr_assert_eq(egress_cache_clear(cache, "g"), 0);
    told[0] = '\0';
  }
}

Test(trial, held_rollout_stays_where_it_is) {
  watcher in, out;
  begin_rollout(&in, &out, EGRESS_ON_NACK_HOLD, 500);
  cr_assert_eq(refuse(&in), 1);
  cr_assert_eq(heard.kind, EGRESS_EVENT_HELD);
  cr_assert_eq(egress__watch_snapshot(&in.watch), bad);
  cr_assert_eq(egress__watch_snapshot(&out.watch), good);
  cr_assert_eq(out.changes, 0);
  leave(&in);
  leave(&out);
}

Test(trial, next_snapshot_begins_the_rollout_again) {
  watcher in, out;
  begin_rollout(&in, &out, EGRESS_ON_NACK_HOLD, 500);
  accept(&in);
  STATE("g", EGRESS_TRIAL_SOAKING);
  egress_snapshot *next = set("g", "C: a=3");
  STATE("g", EGRESS_TRIAL_STAGED);
  TOLD("soaking g; staged g; ");
  cr_assert_eq(out.changes, 0);
  accept(&in);
  cr_assert_eq(in.has, next);
  STATE("g", EGRESS_TRIAL_SOAKING);
  cr_assert_eq(egress__cache_tick(cache, 100), 500);
  leave(&in);
  leave(&out);
}

Test(trial, empty_share_is_filled_with_the_next_stream) {
  watcher in, near, far;
  begin_rollout(&in, &far, EGRESS_ON_NACK_HOLD, 500);
  enter_bucket(&near, "g", SHARE, FAR);
  take(&near);
  cr_assert_eq(near.has, good);
  leave(&in); /* without a word */
  STATE("g", EGRESS_TRIAL_STAGED);
  cr_assert_eq(near.changes, 1);
  cr_assert_eq(far.changes, 0);
  accept(&near);
  cr_assert_eq(near.has, bad);
  STATE("g", EGRESS_TRIAL_SOAKING);
  set("g", "C: a=3"); /* and in the next rollout, too */
  cr_assert_eq(near.changes, 2);
  cr_assert_eq(far.changes, 0);
  leave(&near);
  leave(&far);
  STATE("g", EGRESS_TRIAL_STAGED);
  enter(&far, "g"); /* the first to come to an empty group */
  cr_assert_eq(far.has, egress_cache_get(cache, "g"));
  leave(&far);
}

Test(trial, rollout_of_star_goes_through_all_groups) {
  watcher in, out;
  settle("*", EGRESS_ON_NACK_ROLLBACK, 0, SHARE, 500);
  enter_bucket(&in, "one", 0, SHARE);
  enter_bucket(&out, "two", SHARE, EGRESS__BUCKETS);
  set("*", "C: a=1");
  accept(&in);
  accept(&out);
  TOLD("proven *; ");
  egress_snapshot *next = set("*", "C: a=2");
  accept(&in);
  accept(&out);
  cr_assert(in.has == next && out.has != next);
  egress__cache_tick(cache, 0);
  egress__cache_tick(cache, 500);
  TOLD("staged *; soaking *; open *; ");
  accept(&out);
  cr_assert_eq(out.has, next);
  TOLD("proven *; ");
  leave(&in);
  leave(&out);
}
