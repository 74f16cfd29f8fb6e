#include "compile/lineage.h"

#include "support/reading.h"

/* The lineage of `text` after `before`, which is freed. `step` stands for the version of what was compiled. */
static egress__lineage *after(egress__lineage *before, const char *text, const char *step) {
  egress_policy *policy = read_policy(text);
  egress__lineage *lineage;
  cr_assert_eq(egress__lineage_new(&lineage, policy, egress__alloc_or_default(NULL)), 0);
  egress_policy_unref(policy); /* the lineage holds it */
  cr_assert_eq(egress__lineage_follow(lineage, before, 443), 0);
  cr_assert_eq(egress__lineage_set_step(lineage, step), 0);
  egress__lineage_free(before);
  return lineage;
}

static egress__lineage *first(const char *text) {
  return after(NULL, text, "v1");
}

static const char *chain(const egress__lineage *lineage, const char *rule) {
  for (size_t i = 0; i < lineage->policy->rule_count; i++)
    if (strcmp(lineage->policy->rules[i].name, rule) == 0)
      return lineage->chains[i];
  cr_assert_fail("no rule %s", rule);
  return NULL;
}

/* 1 for `rule:NAME@` and eight hexadecimal digits. */
static int is_fresh(const egress__lineage *lineage, const char *rule) {
  const char *name = chain(lineage, rule), *at = strchr(name, '@');
  return at != NULL && strncmp(name, "rule:", 5) == 0 && (size_t)(at - name) == 5 + strlen(rule) &&
         strncmp(name + 5, rule, strlen(rule)) == 0 && strlen(at) == 9 && strspn(at + 1, "0123456789abcdef") == 8;
}

#define TWO(r, s) HEAD "rules: [{name: r, " r "}, {name: s, " s "}]\n"
#define PAIR TWO("to: [a.test, b.test]", "to: [c.test]")

Test(lineage, starts_with_plain_names) {
  egress__lineage *lineage = first(HEAD "deny: [{name: d, to: [x.test]}]\nrules: [{name: r, to: [a.test]}]\n");
  cr_expect_str_eq(chain(lineage, "d"), "deny:d");
  cr_expect_str_eq(chain(lineage, "r"), "rule:r");
  egress__lineage_free(lineage);
}

Test(lineage, names_that_mean_something_elsewhere_are_names) {
  egress__lineage *lineage =
      first(HEAD "deny: [{name: deny, to: [x.test]}]\nrules: [{name: none, to: [a.test]}, {name: "
                 "idle, to: [a.test]}, {name: rule, to: [a.test]}]\n");
  cr_expect_str_eq(chain(lineage, "deny"), "deny:deny");
  cr_expect_str_eq(chain(lineage, "none"), "rule:none");
  cr_expect_str_eq(chain(lineage, "idle"), "rule:idle");
  cr_expect_str_eq(chain(lineage, "rule"), "rule:rule");
  egress__lineage_free(lineage);
}

Test(lineage, keeps_what_widens_or_stays) {
  static const char *const later[] = {
      PAIR,
      TWO("to: [a.test, b.test, z.test]", "to: [c.test], ports: [443, 8443]"),
      HEAD "rules: [{name: s, to: [c.test]}, {name: new, to: [a.test]}, {name: r, to: [b.test, a.test]}]\n",
      HEAD "defaults: {allow_private: [10.0.0.0/8]}\nrules: [{name: r, to: ['**.test']}, {name: s, to: ['**']}]\n",
      HEAD "deny: [{name: d, to: [other.test]}]\nrules: [{name: r, owner: x, to: [a.test, b.test]}, {name: s, to: "
           "[c.test], reason: y}]\n",
  };
  for (size_t i = 0; i < sizeof later / sizeof later[0]; i++) {
    egress__lineage *lineage = after(first(PAIR), later[i], "v2");
    cr_expect_str_eq(chain(lineage, "r"), "rule:r", "%s", later[i]);
    cr_expect_str_eq(chain(lineage, "s"), "rule:s", "%s", later[i]);
    egress__lineage_free(lineage);
  }
}

Test(lineage, renames_only_what_narrows) {
  egress__lineage *lineage = after(first(PAIR), TWO("to: [a.test]", "to: [c.test]"), "v2");
  cr_expect(is_fresh(lineage, "r"), "%s", chain(lineage, "r"));
  cr_expect_str_eq(chain(lineage, "s"), "rule:s");
  egress__lineage_free(lineage);
  lineage = after(first(PAIR),
                  HEAD "deny: [{name: d, to: [c.test]}]\nrules: [{name: r, to: [a.test, b.test]}, {name: "
                       "s, to: [c.test]}]\n",
                  "v2");
  cr_expect_str_eq(chain(lineage, "r"), "rule:r");
  cr_expect(is_fresh(lineage, "s"), "%s", chain(lineage, "s"));
  egress__lineage_free(lineage);
}

