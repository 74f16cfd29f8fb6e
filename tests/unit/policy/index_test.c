#include "policy/index.h"

#include "support/reading.h"

static const egress__suffix *suffix_of(const egress_policy *policy, const char *text) {
  return egress__map_get(&policy->suffixes, text, strlen(text));
}

static void has_term(const egress__terms *terms, size_t index, uint32_t rule, const char *pattern) {
  cr_assert_lt(index, terms->count);
  cr_assert_eq(terms->items[index].rule, rule);
  cr_assert_str_eq(terms->items[index].pattern->text, pattern);
}

Test(index, terms_by_suffix_and_rule) {
  egress_policy *policy = read_policy(HEAD "deny: [{name: d, to: [\"**.x.test\", x.test]}]\n"
                                           "rules:\n"
                                           "  - {name: a, to: [\"a*.x.test\", a.x.test, \"**\"]}\n"
                                           "  - {name: b, to: [x.test, \"*.x.test\"]}\n");
  cr_assert_eq(policy->suffix_count, 3);
  cr_assert_str_eq(policy->by_name[0]->text, "");
  cr_assert_str_eq(policy->by_name[1]->text, "a.x.test");
  cr_assert_str_eq(policy->by_name[2]->text, "x.test");
  const egress__suffix *suffix = suffix_of(policy, "x.test");
  cr_assert_eq(suffix, policy->by_name[2]);
  cr_assert_eq(suffix->exact.count, 2);
  has_term(&suffix->exact, 0, 0, "x.test");
  has_term(&suffix->exact, 1, 2, "x.test");
  cr_assert_eq(suffix->anchored.count, 3);
  has_term(&suffix->anchored, 0, 0, "**.x.test");
  has_term(&suffix->anchored, 1, 1, "a*.x.test");
  has_term(&suffix->anchored, 2, 2, "*.x.test");
  suffix = suffix_of(policy, "");
  cr_assert_eq(suffix->exact.count, 0);
  has_term(&suffix->anchored, 0, 1, "**");
  cr_assert_null(suffix_of(policy, "test"));
  egress_policy_unref(policy);
}

Test(index, addresses_by_range_and_rule) {
  egress_policy *policy = read_policy(HEAD "rules:\n"
                                           "  - {name: a, to: [192.0.2.0/24, 198.51.100.1], ports: [1]}\n"
                                           "  - {name: b, to: [192.0.2.0/24, 192.0.2.7], ports: [1]}\n");
  const egress__addr addr = {4, {192, 0, 2, 7}};
  egress__trie_walk walk = egress__trie_start(&policy->targets, &addr);
  const egress__target *wide = egress__trie_next(&walk), *narrow = egress__trie_next(&walk);
  cr_assert_eq(wide->count, 2);
  cr_assert(wide->rules[0] == 0 && wide->rules[1] == 1);
  cr_assert_eq(narrow->count, 1);
  cr_assert_eq(narrow->rules[0], 1);
  cr_assert_null(egress__trie_next(&walk));
  egress_policy_unref(policy);
}
