#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#include <egress/error.h>

#include "xds/subscription.h"

static egress__budget budget;
static egress__subscription sub;

static void begin(void) {
  budget = (egress__budget){.max_names = 8, .max_bytes = 1000};
  egress__subscription_init(&sub, egress__alloc_or_default(NULL), &budget);
}
static void end(void) {
  egress__subscription_dispose(&sub);
  cr_assert_eq(budget.names, 0);
  cr_assert_eq(budget.bytes, 0);
}
TestSuite(subscription, .init = begin, .fini = end);

static egress__name *find(const char *name) {
  return egress__subscription_find(&sub, name, strlen(name));
}

static int add(const char *name) {
  return egress__subscription_add(&sub, (egress__span){(const uint8_t *)name, strlen(name)});
}

/* Adds names of one letter each, as one request does. */
static void want(const char *letters) {
  for (sub.request++; *letters != '\0'; letters++)
    cr_assert_eq(egress__subscription_add(&sub, (egress__span){(const uint8_t *)letters, 1}), 0);
}

/*
 * All names of one letter with what is owed: "a b:now (c:sent)"; in brackets when not wanted by name. Checks the
 * counts on the way.
 */
static const char *state(void) {
  static const char *const words[] = {"", ":now", ":sent", ":later"};
  static char out[512];
  uint32_t owed[EGRESS__OWED_COUNT] = {0}, wanted = 0;
  size_t used = 0;
  out[0] = '\0';
  for (char letter[] = "a"; letter[0] <= 'z'; letter[0]++) {
    const egress__name *name = find(letter);
    if (name == NULL)
      continue;
    owed[name->owed]++;
    wanted += name->wanted;
    used += (size_t)snprintf(out + used, sizeof out - used, name->wanted ? "%s%s%s" : "%s(%s%s)", used ? " " : "",
                             letter, words[name->owed]);
  }
  cr_assert_arr_eq(owed, sub.owed, sizeof owed);
  cr_assert_eq(wanted, sub.wanted);
  cr_assert_eq(sub.names.count, budget.names);
  return out;
}

#define STATE(expected) cr_assert_str_eq(state(), expected)

Test(subscription, wanted_name_is_owed_once) {
  want("ab");
  STATE("a:now b:now");
  egress__subscription_sent(&sub, 0);
  STATE("a:sent b:sent");
  want("ab"); /* it says them again, as state of the world does with every request */
  STATE("a:sent b:sent");
  egress__subscription_accepted(&sub);
  STATE("a b");
  want("abc");
  STATE("a b c:now");
}

Test(subscription, refused_debt_is_owed_with_the_next_change) {
  want("a");
  egress__subscription_sent(&sub, 0);
  egress__subscription_refused(&sub);
  STATE("a:later");
  want("ab");
  egress__subscription_sent(&sub, 0); /* this response only pays debts */
  STATE("a:later b:sent");
  egress__subscription_accepted(&sub);
  STATE("a:later b");
  egress__subscription_sent(&sub, 1);
  STATE("a:sent b");
  egress__subscription_accepted(&sub);
  STATE("a b");
}

Test(subscription, debt_can_be_owed_anew_at_any_time) {
  want("abc");
  egress__subscription_sent(&sub, 0);
  egress__name_set_owed(&sub, find("a"), EGRESS__OWED_NOW); /* asked for while the response is in flight */
  egress__subscription_refused(&sub);
  STATE("a:now b:later c:later");
  egress__name_set_owed(&sub, find("b"), EGRESS__OWED_NOW);
  STATE("a:now b:now c:later");
}

/* Their letters in the order of the alphabet: "ab". */
static const char *owed(int later) {
  static char out[27];
  char found['z' + 1] = {0};
  egress__owed_names names = egress__subscription_owed(&sub, later);
  for (const egress__name *name; (name = egress__owed_next(&names)) != NULL; found[(int)name->text[0]]++)
    cr_assert_eq(found[(int)name->text[0]], 0, "each once");
  cr_assert_null(egress__owed_next(&names), "it stays at its end");
  size_t size = 0;
  for (char letter = 'a'; letter <= 'z'; letter++)
    if (found[(int)letter])
      out[size++] = letter;
  out[size] = '\0';
  return out;
}

