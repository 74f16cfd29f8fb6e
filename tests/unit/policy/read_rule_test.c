#include "policy/model.h"

#include "support/reading.h"

/* `ports` as text: `443` or `1-65535`; "" for none. */
static void has_ports(const egress__rule *rule, int protocol, unsigned low, unsigned high) {
  const egress__ports *ports = &rule->ports[protocol];
  cr_assert_eq(ports->count, low != 0, "%s, protocol %d: %zu ranges", rule->name, protocol, ports->count);
  if (low != 0)
    cr_assert(ports->ranges[0].low == low && ports->ranges[0].high == high, "%s, protocol %d", rule->name, protocol);
}

Test(read_rule, whole) {
  egress_policy *policy = read_policy(HEAD "rules:\n"
                                           "  - name: r\n    owner: team\n    to: [x.test]\n    reason: T-1\n"
                                           "    mode: enforce\n"
                                           "deny:\n"
                                           "  - {name: d, to: [y.test]}\n");
  cr_assert_eq(policy->rule_count, 2);
  cr_assert_eq(policy->deny_count, 1);
  cr_assert_str_eq(egress_policy_rule_name(policy, 0), "d", "deny entries come first");
  cr_assert_str_eq(egress_policy_rule_name(policy, 1), "r");
  cr_assert_null(egress_policy_rule_name(policy, 2));
  const egress__rule *rule = &policy->rules[1];
  cr_assert_str_eq(rule->owner, "team");
  cr_assert_str_eq(rule->note, "T-1");
  cr_assert_eq(rule->place.line, 3);
  cr_assert_eq(rule->place.column, 5);
  cr_assert_str_eq(rule->place.file, "p");
  cr_assert(policy->rules[0].deny);
  cr_assert_null(policy->rules[0].note);
  egress_policy_unref(policy);
}

Test(read_rule, ports_of_protocols) {
  egress_policy *policy = read_policy(HEAD "rules:\n"
                                           "  - {name: default, to: [x.test]}\n"
                                           "  - {name: any, to: [x.test], protocol: any}\n"
                                           "  - {name: tls, to: [x.test], protocol: tls}\n"
                                           "  - {name: http, to: [x.test], protocol: http}\n"
                                           "  - {name: given, to: [x.test], ports: [8443]}\n"
                                           "  - {name: mixed, to: [x.test, 192.0.2.1], ports: [22]}\n"
                                           "  - {name: tcp, to: [192.0.2.1], ports: [22], protocol: tcp}\n"
                                           "  - {name: tls-address, to: [192.0.2.1], ports: [22], protocol: tls}\n"
                                           "deny:\n"
                                           "  - {name: d, to: [x.test]}\n"
                                           "  - {name: d-tls, to: [x.test, 192.0.2.1], protocol: tls}\n"
                                           "  - {name: d-ports, to: [192.0.2.1], ports: [25]}\n");
  const egress__rule *deny = policy->rules, *rule = policy->rules + policy->deny_count;
  for (int i = 0; i < 2; i++) { /* default, any */
    has_ports(&rule[i], EGRESS_PROTOCOL_TLS, 443, 443);
    has_ports(&rule[i], EGRESS_PROTOCOL_HTTP, 80, 80);
    has_ports(&rule[i], EGRESS_PROTOCOL_TCP, 0, 0);
  }
  has_ports(&rule[2], EGRESS_PROTOCOL_TLS, 443, 443);
  has_ports(&rule[2], EGRESS_PROTOCOL_HTTP, 0, 0);
  has_ports(&rule[3], EGRESS_PROTOCOL_TLS, 0, 0);
  has_ports(&rule[3], EGRESS_PROTOCOL_HTTP, 80, 80);
  has_ports(&rule[4], EGRESS_PROTOCOL_TLS, 8443, 8443);
  has_ports(&rule[4], EGRESS_PROTOCOL_HTTP, 8443, 8443);
  has_ports(&rule[4], EGRESS_PROTOCOL_TCP, 0, 0);
  for (int protocol = EGRESS_PROTOCOL_TLS; protocol <= EGRESS_PROTOCOL_TCP; protocol++)
    has_ports(&rule[5], protocol, 22, 22);
  has_ports(&rule[6], EGRESS_PROTOCOL_TCP, 22, 22);
  has_ports(&rule[6], EGRESS_PROTOCOL_TLS, 0, 0);
  has_ports(&rule[7], EGRESS_PROTOCOL_TLS, 22, 22);
  has_ports(&rule[7], EGRESS_PROTOCOL_TCP, 0, 0);
  for (int protocol = EGRESS_PROTOCOL_TLS; protocol <= EGRESS_PROTOCOL_TCP; protocol++) {
    has_ports(&deny[0], protocol, 1, 65535);
    has_ports(&deny[2], protocol, 25, 25);
  }
  has_ports(&deny[1], EGRESS_PROTOCOL_TLS, 1, 65535);
  has_ports(&deny[1], EGRESS_PROTOCOL_HTTP, 0, 0);
  has_ports(&deny[1], EGRESS_PROTOCOL_TCP, 0, 0);
  egress_policy_unref(policy);
}

