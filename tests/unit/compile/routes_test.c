#include "compile/routes.h"

#include <envoy/config/route/v3/route_components.pb-c.h>
#include <envoy/extensions/filters/http/rbac/v3/rbac.pb-c.h>
#include <google/protobuf/any.pb-c.h>
#include <google/protobuf/duration.pb-c.h>

#include "compile/explicit.h"
#include "support/compiling.h"
#include "support/envoy.h"

typedef Envoy__Config__Route__V3__VirtualHost VirtualHost;

typedef struct fixture {
  egress_snapshot *snap;
  egress__map regexes;
  envoy envoy;
} fixture;

static void fixture_init(fixture *f, const char *text) {
  f->snap = compile_text(text);
  egress__map_init(&f->regexes, egress__alloc_or_default(NULL));
  envoy_init(&f->envoy, f->snap, &f->regexes);
}

static void fixture_dispose(fixture *f) {
  envoy_dispose(&f->envoy);
  envoy_regexes_dispose(&f->regexes);
  egress_snapshot_unref(f->snap);
}

#define PUBLIC "93.184.216.34"

enum { PLAIN = 0, CONNECT = 1 };

static void allows(fixture *f, int connect, const char *authority, const char *rule, uint16_t port) {
  envoy_answer answer = envoy_http(&f->envoy, "10.1.0.1", connect, authority, PUBLIC);
  cr_expect_eq(answer.verdict, EGRESS_ALLOW, "%s refused by %s", authority, answer.filter);
  cr_expect_str_eq(answer.rule, rule, "%s: %s", authority, answer.rule);
  cr_expect_eq(answer.dialled_port, port, "%s: %u", authority, answer.dialled_port);
}

/* Refused by filter `filter` in the name of `by`; nothing that `allowlist` refuses is ever resolved. */
static void refuses_by(fixture *f, int connect, const char *authority, const char *filter, const char *by) {
  envoy_answer answer = envoy_http(&f->envoy, "10.1.0.1", connect, authority, PUBLIC);
  cr_expect_eq(answer.verdict, EGRESS_DENY, "%s allowed by %s", authority, answer.rule);
  cr_expect_str_eq(answer.filter, filter, "%s: %s", authority, answer.filter);
  cr_expect_str_eq(answer.rule, by, "%s: %s", authority, answer.rule);
}

#define NO_RULE "allowlist", "~no-rule"

Test(routes, an_empty_policy_refuses_all) {
  fixture f;
  fixture_init(&f, HEAD);
  cr_assert_eq(f.envoy.routes->n_virtual_hosts, 1);
  cr_expect_eq(f.envoy.routes->virtual_hosts[0]->n_routes, 0);
  static const char *const targets[] = {"a.test", "a.test:443", "127.0.0.1", "192.0.2.1:80", "[::1]:443", "*", ""};
  for (size_t i = 0; i < sizeof targets / sizeof targets[0]; i++) {
    refuses_by(&f, PLAIN, targets[i], NO_RULE);
    refuses_by(&f, CONNECT, targets[i], NO_RULE);
  }
  fixture_dispose(&f);
}