Test(subscription, owed_names_are_told_by_when) {
  cr_assert_str_eq(owed(1), "");
  want("abcd");
  egress__subscription_sent(&sub, 0);
  egress__name_set_owed(&sub, find("a"), EGRESS__OWED_NOW);
  egress__subscription_refused(&sub);
  egress__name_set_owed(&sub, find("d"), EGRESS__OWED_NO);
  STATE("a:now b:later c:later d");
  cr_assert_str_eq(owed(0), "a");
  cr_assert_str_eq(owed(1), "abc");
}

Test(subscription, settled_debt_is_gone_at_once) {
  want("a");
  egress__subscription_sent(&sub, 0);
  egress__subscription_refused(&sub);
  want("ab");
  egress__subscription_settled(&sub, 0);
  STATE("a:later b");
  egress__subscription_settled(&sub, 1);
  STATE("a b");
}

Test(subscription, covers_names_wanted_and_not_those_only_owed) {
  want("a");
  cr_assert_eq(egress__subscription_owe(&sub, "b"), 0);
  cr_assert(egress__subscription_covers(&sub, "a"));
  cr_assert_not(egress__subscription_covers(&sub, "b"));
  cr_assert_not(egress__subscription_covers(&sub, "c"));
  egress__subscription_set_wildcard(&sub, 1);
  cr_assert(egress__subscription_covers(&sub, "b"));
  cr_assert(egress__subscription_covers(&sub, "c"));
}

Test(subscription, name_that_is_only_owed_goes_when_it_was_told) {
  egress__subscription_set_wildcard(&sub, 1);
  want("a");
  egress__subscription_settled(&sub, 0);
  cr_assert_eq(egress__subscription_owe(&sub, "a"), 0);
  cr_assert_eq(egress__subscription_owe(&sub, "b"), 0);
  STATE("a:now (b:now)");
  egress__subscription_sent(&sub, 0);
  STATE("a:sent (b:sent)");
  egress__subscription_accepted(&sub);
  STATE("a");
}

Test(subscription, owed_name_can_become_wanted) {
  egress__subscription_set_wildcard(&sub, 1);
  cr_assert_eq(egress__subscription_owe(&sub, "a"), 0);
  egress__subscription_sent(&sub, 0);
  want("a");
  STATE("a:now");
}

Test(subscription, removed_name_is_forgotten_with_its_debt) {
  want("ab");
  egress__subscription_remove(&sub, find("a"));
  STATE("b:now");
}

Test(subscription, unnamed_name_is_told_once_more) {
  want("a");
  egress__subscription_settled(&sub, 0);
  egress__subscription_set_wildcard(&sub, 1);
  egress__subscription_unname(&sub, find("a"));
  STATE("(a:now)");
}

Test(subscription, wildcard_is_owed_until_something_is_sent) {
  cr_assert_not(sub.wildcard);
  egress__subscription_set_wildcard(&sub, 1);
  cr_assert(sub.wildcard && sub.wildcard_owed);
  egress__subscription_sent(&sub, 0);
  cr_assert(sub.wildcard && !sub.wildcard_owed);
  egress__subscription_set_wildcard(&sub, 1);
  cr_assert(sub.wildcard_owed);
}

Test(subscription, end_of_the_wildcard_ends_debts_of_names_not_wanted) {
  egress__subscription_set_wildcard(&sub, 1);
  want("a");
  cr_assert_eq(egress__subscription_owe(&sub, "b"), 0);
  egress__subscription_set_wildcard(&sub, 0);
  cr_assert(!sub.wildcard && !sub.wildcard_owed);
  STATE("a:now");
}

Test(subscription, names_not_listed_go) {
  want("abc");
  egress__subscription_settled(&sub, 0);
  cr_assert_eq(egress__subscription_owe(&sub, "d"), 0);
  want("bx");
  egress__subscription_keep_listed(&sub);
  STATE("b (d:now) x:now");
  want("");
  egress__subscription_keep_listed(&sub);
  STATE("(d:now)");
}

Test(subscription, names_not_listed_stay_owed_as_part_of_everything) {
  egress__subscription_set_wildcard(&sub, 1);
  want("abc");
  egress__subscription_settled(&sub, 0);
  egress__name_set_owed(&sub, find("a"), EGRESS__OWED_NOW);
  want("c");
  egress__subscription_keep_listed(&sub);
  STATE("(a:now) c");
  egress__subscription_set_wildcard(&sub, 0);
  STATE("c");
}