Test(read_rule, missing) {
  refuses(HEAD
          "rules:\n  - {}\n  - {name: a}\n  - {name: b, to: []}\n  - {name: c, to: }\ndeny:\n  - {ports: [1]}\n  - x\n",
          "p:3:5: error: a rule has no `name`\n"
          "p:3:5: error: a rule has no `to`\n"
          "p:4:5: error: a rule has no `to`\n"
          "p:5:19: error: `to` is empty\n"
          "p:6:19: error: `to` must be a list, not nothing\n"
          "p:8:5: error: a deny entry has no `name`\n"
          "p:8:5: error: a deny entry has no `to`\n"
          "p:9:5: error: a deny entry must be a map, not text\n");
}

Test(read_rule, names_are_unique_across_deny_and_rules) {
  refuses(HEAD "deny: [{name: a, to: [x.test]}]\nrules:\n  - {name: a, to: [x.test]}\n  - {name: b, to: [x.test]}\n"
               "  - {name: b, to: [x.test]}\n",
          "p:4:12: error: name `a` is already taken on line 2; logs could not tell the rules apart\n"
          "p:6:12: error: name `b` is already taken on line 5; logs could not tell the rules apart\n");
}

Test(read_rule, ports_of_addresses) {
  refuses(
      HEAD
      "groups: {g: [192.0.2.1]}\nrules:\n  - {name: a, to: [x.test, 192.0.2.1]}\n  - {name: b, to: [\"group:g\"]}\n",
      "p:4:5: error: `ports` is missing; a rule whose `to` has addresses must list them\n"
      "p:5:5: error: `ports` is missing; a rule whose `to` has addresses must list them\n");
  accepts(HEAD "deny: [{name: a, to: [192.0.2.1]}]\n", "");
}

Test(read_rule, protocol) {
  refuses(HEAD "groups: {g: [x.test]}\nrules:\n"
               "  - {name: a, to: [x.test], protocol: tcp}\n"
               "  - {name: b, to: [192.0.2.1, \"group:g\"], ports: [1], protocol: tcp}\n"
               "  - {name: c, to: [x.test], protocol: tsl}\n"
               "  - {name: d, to: [x.test], protocol: udp}\n"
               "deny: [{name: e, to: [x.test], protocol: tcp}]\n",
          "p:4:39: error: `protocol: tcp` cannot be told by name, only by address; take the host names out of this "
          "rule\n"
          "p:5:65: error: `protocol: tcp` cannot be told by name, only by address; take the host names out of this "
          "rule\n"
          "p:6:39: error: `protocol` must be any, tls, http or tcp, not `tsl`; did you mean `tls`?\n"
          "p:7:39: error: `protocol` must be any, tls, http or tcp, not `udp`\n"
          "p:8:42: error: `protocol: tcp` cannot be told by name, only by address; take the host names out of this "
          "rule\n");
}

Test(read_rule, not_supported_yet) {
  refuses(HEAD "rules:\n  - {name: a, to: [x.test], mode: report, expires: 2031-12-24, hours: {days: SS}}\n",
          "p:3:35: error: `mode: report` is not supported yet\n"
          "p:3:43: error: `expires` is not supported yet\n"
          "p:3:64: error: `hours` is not supported yet\n");
  refuses(HEAD "rules: [{name: a, to: [x.test], mode: off}]\n",
          "p:2:39: error: `mode` must be enforce or report, not `off`\n");
}

Test(read_rule, keys_of_deny) {
  refuses(HEAD "deny: [{name: a, to: [x.test], mode: enforce, owner: me, form: [b]}]\n",
          "p:2:32: error: unknown key `mode`\n"
          "p:2:47: error: unknown key `owner`\n"
          "p:2:58: error: unknown key `form`; did you mean `from`?\n");
}

Test(read_rule, owner_and_reason) {
  refuses(HEAD "rules:\n"
               "  - {name: a, to: [x.test], owner: , reason: [x]}\n"
               "  - {name: b, to: [x.test], owner: \"\", reason: \"a\\x1bb\"}\n"
               "  - name: c\n    to: [x.test]\n    reason: |\n      two\n      lines\n",
          "p:3:36: error: `owner` must be text, not nothing\n"
          "p:3:46: error: `reason` must be text, not a list\n"
          "p:4:36: error: `owner` must be 1 to 1024 bytes long\n"
          "p:4:48: error: `reason` must be one line without control characters; take out U+001B\n"
          "p:7:13: error: `reason` must be one line without control characters; take out U+000A\n");
}

Test(read_rule, owner_and_reason_are_read_as_written) {
  refuses(HEAD "rules:\n"
               "  - {name: a, to: [x.test], owner: \"me\\u202e\", reason: \"\\u009b31m\"}\n",
          "p:3:36: error: `owner` must be one line without control characters; take out U+202E\n"
          "p:3:56: error: `reason` must be one line without control characters; take out U+009B\n");
  accepts(HEAD "rules:\n  - {name: a, to: [x.test], owner: \"\\u00a0\\u20ac\", reason: \"\\u202f\"}\n", "");
}

Test(read_rule, limit) {
  char *text = malloc(1 << 20), *at = text + sprintf(text, HEAD "deny: [{name: d, to: [x.test]}]\nrules:\n");
  char *last = at;
  for (int i = 0; i < EGRESS__MAX_RULES; i++) {
    last = at;
    at += sprintf(at, "  - {name: r%d, to: [x.test]}\n", i);
  }
  refuses_bytes(text, (size_t)(at - text), EGRESS_ELIMIT,
                "p:4:3: error: a policy has at most 10000 rules and deny entries\n");
  *last = '\0';
  accepts(text, "");
  free(text);
}