Test(lineage, a_narrowed_guard_renames_all) {
  egress__lineage *lineage = after(first(HEAD "defaults: {allow_private: [10.0.0.0/8]}\nrules: [{name: r, to: [a.test, "
                                              "b.test]}, {name: s, to: [c.test]}]\n"),
                                   PAIR, "v2");
  cr_expect(is_fresh(lineage, "r"), "%s", chain(lineage, "r"));
  cr_expect(is_fresh(lineage, "s"), "%s", chain(lineage, "s"));
  cr_expect_str_neq(strchr(chain(lineage, "r"), '@'), strchr(chain(lineage, "s"), '@'));
  egress__lineage_free(lineage);
}

Test(lineage, each_narrowing_gives_another_name) {
  char seen[4][64];
  egress__lineage *lineage = first(PAIR);
  static const char *const steps[] = {"v2", "v3", "v4", "v5"};
  for (size_t i = 0; i < 4; i++) {
    lineage = after(lineage, TWO("to: [a.test]", "to: [c.test]"), steps[i]);
    snprintf(seen[i], sizeof seen[i], "%s", chain(lineage, "r"));
    for (size_t j = 0; j < i; j++)
      cr_expect_str_neq(seen[i], seen[j]);
    lineage = after(lineage, PAIR, "w"); /* wider again keeps what it has */
    cr_expect_str_eq(chain(lineage, "r"), seen[i]);
    cr_assert_eq(egress__lineage_set_step(lineage, steps[i]), 0);
  }
  egress__lineage_free(lineage);
}

Test(lineage, a_rule_that_comes_back_gets_another_chain) {
  egress__lineage *lineage = after(first(PAIR), HEAD "rules: [{name: s, to: [c.test]}]\n", "v2");
  cr_assert_eq(lineage->retired.count, 1);
  cr_expect_str_eq(lineage->retired.items[0], "r");
  lineage = after(lineage, HEAD "rules: [{name: s, to: [c.test]}]\n", "v3"); /* remembered for longer than a step */
  lineage = after(lineage, PAIR, "v4");
  cr_expect(is_fresh(lineage, "r"), "%s", chain(lineage, "r"));
  cr_expect_str_eq(chain(lineage, "s"), "rule:s");
  cr_expect_eq(lineage->retired.count, 0, "it is there again");
  egress__lineage_free(lineage);
}

/* Steps may reach an Envoy together: the last chain must differ from the first, whatever lies between. */
Test(lineage, a_rule_that_was_off_for_a_step_gets_another_chain) {
  egress__lineage *lineage = after(first(PAIR), TWO("to: [a.test, b.test], protocol: http", "to: [c.test]"), "v2");
  lineage = after(lineage, TWO("to: [a.test]", "to: [c.test]"), "v3");
  cr_expect(is_fresh(lineage, "r"), "%s", chain(lineage, "r"));
  egress__lineage_free(lineage);
  lineage = after(first(PAIR), HEAD "deny: [{name: r, to: [x.test]}]\nrules: [{name: s, to: [c.test]}]\n", "v2");
  lineage = after(lineage, TWO("to: [a.test]", "to: [c.test]"), "v3");
  cr_expect(is_fresh(lineage, "r"), "as a deny entry meanwhile: %s", chain(lineage, "r"));
  egress__lineage_free(lineage);
}

#define KEEP HEAD "defaults: {revoke: keep}\n"
#define WITHOUT_R "rules: [{name: s, to: [c.test]}]\n"

/* The kept chains, each with its rule, a comma behind each. */
static const char *kept(const egress__lineage *lineage) {
  static char text[256];
  size_t used = 0;
  text[0] = '\0';
  for (size_t i = 0; i < lineage->kept.count; i++)
    used += (size_t)snprintf(text + used, sizeof text - used, "%s %s,", lineage->kept.items[i].rule,
                             lineage->kept.items[i].chain);
  return text;
}

