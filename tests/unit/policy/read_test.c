#include "policy/read.h"

#include "support/reading.h"

Test(read, least_policy) {
  egress_policy *policy = read_policy("version: egress/v1");
  cr_assert_eq(egress_policy_rule_count(policy), 0);
  egress_policy_unref(policy);
}

Test(read, empty_sections) {
  accepts(HEAD "defaults:\ngroups: ~\nsources: null\ndeny:\nrules:\n", "");
  accepts(HEAD "groups: {}\nsources: {}\ndeny: []\nrules: []\n", "");
}

Test(read, version) {
  refuses("rules: []\n", "p:1:1: error: `version` is missing; write `version: egress/v1`\n");
  refuses("version:\n", "p:1:9: error: `version` must be text, not nothing\n");
  refuses("version: egress/v2\nnew: key\nrules: 5\n",
          "p:1:10: error: version `egress/v2` is not supported; this library reads `egress/v1`\n"
          "p:2:1: error: unknown key `new`\n");
  accepts("version: \"egress/v1\"", "");
}

Test(read, top_level) {
  refuses("[]", "p:1:1: error: a policy must be a map, not a list\n");
  refuses("egress/v1", "p:1:1: error: a policy must be a map, not text\n");
  refuses("", "p:1:1: error: the text is empty; a policy starts with `version: egress/v1`\n");
  refuses("# nothing\n", "p:1:1: error: the text is empty; a policy starts with `version: egress/v1`\n");
  refuses(HEAD "rule: []\nallow: []\n", "p:2:1: error: unknown key `rule`; did you mean `rules`?\n"
                                        "p:3:1: error: unknown key `allow`\n");
  refuses(HEAD "rules: {}\ndeny: x\ngroups: []\nsources: []\ndefaults: []\n",
          "p:2:8: error: `rules` must be a list, not a map\n"
          "p:3:7: error: `deny` must be a list, not text\n"
          "p:4:9: error: `groups` must be a map of names to lists of hosts\n"
          "p:5:10: error: `sources` must be a map of names to sources\n"
          "p:6:11: error: `defaults` must be a map, not a list\n");
}

Test(read, every_fault_in_one_pass) {
  refuses(HEAD "defaults: {no_sni: allow}\n"
               "groups: {g: [\"a b\"]}\n"
               "sources: {s: {cidrs: [10.0.0.1/8]}}\n"
               "deny: [{name: d, to: [\"x..y\"]}]\n"
               "rules: [{name: r, to: [a.test], ports: [0]}, {name: r, to: [a.test]}]\n",
          "p:2:20: error: `no_sni` must be deny or address, not `allow`\n"
          "p:3:14: error: host `a b`: has a character that no host name has; allowed are letters, digits, - _ . and *\n"
          "p:4:23: error: `10.0.0.1/8` has bits set behind its length; write 10.0.0.0/8\n"
          "p:5:23: error: host `x..y`: has an empty label\n"
          "p:6:41: error: `0` is no port; write a number from 1 to 65535\n"
          "p:6:53: error: name `r` is already taken on line 6; logs could not tell the rules apart\n");
}

Test(read, names) {
  refuses(HEAD
          "rules:\n  - {name: \"a b\", to: [x.test]}\n  - {name: -a, to: [x.test]}\n  - {name: \"\", to: [x.test]}\n"
          "  - {name: [a], to: [x.test]}\n",
          "p:3:12: error: `name` `a b` must be 1 to 63 letters, digits, dots, - or _, the first a letter or digit\n"
          "p:4:12: error: `name` `-a` must be 1 to 63 letters, digits, dots, - or _, the first a letter or digit\n"
          "p:5:12: error: `name` `` must be 1 to 63 letters, digits, dots, - or _, the first a letter or digit\n"
          "p:6:12: error: `name` must be text, not a list\n");
  accepts(HEAD "rules: [{name: 0.A_z-9, to: [x.test]}]", "");
  char text[256], name[65];
  memset(name, 'n', 64);
  name[64] = '\0';
  sprintf(text, HEAD "rules: [{name: %s, to: [x.test]}]", name + 1);
  accepts(text, "");
  sprintf(text, HEAD "rules: [{name: %s, to: [x.test]}]", name);
  egress_policy *policy = NULL;
  cr_assert_eq(egress_policy_parse(&policy, text, strlen(text), NULL, NULL, NULL), EGRESS_EPOLICY);
}
