#include "compile/narrowed.h"

#include <egress/policy.h>

/* 1 when every address of `inner` is in one of `outer`. */
static int prefix_covered(const egress__prefix *inner, const egress__prefix *outer, size_t count) {
  for (size_t i = 0; i < count; i++)
    if (egress__prefix_covers(&outer[i], inner))
      return 1;
  return 0;
}

static int prefixes_covered(const egress__prefix *inner, size_t inner_count, const egress__prefix *outer,
                            size_t outer_count) {
  for (size_t i = 0; i < inner_count; i++)
    if (!prefix_covered(&inner[i], outer, outer_count))
      return 0;
  return 1;
}

static int sources_covered(const egress__rule *inner, const egress__rule *outer) {
  return outer->from_any ||
         (!inner->from_any && prefixes_covered(inner->froms, inner->from_count, outer->froms, outer->from_count));
}

static int terms_cover(const egress_policy *policy, const egress__rule *rule, const egress__terms *terms,
                       const egress__pattern *pattern) {
  for (size_t i = 0; i < terms->count; i++)
    if (&policy->rules[terms->items[i].rule] == rule && egress__pattern_covers(terms->items[i].pattern, pattern))
      return 1;
  return 0;
}

/* 1 when `rule` of `policy` has a pattern that covers `pattern`: looked for where one can stand, at its suffixes. */
static int pattern_covered(const egress_policy *policy, const egress__rule *rule, const egress__pattern *pattern) {
  const char *text = egress__pattern_suffix(pattern);
  size_t size = (size_t)(pattern->text + pattern->size - text);
  for (;;) {
    const egress__suffix *suffix = egress__map_get(&policy->suffixes, text, size);
    if (suffix != NULL &&
        (terms_cover(policy, rule, &suffix->exact, pattern) || terms_cover(policy, rule, &suffix->anchored, pattern)))
      return 1;
    if (size == 0)
      return 0;
    while (size != 0 && *text != '.')
      text++, size--;
    if (size != 0)
      text++, size--;
  }
}

/* 1 when `pattern`, refused to the sources of `deny`, was refused to them before. */
static int was_denied(const egress_policy *old, const egress__rule *deny, const egress__pattern *pattern,
                      uint16_t port) {
  for (size_t i = 0; i < old->deny_count; i++) {
    const egress__rule *before = &old->rules[i];
    if (egress__ports_have(&before->ports[EGRESS_PROTOCOL_TLS], port) && sources_covered(deny, before) &&
        pattern_covered(old, before, pattern))
      return 1;
  }
  return 0;
}

static int pattern_meets_rule(const egress__pattern *pattern, const egress__rule *rule) {
  for (size_t i = 0; i < rule->pattern_count; i++)
    if (egress__pattern_meets(pattern, &rule->patterns[i]))
      return 1;
  return 0;
}

/* 1 when a deny entry refuses a name of `rule` that none refused before. */
static int newly_denied(const egress_policy *old, const egress_policy *now, const egress__rule *rule, uint16_t port) {
  for (size_t i = 0; i < now->deny_count; i++) {
    const egress__rule *deny = &now->rules[i];
    if (!egress__ports_have(&deny->ports[EGRESS_PROTOCOL_TLS], port))
      continue;
    for (size_t j = 0; j < deny->pattern_count; j++)
      if (!was_denied(old, deny, &deny->patterns[j], port) && pattern_meets_rule(&deny->patterns[j], rule))
        return 1;
  }
  return 0;
}

/* Whether a deny entry judges the resolved addresses of TLS connections to `port`. */
static int denies_addresses(const egress__rule *deny, uint16_t port) {
  return egress__ports_have(&deny->ports[EGRESS_PROTOCOL_TLS], port) ||
         egress__ports_have(&deny->ports[EGRESS_PROTOCOL_TCP], port);
}

static int address_was_denied(const egress_policy *old, const egress__rule *deny, const egress__prefix *prefix,
                              uint16_t port) {
  for (size_t i = 0; i < old->deny_count; i++) {
    const egress__rule *before = &old->rules[i];
    if (denies_addresses(before, port) && sources_covered(deny, before) &&
        prefix_covered(prefix, before->prefixes, before->prefix_count))
      return 1;
  }
  return 0;
}

/* 1 when an address that a name may resolve to is refused now and was not before. */
static int guard_narrowed(const egress_policy *old, const egress_policy *now, uint16_t port) {
  if (now->deny_private_ips &&
      (!old->deny_private_ips ||
       !prefixes_covered(old->allow_private, old->allow_private_count, now->allow_private, now->allow_private_count)))
    return 1;
  for (size_t i = 0; i < now->deny_count; i++) {
    const egress__rule *deny = &now->rules[i];
    for (size_t j = 0; denies_addresses(deny, port) && j < deny->prefix_count; j++)
      if (!address_was_denied(old, deny, &deny->prefixes[j], port))
        return 1;
  }
  return 0;
}

int egress__rule_narrowed(const egress_policy *old, const egress__rule *old_rule, const egress_policy *now,
                          const egress__rule *new_rule, uint16_t port) {
  if (!egress__ports_have(&old_rule->ports[EGRESS_PROTOCOL_TLS], port))
    return 0; /* it let nothing through */
  if (!egress__ports_have(&new_rule->ports[EGRESS_PROTOCOL_TLS], port) || !sources_covered(old_rule, new_rule))
    return 1;
  for (size_t i = 0; i < old_rule->pattern_count; i++)
    if (!pattern_covered(now, new_rule, &old_rule->patterns[i]))
      return 1;
  return newly_denied(old, now, old_rule, port) || guard_narrowed(old, now, port);
}
