#include "policy/atoms.h"

#include "support/reading.h"

static uint32_t atom_of(const egress_policy *policy, const char *text) {
  egress__addr addr;
  cr_assert_eq(egress__addr_parse(&addr, text, strlen(text)), 0);
  return egress__policy_atom(policy, &addr);
}

/* Names of the rules that have the atom of this source. */
static const char *rules_of(const egress_policy *policy, const char *source) {
  static char names[256];
  uint32_t atom = atom_of(policy, source);
  cr_assert_lt(atom, policy->atom_count);
  names[0] = '\0';
  for (size_t i = 0; i < policy->rule_count; i++)
    if (egress__rule_has_atom(&policy->rules[i], atom))
      strcat(names, policy->rules[i].name);
  return names;
}

static egress_policy *nested(void) {
  return read_policy(HEAD "sources:\n"
                          "  wide: {cidrs: [10.0.0.0/8]}\n"
                          "  inner: {cidrs: [10.1.0.0/16, \"2001:db8::/32\"]}\n"
                          "  host: {cidrs: [10.1.0.1, 192.0.2.1]}\n"
                          "deny: [{name: d, from: [host], to: [x.test]}]\n"
                          "rules:\n"
                          "  - {name: w, from: [wide], to: [x.test]}\n"
                          "  - {name: i, from: [inner], to: [x.test]}\n"
                          "  - {name: a, to: [x.test]}\n");
}

Test(atoms, rules_of_the_ranges_around) {
  egress_policy *policy = nested();
  cr_assert_str_eq(rules_of(policy, "10.2.0.1"), "wa");
  cr_assert_str_eq(rules_of(policy, "10.1.0.2"), "wia");
  cr_assert_str_eq(rules_of(policy, "10.1.0.1"), "dwia");
  cr_assert_str_eq(rules_of(policy, "192.0.2.1"), "da");
  cr_assert_str_eq(rules_of(policy, "2001:db8::1"), "ia");
  cr_assert_str_eq(rules_of(policy, "203.0.113.1"), "a");
  cr_assert_str_eq(rules_of(policy, "::1"), "a");
  egress_policy_unref(policy);
}

Test(atoms, mapped_sources_are_their_ipv4_address) {
  egress_policy *policy = nested();
  cr_assert_str_eq(rules_of(policy, "::ffff:10.1.0.1"), "dwia");
  egress_policy_unref(policy);
}

Test(atoms, outside_is_atom_0) {
  egress_policy *policy = nested();
  cr_assert_eq(atom_of(policy, "203.0.113.1"), 0);
  egress_policy_unref(policy);
  policy = read_policy(HEAD "rules: [{name: a, to: [x.test]}]");
  cr_assert_eq(policy->atom_count, 1);
  cr_assert_eq(policy->atom_prefix_count, 0);
  cr_assert(egress__rule_has_atom(&policy->rules[0], 0));
  egress_policy_unref(policy);
}

Test(atoms, equal_sets_share_an_atom) {
  egress_policy *policy = read_policy(HEAD "sources:\n"
                                           "  a: {cidrs: [10.1.0.0/16, 10.3.0.0/16, 10.1.2.0/24]}\n"
                                           "  b: {cidrs: [10.2.0.0/16]}\n"
                                           "rules:\n"
                                           "  - {name: x, from: [a], to: [x.test]}\n"
                                           "  - {name: y, from: [b], to: [x.test]}\n");
  cr_assert_eq(policy->atom_count, 3, "nobody's, x's, y's");
  cr_assert_eq(atom_of(policy, "10.1.0.1"), atom_of(policy, "10.3.0.1"));
  cr_assert_eq(atom_of(policy, "10.1.0.1"), atom_of(policy, "10.1.2.1"));
  cr_assert_neq(atom_of(policy, "10.1.0.1"), atom_of(policy, "10.2.0.1"));
  cr_assert_eq(policy->atom_prefix_count, 3, "10.1.2.0/24 makes no difference");
  for (size_t i = 1; i < policy->atom_prefix_count; i++)
    cr_assert_lt(egress__prefix_compare(&policy->atom_prefixes[i - 1].prefix, &policy->atom_prefixes[i].prefix), 0);
  egress_policy_unref(policy);
}

/* `count` rules with a source of their own each, so as many atoms and the one outside. */
static char *many(int count) {
  char *text = malloc(1 << 20), *at = text + sprintf(text, HEAD "sources:\n");
  for (int i = 0; i < count; i++)
    at += sprintf(at, "  s%d: {cidrs: [10.0.%d.%d]}\n", i, i / 256, i % 256);
  at += sprintf(at, "rules:\n");
  for (int i = 0; i < count; i++)
    at += sprintf(at, "  - {name: r%d, from: [s%d], to: [x.test]}\n", i, i);
  return text;
}

Test(atoms, limit) {
  char *fits = many(EGRESS__MAX_ATOMS - 1), *more = many(EGRESS__MAX_ATOMS);
  egress_policy *policy = read_policy(fits);
  cr_assert_eq(policy->atom_count, EGRESS__MAX_ATOMS);
  cr_assert_str_eq(rules_of(policy, "10.0.15.254"), "r4094");
  egress_policy_unref(policy);
  refuses_bytes(more, strlen(more), EGRESS_ELIMIT,
                "p:1:1: error: the sources of the rules differ in more than 4096 ways; use fewer, wider ones\n");
  free(fits);
  free(more);
}
