#include "policy/decide.h"

#include "support/definition.h"
#include "support/reading.h"

/* A flow from 10.1.0.1 to port 443 by TLS, until a test says otherwise. */
static egress_flow to_name(const char *name) {
  egress_flow flow = EGRESS_FLOW_INIT;
  flow.source = "10.1.0.1";
  flow.name = name;
  return flow;
}

static egress_flow to_address(const char *address) {
  egress_flow flow = to_name(NULL);
  flow.address = address;
  flow.protocol = EGRESS_PROTOCOL_TCP;
  return flow;
}

static egress_decision decide(const egress_policy *policy, egress_flow flow) {
  egress_decision decision = EGRESS_DECISION_INIT;
  cr_assert_eq(egress_policy_decide(policy, &flow, &decision), 0);
  return decision;
}

static void is(const egress_policy *policy, egress_flow flow, int verdict, int reason, const char *rule) {
  egress_decision decision = decide(policy, flow);
  const char *what = flow.name != NULL ? flow.name : flow.address != NULL ? flow.address : "nothing";
  cr_expect_eq(decision.verdict, verdict, "%s port %u: verdict %d", what, flow.port, decision.verdict);
  cr_expect_eq(decision.reason, reason, "%s port %u: reason %d", what, flow.port, decision.reason);
  cr_expect_str_eq(decision.rule == NULL ? "-" : decision.rule, rule == NULL ? "-" : rule, "%s port %u", what,
                   flow.port);
}

static void allows(const egress_policy *policy, egress_flow flow, const char *rule) {
  is(policy, flow, EGRESS_ALLOW, EGRESS_REASON_RULE, rule);
}

static void denies(const egress_policy *policy, egress_flow flow, const char *rule) {
  is(policy, flow, EGRESS_DENY, rule == NULL ? EGRESS_REASON_NO_MATCH : EGRESS_REASON_DENY_RULE, rule);
}

/* Most tests are not about the guard. */
#define OPEN HEAD "defaults: {deny_private_ips: false}\n"

Test(decide, says_what_decided) {
  egress_policy *policy = read_policy(OPEN "rules:\n  - {name: r, owner: team, to: [a.test], reason: T-1}\n");
  egress_decision decision = decide(policy, to_name("a.test"));
  cr_assert_eq(decision.size, sizeof decision);
  cr_assert_str_eq(decision.owner, "team");
  cr_assert_str_eq(decision.note, "T-1");
  cr_assert_eq(decision.line, 4);
  cr_assert_eq(decision.column, 5);
  decision = decide(policy, to_name("b.test"));
  cr_assert_null(decision.rule);
  cr_assert_null(decision.owner);
  cr_assert_null(decision.note);
  cr_assert_eq(decision.line, 0);
  egress_policy_unref(policy);
}

Test(decide, one_label_and_deep_wildcard_on_one_port) {
  egress_policy *policy =
      read_policy(OPEN "rules:\n  - {name: one, to: [\"*.x.test\"]}\n  - {name: deep, to: [\"**.x.test\"]}\n");
  allows(policy, to_name("a.x.test"), "one");
  allows(policy, to_name("a.b.x.test"), "deep");
  denies(policy, to_name("x.test"), NULL);
  egress_policy_unref(policy);
  policy = read_policy(OPEN "rules:\n  - {name: deep, to: [\"**.x.test\"]}\n  - {name: one, to: [\"*.x.test\"]}\n");
  allows(policy, to_name("a.x.test"), "deep");
  egress_policy_unref(policy);
}

Test(decide, deny_wins_both_ways) {
  egress_policy *policy =
      read_policy(OPEN "deny: [{name: d, to: [bad.x.test]}]\nrules: [{name: r, to: [\"**.x.test\"]}]\n");
  denies(policy, to_name("bad.x.test"), "d");
  allows(policy, to_name("good.x.test"), "r");
  allows(policy, to_name("a.bad.x.test"), "r");
  egress_policy_unref(policy);
  policy = read_policy(OPEN "deny: [{name: d, to: [\"**.x.test\"]}]\nrules: [{name: r, to: [good.x.test, x.test]}]\n");
  denies(policy, to_name("good.x.test"), "d");
  allows(policy, to_name("x.test"), "r");
  egress_policy_unref(policy);
}

