#include "compile/guard.h"

#include <string.h>

#include <envoy/config/core/v3/address.pb-c.h>
#include <envoy/config/core/v3/extension.pb-c.h>
#include <envoy/config/rbac/v3/rbac.pb-c.h>
#include <envoy/config/route/v3/route_components.pb-c.h>
#include <envoy/extensions/rbac/matchers/upstream_ip_port/v3/upstream_ip_port_matcher.pb-c.h>
#include <envoy/type/matcher/v3/string.pb-c.h>
#include <envoy/type/v3/range.pb-c.h>

#include "compile/common.h"
#include "compile/matcher.h"

static egress__message *rbac(egress__build *b, int action) {
  egress__message *made = EGRESS__MAKE(b, envoy__config__rbac__v3__rbac);
  egress__set_number(b, made, "action", action);
  return made;
}

/* An IPv4 range written as IPv6: `::ffff:a.b.c.d`. */
static egress__prefix mapped(const egress__prefix *v4) {
  egress__prefix v6 = {{6, {[10] = 0xff, [11] = 0xff}}, (uint8_t)(96 + v4->bits)};
  memcpy(v6.addr.bytes + 12, v4->addr.bytes, 4);
  return v6;
}

/* Permission: the address to dial is in `prefix`, and its port in `range` unless that is NULL. */
static egress__message *upstream(egress__build *b, const egress__prefix *prefix, const egress__port_range *range) {
  egress__message *matcher =
      EGRESS__MAKE(b, envoy__extensions__rbac__matchers__upstream_ip_port__v3__upstream_ip_port_matcher);
  egress__set_message(b, matcher, "upstream_ip",
                      egress__cidr(b, &envoy__config__core__v3__cidr_range__descriptor, prefix));
  if (range != NULL && (range->low > 1 || range->high < UINT16_MAX)) {
    egress__message *ports = EGRESS__MAKE(b, envoy__type__v3__int64_range);
    egress__set_number(b, ports, "start", range->low);
    egress__set_number(b, ports, "end", range->high + 1); /* Envoy's end is not included */
    egress__set_message(b, matcher, "upstream_port_range", ports);
  }
  egress__message *extension = EGRESS__MAKE(b, envoy__config__core__v3__typed_extension_config);
  egress__set_text(b, extension, "name", "upstream");
  egress__set_message(b, extension, "typed_config", matcher);
  egress__message *permission = EGRESS__MAKE(b, envoy__config__rbac__v3__permission);
  egress__set_message(b, permission, "matcher", extension);
  return permission;
}

/* Permission: one of `prefixes`. */
static egress__message *upstream_any_of(egress__build *b, const egress__prefix *prefixes, size_t count) {
  egress__message *set = EGRESS__MAKE(b, envoy__config__rbac__v3__permission__set);
  for (size_t i = 0; i < count; i++)
    egress__set_message(b, set, "rules", upstream(b, &prefixes[i], NULL));
  egress__message *permission = EGRESS__MAKE(b, envoy__config__rbac__v3__permission);
  egress__set_message(b, permission, "or_rules", set);
  return permission;
}

/* Permission: `of` and `condition`. */
static egress__message *both(egress__build *b, egress__message *of, egress__message *condition) {
  egress__message *set = EGRESS__MAKE(b, envoy__config__rbac__v3__permission__set);
  egress__set_message(b, set, "rules", of);
  egress__set_message(b, set, "rules", condition);
  egress__message *permission = EGRESS__MAKE(b, envoy__config__rbac__v3__permission);
  egress__set_message(b, permission, "and_rules", set);
  return permission;
}

static egress__message * not(egress__build * b, egress__message *permission) {
  egress__message *made = EGRESS__MAKE(b, envoy__config__rbac__v3__permission);
  egress__set_message(b, made, "not_rule", permission);
  return made;
}

static egress__message *is_connect(egress__build *b) {
  egress__message *string = EGRESS__MAKE(b, envoy__type__matcher__v3__string_matcher);
  egress__set_text(b, string, "exact", "CONNECT");
  egress__message *header = EGRESS__MAKE(b, envoy__config__route__v3__header_matcher);
  egress__set_text(b, header, "name", ":method");
  egress__set_message(b, header, "string_match", string);
  egress__message *permission = EGRESS__MAKE(b, envoy__config__rbac__v3__permission);
  egress__set_message(b, permission, "header", header);
  return permission;
}

static void add_principals(egress__build *b, egress__message *policy, const egress__rule *rule) {
  for (size_t i = 0; !rule->from_any && i < rule->from_count; i++) {
    egress__message *principal = EGRESS__MAKE(b, envoy__config__rbac__v3__principal);
    egress__set_message(b, principal, "direct_remote_ip",
                        egress__cidr(b, &envoy__config__core__v3__cidr_range__descriptor, &rule->froms[i]));
    egress__set_message(b, policy, "principals", principal);
  }
  if (rule->from_any) {
    egress__message *principal = EGRESS__MAKE(b, envoy__config__rbac__v3__principal);
    egress__set_number(b, principal, "any", 1);
    egress__set_message(b, policy, "principals", principal);
  }
}

/* `prefix` at each of `ports`; `condition` NULL: whatever else is known. */
static void add_upstream(egress__build *b, egress__message *policy, const egress__prefix *prefix,
                         const egress__ports *ports, egress__message *condition) {
  for (size_t i = 0; i < ports->count; i++) {
    egress__message *permission = upstream(b, prefix, &ports->ranges[i]);
    egress__set_message(b, policy, "permissions", condition == NULL ? permission : both(b, permission, condition));
  }
}

