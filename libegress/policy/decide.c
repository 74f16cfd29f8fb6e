#include "policy/decide.h"

#include <string.h>

#include <egress/error.h>

#include "base/options.h"
#include "policy/guard.h"

static int read_addr(egress__addr *out, const char *text) {
  return egress__addr_parse(out, text, strlen(text));
}

static int check_resolved(const egress_flow *flow) {
  egress__addr addr;
  for (size_t i = 0; flow->resolved != NULL && i < flow->resolved_count; i++)
    if (flow->resolved[i] == NULL || read_addr(&addr, flow->resolved[i]) != 0)
      return EGRESS_EINVAL;
  return 0;
}

int egress__query_take(egress__query *out, const egress_policy *policy, const egress_flow *given) {
  if (policy == NULL || given == NULL)
    return EGRESS_EINVAL;
  out->flow = (egress_flow)EGRESS_FLOW_INIT;
  egress_flow *flow = &out->flow;
  int rv = egress__options_take(flow, sizeof *flow, given, sizeof *flow);
  if (rv == 0 && flow->reserved != 0)
    rv = EGRESS_EABI;
  if (rv != 0)
    return rv;
  if (flow->source == NULL || flow->port == 0 || flow->protocol < EGRESS_PROTOCOL_TLS ||
      flow->protocol > EGRESS_PROTOCOL_TCP || read_addr(&out->source, flow->source) != 0)
    return EGRESS_EINVAL;
  out->address = (egress__addr){0};
  if (flow->address != NULL && read_addr(&out->address, flow->address) != 0)
    return EGRESS_EINVAL;
  out->name_size = 0;
  if (flow->name != NULL) {
    size_t size = flow->name_size != 0 ? flow->name_size : strlen(flow->name);
    out->name_size = egress__host_normalise(out->name, flow->name, size);
  }
  out->atom = egress__policy_atom(policy, &out->source);
  return check_resolved(flow);
}

int egress__rule_has_name_port(const egress__rule *rule, const egress_flow *flow) {
  /* An allow by name needs a protocol that shows the name; a deny of every protocol needs none. */
  return (rule->deny || flow->protocol != EGRESS_PROTOCOL_TCP) &&
         egress__ports_have(&rule->ports[flow->protocol], flow->port);
}

int egress__rule_has_address_port(const egress__rule *rule, const egress_flow *flow) {
  return egress__ports_have(&rule->ports[EGRESS_PROTOCOL_TCP], flow->port) ||
         egress__ports_have(&rule->ports[flow->protocol], flow->port);
}

/* Lowest rule among `terms` that applies, if it is below `best`. */
static uint32_t best_term(const egress_policy *policy, const egress__query *query, const egress__terms *terms,
                          uint32_t best) {
  for (size_t i = 0; i < terms->count && terms->items[i].rule < best; i++) {
    const egress__term *term = &terms->items[i];
    const egress__rule *rule = &policy->rules[term->rule];
    if (egress__rule_has_atom(rule, query->atom) && egress__rule_has_name_port(rule, &query->flow) &&
        egress__pattern_match(term->pattern, query->name, query->name_size))
      return term->rule;
  }
  return best;
}

/* Lowest rule that has the name; suffixes are looked up from the whole name to the root. */
static uint32_t best_by_name(const egress_policy *policy, const egress__query *query) {
  uint32_t best = EGRESS__NO_RULE;
  if (query->name_size == 0)
    return best;
  const char *end = query->name + query->name_size;
  for (const char *at = query->name;; at++) {
    const egress__suffix *suffix = egress__map_get(&policy->suffixes, at, (size_t)(end - at));
    if (suffix != NULL)
      best = best_term(policy, query, at == query->name ? &suffix->exact : &suffix->anchored, best);
    if (at == end)
      return best;
    at = memchr(at, '.', (size_t)(end - at));
    if (at == NULL)
      at = end - 1; /* the root, which is the empty text behind the last label */
  }
}

/* Lowest rule that has the address. */
static uint32_t best_by_address(const egress_policy *policy, const egress__query *query, const egress__addr *addr) {
  uint32_t best = EGRESS__NO_RULE;
  egress__trie_walk walk = egress__trie_start(&policy->targets, addr);
  for (const egress__target *target; (target = egress__trie_next(&walk)) != NULL;) {
    for (size_t i = 0; i < target->count && target->rules[i] < best; i++) {
      const egress__rule *rule = &policy->rules[target->rules[i]];
      if (egress__rule_has_atom(rule, query->atom) && egress__rule_has_address_port(rule, &query->flow))
        best = target->rules[i];
    }
  }
  return best;
}

/* The first by name, which is how Envoy tries them, of the entry `best` and the deny entries that have the address. */
static uint32_t first_deny(const egress_policy *policy, const egress__query *query, const egress__addr *addr,
                           uint32_t best) {
  egress__trie_walk walk = egress__trie_start(&policy->targets, addr);
  for (const egress__target *target; (target = egress__trie_next(&walk)) != NULL;) {
    for (size_t i = 0; i < target->count && target->rules[i] < policy->deny_count; i++) {
      const egress__rule *rule = &policy->rules[target->rules[i]];
      if (egress__rule_has_atom(rule, query->atom) && egress__rule_has_address_port(rule, &query->flow) &&
          (best == EGRESS__NO_RULE || strcmp(rule->name, policy->rules[best].name) < 0))
        best = target->rules[i];
    }
  }
  return best;
}