Test(decide, one_host_in_rules_with_other_ports_and_sources) {
  egress_policy *policy = read_policy(OPEN "sources: {a: {cidrs: [10.1.0.0/16]}, b: {cidrs: [10.2.0.0/16]}}\n"
                                           "rules:\n"
                                           "  - {name: a-443, from: [a], to: [h.test], ports: [443]}\n"
                                           "  - {name: b-8443, from: [b], to: [h.test], ports: [8443]}\n"
                                           "  - {name: b-both, from: [b], to: [h.test], ports: [443, 8443]}\n");
  egress_flow flow = to_name("h.test");
  allows(policy, flow, "a-443");
  flow.port = 8443;
  denies(policy, flow, NULL);
  flow.source = "10.2.0.1";
  allows(policy, flow, "b-8443");
  flow.port = 443;
  allows(policy, flow, "b-both");
  flow.source = "10.3.0.1";
  denies(policy, flow, NULL);
  egress_policy_unref(policy);
}

Test(decide, deny_without_ports_under_an_allow_on_8443) {
  egress_policy *policy = read_policy(OPEN "deny: [{name: d, to: [bad.x.test]}]\n"
                                           "rules: [{name: r, to: [\"*.x.test\"], ports: [8443]}]\n");
  egress_flow flow = to_name("bad.x.test");
  flow.port = 8443;
  denies(policy, flow, "d");
  flow.port = 25;
  denies(policy, flow, "d");
  flow.name = "ok.x.test";
  flow.port = 8443;
  allows(policy, flow, "r");
  egress_policy_unref(policy);
}

Test(decide, ports_of_protocols) {
  egress_policy *policy =
      read_policy(OPEN "rules:\n  - {name: r, to: [a.test]}\n  - {name: h, to: [b.test], protocol: http}\n");
  egress_flow flow = to_name("a.test");
  allows(policy, flow, "r");
  flow.port = 80;
  denies(policy, flow, NULL);
  flow.protocol = EGRESS_PROTOCOL_HTTP;
  allows(policy, flow, "r");
  flow.name = "b.test";
  allows(policy, flow, "h");
  flow.protocol = EGRESS_PROTOCOL_TLS;
  denies(policy, flow, NULL);
  flow.protocol = EGRESS_PROTOCOL_TCP;
  denies(policy, flow, NULL);
  egress_policy_unref(policy);
}

Test(decide, tcp_on_an_address_covers_what_is_spoken_to_it) {
  egress_policy *policy = read_policy(OPEN "rules:\n"
                                           "  - {name: any, to: [192.0.2.0/25], ports: [22]}\n"
                                           "  - {name: tls, to: [192.0.2.128/25], ports: [22], protocol: tls}\n");
  egress_flow flow = to_address("192.0.2.1");
  flow.port = 22;
  allows(policy, flow, "any");
  flow.protocol = EGRESS_PROTOCOL_HTTP;
  allows(policy, flow, "any");
  flow.protocol = EGRESS_PROTOCOL_TLS;
  flow.name = "other.test";
  allows(policy, flow, "any");
  flow.address = "192.0.2.129";
  allows(policy, flow, "tls");
  flow.protocol = EGRESS_PROTOCOL_TCP;
  denies(policy, flow, NULL);
  egress_policy_unref(policy);
}