/* Every address and port that the rule speaks of under `protocol`. */
static int add_upstreams(egress__build *b, egress__message *policy, const egress__rule *rule, int32_t protocol,
                         egress__message *condition) {
  const egress__ports *ports = &rule->ports[protocol];
  for (size_t i = 0; i < rule->prefix_count; i++) {
    const egress__prefix *prefix = &rule->prefixes[i];
    add_upstream(b, policy, prefix, ports, condition);
    if (rule->deny && prefix->addr.family == 4) {
      egress__prefix as_v6 = mapped(prefix); /* leads to the same machines */
      add_upstream(b, policy, &as_v6, ports, condition);
    }
  }
  return rule->prefix_count != 0 && ports->count != 0;
}

/* The rule's addresses as Policy; NULL: it has none for what is spoken. What is said of TCP covers all that runs on it.
 */
static egress__message *addresses_of(egress__build *b, const egress__rule *rule, unsigned spoken) {
  egress__message *policy = EGRESS__MAKE(b, envoy__config__rbac__v3__policy);
  int tls = (spoken & EGRESS__SPOKEN_TLS) != 0, http = (spoken & EGRESS__SPOKEN_HTTP) != 0;
  int some = add_upstreams(b, policy, rule, EGRESS_PROTOCOL_TCP, NULL);
  if (tls)
    some |= add_upstreams(b, policy, rule, EGRESS_PROTOCOL_TLS, http ? is_connect(b) : NULL);
  if (http)
    some |= add_upstreams(b, policy, rule, EGRESS_PROTOCOL_HTTP, tls ? not(b, is_connect(b)) : NULL);
  if (!some)
    return NULL;
  add_principals(b, policy, rule);
  return policy;
}

/* Envoy tries policies by name: the number keeps the order of the file. */
static const char *numbered(egress__build *b, size_t index, const char *name) {
  return egress__build_printf(b, "%06zu:%s", index + 1, name);
}

/* Without numbers Envoy tries them by name, and so does decide. */
static void add_denies(egress__build *b, egress__message *to, const egress_policy *policy, unsigned spoken,
                       int by_number) {
  for (size_t i = 0; i < policy->deny_count; i++) {
    const egress__rule *rule = &policy->rules[i];
    egress__message *made = addresses_of(b, rule, spoken);
    if (made != NULL)
      egress__set_entry(b, to, "policies", by_number ? numbered(b, i, rule->name) : rule->name, made);
  }
}

/* One policy for any source. */
static void add_simple(egress__build *b, egress__message *to, const char *name, egress__message *permission) {
  static const egress__rule from_any = {.from_any = 1};
  egress__message *policy = EGRESS__MAKE(b, envoy__config__rbac__v3__policy);
  egress__set_message(b, policy, "permissions", permission);
  add_principals(b, policy, &from_any);
  egress__set_entry(b, to, "policies", name, policy);
}

egress__message *egress__guard_closed(egress__build *b) {
  egress__message *made = rbac(b, ENVOY__CONFIG__RBAC__V3__RBAC__ACTION__DENY);
  egress__message *permission = EGRESS__MAKE(b, envoy__config__rbac__v3__permission);
  egress__set_number(b, permission, "any", 1);
  add_simple(b, made, EGRESS__NO_RULE, permission);
  return made;
}

egress__message *egress__guard_of_names(egress__build *b, const egress_policy *policy, unsigned spoken) {
  egress__message *made = rbac(b, ENVOY__CONFIG__RBAC__V3__RBAC__ACTION__DENY);
  add_denies(b, made, policy, spoken, 0);
  if (policy->deny_private_ips) {
    size_t count;
    const egress__prefix *special = egress__guard_prefixes(&count);
    egress__message *permission = upstream_any_of(b, special, count);
    if (policy->allow_private_count != 0)
      permission = both(b, permission, not(b, upstream_any_of(b, policy->allow_private, policy->allow_private_count)));
    add_simple(b, made, EGRESS__NOT_A_RULE "special-use-address", permission);
  }
  return made;
}

egress__message *egress__guard_of_addresses(egress__build *b, const egress_policy *policy, unsigned spoken) {
  static const egress__prefix v4_mapped = {{6, {[10] = 0xff, [11] = 0xff}}, 96};
  egress__message *made = rbac(b, ENVOY__CONFIG__RBAC__V3__RBAC__ACTION__DENY);
  add_denies(b, made, policy, spoken, 1); /* else one could be called as Envoy calls it that nothing allows */
  add_simple(b, made, EGRESS__NOT_A_RULE "v4-mapped-address", upstream(b, &v4_mapped, NULL));
  return made;
}

egress__message *egress__allowed_addresses(egress__build *b, const egress_policy *policy, unsigned spoken) {
  egress__message *made = rbac(b, ENVOY__CONFIG__RBAC__V3__RBAC__ACTION__ALLOW);
  int some = 0;
  for (size_t i = policy->deny_count; i < policy->rule_count; i++) {
    const egress__rule *rule = &policy->rules[i];
    egress__message *of = addresses_of(b, rule, spoken);
    if (of == NULL)
      continue;
    some = 1;
    egress__set_entry(b, made, "policies", numbered(b, i - policy->deny_count, rule->name), of);
  }
  return some ? made : NULL;
}
