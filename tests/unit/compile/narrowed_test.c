#include "compile/narrowed.h"

#include "support/reading.h"

/* Whether rule "r", last in both policies, became narrower on the way. */
static int narrowed_at(const char *before, const char *after, uint16_t port) {
  egress_policy *old = read_policy(before), *now = read_policy(after);
  egress__arena arena;
  egress__arena_init(&arena, egress__alloc_or_default(NULL));
  egress__narrowing step;
  cr_assert_eq(egress__narrowing_find(&step, old, now, port, &arena), 0);
  const egress__rule *old_rule = &old->rules[old->rule_count - 1], *new_rule = &now->rules[now->rule_count - 1];
  cr_assert_str_eq(old_rule->name, "r");
  cr_assert_str_eq(new_rule->name, "r");
  int narrowed = egress__rule_narrowed(&step, old_rule, new_rule);
  egress__arena_dispose(&arena);
  egress_policy_unref(old);
  egress_policy_unref(now);
  return narrowed;
}

#define SOURCES \
  HEAD "sources: {a: {cidrs: [10.1.0.0/16]}, b: {cidrs: [10.2.0.0/16]}, in-a: {cidrs: [10.1.7.0/24]}, late-in-a: " \
       "{cidrs: [10.1.9.0/24]}," \
       " ab: {cidrs: [10.1.0.0/16, 10.2.0.0/16]}, ten: {cidrs: [10.0.0.0/8]}, six: {cidrs: [\"2001:db8::/32\"]}}\n"
#define RULE(body) SOURCES "rules: [{name: r, " body "}]\n"
#define DENIED(deny, body) SOURCES "deny: [" deny "]\nrules: [{name: r, " body "}]\n"
#define DEFAULTS(defaults) HEAD "defaults: {" defaults "}\nrules: [{name: r, to: [a.test]}]\n"

#define WIDER(before, after) cr_expect_not(narrowed_at((before), (after), 443), "%s\n%s", (before), (after))
#define NARROWER(before, after) cr_expect(narrowed_at((before), (after), 443), "%s\n%s", (before), (after))
/* Wider one way and narrower the other way. */
#define ORDERED(narrow, wide) \
  do { \
    WIDER((narrow), (wide)); \
    NARROWER((wide), (narrow)); \
  } while (0)

Test(narrowed, by_hosts) {
  WIDER(RULE("to: [a.test]"), RULE("to: [a.test]"));
  ORDERED(RULE("to: [a.test]"), RULE("to: [b.test, a.test]"));
  ORDERED(RULE("to: [a.test]"), RULE("to: ['*.test']"));
  ORDERED(RULE("to: [x.a.test, y.a.test]"), RULE("to: ['*.a.test']"));
  ORDERED(RULE("to: ['*.a.test']"), RULE("to: ['**.a.test']"));
  ORDERED(RULE("to: ['**.b.a.test']"), RULE("to: ['**.a.test']"));
  ORDERED(RULE("to: ['**.a.test', 'x-*.test', b]"), RULE("to: ['**']"));
  NARROWER(RULE("to: [a.test]"), RULE("to: ['*.a.test']")); /* the apex is never implied */
  NARROWER(RULE("to: [a.test]"), RULE("to: [a.testing, aa.test, test]"));
}

Test(narrowed, by_port_and_protocol) {
  WIDER(RULE("to: [a.test], ports: [443]"), RULE("to: [a.test], ports: [443, 8443]"));
  WIDER(RULE("to: [a.test], ports: [443, 8443]"), RULE("to: [a.test], ports: [443]")); /* judged at 443 */
  cr_expect(narrowed_at(RULE("to: [a.test], ports: [443, 8443]"), RULE("to: [a.test], ports: [443]"), 8443));
  NARROWER(RULE("to: [a.test], ports: [443]"), RULE("to: [a.test], ports: [8443]"));
  NARROWER(RULE("to: [a.test]"), RULE("to: [a.test], protocol: http, ports: [443]"));
  WIDER(RULE("to: [a.test], protocol: tls"), RULE("to: [a.test]"));
  /* It had none of the connections that count. */
  WIDER(RULE("to: [a.test, b.test], protocol: http"), RULE("to: [a.test], protocol: http"));
  WIDER(RULE("to: [a.test, b.test], ports: [8443]"), RULE("to: [a.test], ports: [443]"));
  WIDER(RULE("to: [10.0.0.0/8], ports: [443]"), RULE("to: [10.0.0.0/8], ports: [8443]"));
  cr_expect(narrowed_at(RULE("to: [a.test, b.test], ports: [8443]"), RULE("to: [a.test], ports: [8443]"), 8443));
}