Test(decide, valid_names_only) {
  egress_policy *policy = read_policy(OPEN "rules: [{name: r, to: [\"**\", 127.0.0.1], ports: [443]}]\n");
  static const char *const bad[] = {"",         ".",          "a.",        "a..x.test", ".x.test",
                                    "x y.test", "a\377.test", "127.0.0.1", "a.1",       "[::1]",
                                    "::1",      "a:443",      "*.test",    "a@b",       "127.0.0.1:80@a.test"};
  for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
    egress_flow flow = to_name(bad[i]);
    is(policy, flow, EGRESS_DENY, EGRESS_REASON_BAD_NAME, NULL);
    flow.address = "127.0.0.1"; /* does not help */
    is(policy, flow, EGRESS_DENY, EGRESS_REASON_BAD_NAME, NULL);
  }
  static const char *const good[] = {"a", "A.TEST", "_x-.a_b.test", "1.2.a", "xn--bcher-kva.test", "1a"};
  for (size_t i = 0; i < sizeof good / sizeof good[0]; i++)
    allows(policy, to_name(good[i]), "r");
  egress_flow flow = to_name("a.test\0b");
  flow.name_size = 8;
  is(policy, flow, EGRESS_DENY, EGRESS_REASON_BAD_NAME, NULL);
  flow.name_size = 3; /* `a.t` */
  allows(policy, flow, "r");
  egress_policy_unref(policy);
}

Test(decide, tls_without_a_name) {
  static const char rules[] = "rules: [{name: r, to: [\"**\", 192.0.2.1], ports: [443]}]\n";
  char text[512];
  egress_flow flow = to_address("192.0.2.1");
  flow.protocol = EGRESS_PROTOCOL_TLS;
  sprintf(text, OPEN "%s", rules);
  egress_policy *policy = read_policy(text);
  is(policy, flow, EGRESS_DENY, EGRESS_REASON_NO_SNI, NULL);
  flow.protocol = EGRESS_PROTOCOL_TCP;
  allows(policy, flow, "r");
  egress_policy_unref(policy);
  sprintf(text, HEAD "defaults: {no_sni: address}\n%s", rules);
  policy = read_policy(text);
  flow.protocol = EGRESS_PROTOCOL_TLS;
  allows(policy, flow, "r");
  flow.address = "192.0.2.2";
  denies(policy, flow, NULL); /* `**` is no absent name */
  flow.address = NULL;
  denies(policy, flow, NULL);
  egress_policy_unref(policy);
}

Test(decide, name_and_address) {
  egress_policy *policy = read_policy(OPEN "deny: [{name: dn, to: [bad.test]}, {name: da, to: [198.51.100.0/24]}]\n"
                                           "rules:\n"
                                           "  - {name: ra, to: [192.0.2.0/24, 198.51.100.1], ports: [443]}\n"
                                           "  - {name: rn, to: [a.test, bad.test]}\n");
  egress_flow flow = to_name("bad.test");
  flow.address = "192.0.2.1";
  denies(policy, flow, "dn");
  flow.name = "a.test";
  flow.address = "198.51.100.1";
  denies(policy, flow, "da");
  flow.name = "other.test";
  flow.address = "192.0.2.1";
  allows(policy, flow, "ra");
  flow.address = "203.0.113.1";
  denies(policy, flow, NULL);
  flow.name = "a.test";
  is(policy, flow, EGRESS_ALLOW_IF_ADDRESS, EGRESS_REASON_RULE, "rn"); /* dialled by name: `da` may yet refuse */
  flow.address = "192.0.2.1";
  is(policy, flow, EGRESS_ALLOW_IF_ADDRESS, EGRESS_REASON_RULE, "rn"); /* by name, though `ra` stands first */
  egress_policy_unref(policy);
}

Test(decide, mapped_addresses) {
  egress_policy *policy =
      read_policy(OPEN "sources: {a: {cidrs: [10.1.0.0/16]}}\n"
                       "rules: [{name: r, from: [a], to: [a.test, \"::/0\", 0.0.0.0/0], ports: [443]}]\n");
  egress_flow flow = to_name("a.test");
  flow.source = "::ffff:10.1.2.3";
  allows(policy, flow, "r");
  flow.source = "10.1.2.3";
  flow.address = "::ffff:192.0.2.1";
  denies(policy, flow, NULL);
  flow.name = NULL;
  flow.protocol = EGRESS_PROTOCOL_TCP;
  denies(policy, flow, NULL);
  flow.address = "2001:db8::1";
  allows(policy, flow, "r");
  egress_policy_unref(policy);
}

static egress_decision resolved_to(const egress_policy *policy, const char *first, const char *second) {
  const char *const addresses[] = {first, second};
  egress_flow flow = to_name("a.test");
  flow.resolved = addresses;
  flow.resolved_count = second == NULL ? 1 : 2;
  return decide(policy, flow);
}