Test(routes, http_and_connect_to_a_name) {
  fixture f;
  fixture_init(&f, HEAD "rules:\n  - {name: r, to: [a.test]}\n  - {name: s, to: [s.test], ports: [80, 443, 8080]}\n");
  allows(&f, PLAIN, "a.test", "r", 80);
  allows(&f, PLAIN, "a.test:80", "r", 80);
  allows(&f, PLAIN, "A.TEST:80", "r", 80);
  allows(&f, CONNECT, "a.test:443", "r", 443);
  refuses_by(&f, PLAIN, "a.test:443", NO_RULE); /* plain HTTP to 443 was not asked for */
  refuses_by(&f, CONNECT, "a.test:80", NO_RULE);
  refuses_by(&f, CONNECT, "a.test", NO_RULE);
  refuses_by(&f, PLAIN, "a.test:8080", NO_RULE);
  refuses_by(&f, PLAIN, "a.test.", NO_RULE);
  refuses_by(&f, PLAIN, "x.a.test", NO_RULE);
  for (int connect = 0; connect < 2; connect++) {
    allows(&f, connect, "s.test:80", "s", 80);
    allows(&f, connect, "s.test:443", "s", 443);
    allows(&f, connect, "s.test:8080", "s", 8080);
    refuses_by(&f, CONNECT, "s.test", NO_RULE); /* a CONNECT without a port is not to 80 */
    refuses_by(&f, connect, "s.test:080", NO_RULE);
    refuses_by(&f, connect, "s.test:", NO_RULE);
    refuses_by(&f, connect, "s.test:8081", NO_RULE);
  }
  fixture_dispose(&f);
}

/* Ports next to each other are one range in the policy. */
Test(routes, neighbouring_ports) {
  fixture f;
  fixture_init(&f, HEAD "rules:\n  - {name: r, to: [a.test, '*.b.test'], ports: [443, 444, 445, 8443]}\n");
  static const uint16_t ports[] = {443, 444, 445, 8443};
  for (size_t i = 0; i < 4; i++) {
    char authority[32];
    snprintf(authority, sizeof authority, "a.test:%u", ports[i]);
    allows(&f, CONNECT, authority, "r", ports[i]);
    snprintf(authority, sizeof authority, "x.b.test:%u", ports[i]);
    allows(&f, PLAIN, authority, "r", ports[i]);
  }
  refuses_by(&f, CONNECT, "a.test:446", NO_RULE);
  refuses_by(&f, CONNECT, "a.test:442", NO_RULE);
  fixture_dispose(&f);
}

Test(routes, wildcards) {
  fixture f;
  fixture_init(&f, HEAD "rules:\n  - {name: one, to: ['*.a.test']}\n  - {name: deep, to: ['**.b.test']}\n"
                        "  - {name: glob, to: ['api-*.c.test']}\n");
  allows(&f, CONNECT, "x.a.test:443", "one", 443);
  refuses_by(&f, CONNECT, "x.y.a.test:443", NO_RULE);
  refuses_by(&f, CONNECT, "a.test:443", NO_RULE);
  allows(&f, PLAIN, "X.Y.b.test", "deep", 80);
  refuses_by(&f, PLAIN, "b.test", NO_RULE);
  allows(&f, PLAIN, "API-1.c.test:80", "glob", 80);
  refuses_by(&f, PLAIN, "xapi-1.c.test", NO_RULE);
  static const char *const malformed[] = {".b.test",
                                          "a..b.test",
                                          "x y.b.test",
                                          "\x80.b.test",
                                          "127.0.0.1:80@a.b.test",
                                          "evil.test%00.b.test",
                                          "evil.test/.b.test",
                                          "evil.test#.b.test"};
  for (size_t i = 1; i < sizeof malformed / sizeof malformed[0]; i++)
    refuses_by(&f, PLAIN, malformed[i], NO_RULE);
  refuses_by(&f, PLAIN, malformed[0], NO_RULE); /* nothing stands for the star */
  fixture_dispose(&f);
}

