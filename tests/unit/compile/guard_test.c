#include "compile/guard.h"

#include <envoy/config/rbac/v3/rbac.pb-c.h>

#include "support/envoy.h"
#include "support/reading.h"

typedef Envoy__Config__Rbac__V3__RBAC Rbac;

typedef struct fixture {
  egress_policy *policy;
  egress__build b;
  egress__map regexes;
  envoy envoy;
} fixture;

static void fixture_init(fixture *f, const char *text) {
  *f = (fixture){.policy = read_policy(text)};
  egress__build_init(&f->b, egress__alloc_or_default(NULL));
  egress__map_init(&f->regexes, egress__alloc_or_default(NULL));
  envoy_init(&f->envoy, NULL, &f->regexes);
}

static void fixture_dispose(fixture *f) {
  envoy_dispose(&f->envoy);
  envoy_regexes_dispose(&f->regexes);
  egress__build_dispose(&f->b);
  egress_policy_unref(f->policy);
}

static const Rbac *reread(fixture *f, egress__message *message) {
  cr_assert_eq(f->b.rv, 0);
  return envoy_reread(&f->envoy, message);
}

/* A connection by TLS, until a test says otherwise. */
static envoy_connection dials(const char *upstream, uint16_t port) {
  envoy_connection c = {.name = "a.test", .upstream_port = port};
  cr_assert_eq(egress__addr_parse(&c.source, "10.1.0.1", 8), 0);
  cr_assert_eq(egress__addr_parse(&c.upstream, upstream, strlen(upstream)), 0);
  return c;
}

static void lets_through(fixture *f, const Rbac *rbac, envoy_connection c) {
  const char *by;
  char text[EGRESS__ADDR_TEXT];
  cr_expect(envoy_rbac(&f->envoy, rbac, &c, &by), "%s:%u refused by %s", egress__addr_format(text, &c.upstream),
            c.upstream_port, by);
}

static void refuses_as(fixture *f, const Rbac *rbac, envoy_connection c, const char *expected) {
  const char *by;
  char text[EGRESS__ADDR_TEXT];
  egress__addr_format(text, &c.upstream);
  cr_expect_not(envoy_rbac(&f->envoy, rbac, &c, &by), "%s:%u", text, c.upstream_port);
  cr_expect_str_eq(by, expected, "%s:%u refused by %s", text, c.upstream_port, by);
}

static const char special[] = "~special-use-address";

Test(guard, refuses_special_use_addresses) {
  fixture f;
  fixture_init(&f, HEAD);
  const Rbac *rbac = reread(&f, egress__guard_of_names(&f.b, f.policy, EGRESS__SPOKEN_TLS));
  /* The first and the last address of each range in RFC 6890 and its like, and their outer neighbours. */
  static const char *const inside[] = {"0.0.0.0",
                                       "0.255.255.255",
                                       "10.0.0.0",
                                       "10.255.255.255",
                                       "100.64.0.0",
                                       "100.127.255.255",
                                       "127.0.0.1",
                                       "127.255.255.255",
                                       "168.63.129.16",
                                       "169.254.0.0",
                                       "169.254.169.254",
                                       "172.16.0.0",
                                       "172.31.255.255",
                                       "192.0.0.0",
                                       "192.0.0.255",
                                       "192.168.0.0",
                                       "192.168.255.255",
                                       "198.18.0.0",
                                       "198.19.255.255",
                                       "224.0.0.0",
                                       "255.255.255.255",
                                       "::",
                                       "::1",
                                       "::ffff:8.8.8.8",
                                       "::8.8.8.8",
                                       "64:ff9b::808:808",
                                       "64:ff9b:1::1",
                                       "2001::1",
                                       "2002:808:808::1",
                                       "fc00::",
                                       "fdff::1",
                                       "fe80::1",
                                       "febf::1",
                                       "fec0::1",
                                       "ff02::1"};
  static const char *const outside[] = {
      "1.0.0.0",         "9.255.255.255", "11.0.0.0",        "100.63.255.255",  "100.128.0.0",    "126.255.255.255",
      "128.0.0.0",       "168.63.129.15", "168.63.129.17",   "169.253.255.255", "169.255.0.0",    "172.15.255.255",
      "172.32.0.0",      "192.0.1.0",     "192.167.255.255", "192.169.0.0",     "198.17.255.255", "198.20.0.0",
      "223.255.255.255", "8.8.8.8",       "0:0:0:1::",       "64:ff9a::1",      "64:ff9b:2::1",   "2001:1::1",
      "2003::1",         "2606:4700::1",  "fbff::1",         "fe00::1"};
  for (size_t i = 0; i < sizeof inside / sizeof inside[0]; i++)
    refuses_as(&f, rbac, dials(inside[i], 443), special);
  for (size_t i = 0; i < sizeof outside / sizeof outside[0]; i++)
    lets_through(&f, rbac, dials(outside[i], 443));
  fixture_dispose(&f);
}

