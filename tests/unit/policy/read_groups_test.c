#include "policy/model.h"

#include "support/reading.h"

static void has_patterns(const egress__rule *rule, size_t count, const char *const *texts) {
  cr_assert_eq(rule->pattern_count, count, "%zu patterns", rule->pattern_count);
  for (size_t i = 0; i < count; i++)
    cr_assert_str_eq(rule->patterns[i].text, texts[i]);
}

Test(read_groups, in_their_place_and_once) {
  egress_policy *policy = read_policy(HEAD "groups:\n"
                                           "  all: [\"group:b\", \"group:c\", \"z.test\"]\n" /* names those below it */
                                           "  b: [\"group:c\", \"b.test\", 192.0.2.0/24]\n"
                                           "  c: [\"c.test\", 192.0.2.0/24]\n"
                                           "rules:\n"
                                           "  - {name: r, to: [\"c.test\", \"group:all\"], ports: [443]}\n");
  static const char *const texts[] = {"c.test", "z.test", "b.test"};
  has_patterns(&policy->rules[0], 3, texts);
  cr_assert_eq(policy->rules[0].prefix_count, 1);
  cr_assert_eq(egress_policy_destination_count(policy), 4);
  egress_policy_unref(policy);
}

Test(read_groups, faults) {
  refuses(HEAD "groups:\n"
               "  a: []\n"
               "  b: \"x.test\"\n"
               "  c: [\"group:nowhere\", \"x..y\"]\n"
               "  \"-\": [x.test]\n"
               "rules: [{name: r, to: [\"group:d\", \"group:\"]}]\n",
          "p:3:6: error: a group is empty\n"
          "p:4:6: error: a group must be a list, not text\n"
          "p:5:7: error: group `nowhere` is not in `groups`\n"
          "p:5:24: error: host `x..y`: has an empty label\n"
          "p:6:3: error: a group's name `-` must be 1 to 63 letters, digits, dots, - or _, the first a letter or "
          "digit\n"
          "p:7:24: error: group `d` is not in `groups`\n"
          "p:7:35: error: group `` is not in `groups`\n");
}

Test(read_groups, circles) {
  refuses(HEAD "groups:\n"
               "  a: [\"group:a\"]\n"
               "  b: [\"group:c\"]\n"
               "  c: [x.test, \"group:d\"]\n"
               "  d: [\"group:b\"]\n"
               "  e: [\"group:b\"]\n",
          "p:3:7: error: groups include each other in a circle: a -> a\n"
          "p:6:7: error: groups include each other in a circle: b -> c -> d -> b\n");
}

/* `count` groups, each with the one above it in it; the text names them from the inside out or the other way. */
static char *chain(int count, int inside_out) {
  char *text = malloc(4096), *at = text + sprintf(text, HEAD "groups:\n");
  for (int i = 0; i < count; i++) {
    int group = inside_out ? i : count - 1 - i;
    if (group == 0)
      at += sprintf(at, "  g0: [x.test]\n");
    else
      at += sprintf(at, "  g%d: [\"group:g%d\"]\n", group, group - 1);
  }
  return text;
}

Test(read_groups, depth_does_not_depend_on_order) {
  for (int inside_out = 0; inside_out < 2; inside_out++) {
    char *fits = chain(EGRESS__MAX_GROUP_DEPTH, inside_out), *more = chain(EGRESS__MAX_GROUP_DEPTH + 1, inside_out);
    accepts(fits, "");
    refuses_bytes(more, strlen(more), EGRESS_ELIMIT,
                  inside_out ? "p:19:9: error: groups are nested deeper than 16 levels\n"
                             : "p:18:8: error: groups are nested deeper than 16 levels\n");
    free(fits);
    free(more);
  }
}

/* Each of 16 groups includes all below it: 2^15 ways down, one host. */
Test(read_groups, many_ways_down) {
  char *text = malloc(16384), *at = text + sprintf(text, HEAD "groups:\n  g0: [x.test]\n");
  for (int i = 1; i < EGRESS__MAX_GROUP_DEPTH; i++) {
    at += sprintf(at, "  g%d: [", i);
    for (int j = 0; j < i; j++)
      at += sprintf(at, "%s\"group:g%d\"", j == 0 ? "" : ", ", j);
    at += sprintf(at, "]\n");
  }
  sprintf(at, "rules: [{name: r, to: [\"group:g15\"]}]\n");
  egress_policy *policy = read_policy(text);
  cr_assert_eq(egress_policy_destination_count(policy), 1);
  egress_policy_unref(policy);
  free(text);
}

/* A group of 500 hosts, 1,999 rules with it, which makes 1,000,000 together, and one rule more. */
static char *as_many_as_fit(const char *last_rule) {
  enum { HOSTS = 500, RULES = 1999 };
  char *text = malloc(1 << 20), *at = text + sprintf(text, HEAD "groups:\n  g:\n");
  for (int i = 0; i < HOSTS; i++)
    at += sprintf(at, "    - h%d.test\n", i);
  at += sprintf(at, "rules:\n");
  for (int i = 0; i < RULES; i++)
    at += sprintf(at, "  - {name: r%d, to: [\"group:g\"]}\n", i);
  strcpy(at, last_rule);
  return text;
}

Test(read_groups, limit_counts_each_use) {
  char *fits = as_many_as_fit(""), *group = as_many_as_fit("  - {name: last, to: [\"group:g\"]}\n"),
       *host = as_many_as_fit("  - {name: last, to: [x.test]}\n");
  egress_policy *policy = read_policy(fits);
  cr_assert_eq(egress_policy_destination_count(policy), 999500);
  egress_policy_unref(policy);
  refuses_bytes(
      group, strlen(group), EGRESS_ELIMIT,
      "p:2504:23: error: a policy has at most 1000000 hosts and address ranges, groups counted where they are "
      "used\n");
  refuses_bytes(
      host, strlen(host), EGRESS_ELIMIT,
      "p:2504:22: error: a policy has at most 1000000 hosts and address ranges, groups counted where they are "
      "used\n");
  free(fits);
  free(group);
  free(host);
}