Test(decide, guard) {
  egress_policy *policy =
      read_policy(HEAD "defaults: {allow_private: [10.9.0.0/16]}\nrules: [{name: r, to: [a.test]}]\n");
  is(policy, to_name("a.test"), EGRESS_ALLOW_IF_ADDRESS, EGRESS_REASON_RULE, "r");
  cr_assert_eq(resolved_to(policy, "192.0.2.1", NULL).verdict, EGRESS_ALLOW);
  egress_decision decision = resolved_to(policy, "127.0.0.1", NULL);
  cr_assert_eq(decision.verdict, EGRESS_DENY);
  cr_assert_eq(decision.reason, EGRESS_REASON_GUARD);
  cr_assert_str_eq(decision.rule, "r", "the rule that had matched");
  cr_assert_eq(resolved_to(policy, "192.0.2.1", "10.8.0.1").reason, EGRESS_REASON_GUARD, "one bad address is enough");
  cr_assert_eq(resolved_to(policy, "192.0.2.1", "10.9.0.1").verdict, EGRESS_ALLOW);
  cr_assert_eq(resolved_to(policy, "::ffff:192.0.2.1", NULL).reason, EGRESS_REASON_GUARD);
  egress_flow flow = to_name("a.test");
  flow.resolved = (const char *const[]){"127.0.0.1"}; /* of which none counts: unknown */
  is(policy, flow, EGRESS_ALLOW_IF_ADDRESS, EGRESS_REASON_RULE, "r");
  egress_policy_unref(policy);
}

Test(decide, guard_is_about_names) {
  egress_policy *policy = read_policy(HEAD "rules: [{name: r, to: [10.0.0.0/8], ports: [443]}]\n");
  allows(policy, to_address("10.0.0.1"), "r");
  egress_policy_unref(policy);
}

Test(decide, deny_covers_what_a_name_resolves_to) {
  egress_policy *policy = read_policy(HEAD "defaults: {deny_private_ips: false, allow_private: [0.0.0.0/0]}\n"
                                           "sources: {a: {cidrs: [10.1.0.0/16]}}\n"
                                           "deny: [{name: d, from: [a], to: [192.0.2.0/24], ports: [443]}]\n"
                                           "rules: [{name: r, to: [a.test], ports: [443, 8443]}]\n");
  egress_decision decision = resolved_to(policy, "198.51.100.1", "192.0.2.1");
  cr_assert_eq(decision.verdict, EGRESS_DENY);
  cr_assert_eq(decision.reason, EGRESS_REASON_DENY_ADDRESS);
  cr_assert_str_eq(decision.rule, "d", "the deny entry decides");
  cr_assert_eq(resolved_to(policy, "::ffff:192.0.2.1", NULL).reason, EGRESS_REASON_DENY_ADDRESS);
  cr_assert_eq(resolved_to(policy, "198.51.100.1", NULL).verdict, EGRESS_ALLOW);
  egress_flow flow = to_name("a.test");
  is(policy, flow, EGRESS_ALLOW_IF_ADDRESS, EGRESS_REASON_RULE, "r");
  flow.port = 8443;
  allows(policy, flow, "r"); /* the deny entry is about 443 */
  flow.port = 443;
  flow.source = "10.2.0.1";
  allows(policy, flow, "r"); /* and about other sources */
  egress_policy_unref(policy);
}

Test(decide, of_deny_entries_for_what_a_name_resolves_to_the_first_by_name_is_named) {
  egress_policy *policy =
      read_policy(HEAD "defaults: {deny_private_ips: false}\n"
                       "sources: {other: {cidrs: [198.51.100.0/24]}}\n"
                       "deny:\n  - {name: zz, to: [192.0.2.0/24]}\n  - {name: aa, to: [192.0.2.1]}\n"
                       "  - {name: a0, to: [192.0.2.1], from: [other]}\n  - {name: mm, to: [192.0.0.0/16]}\n"
                       "rules: [{name: a, to: [a.test, 192.0.2.0/24], ports: [443]}]\n");
  cr_expect_str_eq(resolved_to(policy, "192.0.2.1", NULL).rule, "aa");
  cr_expect_str_eq(resolved_to(policy, "::ffff:192.0.2.1", NULL).rule, "aa");
  cr_expect_str_eq(resolved_to(policy, "192.0.2.2", NULL).rule, "mm");
  cr_expect_str_eq(resolved_to(policy, "192.0.2.2", "192.0.2.1").rule, "mm", "of the first address that is denied");
  is(policy, to_address("192.0.2.1"), EGRESS_DENY, EGRESS_REASON_DENY_RULE,
     "zz"); /* asked for: the first in the file */
  egress_policy_unref(policy);
}