Test(guard, lets_configured_ranges_through) {
  fixture f;
  fixture_init(&f, HEAD "defaults: {allow_private: [10.1.0.0/16, 'fd00::/8']}\n");
  const Rbac *rbac = reread(&f, egress__guard_of_names(&f.b, f.policy, EGRESS__SPOKEN_TLS));
  lets_through(&f, rbac, dials("10.1.2.3", 443));
  lets_through(&f, rbac, dials("fd12::1", 443));
  refuses_as(&f, rbac, dials("10.2.0.0", 443), special);
  refuses_as(&f, rbac, dials("fc00::1", 443), special);
  refuses_as(&f, rbac, dials("::ffff:10.1.2.3", 443), special); /* not as it was written */
  fixture_dispose(&f);
}

Test(guard, can_be_switched_off) {
  fixture f;
  fixture_init(&f, HEAD "defaults: {deny_private_ips: false}\n");
  const Rbac *rbac = reread(&f, egress__guard_of_names(&f.b, f.policy, EGRESS__SPOKEN_TLS));
  cr_expect_eq(rbac->n_policies, 0);
  lets_through(&f, rbac, dials("127.0.0.1", 443));
  fixture_dispose(&f);
}

Test(guard, deny_entries_hold_whatever_the_guard_lets_through) {
  fixture f;
  fixture_init(&f, HEAD
               "defaults: {allow_private: [0.0.0.0/0]}\n"
               "sources: {a: {cidrs: [10.1.0.0/16]}, b: {cidrs: [10.2.0.0/16]}}\n"
               "deny:\n  - {name: all, to: [192.0.2.0/24]}\n  - {name: high, to: [198.51.100.0/24], ports: [8443]}\n"
               "  - {name: of-b, to: [203.0.113.0/24], from: [b]}\n  - {name: names, to: [x.test]}\n");
  const Rbac *rbac = reread(&f, egress__guard_of_names(&f.b, f.policy, EGRESS__SPOKEN_TLS));
  refuses_as(&f, rbac, dials("192.0.2.1", 443), "all");
  refuses_as(&f, rbac, dials("192.0.2.255", 1), "all");
  refuses_as(&f, rbac, dials("192.0.2.0", 65535), "all");
  refuses_as(&f, rbac, dials("::ffff:192.0.2.1", 443), "all"); /* the same machine */
  lets_through(&f, rbac, dials("192.0.3.0", 443));
  refuses_as(&f, rbac, dials("198.51.100.1", 8443), "high");
  lets_through(&f, rbac, dials("198.51.100.1", 8442));
  lets_through(&f, rbac, dials("198.51.100.1", 8444));
  lets_through(&f, rbac, dials("203.0.113.1", 443)); /* of source b */
  envoy_connection c = dials("203.0.113.1", 443);
  cr_assert_eq(egress__addr_parse(&c.source, "10.2.0.1", 8), 0);
  refuses_as(&f, rbac, c, "of-b");
  fixture_dispose(&f);
}

static const char by_protocol[] = HEAD "defaults: {deny_private_ips: false}\ndeny:\n"
                                       "  - {name: tls, to: [192.0.2.1], protocol: tls}\n"
                                       "  - {name: http, to: [192.0.2.2], protocol: http}\n"
                                       "  - {name: tcp, to: [192.0.2.3], protocol: tcp}\n"
                                       "  - {name: any, to: [192.0.2.4]}\n";

Test(guard, judges_by_what_is_spoken) {
  fixture f;
  fixture_init(&f, by_protocol);
  const Rbac *tls = reread(&f, egress__guard_of_names(&f.b, f.policy, EGRESS__SPOKEN_TLS));
  refuses_as(&f, tls, dials("192.0.2.1", 443), "tls");
  lets_through(&f, tls, dials("192.0.2.2", 443));
  refuses_as(&f, tls, dials("192.0.2.3", 443), "tcp"); /* whatever runs on it */
  refuses_as(&f, tls, dials("192.0.2.4", 443), "any");
  const Rbac *both = reread(&f, egress__guard_of_names(&f.b, f.policy, EGRESS__SPOKEN_TLS | EGRESS__SPOKEN_HTTP));
  for (int connect = 0; connect < 2; connect++) {
    for (int last = 1; last <= 4; last++) {
      char address[16];
      snprintf(address, sizeof address, "192.0.2.%d", last);
      envoy_connection c = dials(address, 443);
      c.http = 1;
      c.connect = connect;
      if (last == (connect ? 2 : 1))
        lets_through(&f, both, c);
      else
        refuses_as(&f, both, c, (const char *[]){"tls", "http", "tcp", "any"}[last - 1]);
    }
  }
  fixture_dispose(&f);
}

