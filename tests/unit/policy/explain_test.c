#include "policy/decide.h"

#include "support/reading.h"

static const char text[] = HEAD "groups:\n"
                                "  forge: [github.com, \"**.githubusercontent.com\"]\n"
                                "sources:\n"
                                "  billing: {cidrs: [10.4.0.0/16]}\n"
                                "deny:\n"
                                "  - {name: no-paste, to: [\"**.paste.test\", 198.51.100.0/24], reason: pastes leak}\n"
                                "  - {name: quiet, to: [quiet.test]}\n"
                                "rules:\n"
                                "  - name: shop-cards\n"
                                "    from: [billing]\n"
                                "    to: [pay.cards.test]\n"
                                "    protocol: tls\n"
                                "  - {name: forge, to: [\"group:forge\"], ports: [443, 8443, 8444, 22]}\n"
                                "  - {name: db, to: [203.0.113.0/24], ports: [5432]}\n";

static void says(egress_flow flow, const char *sentence) {
  egress_policy *policy = read_policy(text);
  egress_text *out = NULL;
  cr_assert_eq(egress_policy_explain(&out, policy, &flow), 0);
  cr_expect_str_eq(egress_text_data(out), sentence);
  cr_expect_eq(egress_text_size(out), strlen(egress_text_data(out)));
  egress_text_free(out);
  egress_policy_unref(policy);
}

static egress_flow flow_to(const char *name, uint16_t port) {
  egress_flow flow = EGRESS_FLOW_INIT;
  flow.source = "10.4.0.7";
  flow.name = name;
  flow.port = port;
  return flow;
}

Test(explain, allowed) {
  egress_flow flow = flow_to("PAY.cards.test", 443);
  says(flow, "allowed: shop-cards (p:10), if pay.cards.test resolves to public addresses");
  flow.resolved = (const char *const[]){"192.0.2.1"};
  flow.resolved_count = 1;
  says(flow, "allowed: shop-cards (p:10)");
}

Test(explain, denied_by_an_entry) {
  says(flow_to("a.paste.test", 443), "denied by no-paste (p:7): pastes leak");
  says(flow_to("quiet.test", 443), "denied by quiet (p:8)");
}

Test(explain, nearest_by_port) {
  says(flow_to("pay.cards.test", 8443), "denied: no rule allows port 8443 (nearest: shop-cards, p:10, allows 443)");
  says(flow_to("github.com", 80), "denied: no rule allows port 80 (nearest: forge, p:14, allows 22, 443, 8443-8444)");
}

Test(explain, nearest_by_source_and_protocol) {
  egress_flow flow = flow_to("pay.cards.test", 443);
  flow.source = "10.5.0.1";
  says(flow, "denied: no rule allows source 10.5.0.1 (nearest: shop-cards, p:10, allows 10.4.0.0/16)");
  flow.port = 8443;
  says(flow, "denied: no rule allows source 10.5.0.1 and port 8443 (nearest: shop-cards, p:10, allows "
             "10.4.0.0/16 and 443)");
  flow = flow_to("pay.cards.test", 80);
  flow.protocol = EGRESS_PROTOCOL_HTTP;
  says(flow, "denied: no rule allows http (nearest: shop-cards, p:10, allows tls)");
}

Test(explain, nearest_by_name) {
  says(flow_to("www.cards.test", 443),
       "denied: no rule allows www.cards.test (nearest: shop-cards, p:10, allows pay.cards.test)");
  says(flow_to("githubusercontent.com", 443),
       "denied: no rule allows githubusercontent.com (nearest: forge, p:14, allows **.githubusercontent.com)");
  says(flow_to("other.com", 443), "denied: no rule allows other.com");
}

Test(explain, nearest_of_several_names) {
  egress_policy *policy = read_policy(HEAD "rules:\n"
                                           "  - {name: far, to: [a.b.example.com]}\n"
                                           "  - {name: near, to: [a.x.example.com]}\n"
                                           "  - {name: as-near, to: [b.x.example.com]}\n");
  egress_flow flow = flow_to("c.x.example.com", 443);
  egress_text *out = NULL;
  cr_assert_eq(egress_policy_explain(&out, policy, &flow), 0);
  cr_expect_str_eq(egress_text_data(out),
                   "denied: no rule allows c.x.example.com (nearest: near, p:4, allows a.x.example.com)");
  egress_text_free(out);
  egress_policy_unref(policy);
}

Test(explain, addresses) {
  egress_flow flow = flow_to(NULL, 5433);
  flow.protocol = EGRESS_PROTOCOL_TCP;
  flow.address = "203.0.113.9";
  says(flow, "denied: no rule allows port 5433 (nearest: db, p:15, allows 5432)");
  flow.port = 5432;
  says(flow, "allowed: db (p:15)");
  flow.address = "203.0.114.9";
  says(flow, "denied: no rule allows 203.0.114.9");
  flow.address = "198.51.100.3";
  says(flow, "denied by no-paste (p:7): pastes leak");
  flow.address = "::ffff:203.0.113.9";
  says(flow, "denied: ::ffff:203.0.113.9 is IPv4 written as IPv6, which no rule can name");
  flow.address = NULL;
  says(flow, "denied: no rule allows a flow without a name and an address");
  flow.protocol = EGRESS_PROTOCOL_TLS;
  says(flow, "denied: TLS without a server name (`no_sni: deny`)");
}

Test(explain, resolved_addresses) {
  egress_flow flow = flow_to("pay.cards.test", 443);
  flow.resolved = (const char *const[]){"192.0.2.1", "10.0.0.1"};
  flow.resolved_count = 2;
  says(flow, "denied: shop-cards (p:10) allows pay.cards.test, but it resolves to the special-use address 10.0.0.1");
  flow.resolved = (const char *const[]){"192.0.2.1", "198.51.100.1"};
  says(flow, "denied by no-paste (p:7), which covers 198.51.100.1, to which pay.cards.test resolves: pastes leak");
}

Test(explain, bad_names) {
  char name[201];
  says(flow_to("a\x1b[31m\xff.test", 443), "denied: `a\\x1b[31m\\xff.test` is not a valid host name");
  says(flow_to("192.0.2.1", 443), "denied: `192.0.2.1` is not a valid host name but an address");
  says(flow_to("", 443), "denied: `` is not a valid host name");
  memset(name, '.', 200);
  name[200] = '\0';
  says(flow_to(name, 443), "denied: `...................................................................` is not a "
                           "valid host name");
}

Test(explain, bad_arguments) {
  egress_policy *policy = read_policy(text);
  egress_flow flow = flow_to("a.test", 443);
  egress_text *out = NULL;
  cr_assert_eq(egress_policy_explain(NULL, policy, &flow), EGRESS_EINVAL);
  cr_assert_eq(egress_policy_explain(&out, NULL, &flow), EGRESS_EINVAL);
  flow.port = 0;
  cr_assert_eq(egress_policy_explain(&out, policy, &flow), EGRESS_EINVAL);
  cr_assert_null(out);
  egress_policy_unref(policy);
}
