#include "compile/support.h"

#include "support/reading.h"

enum { EXPLICIT = 1, SNI = 2, SKIP = 4 };

/* Checks `text` for the listeners in `flags`: the code, and exactly these diagnostics. */
static void says(int flags, const char *text, int code, const char *diagnostics) {
  egress__compile_plan plan = {.sni_port = 443};
  plan.explicit_address.port = flags & EXPLICIT ? 3128 : 0;
  plan.sni_address.port = flags & SNI ? 8443 : 0;
  egress_policy *policy = read_policy(text);
  egress_diag *diag = egress_diag_new(NULL);
  int rv = egress__check_support(&plan, policy, (flags & SKIP) != 0, diag);
  cr_expect_eq(rv, code, "%s: %s", text, egress_code_name(rv));
  cr_expect_str_eq(egress_diag_text(diag), diagnostics, "%s\ngot:\n%swanted:\n%s", text, egress_diag_text(diag),
                   diagnostics);
  cr_expect_eq(egress__check_support(&plan, policy, (flags & SKIP) != 0, NULL), code, "without a diag");
  egress_diag_free(diag);
  egress_policy_unref(policy);
}

#define RULE(body) HEAD "rules:\n  - {name: r, " body "}\n"

static const char by_address[] = RULE("to: [192.0.2.1], ports: [22]");
static const char by_both[] = RULE("to: [a.test, 192.0.2.1], ports: [443]");
static const char by_name[] = RULE("to: [a.test]");
static const char by_port[] = RULE("to: [a.test], ports: [8443]");
static const char by_ports[] = RULE("to: [a.test], ports: [443, 8443]");
static const char by_http[] = RULE("to: [a.test], protocol: http");
static const char by_tls_address[] = RULE("to: [192.0.2.1], ports: [443], protocol: tls");
static const char by_http_address[] = RULE("to: [192.0.2.1], ports: [80], protocol: http");

Test(support, the_explicit_listener_does_nearly_all) {
  static const char *const all[] = {HEAD, by_address, by_both, by_name, by_port, by_ports, by_http, by_http_address};
  for (size_t i = 0; i < sizeof all / sizeof all[0]; i++) {
    says(EXPLICIT, all[i], 0, "");
    says(EXPLICIT | SNI, all[i], 0, "");
  }
  static const char tls[] =
      "p:3:5: error: rule \"r\": protocol tls cannot be told in a tunnel to an address; say tcp for "
      "its addresses\n";
  says(EXPLICIT, by_tls_address, EGRESS_EUNSUPPORTED, tls);
  says(EXPLICIT | SNI, by_tls_address, EGRESS_EUNSUPPORTED, tls);
}

Test(support, the_sni_listener_alone_sees_names_at_one_port) {
  says(SNI, HEAD, 0, "");
  says(SNI, by_name, 0, "");
  says(SNI, RULE("to: [a.test], ports: [443], protocol: tls"), 0, "");
  static const char addresses[] =
      "p:3:5: error: rule \"r\": addresses need the explicit listener; the SNI listener sees names only\n";
  static const char ports[] = "p:3:5: error: rule \"r\": ports other than the one that the SNI listener dials need the "
                              "explicit listener\n";
  static const char http[] = "p:3:5: error: rule \"r\": protocol http needs the explicit listener\n";
  says(SNI, by_address, EGRESS_EUNSUPPORTED, addresses);
  says(SNI, by_both, EGRESS_EUNSUPPORTED, addresses);
  says(SNI, by_tls_address, EGRESS_EUNSUPPORTED, addresses);
  says(SNI, by_port, EGRESS_EUNSUPPORTED, ports);
  says(SNI, by_ports, EGRESS_EUNSUPPORTED, ports);
  says(SNI, by_http, EGRESS_EUNSUPPORTED, http);
}

Test(support, every_rule_is_checked) {
  says(SNI,
       HEAD "rules:\n  - {name: r, to: [192.0.2.1], ports: [22]}\n  - {name: ok, to: [a.test]}\n"
            "  - {name: s, to: [a.test], protocol: http}\n",
       EGRESS_EUNSUPPORTED,
       "p:3:5: error: rule \"r\": addresses need the explicit listener; the SNI listener sees names only\n"
       "p:5:5: error: rule \"s\": protocol http needs the explicit listener\n");
}

Test(support, a_deny_entry_that_has_nothing_to_refuse_is_fine) {
  static const char denies[] = HEAD "deny:\n  - {name: d, to: [192.0.2.1, a.test], ports: [22]}\n"
                                    "  - {name: e, to: [192.0.2.1], protocol: tls}\n";
  says(SNI, denies, 0, "");
  says(EXPLICIT, denies, 0, "");
}

Test(support, skipping_warns) {
  says(SNI | SKIP, by_both, 0,
       "p:3:5: warning: rule \"r\": addresses need the explicit listener; the SNI listener sees names only; that part "
       "is "
       "left out\n");
  says(EXPLICIT | SKIP, by_tls_address, 0,
       "p:3:5: warning: rule \"r\": protocol tls cannot be told in a tunnel to an address; say tcp for its addresses; "
       "that part is left out\n");
  says(SNI | SKIP, by_name, 0, "");
}