Test(lineage, revoke_keep_keeps_what_narrows) {
  static const char *const narrower[] = {
      KEEP "rules: [{name: r, to: [a.test]}, {name: s, to: [d.test]}]\n",
      KEEP "rules: [{name: r, to: [a.test, b.test], ports: [8443]}, {name: s, to: [10.0.0.0/8], ports: [443]}]\n",
      KEEP
      "deny: [{name: d, to: [b.test, c.test]}]\nrules: [{name: r, to: [a.test, b.test]}, {name: s, to: [c.test]}]\n",
  };
  for (size_t i = 0; i < sizeof narrower / sizeof narrower[0]; i++) {
    egress__lineage *lineage = after(first(PAIR), narrower[i], "v2");
    cr_expect_str_eq(chain(lineage, "r"), "rule:r", "%s", narrower[i]);
    cr_expect_str_eq(chain(lineage, "s"), "rule:s", "%s", narrower[i]);
    size_t denies = lineage->policy->deny_count;
    cr_expect(egress__lineage_has_chain(lineage, denies, 443), "%s", narrower[i]);
    cr_expect(egress__lineage_has_chain(lineage, denies + 1, 443), "%s", narrower[i]);
    cr_expect_eq(lineage->kept.count, 0);
    egress__lineage_free(lineage);
  }
}

Test(lineage, what_was_kept_ends_with_drain) {
  static const char port_lost[] = "rules: [{name: r, to: [a.test, b.test], ports: [8443]}, {name: s, to: [c.test]}]\n";
  char keep[256], drain[256];
  snprintf(keep, sizeof keep, KEEP "%s", port_lost);
  snprintf(drain, sizeof drain, HEAD "%s", port_lost);
  egress__lineage *lineage = after(first(PAIR), keep, "v2");
  lineage = after(lineage, keep, "v3"); /* remembered for longer than a step */
  lineage = after(lineage, drain, "v4");
  cr_expect(is_fresh(lineage, "r"), "%s", chain(lineage, "r"));
  cr_expect_not(egress__lineage_has_chain(lineage, 0, 443));
  cr_expect_str_eq(chain(lineage, "s"), "rule:s", "it lost nothing");
  char fresh[64];
  snprintf(fresh, sizeof fresh, "%s", chain(lineage, "r"));
  lineage = after(lineage, drain, "v5");
  cr_expect_str_eq(chain(lineage, "r"), fresh, "once is enough");
  egress__lineage_free(lineage);
}

Test(lineage, revoke_keep_keeps_the_chain_of_a_rule_that_goes) {
  egress__lineage *lineage = after(first(PAIR), KEEP WITHOUT_R, "v2");
  cr_expect_str_eq(kept(lineage), "r rule:r,");
  lineage = after(lineage, KEEP WITHOUT_R, "v3");
  cr_expect_str_eq(kept(lineage), "r rule:r,", "for longer than a step");
  lineage = after(lineage, KEEP, "v4");
  cr_expect_str_eq(kept(lineage), "s rule:s,r rule:r,", "the newest first");
  lineage = after(lineage, PAIR, "v5");
  cr_expect_str_eq(kept(lineage), "", "not with drain");
  cr_expect(is_fresh(lineage, "r") && is_fresh(lineage, "s"), "nor by coming back");
  egress__lineage_free(lineage);
  lineage = after(first(PAIR), HEAD WITHOUT_R, "v2");
  cr_expect_str_eq(kept(lineage), "", "drain keeps none");
  egress__lineage_free(lineage);
}

/* A rule without TLS to names at the port has no connections; a deny entry's are closed at once. */
Test(lineage, a_rule_without_connections_leaves_no_chain) {
  egress__lineage *lineage =
      after(first(HEAD "deny: [{name: d, to: [x.test]}]\nrules: [{name: plain, to: [a.test], protocol: http}, {name: "
                       "port, to: [a.test], ports: [8443]}, {name: range, to: [10.0.0.0/8], ports: [443]}]\n"),
            KEEP "rules: [{name: range, to: [10.0.0.0/8], ports: [8443]}]\n", "v2");
  cr_expect_not(egress__lineage_has_chain(lineage, 0, 443), "it lost the port, but never had any");
  lineage = after(lineage, KEEP, "v3");
  cr_expect_str_eq(kept(lineage), "");
  egress__lineage_free(lineage);
}

Test(lineage, a_rule_that_lost_the_port_and_then_goes_leaves_its_chain) {
  egress__lineage *lineage =
      after(first(PAIR), KEEP "rules: [{name: r, to: [a.test], protocol: http}, {name: s, to: [c.test]}]\n", "v2");
  lineage = after(lineage, KEEP WITHOUT_R, "v3");
  cr_expect_str_eq(kept(lineage), "r rule:r,");
  egress__lineage_free(lineage);
}