Test(routes, pairs_that_could_break_each_other) {
  fixture f;
  fixture_init(&f, HEAD "sources: {a: {cidrs: [10.1.0.0/16]}, b: {cidrs: [10.2.0.0/16]}}\n"
                        "deny:\n  - {name: d, to: [bad.a.test]}\n  - {name: e, to: ['**.c.test']}\nrules:\n"
                        "  - {name: one, to: ['*.a.test'], ports: [443, 8443]}\n  - {name: deep, to: ['**.a.test']}\n"
                        "  - {name: exact, to: [x.c.test]}\n"
                        "  - {name: of-b, to: [p.test], from: [b], ports: [443]}\n"
                        "  - {name: of-a, to: [p.test], from: [a], ports: [8443]}\n");
  allows(&f, CONNECT, "x.a.test:443", "one", 443);
  allows(&f, CONNECT, "x.y.a.test:443", "deep", 443);
  refuses_by(&f, CONNECT, "bad.a.test:443", "allowlist", "d");
  refuses_by(&f, CONNECT, "bad.a.test:8443", "allowlist", "d"); /* a deny without ports under an allow on 8443 */
  allows(&f, CONNECT, "x.bad.a.test:443", "deep", 443);
  refuses_by(&f, CONNECT, "x.c.test:443", "allowlist", "e"); /* an exact allow under a wildcard deny */
  allows(&f, CONNECT, "p.test:8443", "of-a", 8443);
  refuses_by(&f, CONNECT, "p.test:443", NO_RULE);
  fixture_dispose(&f);
}

Test(routes, every_name) {
  fixture f;
  fixture_init(&f, HEAD "rules:\n  - {name: all, to: ['**'], ports: [80, 443]}\n");
  allows(&f, PLAIN, "a.test", "all", 80);
  allows(&f, PLAIN, "a", "all", 80);
  allows(&f, PLAIN, "a.test:80", "all", 80);
  allows(&f, CONNECT, "a.test:443", "all", 443);
  refuses_by(&f, CONNECT, "a.test:444", NO_RULE);
  refuses_by(&f, PLAIN, "a.test:444", NO_RULE);
  static const char *const addresses[] = {"192.0.2.1",    "192.0.2.1:80", "[2001:db8::1]:80", "[2001:db8::1]",
                                          "2001:db8::80", "3221225985",   "192.0.2.1:",       "0x7f.1"};
  for (size_t i = 0; i < 7; i++)
    refuses_by(&f, PLAIN, addresses[i], NO_RULE);
  refuses_by(&f, PLAIN, addresses[7], NO_RULE);
  fixture_dispose(&f);
}

Test(routes, addresses) {
  fixture f;
  fixture_init(&f, HEAD "deny:\n  - {name: d, to: [192.0.2.9, '2001:db8::9']}\nrules:\n"
                        "  - {name: r, to: [192.0.2.0/24, '2001:db8::/32', 10.0.0.0/8], ports: [80, 443]}\n"
                        "  - {name: web, to: [198.51.100.1], ports: [80, 8080], protocol: http}\n"
                        "  - {name: names, to: ['**'], ports: [80, 443]}\n");
  for (int connect = 0; connect < 2; connect++) {
    allows(&f, connect, "192.0.2.1:443", "000001:r", 443);
    allows(&f, connect, "[2001:db8::1]:443", "000001:r", 443);
    allows(&f, connect, "10.0.0.1:80", "000001:r", 80); /* private or not: the rule says the address */
    refuses_by(&f, connect, "192.0.2.9:443", "guard", "000001:d");
    refuses_by(&f, connect, "[2001:db8:0::9]:443", "guard", "000001:d");
    refuses_by(&f, connect, "192.0.3.1:443", "addresses", "");
    refuses_by(&f, connect, "192.0.2.1:444", "addresses", "");
    refuses_by(&f, connect, "[::ffff:192.0.2.1]:443", "guard", "~v4-mapped-address");
    refuses_by(&f, connect, "192.0.2.1:65616", NO_RULE); /* 65616 - 65536 = 80 */
    refuses_by(&f, connect, "192.0.2.256:443", NO_RULE);
    refuses_by(&f, connect, "192.0.2:443", NO_RULE);
    refuses_by(&f, connect, "[2001:db8::1::2]:443", NO_RULE);
    refuses_by(&f, connect, "[fe80::1%25eth0]:443", NO_RULE);
    refuses_by(&f, connect, "[192.0.2.1]:443", NO_RULE);
  }
  allows(&f, PLAIN, "192.0.2.1", "000001:r", 80);
  allows(&f, PLAIN, "[2001:db8::1]", "000001:r", 80);
  refuses_by(&f, CONNECT, "192.0.2.1", NO_RULE);
  allows(&f, PLAIN, "198.51.100.1:8080", "000002:web", 8080);
  refuses_by(&f, CONNECT, "198.51.100.1:8080", "addresses", "");
  allows(&f, CONNECT, "a.test:443", "names", 443);
  fixture_dispose(&f);
}

