#include "compile/support.h"

#include <egress/error.h>

#include "base/diag.h"

typedef struct checker {
  const egress__compile_plan *plan;
  int skip;
  egress_diag *diag;
  int rv;
} checker;

static void report(checker *c, const egress__rule *rule, const char *what) {
  if (c->skip)
    egress__diag_warn(c->diag, rule->place, "rule \"%s\": %s; that part is left out", rule->name, what);
  else
    c->rv = egress__diag_error(c->diag, EGRESS_EUNSUPPORTED, rule->place, "rule \"%s\": %s", rule->name, what);
}

static int only_port(const egress__ports *ports, uint16_t port) {
  return ports->count == 1 && ports->ranges[0].low == port && ports->ranges[0].high == port;
}

/* With the SNI proxy alone there is one port, and a name is all that is seen. */
static void check_sni_alone(checker *c, const egress__rule *rule) {
  if (rule->prefix_count != 0)
    report(c, rule, "addresses need the explicit listener; the SNI listener sees names only");
  if (rule->pattern_count == 0)
    return;
  if (rule->ports[EGRESS_PROTOCOL_TLS].count == 0)
    report(c, rule, "protocol http needs the explicit listener");
  else if (!only_port(&rule->ports[EGRESS_PROTOCOL_TLS], c->plan->sni_port))
    report(c, rule, "ports other than the one that the SNI listener dials need the explicit listener");
}

/* The explicit proxy cannot see what is spoken in a tunnel to an address. */
static void check_explicit(checker *c, const egress__rule *rule) {
  if (rule->prefix_count != 0 && rule->ports[EGRESS_PROTOCOL_TCP].count == 0 &&
      rule->ports[EGRESS_PROTOCOL_HTTP].count == 0)
    report(c, rule, "protocol tls cannot be told in a tunnel to an address; say tcp for its addresses");
}

int egress__check_support(const egress__compile_plan *plan, const egress_policy *policy, int skip, egress_diag *diag) {
  checker c = {plan, skip, diag, 0};
  for (size_t i = policy->deny_count; i < policy->rule_count; i++) {
    if (plan->explicit_address.port != 0)
      check_explicit(&c, &policy->rules[i]);
    else
      check_sni_alone(&c, &policy->rules[i]);
  }
  return c.rv;
}