Test(subscription, names_not_listed_are_forgotten) {
  want("abc");
  egress__subscription_sent(&sub, 0);
  egress__subscription_accepted(&sub);
  sub.request++;
  find("b")->listed = sub.request;
  egress__subscription_forget_unlisted(&sub);
  sub.request++;
  find("a")->listed = sub.request; /* that it was listed since says nothing of what the client has */
  egress__subscription_forget_unlisted(&sub);
  STATE("a b c");
  want("ab");
  egress__subscription_keep_listed(&sub);
  STATE("a:now b:now");
  egress__subscription_settled(&sub, 0);
  want("ab"); /* once is enough */
  STATE("a b");
}

Test(subscription, debt_of_a_forgotten_name_is_owed_anew) {
  want("abc");
  egress__subscription_sent(&sub, 0);
  sub.request++;
  find("c")->listed = sub.request;
  egress__subscription_forget_unlisted(&sub);
  STATE("a:sent b:sent c:sent");
  want("ac");
  STATE("a:now b:sent c:sent");
  egress__subscription_refused(&sub);
  want("abc");
  STATE("a:now b:now c:later");
}

Test(subscription, everything_is_forgotten_until_it_is_said_again) {
  egress__subscription_set_wildcard(&sub, 1);
  sub.wildcard_forgotten = 1;
  egress__subscription_set_wildcard(&sub, 1);
  cr_assert(sub.wildcard_owed && !sub.wildcard_forgotten);
}

Test(subscription, it_remembers_that_names_were_said) {
  cr_assert_not(sub.named);
  cr_assert_eq(egress__subscription_owe(&sub, "a"), 0);
  cr_assert_not(sub.named); /* that was the server */
  want("b");
  want("");
  egress__subscription_keep_listed(&sub);
  cr_assert(sub.named);
}

Test(subscription, names_are_bytes_of_a_request) {
  cr_assert_eq(egress__subscription_add(&sub, (egress__span){(const uint8_t *)"abc", 2}), 0);
  cr_assert_not_null(find("ab"));
  cr_assert_str_eq(find("ab")->text, "ab");
  cr_assert_null(find("abc"));
  cr_assert_null(find("a"));
}

Test(subscription, too_many_names_are_refused) {
  want("abcdefgh");
  cr_assert_eq(add("i"), EGRESS_ELIMIT);
  cr_assert_eq(budget.refused, EGRESS__BUDGET_NAMES);
  cr_assert_eq(add("h"), 0); /* no new one */
  STATE("a:now b:now c:now d:now e:now f:now g:now h:now");
  egress__subscription_remove(&sub, find("a"));
  cr_assert_eq(add("i"), 0);
}

/* The table takes 512 bytes of the 1,000. */
Test(subscription, too_long_names_are_refused) {
  char name[1000];
  memset(name, 'x', sizeof name);
  name[488] = '\0';
  cr_assert_eq(add(name), EGRESS_ELIMIT);
  cr_assert_eq(budget.refused, EGRESS__BUDGET_BYTES);
  cr_assert_eq(budget.bytes, 0);
  name[400] = '\0';
  cr_assert_eq(add(name), 0);
  cr_assert_geq(budget.bytes, 912);
  cr_assert_eq(add(name), 0);
  name[100] = '\0';
  cr_assert_eq(add(name), EGRESS_ELIMIT);
  egress__subscription_owe(&sub, name); /* the server's own debts count and are not refused */
  cr_assert_gt(budget.bytes, budget.max_bytes);
}

Test(subscription, the_limits_are_of_all_subscriptions_together) {
  egress__subscription other;
  budget.max_bytes = 2000;
  egress__subscription_init(&other, egress__alloc_or_default(NULL), &budget);
  want("abcdefg");
  cr_assert_eq(egress__subscription_add(&other, (egress__span){(const uint8_t *)"a", 1}), 0);
  cr_assert_eq(egress__subscription_add(&other, (egress__span){(const uint8_t *)"b", 1}), EGRESS_ELIMIT);
  cr_assert_eq(add("h"), EGRESS_ELIMIT);
  egress__subscription_dispose(&other);
  cr_assert_eq(add("h"), 0);
}