/* All that Envoy reads as an address must be one to the expression, and nothing else. */
Test(routes, the_expression_for_addresses_is_exact) {
  fixture f;
  fixture_init(&f, HEAD "rules:\n  - {name: r, to: [0.0.0.0/0, '::/0'], ports: [80]}\n");
  static const char *const v6[] = {"::",
                                   "::1",
                                   "1::",
                                   "1:2:3:4:5:6:7:8",
                                   "1::8",
                                   "1:2:3:4:5:6:7::",
                                   "::2:3:4:5:6:7:8",
                                   "1:2:3:4:5::7:8",
                                   "fe80::1",
                                   "ABCD::ef01",
                                   "::13.1.68.3",
                                   "1:2:3:4:5:6:192.0.2.1",
                                   "64:ff9b::192.0.2.33",
                                   "1::3:4:5:6:7:8",
                                   "1:2::4:5:6:7:8"};
  for (size_t i = 0; i < sizeof v6 / sizeof v6[0]; i++) {
    char authority[64];
    snprintf(authority, sizeof authority, "[%s]:80", v6[i]);
    allows(&f, PLAIN, authority, "000001:r", 80);
  }
  static const char *const none[] = {"[1:2:3:4:5:6:7]:80",
                                     "[1:2:3:4:5:6:7:8:9]:80",
                                     "[:1]:80",
                                     "[1:]:80",
                                     "[:::]:80",
                                     "[12345::]:80",
                                     "[g::]:80",
                                     "[]:80",
                                     "[1::2::3]:80",
                                     "[1:2:3:4:5:6:7:192.0.2.1]:80",
                                     "[::192.0.2.256]:80",
                                     "01.2.3.4:80",
                                     "1.2.3.4.5:80",
                                     "1.2.3:80",
                                     "256.1.1.1:80",
                                     "1.2.3.04:80",
                                     "[::1",
                                     "::1]:80"};
  for (size_t i = 0; i < sizeof none / sizeof none[0]; i++) {
    envoy_answer answer = envoy_http(&f.envoy, "10.1.0.1", PLAIN, none[i], PUBLIC);
    cr_expect_eq(answer.verdict, EGRESS_DENY, "%s", none[i]);
    cr_expect_str_eq(answer.filter, "allowlist", "%s: %s", none[i], answer.filter);
  }
  fixture_dispose(&f);
}

Test(routes, the_guard_judges_names_only_behind_the_resolver) {
  fixture f;
  fixture_init(&f, HEAD "rules:\n  - {name: r, to: [a.test]}\n");
  envoy_answer answer = envoy_http(&f.envoy, "10.1.0.1", CONNECT, "a.test:443", "10.0.0.1");
  cr_expect_eq(answer.verdict, EGRESS_DENY);
  cr_expect_str_eq(answer.filter, "guard");
  cr_expect_str_eq(answer.rule, "~special-use-address");
  cr_expect_eq(envoy_http(&f.envoy, "10.1.0.1", CONNECT, "a.test:443", NULL).verdict, EGRESS_ALLOW_IF_ADDRESS);
  fixture_dispose(&f);
}

static void has_domains(fixture *f, const char *name, const char *expected) {
  char got[512] = "";
  for (size_t i = 0; i < f->envoy.routes->n_virtual_hosts; i++) {
    const VirtualHost *host = f->envoy.routes->virtual_hosts[i];
    for (size_t j = 0; strcmp(host->name, name) == 0 && j < host->n_domains; j++)
      snprintf(got + strlen(got), sizeof got - strlen(got), "%s%s", j == 0 ? "" : " ", host->domains[j]);
  }
  cr_expect_str_eq(got, expected, "%s: %s", name, got);
}