Test(lineage, a_rule_that_comes_back_does_not_get_the_kept_chain) {
  egress__lineage *lineage = after(first(PAIR), KEEP WITHOUT_R, "v2");
  lineage = after(lineage, KEEP "rules: [{name: r, to: [z.test]}, {name: s, to: [c.test]}]\n", "v3");
  cr_expect(is_fresh(lineage, "r"), "%s", chain(lineage, "r"));
  cr_expect_str_eq(kept(lineage), "r rule:r,");
  char expected[64];
  snprintf(expected, sizeof expected, "r %s,r rule:r,", chain(lineage, "r"));
  lineage = after(lineage, KEEP WITHOUT_R, "v4");
  cr_expect_str_eq(kept(lineage), expected);
  egress__lineage_free(lineage);
}

/* The names of long ago are forgotten, and what a new name is made of might meet an old one; a kept chain's is not
 * given again, whatever the policy says now. */
Test(lineage, no_rule_gets_the_name_of_a_kept_chain) {
  char fresh[64];
  egress__lineage *lineage = after(first(PAIR), TWO("to: [a.test]", "to: [c.test]"), "v2");
  snprintf(fresh, sizeof fresh, "%s", chain(lineage, "r"));
  egress__lineage_free(lineage);
  lineage = first(PAIR);
  cr_assert_eq(egress__lineage_keep(lineage, "r", 1, fresh, strlen(fresh)), 0);
  lineage = after(lineage, TWO("to: [a.test]", "to: [c.test]"), "v2");
  cr_expect(is_fresh(lineage, "r"), "%s", chain(lineage, "r"));
  cr_expect_str_neq(chain(lineage, "r"), fresh);
  egress__lineage_free(lineage);
  lineage = first(HEAD WITHOUT_R);
  cr_assert_eq(egress__lineage_keep(lineage, "r", 1, "rule:r", 6), 0);
  lineage = after(lineage, PAIR, "v2");
  cr_expect(is_fresh(lineage, "r"), "%s", chain(lineage, "r"));
  egress__lineage_free(lineage);
}

Test(lineage, keeps_no_more_than_its_limit) {
  egress__lineage *lineage = first(PAIR);
  char name[32];
  for (size_t i = 0; i < EGRESS__KEPT_MAX; i++) {
    int size = snprintf(name, sizeof name, "rule:old%zu", i);
    cr_assert_eq(egress__lineage_keep(lineage, name + 5, (size_t)size - 5, name, (size_t)size), 0);
  }
  cr_assert_eq(egress__lineage_keep(lineage, "x", 1, "rule:x", 6), EGRESS_ELIMIT);
  lineage = after(lineage, KEEP WITHOUT_R, "v2");
  cr_assert_eq(lineage->kept.count, EGRESS__KEPT_MAX);
  cr_expect_str_eq(lineage->kept.items[0].chain, "rule:r", "the newest first");
  cr_expect_str_eq(lineage->kept.items[EGRESS__KEPT_MAX - 1].chain, "rule:old998", "the oldest goes");
  cr_expect_not(egress__lineage_keeps(lineage, "rule:old999", 11));
  egress__lineage_free(lineage);
}

Test(lineage, equal_steps_give_equal_names) {
  egress__lineage *one = after(first(PAIR), TWO("to: [a.test]", "to: [d.test]"), "v2");
  egress__lineage *other = after(first(PAIR), TWO("to: [a.test]", "to: [d.test]"), "v2");
  cr_expect_str_eq(chain(one, "r"), chain(other, "r"));
  cr_expect_str_eq(chain(one, "s"), chain(other, "s"));
  egress__lineage_free(one);
  egress__lineage_free(other);
  one = after(after(NULL, PAIR, "elsewhere"), TWO("to: [a.test]", "to: [c.test]"), "v2");
  other = after(first(PAIR), TWO("to: [a.test]", "to: [c.test]"), "v2");
  cr_expect_str_neq(chain(one, "r"), chain(other, "r"), "other steps, other names");
  egress__lineage_free(one);
  egress__lineage_free(other);
}

Test(lineage, forgets_beyond_its_limit) {
  egress__lineage *lineage = first(PAIR);
  char name[32];
  for (size_t i = 0; i < EGRESS__RETIRED_MAX; i++) {
    snprintf(name, sizeof name, "old%zu", i);
    cr_assert_eq(egress__lineage_retire(lineage, name, strlen(name)), 0);
  }
  cr_assert_eq(egress__lineage_retire(lineage, "x", 1), EGRESS_ELIMIT);
  lineage = after(lineage, HEAD "rules: [{name: s, to: [c.test]}]\n", "v2");
  cr_expect_eq(lineage->retired.count, EGRESS__RETIRED_MAX);
  cr_expect_str_eq(lineage->retired.items[0], "r", "the newest first");
  cr_expect_str_eq(lineage->retired.items[EGRESS__RETIRED_MAX - 1], "old9998", "the oldest goes");
  egress__lineage_free(lineage);
}