Test(decide, bad_flows) {
  egress_policy *policy = read_policy(HEAD);
  egress_decision decision = EGRESS_DECISION_INIT, before = decision;
  egress_flow good = to_name("a.test"), flow = good;
  const char *const bad_resolved[] = {"192.0.2.1", "x"};
  cr_assert_eq(egress_policy_decide(NULL, &good, &decision), EGRESS_EINVAL);
  cr_assert_eq(egress_policy_decide(policy, NULL, &decision), EGRESS_EINVAL);
  cr_assert_eq(egress_policy_decide(policy, &good, NULL), EGRESS_EINVAL);
#define REFUSED(field, value, code) \
  flow = good; \
  flow.field = value; \
  cr_expect_eq(egress_policy_decide(policy, &flow, &decision), code, #field)
  REFUSED(source, NULL, EGRESS_EINVAL);
  REFUSED(source, "10.1.0", EGRESS_EINVAL);
  REFUSED(source, "10.1.0.1:80", EGRESS_EINVAL);
  REFUSED(address, "a.test", EGRESS_EINVAL);
  REFUSED(port, 0, EGRESS_EINVAL);
  REFUSED(protocol, 0, EGRESS_EINVAL);
  REFUSED(protocol, 4, EGRESS_EINVAL);
  REFUSED(size, sizeof flow - 1, EGRESS_EINVAL);
  flow = good;
  flow.resolved = bad_resolved;
  flow.resolved_count = 2;
  cr_assert_eq(egress_policy_decide(policy, &flow, &decision), EGRESS_EINVAL);
  cr_assert_eq(memcmp(&decision, &before, sizeof decision), 0, "out is written on success only");
  decision.size = 8;
  cr_assert_eq(egress_policy_decide(policy, &good, &decision), EGRESS_EINVAL);
  egress_policy_unref(policy);
}

Test(decide, newer_callers) {
  struct {
    egress_flow flow;
    uint64_t more;
  } newer = {.flow = to_name("a.test")};
  egress_policy *policy = read_policy(HEAD);
  egress_decision decision = EGRESS_DECISION_INIT;
  newer.flow.size = sizeof newer;
  cr_assert_eq(egress_policy_decide(policy, &newer.flow, &decision), 0);
  newer.more = 1;
  cr_assert_eq(egress_policy_decide(policy, &newer.flow, &decision), EGRESS_EABI);
  newer.more = 0;
  newer.flow.reserved = 1;
  cr_assert_eq(egress_policy_decide(policy, &newer.flow, &decision), EGRESS_EABI);
  egress_text *text = NULL;
  cr_assert_eq(egress_policy_explain(&text, policy, &newer.flow), EGRESS_EABI);
  cr_assert_null(text);
  egress_policy_unref(policy);
}

/* ---- Against the definition, on random policies over a tiny world. ---- */

enum { RULES = 6, ITEMS = 3, POLICIES = 2000, FLOWS = 60 };

static const char *const patterns[] = {"a.test",    "b.test",  "a.b.test", "*.test",  "**.test", "*.b.test",
                                       "**.b.test", "a*.test", "*.*.test", "*b.test", "a.*",     "**"};
static const char *const host_names[] = {"a.test",   "b.test",     "ab.test", "a.b.test",
                                         "b.b.test", "a.a.b.test", "test",    "a.x"};
static const struct {
  const char *text;
  uint32_t first, last;
} cidrs[] = {{"192.0.2.0/24", 0xc0000200, 0xc00002ff},
             {"192.0.2.8/29", 0xc0000208, 0xc000020f},
             {"192.0.2.9/32", 0xc0000209, 0xc0000209},
             {"10.0.0.0/8", 0x0a000000, 0x0affffff}},
  from_cidrs[] = {{"172.16.0.0/12", 0xac100000, 0xac1fffff},
                  {"172.16.1.0/24", 0xac100100, 0xac1001ff},
                  {"172.17.0.0/16", 0xac110000, 0xac11ffff}};
static const uint32_t targets[] = {0xc0000201, 0xc0000208, 0xc0000209, 0x0a000001, 0x08080808};
static const uint32_t clients[] = {0xac100101, 0xac100201, 0xac110001, 0x7f000001};
static const unsigned some_ports[] = {80, 443, 8443};
static const char *const protocols[] = {"any", "tls", "http", "tcp"};

/* A rule as it is written; -1: not given. */
typedef struct wish {
  int deny, names, addresses, from, port, protocol;
  int name[ITEMS], address[ITEMS];
} wish;

static uint64_t seed;

static int below(int limit) {
  seed = seed * 6364136223846793005U + 1442695040888963407U;
  return (int)(seed >> 33) % limit;
}

static wish random_wish(int deny) {
  wish w = {
      .deny = deny, .names = below(ITEMS + 1), .from = below(4) - 1, .port = below(4) - 1, .protocol = below(5) - 1};
  w.addresses = below(2) == 0 ? 0 : below(ITEMS + 1);
  if (w.names + w.addresses == 0)
    w.names = 1;
  if (w.protocol == EGRESS_PROTOCOL_TCP && w.names > 0)
    w.protocol = -1;
  if (!deny && w.addresses > 0 && w.port < 0)
    w.port = 1;
  for (int i = 0; i < ITEMS; i++) {
    w.name[i] = below(sizeof patterns / sizeof patterns[0]);
    w.address[i] = below(sizeof cidrs / sizeof cidrs[0]);
  }
  return w;
}

static char *write_wish(char *at, const wish *w, int index) {
  at += sprintf(at, "  - name: r%d\n    to: [", index);
  for (int i = 0; i < w->names; i++)
    at += sprintf(at, "\"%s\", ", patterns[w->name[i]]);
  for (int i = 0; i < w->addresses; i++)
    at += sprintf(at, "%s, ", cidrs[w->address[i]].text);
  at += sprintf(at, "]\n");
  if (w->from >= 0)
    at += sprintf(at, "    from: [s%d]\n", w->from);
  if (w->port >= 0)
    at += sprintf(at, "    ports: [%u]\n", some_ports[w->port]);
  if (w->protocol >= 0)
    at += sprintf(at, "    protocol: %s\n", protocols[w->protocol]);
  return at;
}

static void write_policy(char *at, const wish *wishes, int denies_first) {
  at += sprintf(at, OPEN "sources:\n");
  for (int i = 0; i < 3; i++)
    at += sprintf(at, "  s%d: {cidrs: [%s]}\n", i, from_cidrs[i].text);
  for (int i = 0; i < RULES; i++) {
    if (i == 0 || i == denies_first)
      at += sprintf(at, i < denies_first ? "deny:\n" : "rules:\n");
    at = write_wish(at, &wishes[i], i);
  }
}

/* A flow in numbers; -1: not given. */
typedef struct ask {
  int name, target, client, port, protocol;
} ask;

static int port_fits(const wish *w, int protocol, unsigned port) {
  if (w->port >= 0)
    return some_ports[w->port] == port;
  return w->deny || (protocol == EGRESS_PROTOCOL_TLS ? port == 443 : protocol == EGRESS_PROTOCOL_HTTP && port == 80);
}

static int name_fits(const wish *w, const ask *a) {
  if (a->name < 0 || (w->protocol > 0 && w->protocol != a->protocol) || !port_fits(w, a->protocol, some_ports[a->port]))
    return 0;
  if (!w->deny && a->protocol == EGRESS_PROTOCOL_TCP)
    return 0;
  for (int i = 0; i < w->names; i++)
    if (definition_matches(patterns[w->name[i]], host_names[a->name]))
      return 1;
  return 0;
}

static int address_fits(const wish *w, const ask *a) {
  if (a->target < 0 || !port_fits(w, a->protocol, some_ports[a->port]))
    return 0;
  if (w->protocol > 0 && w->protocol != EGRESS_PROTOCOL_TCP && w->protocol != a->protocol)
    return 0;
  for (int i = 0; i < w->addresses; i++)
    if (targets[a->target] >= cidrs[w->address[i]].first && targets[a->target] <= cidrs[w->address[i]].last)
      return 1;
  return 0;
}

static int source_fits(const wish *w, const ask *a) {
  return w->from < 0 ||
         (clients[a->client] >= from_cidrs[w->from].first && clients[a->client] <= from_cidrs[w->from].last);
}

/* Index of the rule that decides, -1 for none: deny on either, then the first allow by name, then by address. */
static int definition_decides(const wish *wishes, const ask *a) {
  for (int i = 0; i < RULES; i++)
    if (wishes[i].deny && source_fits(&wishes[i], a) && (name_fits(&wishes[i], a) || address_fits(&wishes[i], a)))
      return i;
  for (int i = 0; i < RULES; i++)
    if (!wishes[i].deny && source_fits(&wishes[i], a) && name_fits(&wishes[i], a))
      return i;
  for (int i = 0; i < RULES; i++)
    if (!wishes[i].deny && source_fits(&wishes[i], a) && address_fits(&wishes[i], a))
      return i;
  return -1;
}

static ask random_ask(void) {
  ask a = {.name = below(9) - 1, .client = below(4), .port = below(3), .protocol = 1 + below(3)};
  a.target = below(6) - 1;
  if (a.name < 0 && a.protocol == EGRESS_PROTOCOL_TLS)
    a.protocol = EGRESS_PROTOCOL_TCP;
  return a;
}

static egress_decision decide_ask(const egress_policy *policy, const ask *a) {
  char source[EGRESS__ADDR_TEXT], address[EGRESS__ADDR_TEXT];
  const uint32_t client = clients[a->client], target = a->target < 0 ? 0 : targets[a->target];
  sprintf(source, "%u.%u.%u.%u", client >> 24, client >> 16 & 255, client >> 8 & 255, client & 255);
  sprintf(address, "%u.%u.%u.%u", target >> 24, target >> 16 & 255, target >> 8 & 255, target & 255);
  egress_flow flow = to_name(a->name < 0 ? NULL : host_names[a->name]);
  flow.source = source;
  flow.address = a->target < 0 ? NULL : address;
  flow.port = (uint16_t)some_ports[a->port];
  flow.protocol = a->protocol;
  return decide(policy, flow);
}

Test(decide, agrees_with_the_definition, .timeout = 60) {
  char text[4096];
  wish wishes[RULES];
  size_t decided[RULES + 1] = {0};
  for (int p = 0; p < POLICIES; p++) {
    seed = (uint64_t)p + 1;
    int deny_count = below(4);
    for (int i = 0; i < RULES; i++)
      wishes[i] = random_wish(i < deny_count);
    write_policy(text, wishes, deny_count);
    egress_policy *policy = read_policy(text);
    for (int f = 0; f < FLOWS; f++) {
      ask a = random_ask();
      int wanted = definition_decides(wishes, &a);
      egress_decision got = decide_ask(policy, &a);
      int rule = got.rule == NULL ? -1 : atoi(got.rule + 1);
      cr_assert_eq(rule, wanted, "seed %d: %s from %x to %x port %u protocol %d: r%d, not r%d\n%s", p + 1,
                   a.name < 0 ? "-" : host_names[a.name], clients[a.client], a.target < 0 ? 0 : targets[a.target],
                   some_ports[a.port], a.protocol, rule, wanted, text);
      cr_assert_eq(got.verdict == EGRESS_DENY, wanted < deny_count);
      decided[wanted + 1]++;
    }
    egress_policy_unref(policy);
  }
  for (int i = 0; i <= RULES; i++)
    cr_assert_gt(decided[i], 100, "rule %d hardly ever decides: the test shows little", i - 1);
}