Test(narrowed, by_source) {
  ORDERED(RULE("to: [a.test], from: [a]"), RULE("to: [a.test], from: [a, b]"));
  ORDERED(RULE("to: [a.test], from: [a, b]"), RULE("to: [a.test], from: [ten]"));
  ORDERED(RULE("to: [a.test], from: [in-a, six]"), RULE("to: [a.test], from: [six, a]"));
  ORDERED(RULE("to: [a.test], from: [ten, six]"), RULE("to: [a.test]"));
  WIDER(RULE("to: [a.test], from: [a, b]"), RULE("to: [a.test], from: [ab]"));
  NARROWER(RULE("to: [a.test], from: [a]"), RULE("to: [a.test], from: [b]"));
  NARROWER(RULE("to: [a.test], from: [a, six]"), RULE("to: [a.test], from: [ten]"));
  /* A range inside another, behind a third inside that. */
  WIDER(RULE("to: [a.test], from: [late-in-a, b]"), RULE("to: [a.test], from: [ab, in-a]"));
  NARROWER(RULE("to: [a.test], from: [late-in-a, b]"), RULE("to: [a.test], from: [b, in-a]"));
}

Test(narrowed, by_deny_entries) {
  ORDERED(DENIED("{name: d, to: [a.test]}", "to: ['*.test']"), RULE("to: ['*.test']"));
  ORDERED(DENIED("{name: d, to: ['**.test']}", "to: [a.test]"), DENIED("{name: d, to: [b.test]}", "to: [a.test]"));
  ORDERED(DENIED("{name: d, to: ['x*.test']}", "to: ['*y.test']"), RULE("to: ['*y.test']"));
  /* It meets nothing of the rule's. */
  WIDER(RULE("to: [a.test]"), DENIED("{name: d, to: [b.test, '*.a.test', '**.org']}", "to: [a.test]"));
  WIDER(RULE("to: [a.test]"), DENIED("{name: d, to: [a.test], protocol: http}", "to: [a.test]"));
  WIDER(RULE("to: [a.test]"), DENIED("{name: d, to: [a.test], ports: [80, 8443]}", "to: [a.test]"));
  WIDER(RULE("to: [a.test], from: [a]"), DENIED("{name: d, to: [a.test], from: [b, six]}", "to: [a.test], from: [a]"));
  NARROWER(RULE("to: [a.test], from: [b, six]"),
           DENIED("{name: d, to: [a.test], from: [a, six]}", "to: [a.test], from: [b, six]"));
  NARROWER(RULE("to: [a.test], from: [a, six]"),
           DENIED("{name: d, to: [a.test], from: [b, six]}", "to: [a.test], from: [a, six]"));
  NARROWER(RULE("to: [a.test], from: [a]"), DENIED("{name: d, to: [a.test], from: [in-a]}", "to: [a.test], from: [a]"));
  NARROWER(RULE("to: [a.test], from: [six, in-a]"),
           DENIED("{name: d, to: [a.test], from: [b, a]}", "to: [a.test], from: [six, in-a]"));
}

