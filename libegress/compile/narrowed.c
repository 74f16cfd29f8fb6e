#include "compile/narrowed.h"

#include <egress/error.h>
#include <egress/policy.h>

/* 1 when every range of `inner` is in one of `outer`; both are sorted. */
static int sorted_covered(const egress__prefix *inner, size_t inner_count, const egress__prefix *outer,
                          size_t outer_count) {
  const egress__prefix *widest = NULL; /* of those that start no later: what it does not cover, none of them does */
  size_t next = 0;
  for (size_t i = 0; i < inner_count; i++) {
    for (; next < outer_count && egress__prefix_compare(&outer[next], &inner[i]) <= 0; next++)
      if (widest == NULL || !egress__prefix_covers(widest, &outer[next]))
        widest = &outer[next];
    if (widest == NULL || !egress__prefix_covers(widest, &inner[i]))
      return 0;
  }
  return 1;
}

/* 1 when every source of `inner` is one of `outer`. */
static int sources_covered(const egress__rule *inner, const egress__rule *outer) {
  return outer->from_any ||
         (!inner->from_any && sorted_covered(inner->froms, inner->from_count, outer->froms, outer->from_count));
}

/* 1 when some address is a source of both. */
static int sources_meet(const egress__rule *a, const egress__rule *b) {
  if (a->from_any || b->from_any)
    return 1;
  for (size_t i = 0, j = 0; i < a->from_count && j < b->from_count;) {
    const egress__prefix *x = &a->froms[i], *y = &b->froms[j];
    if (egress__prefix_covers(x, y) || egress__prefix_covers(y, x))
      return 1;
    if (egress__prefix_compare(x, y) < 0)
      i++;
    else
      j++;
  }
  return 0;
}

typedef int (*term_test)(const egress_policy *policy, const egress__rule *rule, const void *user);

static int terms_cover(const egress_policy *policy, const egress__terms *terms, const egress__pattern *pattern,
                       term_test test, const void *user) {
  for (size_t i = 0; i < terms->count; i++)
    if (test(policy, &policy->rules[terms->items[i].rule], user) &&
        egress__pattern_covers(terms->items[i].pattern, pattern))
      return 1;
  return 0;
}

/* 1 when a rule that passes `test` has a pattern that covers `pattern`: looked for where one can stand, at the
 * suffixes of it. */
static int pattern_covered(const egress_policy *policy, const egress__pattern *pattern, term_test test,
                           const void *user) {
  const char *text = egress__pattern_suffix(pattern);
  size_t size = (size_t)(pattern->text + pattern->size - text);
  for (;;) {
    const egress__suffix *suffix = egress__map_get(&policy->suffixes, text, size);
    if (suffix != NULL && (terms_cover(policy, &suffix->exact, pattern, test, user) ||
                           terms_cover(policy, &suffix->anchored, pattern, test, user)))
      return 1;
    if (size == 0)
      return 0;
    while (size != 0 && *text != '.')
      text++, size--;
    if (size != 0)
      text++, size--;
  }
}

static int is_rule(const egress_policy *policy, const egress__rule *rule, const void *user) {
  (void)policy;
  return rule == user;
}

/* A new deny entry, held against the old ones. */
typedef struct newcomer {
  const egress__rule *deny;
  uint16_t port;
} newcomer;

static int denied_names_before(const egress_policy *old, const egress__rule *rule, const void *user) {
  const newcomer *now = user;
  return rule < old->rules + old->deny_count && egress__ports_have(&rule->ports[EGRESS_PROTOCOL_TLS], now->port) &&
         sources_covered(now->deny, rule);
}

/* Whether a deny entry judges the resolved addresses of TLS connections to `port`. */
static int denies_addresses(const egress__rule *deny, uint16_t port) {
  return egress__ports_have(&deny->ports[EGRESS_PROTOCOL_TLS], port) ||
         egress__ports_have(&deny->ports[EGRESS_PROTOCOL_TCP], port);
}

static egress__addr last_of(const egress__prefix *prefix) {
  egress__addr last = prefix->addr;
  for (unsigned bit = prefix->bits; bit < (last.family == 4 ? 32 : 128); bit++)
    last.bytes[bit / 8] |= (uint8_t)(0x80 >> bit % 8);
  return last;
}

