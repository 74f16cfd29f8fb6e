#ifndef TESTS_SUPPORT_POLICIES_H
#define TESTS_SUPPORT_POLICIES_H

enum { WHOLE_POLICY_HOSTS = 10 }; /* 2 + 1 + (4 + 1) + 2 */

/* A policy of every supported key, for tests that need any. */
static const char whole_policy[] =
    "version: egress/v1\n"
    "defaults:\n"
    "  mode: enforce\n"
    "  deny_private_ips: true\n"
    "  allow_private: [10.9.0.0/16]\n"
    "  no_sni: deny\n"
    "  revoke: drain\n"
    "groups:\n"
    "  forge: [\"github.com\", \"**.githubusercontent.com\"]\n"
    "  code: [\"group:forge\", \"packages.example\", \"b\303\274cher.example\"]\n"
    "sources:\n"
    "  billing:\n"
    "    cidrs: [10.4.0.0/16, \"2001:db8::/32\"]\n"
    "  build:\n"
    "    cidrs: [10.5.0.0/16]\n"
    "deny:\n"
    "  - {name: no-paste, to: [\"**.paste.example\", 169.254.0.0/16], reason: pastes leak}\n"
    "rules:\n"
    "  - name: billing-payments\n"
    "    owner: payments\n"
    "    from: [billing]\n"
    "    to: [\"api.payments.example\"]\n"
    "    reason: TICKET-12\n"
    "    mode: enforce\n"
    "  - name: builds\n"
    "    from: [build, billing]\n"
    "    to: [\"group:code\", 203.0.113.20/32]\n"
    "    ports: [443, 8443, 444]\n"
    "  - name: web\n"
    "    to: [\"*.example.com\", \"api-*.example.org\"]\n"
    "    protocol: http\n";

#endif