Test(routes, one_virtual_host_for_each_class_and_port) {
  fixture f;
  fixture_init(&f, HEAD
               "rules:\n  - {name: r, to: [a.test, b.test, '**.c.test']}\n  - {name: s, to: ['**'], ports: [80]}\n");
  has_domains(&f, "a.test:80", "a.test:80 a.test b.test:80 b.test");
  has_domains(&f, "a.test:443", "a.test:443 b.test:443");
  has_domains(&f, "**.c.test:80", "*.c.test:80 *.c.test");
  has_domains(&f, "**.c.test:443", "*.c.test:443");
  has_domains(&f, "**:80", "*:80");
  has_domains(&f, "rest", "*");
  cr_expect_eq(f.envoy.routes->n_virtual_hosts, 6);
  fixture_dispose(&f);
}

Test(routes, forwards_without_a_limit_on_time) {
  fixture f;
  fixture_init(&f, HEAD "rules:\n  - {name: r, to: [a.test]}\n");
  const VirtualHost *host = envoy_virtual_host(&f.envoy, "a.test:443");
  cr_assert_eq(host->n_routes, 1);
  const Envoy__Config__Route__V3__RouteAction *action = host->routes[0]->route;
  cr_expect_str_eq(action->cluster, EGRESS_CLUSTER_FORWARD);
  cr_assert_not_null(action->timeout, "the default would cut a tunnel after 15 s");
  cr_expect_eq(action->timeout->seconds, 0);
  cr_assert_eq(action->n_upgrade_configs, 1);
  cr_expect_str_eq(action->upgrade_configs[0]->upgrade_type, "CONNECT");
  cr_expect_not_null(action->upgrade_configs[0]->connect_config, "the tunnel ends here");
  cr_expect(action->upgrade_configs[0]->enabled == NULL || action->upgrade_configs[0]->enabled->value);
  fixture_dispose(&f);
}

Test(routes, make_no_tunnel_of_plain_http) {
  fixture f;
  fixture_init(&f, HEAD "rules:\n  - {name: r, to: [a.test]}\n  - {name: s, to: [192.0.2.1], ports: [80]}\n");
  size_t plain = 0;
  for (size_t i = 0; i < f.envoy.routes->n_virtual_hosts; i++) {
    const VirtualHost *host = f.envoy.routes->virtual_hosts[i];
    for (size_t j = 0; j < host->n_routes; j++) {
      const Envoy__Config__Route__V3__RouteAction *action = host->routes[j]->route;
      if (host->routes[j]->match->path_specifier_case ==
          ENVOY__CONFIG__ROUTE__V3__ROUTE_MATCH__PATH_SPECIFIER_CONNECT_MATCHER)
        continue;
      plain++;
      cr_assert_eq(action->n_upgrade_configs, 1);
      cr_expect_str_eq(action->upgrade_configs[0]->upgrade_type, "CONNECT");
      cr_assert_not_null(action->upgrade_configs[0]->enabled, "the default is yes");
      cr_expect_not(action->upgrade_configs[0]->enabled->value);
    }
  }
  cr_expect_eq(plain, 2, "by name, and by address");
  fixture_dispose(&f);
}

Test(routes, tell_the_destination_nothing_that_envoy_adds) {
  fixture f;
  fixture_init(&f, HEAD "rules:\n  - {name: r, to: [a.test]}\n");
  static const char *const added[] = {"x-envoy-external-address", "x-envoy-internal", "x-forwarded-proto"};
  cr_assert_eq(f.envoy.routes->n_request_headers_to_remove, 3);
  for (size_t i = 0; i < 3; i++)
    cr_expect_str_eq(f.envoy.routes->request_headers_to_remove[i], added[i]);
  fixture_dispose(&f);
}