static int range_denied_before(const egress_policy *old, const newcomer *now, const egress__prefix *prefix) {
  egress__addr last = last_of(prefix);
  egress__trie_walk of_first = egress__trie_start(&old->targets, &prefix->addr);
  egress__trie_walk of_last = egress__trie_start(&old->targets, &last);
  const egress__target *target;
  /* Ranges that have both ends have all between; the widest come first. */
  while ((target = egress__trie_next(&of_first)) != NULL && target == egress__trie_next(&of_last)) {
    for (size_t i = 0; i < target->count && target->rules[i] < old->deny_count; i++) {
      const egress__rule *before = &old->rules[target->rules[i]];
      if (denies_addresses(before, now->port) && sources_covered(now->deny, before))
        return 1;
    }
  }
  return 0;
}

static int addresses_lost(const egress_policy *old, const newcomer *now) {
  for (size_t i = 0; denies_addresses(now->deny, now->port) && i < now->deny->prefix_count; i++)
    if (!range_denied_before(old, now, &now->deny->prefixes[i]))
      return 1;
  return 0;
}

/* The losses that one deny entry brings, behind `losses`; returns how many. */
static size_t add_losses(egress__loss *losses, const egress_policy *old, const newcomer *now) {
  const egress__rule *deny = now->deny;
  size_t count = 0;
  if (addresses_lost(old, now))
    losses[count++] = (egress__loss){deny, NULL};
  if (!egress__ports_have(&deny->ports[EGRESS_PROTOCOL_TLS], now->port))
    return count;
  for (size_t i = 0; i < deny->pattern_count; i++)
    if (!pattern_covered(old, &deny->patterns[i], denied_names_before, now))
      losses[count++] = (egress__loss){deny, &deny->patterns[i]};
  return count;
}

static int range_kept(const egress__prefix *range, const egress__prefix *in, size_t count) {
  for (size_t i = 0; i < count; i++)
    if (egress__prefix_covers(&in[i], range))
      return 1;
  return 0;
}

/* 1 when the guard refuses a special-use address that it let through. */
static int guard_narrowed(const egress_policy *old, const egress_policy *now) {
  if (!now->deny_private_ips || !old->deny_private_ips)
    return now->deny_private_ips;
  for (size_t i = 0; i < old->allow_private_count; i++)
    if (!range_kept(&old->allow_private[i], now->allow_private, now->allow_private_count))
      return 1;
  return 0;
}

int egress__narrowing_find(egress__narrowing *out, const egress_policy *old, const egress_policy *now, uint16_t port,
                           egress__arena *arena) {
  size_t most = 0;
  for (size_t i = 0; i < now->deny_count; i++)
    most += now->rules[i].pattern_count + 1;
  egress__loss *losses = egress__arena_array(arena, most, sizeof *losses);
  if (losses == NULL)
    return EGRESS_ENOMEM;
  size_t count = 0;
  for (size_t i = 0; i < now->deny_count; i++)
    count += add_losses(losses + count, old, &(newcomer){&now->rules[i], port});
  *out = (egress__narrowing){old, now, port, guard_narrowed(old, now), losses, count};
  return 0;
}

static int meets_rule(const egress__loss *loss, const egress__rule *rule) {
  int meets = loss->pattern == NULL;
  for (size_t i = 0; i < rule->pattern_count && !meets; i++)
    meets = egress__pattern_meets(loss->pattern, &rule->patterns[i]);
  return meets && sources_meet(loss->deny, rule);
}

int egress__rule_narrowed(const egress__narrowing *step, const egress__rule *old_rule, const egress__rule *new_rule) {
  if (old_rule->pattern_count == 0 || !egress__ports_have(&old_rule->ports[EGRESS_PROTOCOL_TLS], step->port))
    return 0; /* it let nothing through */
  if (!egress__ports_have(&new_rule->ports[EGRESS_PROTOCOL_TLS], step->port) || !sources_covered(old_rule, new_rule))
    return 1;
  for (size_t i = 0; i < old_rule->pattern_count; i++)
    if (!pattern_covered(step->now, &old_rule->patterns[i], is_rule, new_rule))
      return 1;
  for (size_t i = 0; i < step->loss_count; i++)
    if (meets_rule(&step->losses[i], old_rule))
      return 1;
  return step->guard;
}
