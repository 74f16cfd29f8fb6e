#include <criterion/criterion.h>

#include "support/xds.h"

#include "xds/answer.h"
#include "xds/request.h"

static egress__budget budget;
static egress__track *track;
static egress__steps steps;
static egress__answer answer;
static egress_snapshot *before, *after;

static void begin(void) {
  const egress_alloc *alloc = egress__alloc_or_default(NULL);
  budget = (egress__budget){.max_names = 100, .max_bytes = 100000};
  track = egress__track_new(alloc, (egress__span){(const uint8_t *)EGRESS_TYPE_CLUSTER, strlen(EGRESS_TYPE_CLUSTER)},
                            &budget);
  egress__steps_init(&steps, alloc);
  answer = (egress__answer){.alloc = alloc};
}
static void end(void) {
  egress__answer_dispose(&answer);
  egress__track_free(track);
  egress__steps_dispose(&steps);
  egress_snapshot_unref(before);
  egress_snapshot_unref(after);
}
TestSuite(answer, .init = begin, .fini = end);

static const egress__type_set *set(egress_snapshot **snap, const char *text) {
  cr_assert_eq(xds_snapshot_new(snap, text, NULL), 0);
  return egress__snapshot_type(*snap, EGRESS_TYPE_CLUSTER);
}

static void want(const char *letters, egress__owed owed) {
  for (; *letters != '\0'; letters++) {
    cr_assert_eq(egress__subscription_add(&track->want, (egress__span){(const uint8_t *)letters, 1}), 0);
    egress__name_set_owed(&track->want, egress__subscription_find(&track->want, letters, 1), owed);
  }
}

/* The client has taken everything of `text`. */
static void has(const char *text) {
  const egress__type_set *to = set(&before, text);
  track->has = (egress__bases){.sets = {egress__type_set_ref(to)}, .count = 1};
}

/* "a=VERSION": the client came with this in hand, of all in `text`. */
static void holds(const char *text) {
  static uint8_t bytes[XDS_REQUEST];
  char words[XDS_TEXT] = "";
  egress_snapshot *held;
  set(&held, text);
  for (size_t i = 0; i < egress_snapshot_count(held, EGRESS_TYPE_CLUSTER); i++) {
    egress_resource *resource = egress_snapshot_at(held, EGRESS_TYPE_CLUSTER, i);
    sprintf(words + strlen(words), " %s=%s", egress_resource_name(resource), egress_resource_version(resource));
  }
  egress_snapshot_unref(held);
  egress__request request;
  egress__stream_fault fault;
  size_t size = xds_encode(bytes, EGRESS__XDS_DELTA, &(xds_request){.type = 'C', .initial = words});
  cr_assert_eq(egress__request_read(&request, EGRESS__XDS_DELTA, NULL, bytes, size, &fault), 0);
  cr_assert_eq(egress__initial_new(&track->initial, track->alloc, &budget, &request), 0);
}

/* What was put together, "a b -c", in order of names. */
static const char *text(void) {
  static char out[XDS_TEXT];
  size_t used = 0;
  out[0] = '\0';
  for (char letter[] = "a"; letter[0] <= 'z'; letter[0]++) {
    for (size_t i = 0; i < answer.puts.count; i++)
      if (strcmp(egress_resource_name(answer.puts.items[i]), letter) == 0)
        used += (size_t)sprintf(out + used, "%s%s", used == 0 ? "" : " ", letter);
    for (size_t i = 0; i < answer.removed.count; i++)
      if (strcmp(answer.removed.items[i], letter) == 0)
        used += (size_t)sprintf(out + used, "%s-%s", used == 0 ? "" : " ", letter);
  }
  return out;
}

static const char *changes(const char *to) {
  egress__step *step;
  cr_assert_eq(egress__track_changes(&step, track, &steps, set(&after, to)), 0);
  cr_assert_eq(egress__answer_changes(&answer, track, step), 0);
  return text();
}

static const char *debts(const char *to, int step) {
  cr_assert_eq(egress__answer_owed(&answer, track, set(&after, to), step), 0);
  return text();
}

Test(answer, no_change_is_nothing) {
  cr_assert_eq(egress__answer_changes(&answer, track, NULL), 0);
  cr_assert_str_eq(text(), "");
}

