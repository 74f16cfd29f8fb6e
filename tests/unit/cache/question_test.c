#include <criterion/criterion.h>
#include <stdio.h>

#include <egress/error.h>

#include "cache/question.h"

enum { ANSWER_MS = 1000 };

static egress_cache *cache;
static egress__watch watch;
static int changes;

static void on_change(egress__watch *changed) {
  cr_assert_eq(changed, &watch);
  changes++;
}

static void begin(void) {
  egress_cache_options options = EGRESS_CACHE_OPTIONS_INIT;
  options.answer_ms = ANSWER_MS;
  cr_assert_eq(egress_cache_new(&cache, &options), 0);
  watch.on_change = on_change;
  cr_assert_eq(egress__cache_join(cache, &(egress_node){.id = "n", .cluster = "g"}, &watch), 0);
  changes = 0;
}
static void end(void) {
  egress__watch_leave(&watch);
  egress_cache_unref(cache);
}
TestSuite(question, .init = begin, .fini = end);

Test(question, c75_is_asked_once_while_it_is_open) {
  cr_assert(egress__question_is_possible(&watch));
  cr_assert_eq(egress__question_ask(&watch, "t", "a", 5), 1);
  cr_assert_eq(egress__question_ask(&watch, "t", "a", 6), 0);
  cr_assert_eq(egress__question_ask(&watch, "u", "a", 6), 1);
  cr_assert_eq(egress__question_until(&watch, "t", "a", 6), 5 + ANSWER_MS);
  cr_assert_eq(egress__question_until(&watch, "t", "b", 6), 0);
}

Test(question, is_overdue_after_its_time_and_may_be_asked_again) {
  egress__question_ask(&watch, "t", "a", 5);
  cr_assert_eq(egress__question_until(&watch, "t", "a", 5 + ANSWER_MS), 0);
  cr_assert_eq(egress__question_ask(&watch, "t", "a", 5 + ANSWER_MS), 1);
}

Test(question, absence_is_told_to_streams_that_ask) {
  egress__question_ask(&watch, "t", "a", 5);
  cr_assert_eq(egress_cache_absent(cache, "h", "t", "a"), EGRESS_ENOENT);
  watch.asking = 1;
  cr_assert_eq(egress_cache_absent(cache, "g", "t", "a"), 0);
  cr_assert_eq(changes, 1);
  cr_assert_eq(egress__question_until(&watch, "t", "a", 5), 0);
  egress__question_ask(&watch, "t", "a", 5);
  watch.asking = 0;
  cr_assert_eq(egress_cache_absent(cache, "g", "t", "a"), 0);
  cr_assert_eq(changes, 1);
}

Test(question, closed_is_closed) {
  egress__question_ask(&watch, "t", "a", 5);
  egress__question_close(&watch, "t", "a");
  egress__question_close(&watch, "t", "a");
  cr_assert_eq(egress__question_until(&watch, "t", "a", 5), 0);
}

Test(question, there_is_a_limit_and_what_is_overdue_makes_room) {
  char name[16];
  for (int i = 0; i < EGRESS__QUESTIONS_MAX; i++) {
    snprintf(name, sizeof name, "%d", i);
    cr_assert_eq(egress__question_ask(&watch, "t", name, i < 10 ? 0 : 5), 1);
  }
  cr_assert_eq(egress__question_ask(&watch, "t", "more", 5), EGRESS_ELIMIT);
  cr_assert_eq(egress__question_ask(&watch, "t", "0", 5), 0);
  cr_assert_eq(egress__question_ask(&watch, "t", "more", ANSWER_MS), 1);
}

Test(question, without_answer_ms_none_is_possible) {
  egress_cache *silent;
  egress__watch other = {.on_change = on_change};
  cr_assert_eq(egress_cache_new(&silent, NULL), 0);
  cr_assert_eq(egress__cache_join(silent, &(egress_node){.id = "n", .cluster = "g"}, &other), 0);
  cr_assert(!egress__question_is_possible(&other));
  egress__watch_leave(&other);
  egress_cache_unref(silent);
}
