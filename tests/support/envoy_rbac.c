#include "support/envoy.h"

#include <stdio.h>
#include <string.h>

#include <envoy/config/core/v3/address.pb-c.h>
#include <envoy/config/core/v3/extension.pb-c.h>
#include <envoy/config/route/v3/route_components.pb-c.h>
#include <envoy/extensions/rbac/matchers/upstream_ip_port/v3/upstream_ip_port_matcher.pb-c.h>
#include <envoy/type/matcher/v3/string.pb-c.h>
#include <envoy/type/v3/range.pb-c.h>

typedef Envoy__Config__Rbac__V3__Permission Permission;
typedef Envoy__Config__Rbac__V3__Principal Principal;
typedef Envoy__Config__Rbac__V3__Policy Policy;
typedef Envoy__Extensions__Rbac__Matchers__UpstreamIpPort__V3__UpstreamIpPortMatcher UpstreamIpPortMatcher;

static int range_has(const Envoy__Config__Core__V3__CidrRange *range, const egress__addr *addr) {
  egress__prefix prefix;
  char text[EGRESS__PREFIX_TEXT];
  snprintf(text, sizeof text, "%s/%u", range->address_prefix, range->prefix_len == NULL ? 0 : range->prefix_len->value);
  if (egress__prefix_parse(&prefix, text, strlen(text)) != EGRESS__PREFIX_OK)
    envoy_stop("range %s is none", text);
  return egress__prefix_has(&prefix, addr);
}

static int upstream_matches(envoy *e, const Envoy__Config__Core__V3__TypedExtensionConfig *extension,
                            const envoy_connection *c) {
  const ProtobufCMessage *config = envoy_open(e, extension->typed_config);
  if (config->descriptor !=
      &envoy__extensions__rbac__matchers__upstream_ip_port__v3__upstream_ip_port_matcher__descriptor)
    envoy_stop("%s: a matcher that the model does not know", config->descriptor->name);
  const UpstreamIpPortMatcher *matcher = (const UpstreamIpPortMatcher *)config;
  const Envoy__Type__V3__Int64Range *ports = matcher->upstream_port_range;
  if (c->upstream.family == 0)
    return 0; /* Envoy: no upstream address, no match */
  if (matcher->upstream_ip != NULL && !range_has(matcher->upstream_ip, &c->upstream))
    return 0;
  return ports == NULL || (c->upstream_port >= ports->start && c->upstream_port < ports->end);
}

static int header_matches(const Envoy__Config__Route__V3__HeaderMatcher *header, const envoy_connection *c) {
  if (!c->http || strcmp(header->name, ":method") != 0 ||
      header->header_match_specifier_case !=
          ENVOY__CONFIG__ROUTE__V3__HEADER_MATCHER__HEADER_MATCH_SPECIFIER_STRING_MATCH ||
      header->string_match->match_pattern_case != ENVOY__TYPE__MATCHER__V3__STRING_MATCHER__MATCH_PATTERN_EXACT)
    envoy_stop("a header matcher that the model does not know");
  return (strcmp(header->string_match->exact, "CONNECT") == 0) == c->connect;
}

static int permits(envoy *e, const Permission *permission, const envoy_connection *c) {
  switch (permission->rule_case) {
  case ENVOY__CONFIG__RBAC__V3__PERMISSION__RULE_ANY:
    return permission->any;
  case ENVOY__CONFIG__RBAC__V3__PERMISSION__RULE_AND_RULES:
    for (size_t i = 0; i < permission->and_rules->n_rules; i++)
      if (!permits(e, permission->and_rules->rules[i], c))
        return 0;
    return 1;
  case ENVOY__CONFIG__RBAC__V3__PERMISSION__RULE_OR_RULES:
    for (size_t i = 0; i < permission->or_rules->n_rules; i++)
      if (permits(e, permission->or_rules->rules[i], c))
        return 1;
    return 0;
  case ENVOY__CONFIG__RBAC__V3__PERMISSION__RULE_NOT_RULE:
    return !permits(e, permission->not_rule, c);
  case ENVOY__CONFIG__RBAC__V3__PERMISSION__RULE_HEADER:
    return header_matches(permission->header, c);
  case ENVOY__CONFIG__RBAC__V3__PERMISSION__RULE_MATCHER:
    return upstream_matches(e, permission->matcher, c);
  default:
    envoy_stop("permission %d: unknown to the model", (int)permission->rule_case);
  }
}

static int is_principal(const Principal *principal, const envoy_connection *c) {
  switch (principal->identifier_case) {
  case ENVOY__CONFIG__RBAC__V3__PRINCIPAL__IDENTIFIER_ANY:
    return principal->any;
  case ENVOY__CONFIG__RBAC__V3__PRINCIPAL__IDENTIFIER_DIRECT_REMOTE_IP:
    return range_has(principal->direct_remote_ip, &c->source);
  default:
    envoy_stop("principal %d: unknown to the model", (int)principal->identifier_case);
  }
}

static int policy_matches(envoy *e, const Policy *policy, const envoy_connection *c) {
  int permitted = 0, known = 0;
  if (policy->n_permissions == 0 || policy->n_principals == 0)
    envoy_stop("Envoy takes no policy without permissions or principals");
  for (size_t i = 0; i < policy->n_permissions && !permitted; i++)
    permitted = permits(e, policy->permissions[i], c);
  for (size_t i = 0; i < policy->n_principals && !known; i++)
    known = is_principal(policy->principals[i], c);
  return permitted && known;
}

int envoy_rbac(envoy *e, const Envoy__Config__Rbac__V3__RBAC *rules, const envoy_connection *c,
               const char **decided_by) {
  const char *first = NULL; /* Envoy tries them by name */
  for (size_t i = 0; i < rules->n_policies; i++) {
    const char *name = rules->policies[i]->key;
    for (size_t j = 0; j < i; j++)
      if (strcmp(rules->policies[j]->key, name) == 0)
        envoy_stop("policy %s is there twice", name);
    if ((first == NULL || strcmp(name, first) < 0) && policy_matches(e, rules->policies[i]->value, c))
      first = name;
  }
  *decided_by = first == NULL ? "" : first;
  switch (rules->action) {
  case ENVOY__CONFIG__RBAC__V3__RBAC__ACTION__ALLOW:
    return first != NULL;
  case ENVOY__CONFIG__RBAC__V3__RBAC__ACTION__DENY:
    return first == NULL;
  default:
    envoy_stop("RBAC action %d: unknown to the model", (int)rules->action);
  }
}