Test(narrowed, not_by_what_was_denied_before) {
  const char *before = DENIED("{name: d, to: ['**.bad.test']}", "to: ['**.test']");
  WIDER(before, DENIED("{name: d, to: [x.bad.test]}, {name: e, to: ['*.y.bad.test']}", "to: ['**.test']"));
  WIDER(before, DENIED("{name: other, to: ['**.bad.test']}", "to: ['**.test']"));
  NARROWER(before, DENIED("{name: d, to: ['**.bad.test', bad.test]}", "to: ['**.test']"));
  /* For other sources or ports it is new. */
  NARROWER(DENIED("{name: d, to: [a.test], from: [a]}", "to: [a.test]"),
           DENIED("{name: d, to: [a.test]}", "to: [a.test]"));
  WIDER(DENIED("{name: d, to: [a.test], from: [a]}", "to: [a.test]"),
        DENIED("{name: d, to: [a.test], from: [in-a]}", "to: [a.test]"));
  NARROWER(DENIED("{name: d, to: [a.test], ports: [80]}", "to: [a.test]"),
           DENIED("{name: d, to: [a.test]}", "to: [a.test]"));
  WIDER(DENIED("{name: d, to: [a.test], ports: [443]}", "to: [a.test]"),
        DENIED("{name: d, to: [a.test]}", "to: [a.test]"));
  /* An allow rule that covers it is no deny entry. */
  NARROWER(RULE("to: ['**.test']"), DENIED("{name: d, to: [a.test]}", "to: ['**.test']"));
}

Test(narrowed, by_denied_addresses) {
  ORDERED(DENIED("{name: d, to: [192.0.2.0/24]}", "to: [a.test]"), RULE("to: [a.test]"));
  ORDERED(DENIED("{name: d, to: [192.0.0.0/16, '2001:db8::/32']}", "to: [a.test]"),
          DENIED("{name: d, to: [192.0.2.0/24, '2001:db8:1::/48']}", "to: [a.test]"));
  WIDER(DENIED("{name: d, to: [192.0.0.0/16]}, {name: e, to: [192.0.2.0/24], ports: [80]}", "to: [a.test]"),
        DENIED("{name: f, to: [192.0.2.0/24]}, {name: g, to: [192.0.3.0/24]}", "to: [a.test]"));
  NARROWER(DENIED("{name: d, to: [192.0.2.0/25, 192.0.2.128/26]}", "to: [a.test]"),
           DENIED("{name: d, to: [192.0.2.0/24]}", "to: [a.test]"));
  WIDER(RULE("to: [a.test]"), DENIED("{name: d, to: [192.0.2.0/24], ports: [80]}", "to: [a.test]"));
  WIDER(RULE("to: [a.test]"), DENIED("{name: d, to: [192.0.2.0/24], protocol: http}", "to: [a.test]"));
  NARROWER(RULE("to: [a.test]"), DENIED("{name: d, to: [192.0.2.0/24], protocol: tcp}", "to: [a.test]"));
  NARROWER(RULE("to: [a.test]"), DENIED("{name: d, to: [192.0.2.0/24], protocol: tls}", "to: [a.test]"));
  WIDER(RULE("to: [a.test], from: [a]"), DENIED("{name: d, to: [192.0.2.0/24], from: [b]}", "to: [a.test], from: [a]"));
  NARROWER(DENIED("{name: d, to: [192.0.2.0/24], from: [a]}", "to: [a.test]"),
           DENIED("{name: d, to: [192.0.2.0/24], from: [a, b]}", "to: [a.test]"));
}

Test(narrowed, by_the_guard) {
  ORDERED(DEFAULTS("deny_private_ips: true"), DEFAULTS("deny_private_ips: false"));
  ORDERED(DEFAULTS("allow_private: [10.1.0.0/16]"), DEFAULTS("allow_private: [10.0.0.0/8]"));
  ORDERED(DEFAULTS("allow_private: [10.1.0.0/16]"), DEFAULTS("allow_private: [127.0.0.0/8, 10.1.0.0/16]"));
  WIDER(DEFAULTS("allow_private: [10.0.0.0/8], deny_private_ips: false"), DEFAULTS("deny_private_ips: false"));
  WIDER(DEFAULTS("allow_private: []"), DEFAULTS("deny_private_ips: true"));
}
