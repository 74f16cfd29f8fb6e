#include "policy/model.h"

#include "support/reading.h"

Test(read_sources, addresses_of_all_sources_sorted) {
  egress_policy *policy = read_policy(HEAD "sources:\n"
                                           "  a: {cidrs: [10.2.0.0/16, \"2001:db8::/32\"]}\n"
                                           "  b: {cidrs: [10.1.0.0/16, 10.2.0.0/16]}\n"
                                           "rules: [{name: r, from: [a, b], to: [x.test]}, {name: s, to: [x.test]}]\n");
  const egress__rule *rule = &policy->rules[0];
  char text[EGRESS__PREFIX_TEXT];
  cr_assert_not(rule->from_any);
  cr_assert_eq(rule->from_count, 3, "10.2.0.0/16 once");
  cr_assert_str_eq(egress__prefix_format(text, &rule->froms[0]), "10.1.0.0/16");
  cr_assert_str_eq(egress__prefix_format(text, &rule->froms[1]), "10.2.0.0/16");
  cr_assert_str_eq(egress__prefix_format(text, &rule->froms[2]), "2001:db8::/32");
  cr_assert(policy->rules[1].from_any);
  egress_policy_unref(policy);
}

Test(read_sources, faults) {
  refuses(HEAD "sources:\n"
               "  \"a b\": {cidrs: [10.0.0.0/8]}\n"
               "  c: {}\n"
               "  d: {cidrs: []}\n"
               "  e: {cidr: [10.0.0.0/8]}\n"
               "  f: [10.0.0.0/8]\n"
               "  g: {cidrs: [10.0.0.0/40]}\n",
          "p:3:3: error: a source's name `a b` must be 1 to 63 letters, digits, dots, - or _, the first a letter or "
          "digit\n"
          "p:4:6: error: source `c` has no `cidrs`\n"
          "p:5:14: error: `cidrs` is empty\n"
          "p:6:6: error: source `e` has no `cidrs`\n"
          "p:6:7: error: unknown key `cidr`; did you mean `cidrs`?\n"
          "p:7:6: error: a source must be a map, not a list\n"
          "p:8:15: error: `10.0.0.0/40` has a bad length; it is 0 to 32 for IPv4, 0 to 128 for IPv6\n");
}

Test(read_sources, not_supported_yet) {
  refuses(HEAD "sources:\n  a: {labels: {app: x}}\n  b: {spiffe: [\"spiffe://corp/x\"]}\n",
          "p:3:7: error: `labels` is not supported yet\n"
          "p:4:7: error: `spiffe` is not supported yet\n");
}

Test(read_sources, from) {
  refuses(HEAD "sources: {a: {cidrs: [10.0.0.0/8]}}\nrules:\n"
               "  - {name: r, from: [b, a, [a], 10.0.0.0/8], to: [x.test]}\n"
               "  - {name: s, from: [], to: [x.test]}\n"
               "  - {name: t, from: a, to: [x.test]}\n"
               "  - {name: u, from: , to: [x.test]}\n",
          "p:4:22: error: source `b` is not in `sources`\n"
          "p:4:28: error: a source must be text, not a list\n"
          "p:4:33: error: source `10.0.0.0/8` is not in `sources`\n"
          "p:5:21: error: `from` is empty\n"
          "p:6:21: error: `from` must be a list, not text\n"
          "p:7:21: error: `from` must be a list, not nothing\n");
}

Test(read_sources, limit) {
  enum { CIDRS = 200, RULES = 5001 }; /* 1,000,200 source ranges together */
  char *text = malloc(1 << 20), *at = text + sprintf(text, HEAD "sources:\n  a:\n    cidrs:\n");
  for (int i = 0; i < CIDRS; i++)
    at += sprintf(at, "      - 10.0.0.%d\n", i);
  at += sprintf(at, "rules:\n");
  for (int i = 0; i < RULES; i++)
    at += sprintf(at, "  - {name: r%d, from: [a], to: [x.test]}\n", i);
  refuses_bytes(text, (size_t)(at - text), EGRESS_ELIMIT,
                "p:5206:25: error: the rules of a policy have at most 1000000 source ranges together\n");
  free(text);
}