Test(answer, changes_of_names_wanted) {
  has("C: a=1 b=1 c=1 d=1 e=1");
  want("abd", EGRESS__OWED_NO);
  cr_assert_str_eq(changes("C: a=2 b=1 c=2 f=1"), "a -d");
}

Test(answer, all_changes_for_those_who_want_everything) {
  has("C: a=1 b=1 c=1 d=1 e=1");
  egress__subscription_set_wildcard(&track->want, 1);
  track->want.wildcard_owed = 0;
  want("a", EGRESS__OWED_NO);
  cr_assert_str_eq(changes("C: a=2 b=1 c=2 f=1"), "a c -d -e f");
}

/* A name in flight has changed since, so it is news again; one that is owed is told with the debts. */
Test(answer, names_that_are_owed_are_left_to_the_debts) {
  has("C: a=1 b=1 c=1 d=1");
  want("a", EGRESS__OWED_NOW);
  want("b", EGRESS__OWED_LATER);
  want("c", EGRESS__OWED_SENT);
  want("d", EGRESS__OWED_NO);
  cr_assert_str_eq(changes("C: a=2 b=2 c=2 d=2"), "c d");
  cr_assert_eq(egress__answer_owed(&answer, track, egress__snapshot_type(after, EGRESS_TYPE_CLUSTER), 1), 0);
  cr_assert_str_eq(text(), "a b c d"); /* each once */
}

Test(answer, name_owed_only_is_not_news_without_the_wildcard) {
  has("C: a=1 b=1");
  want("a", EGRESS__OWED_NO);
  egress__subscription_unname(&track->want, egress__subscription_find(&track->want, "a", 1));
  egress__subscription_sent(&track->want, 0);
  cr_assert_str_eq(changes("C: a=2 b=2"), "");
}

Test(answer, change_to_what_the_client_holds_is_no_news) {
  egress__subscription_set_wildcard(&track->want, 1);
  holds("C: a=1 b=1 c=1");
  cr_assert_str_eq(changes("C: a=1 b=2 d=1"), "b d");
}

Test(answer, debts_of_now_and_with_a_step_of_later) {
  want("ab", EGRESS__OWED_NOW);
  want("cd", EGRESS__OWED_LATER);
  want("e", EGRESS__OWED_SENT);
  want("f", EGRESS__OWED_NO);
  cr_assert_str_eq(debts("C: a=1 c=1 e=1 f=1", 0), "a -b");
  answer.puts.count = answer.removed.count = 0;
  egress_snapshot_unref(after);
  cr_assert_str_eq(debts("C: a=1 c=1 e=1 f=1", 1), "a -b c -d");
}

Test(answer, debts_in_the_version_that_the_client_holds_are_paid) {
  want("abc", EGRESS__OWED_NOW);
  holds("C: a=1 b=1 c=1");
  cr_assert_str_eq(debts("C: a=1 b=2", 0), "b -c");
}

Test(answer, without_a_set_all_that_is_owed_is_gone) {
  want("ab", EGRESS__OWED_NOW);
  cr_assert_eq(egress__answer_owed(&answer, track, NULL, 0), 0);
  cr_assert_str_eq(text(), "-a -b");
}

Test(answer, there_is_no_step_for_names_when_the_client_has_nothing) {
  egress__step *step;
  track->has.nothing = 1;
  want("a", EGRESS__OWED_NOW);
  cr_assert_eq(egress__track_changes(&step, track, &steps, set(&after, "C: a=1 b=1")), 0);
  cr_assert_null(step); /* the debt tells it */
  egress__subscription_set_wildcard(&track->want, 1);
  cr_assert_eq(egress__track_changes(&step, track, &steps, egress__snapshot_type(after, EGRESS_TYPE_CLUSTER)), 0);
  cr_assert(step->all);
}

Test(answer, takes_any_number) {
  enum { COUNT = 1000 };
  egress_resource *resource;
  cr_assert_eq(xds_resource(&resource, 'C', "a", "1", NULL), 0);
  for (int i = 0; i < COUNT; i++)
    cr_assert_eq(egress__answer_put(&answer, resource), 0);
  cr_assert_eq(answer.puts.count, COUNT);
  cr_assert_eq(answer.puts.items[COUNT - 1], resource);
  egress_resource_unref(resource);
}