/* The deny entry that covers an address to which the name resolves; the IPv4 address in a mapped one counts, too. */
static uint32_t deny_of_resolved(const egress_policy *policy, const egress__query *query, const egress__addr *addr) {
  uint32_t best = first_deny(policy, query, addr, EGRESS__NO_RULE);
  if (egress__addr_is_v4_mapped(addr)) {
    egress__addr v4 = egress__addr_unmapped(*addr);
    best = first_deny(policy, query, &v4, best);
  }
  return best;
}

/* 1 when some address would be refused by a deny entry, whatever it is. */
static int may_be_denied_by_address(const egress_policy *policy, const egress__query *query) {
  for (size_t i = 0; i < policy->deny_count; i++) {
    const egress__rule *rule = &policy->rules[i];
    if (rule->prefix_count != 0 && egress__rule_has_atom(rule, query->atom) &&
        egress__rule_has_address_port(rule, &query->flow))
      return 1;
  }
  return 0;
}

/* An allow rule has the name: it holds if what the name resolves to passes the deny entries and the guard. */
static egress__outcome judge_resolved(const egress_policy *policy, const egress__query *query, uint32_t rule) {
  egress__outcome allow = {.verdict = EGRESS_ALLOW, .rule = rule, .allowed = rule, .by_name = 1};
  const egress_flow *flow = &query->flow;
  if (flow->resolved == NULL || flow->resolved_count == 0) {
    if (policy->deny_private_ips || may_be_denied_by_address(policy, query))
      allow.verdict = EGRESS_ALLOW_IF_ADDRESS;
    return allow;
  }
  egress__outcome deny = allow;
  deny.verdict = EGRESS_DENY;
  egress__addr addr;
  for (deny.resolved = 0; deny.resolved < flow->resolved_count; deny.resolved++) {
    read_addr(&addr, flow->resolved[deny.resolved]);
    deny.rule = deny_of_resolved(policy, query, &addr);
    deny.reason = EGRESS_REASON_DENY_ADDRESS;
    if (deny.rule != EGRESS__NO_RULE)
      return deny;
  }
  deny.rule = rule;
  for (deny.resolved = 0; deny.resolved < flow->resolved_count; deny.resolved++) {
    read_addr(&addr, flow->resolved[deny.resolved]);
    deny.reason = EGRESS_REASON_GUARD;
    if (egress__guard_refuses(policy, &addr))
      return deny;
  }
  return allow;
}

static egress__outcome denied(egress_reason reason) {
  return (egress__outcome){.verdict = EGRESS_DENY, .reason = reason, .rule = EGRESS__NO_RULE};
}

egress__outcome egress__query_decide(const egress_policy *policy, const egress__query *query) {
  const egress_flow *flow = &query->flow;
  if (flow->name != NULL && query->name_size == 0)
    return denied(EGRESS_REASON_BAD_NAME);
  if (flow->name == NULL && flow->protocol == EGRESS_PROTOCOL_TLS && !policy->no_sni_by_address)
    return denied(EGRESS_REASON_NO_SNI);
  if (egress__addr_is_v4_mapped(&query->address))
    return denied(EGRESS_REASON_NO_MATCH); /* no rule can name it, so a deny of the IPv4 address would not hold */
  uint32_t by_name = best_by_name(policy, query), by_address = EGRESS__NO_RULE;
  if (query->address.family != 0)
    by_address = best_by_address(policy, query, &query->address);
  uint32_t first = by_name < by_address ? by_name : by_address;
  if (first < policy->deny_count)
    return (egress__outcome){
        .verdict = EGRESS_DENY, .reason = EGRESS_REASON_DENY_RULE, .rule = first, .by_name = first == by_name};
  if (by_name != EGRESS__NO_RULE)
    return judge_resolved(policy, query, by_name);
  if (by_address != EGRESS__NO_RULE)
    return (egress__outcome){.verdict = EGRESS_ALLOW, .reason = EGRESS_REASON_RULE, .rule = by_address};
  return denied(EGRESS_REASON_NO_MATCH);
}

int egress_policy_decide(const egress_policy *policy, const egress_flow *flow, egress_decision *out) {
  egress__query query;
  egress_decision decision = EGRESS_DECISION_INIT;
  if (out == NULL)
    return EGRESS_EINVAL;
  int rv = egress__options_take(&decision, sizeof decision, out, sizeof decision);
  if (rv == 0)
    rv = egress__query_take(&query, policy, flow);
  if (rv != 0)
    return rv;
  egress__outcome outcome = egress__query_decide(policy, &query);
  decision =
      (egress_decision){.size = out->size, .verdict = (int32_t)outcome.verdict, .reason = (int32_t)outcome.reason};
  if (outcome.rule != EGRESS__NO_RULE) {
    const egress__rule *rule = &policy->rules[outcome.rule];
    decision.rule = rule->name;
    decision.owner = rule->owner;
    decision.note = rule->note;
    decision.line = rule->place.line;
    decision.column = rule->place.column;
  }
  *out = decision;
  return 0;
}