Test(guard, of_addresses_has_no_special_use) {
  fixture f;
  fixture_init(&f, HEAD "deny:\n  - {name: d, to: [10.1.0.0/16]}\n");
  const Rbac *rbac = reread(&f, egress__guard_of_addresses(&f.b, f.policy, EGRESS__SPOKEN_TCP));
  lets_through(&f, rbac, dials("10.2.0.1", 443)); /* a rule that names an address means it */
  refuses_as(&f, rbac, dials("10.1.0.1", 443), "000001:d");
  refuses_as(&f, rbac, dials("::ffff:192.0.2.1", 443), "~v4-mapped-address");
  refuses_as(&f, rbac, dials("::ffff:10.1.0.1", 443), "000001:d"); /* the entry is the one that is named */
  fixture_dispose(&f);
}

Test(guard, of_addresses_names_the_first_deny_entry_of_the_file) {
  fixture f;
  fixture_init(&f, HEAD "deny:\n  - {name: other, to: [x.test]}\n  - {name: wide, to: [10.0.0.0/8]}\n"
                        "  - {name: none, to: [10.1.0.0/16, 192.0.2.1]}\n");
  const Rbac *rbac = reread(&f, egress__guard_of_addresses(&f.b, f.policy, EGRESS__SPOKEN_TCP));
  refuses_as(&f, rbac, dials("10.1.0.1", 443), "000002:wide");
  refuses_as(&f, rbac, dials("192.0.2.1", 443), "000003:none"); /* `none` alone is what Envoy says of no entry */
  fixture_dispose(&f);
}

Test(guard, closed_refuses_all) {
  fixture f;
  fixture_init(&f, HEAD "defaults: {deny_private_ips: false}\nrules: [{name: r, to: [0.0.0.0/0], ports: [443]}]\n");
  const Rbac *rbac = reread(&f, egress__guard_closed(&f.b));
  refuses_as(&f, rbac, dials("93.184.216.34", 443), "~no-rule");
  refuses_as(&f, rbac, (envoy_connection){0}, "~no-rule"); /* before the name is resolved */
  fixture_dispose(&f);
}

static const char allowing[] = HEAD "sources: {a: {cidrs: [10.1.0.0/16, 10.9.0.0/16]}, b: {cidrs: [10.2.0.0/16]}}\n"
                                    "deny:\n  - {name: d, to: [192.0.2.9]}\nrules:\n"
                                    "  - {name: names, to: [x.test]}\n"
                                    "  - {name: of-b, to: [192.0.2.1], from: [b], ports: [22]}\n"
                                    "  - {name: z, to: [192.0.2.0/24, 198.51.100.1], from: [a], ports: [22, 23, 80]}\n"
                                    "  - {name: a, to: [192.0.2.0/24], ports: [22]}\n"
                                    "  - {name: web, to: [203.0.113.1], ports: [80], protocol: http}\n";

Test(guard, allows_addresses_in_file_order) {
  fixture f;
  fixture_init(&f, allowing);
  const Rbac *rbac = reread(&f, egress__allowed_addresses(&f.b, f.policy, EGRESS__SPOKEN_TCP));
  cr_assert_eq(rbac->n_policies, 3);
  envoy_connection c = dials("192.0.2.1", 22);
  const char *by;
  cr_expect(envoy_rbac(&f.envoy, rbac, &c, &by));
  cr_expect_str_eq(by, "000003:z", "the first in the file, not by name: %s", by);
  lets_through(&f, rbac, dials("198.51.100.1", 80));
  lets_through(&f, rbac, dials("198.51.100.1", 23));
  refuses_as(&f, rbac, dials("198.51.100.2", 80), "");
  refuses_as(&f, rbac, dials("198.51.100.1", 24), "");
  refuses_as(&f, rbac, dials("203.0.113.1", 80), ""); /* plain HTTP only */
  c = dials("192.0.2.7", 23);
  cr_assert_eq(egress__addr_parse(&c.source, "10.2.0.1", 8), 0);
  refuses_as(&f, rbac, c, "");
  fixture_dispose(&f);
}

Test(guard, allows_plain_http_to_addresses) {
  fixture f;
  fixture_init(&f, allowing);
  const Rbac *rbac = reread(&f, egress__allowed_addresses(&f.b, f.policy, EGRESS__SPOKEN_TCP | EGRESS__SPOKEN_HTTP));
  cr_assert_eq(rbac->n_policies, 4);
  envoy_connection c = dials("203.0.113.1", 80);
  c.http = 1;
  lets_through(&f, rbac, c);
  fixture_dispose(&f);
}

Test(guard, no_rule_with_an_address_is_no_rbac) {
  fixture f;
  fixture_init(&f, HEAD "deny:\n  - {name: d, to: [192.0.2.0/24]}\nrules:\n  - {name: r, to: [a.test]}\n");
  cr_expect_null(egress__allowed_addresses(&f.b, f.policy, EGRESS__SPOKEN_TCP));
  cr_expect_eq(f.b.rv, 0);
  fixture_dispose(&f);
}
