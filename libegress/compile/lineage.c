#include "compile/lineage.h"

#include <string.h>

#include <egress/error.h>
#include <xxhash.h>

#include "compile/narrowed.h"

int egress__lineage_new(egress__lineage **out, egress_policy *policy, const egress_alloc *alloc) {
  egress__lineage *lineage = egress__calloc(alloc, 1, sizeof *lineage);
  if (lineage == NULL)
    return EGRESS_ENOMEM;
  lineage->alloc = alloc;
  egress__arena_init(&lineage->arena, alloc);
  egress__map_init(&lineage->rules, alloc);
  egress__map_init(&lineage->retired_names, alloc);
  egress__map_init(&lineage->kept_chains, alloc);
  lineage->policy = egress_policy_ref(policy);
  lineage->step = "";
  lineage->chains = egress__arena_array(&lineage->arena, policy->rule_count, sizeof *lineage->chains);
  lineage->stale = egress__arena_array(&lineage->arena, policy->rule_count, sizeof *lineage->stale);
  int rv = lineage->chains == NULL || lineage->stale == NULL ? EGRESS_ENOMEM : 0;
  for (size_t i = policy->deny_count; i < policy->rule_count && rv == 0; i++) {
    const egress__rule *rule = &policy->rules[i];
    rv = egress__map_set(&lineage->rules, rule->name, strlen(rule->name), (void *)(uintptr_t)rule);
  }
  if (rv != 0)
    egress__lineage_free(lineage);
  else
    *out = lineage;
  return rv;
}

void egress__lineage_free(void *of) {
  egress__lineage *lineage = of;
  if (lineage == NULL)
    return;
  egress__map_dispose(&lineage->rules);
  egress__map_dispose(&lineage->retired_names);
  egress__map_dispose(&lineage->kept_chains);
  EGRESS__VEC_FREE(lineage->alloc, &lineage->retired);
  EGRESS__VEC_FREE(lineage->alloc, &lineage->kept);
  egress_policy_unref(lineage->policy);
  egress__arena_dispose(&lineage->arena);
  egress__free(lineage->alloc, lineage);
}

int egress__lineage_set_step(egress__lineage *lineage, const char *step) {
  char *copy = egress__arena_strndup(&lineage->arena, step, strlen(step));
  if (copy == NULL)
    return EGRESS_ENOMEM;
  lineage->step = copy;
  return 0;
}

static const egress__rule *find_rule(const egress__lineage *lineage, const char *name) {
  return lineage == NULL ? NULL : egress__map_get(&lineage->rules, name, strlen(name));
}

static int is_retired(const egress__lineage *lineage, const char *name) {
  return lineage != NULL && egress__map_get(&lineage->retired_names, name, strlen(name)) != NULL;
}

int egress__lineage_keeps(const egress__lineage *lineage, const char *chain, size_t size) {
  return egress__map_get(&lineage->kept_chains, chain, size) != NULL;
}

/* A name that no earlier chain of the rule had: it comes from what was in force. The same step always gives the same
 * name, in every process that takes it. */
static const char *fresh_chain(egress__arena *arena, const egress__rule *rule, const egress__lineage *before) {
  XXH64_hash_t seed = XXH3_64bits(before->step, strlen(before->step));
  XXH64_hash_t hash = XXH3_64bits_withSeed(rule->name, strlen(rule->name), seed);
  const char *chain;
  do
    chain = egress__arena_printf(arena, "rule:%s@%08x", rule->name, (unsigned)(hash++ & 0xffffffff));
  while (chain != NULL && egress__lineage_keeps(before, chain, strlen(chain)));
  return chain;
}

/* The chain of a rule that was not there in `before`. Should a name come back, its chain must not, or connections of
 * then would be let live on. */
static const char *first_chain(egress__arena *arena, const egress__rule *rule, const egress__lineage *before) {
  const char *plain = egress__arena_printf(arena, "rule:%s", rule->name);
  if (plain == NULL || before == NULL ||
      (!is_retired(before, rule->name) && !egress__lineage_keeps(before, plain, strlen(plain))))
    return plain;
  return fresh_chain(arena, rule, before);
}

/* `step`: what changed since `before`; NULL with it. */
static const char *name_chain(egress__lineage *lineage, const egress__lineage *before, const egress__narrowing *step,
                              size_t index) {
  const egress__rule *rule = &lineage->policy->rules[index];
  if (rule->deny)
    return egress__arena_printf(&lineage->arena, "deny:%s", rule->name);
  const egress__rule *old = find_rule(before, rule->name);
  if (old == NULL)
    return first_chain(&lineage->arena, rule, before);
  size_t old_index = (size_t)(old - before->policy->rules);
  int stale = before->stale[old_index] || egress__rule_narrowed(step, old, rule);
  if (stale && !lineage->policy->revoke_keep)
    return fresh_chain(&lineage->arena, rule, before);
  lineage->stale[index] = (uint8_t)stale;
  return egress__arena_strndup(&lineage->arena, before->chains[old_index], strlen(before->chains[old_index]));
}

int egress__lineage_has_chain(const egress__lineage *lineage, size_t rule, uint16_t sni_port) {
  const egress__rule *of = &lineage->policy->rules[rule];
  return lineage->stale[rule] ||
         (!of->deny && of->pattern_count != 0 && egress__ports_have(&of->ports[EGRESS_PROTOCOL_TLS], sni_port));
}

int egress__lineage_keep(egress__lineage *lineage, const char *rule, size_t rule_size, const char *chain,
                         size_t chain_size) {
  if (lineage->kept.count == EGRESS__KEPT_MAX)
    return EGRESS_ELIMIT;
  egress__kept_chain kept = {egress__arena_strndup(&lineage->arena, rule, rule_size),
                             egress__arena_strndup(&lineage->arena, chain, chain_size)};
  if (kept.rule == NULL || kept.chain == NULL || EGRESS__VEC_GROW(lineage->alloc, &lineage->kept) != 0)
    return EGRESS_ENOMEM;
  lineage->kept.items[lineage->kept.count++] = kept;
  return egress__map_set(&lineage->kept_chains, kept.chain, chain_size, (void *)(uintptr_t)kept.chain);
}

/* Past the limit the chain goes. */
static int keep(egress__lineage *lineage, const char *rule, const char *chain) {
  int rv = egress__lineage_keep(lineage, rule, strlen(rule), chain, strlen(chain));
  return rv == EGRESS_ELIMIT ? 0 : rv;
}

/* The chains of rules that are gone, those of rules just removed first. */
static int keep_chains(egress__lineage *lineage, const egress__lineage *before, uint16_t sni_port) {
  const egress_policy *old = before->policy;
  int rv = 0;
  for (size_t i = old->deny_count; i < old->rule_count && rv == 0; i++)
    if (find_rule(lineage, old->rules[i].name) == NULL && egress__lineage_has_chain(before, i, sni_port))
      rv = keep(lineage, old->rules[i].name, before->chains[i]);
  for (size_t i = 0; i < before->kept.count && rv == 0; i++)
    rv = keep(lineage, before->kept.items[i].rule, before->kept.items[i].chain);
  return rv;
}

int egress__lineage_retire(egress__lineage *lineage, const char *name, size_t size) {
  if (lineage->retired.count == EGRESS__RETIRED_MAX)
    return EGRESS_ELIMIT;
  char *copy = egress__arena_strndup(&lineage->arena, name, size);
  if (copy == NULL || EGRESS__VEC_GROW(lineage->alloc, &lineage->retired) != 0)
    return EGRESS_ENOMEM;
  lineage->retired.items[lineage->retired.count++] = copy;
  return egress__map_set(&lineage->retired_names, copy, size, copy);
}

/* A rule that was there before, if it is not there now; past the limit it is forgotten. */
static int retire(egress__lineage *lineage, const char *name) {
  if (find_rule(lineage, name) != NULL)
    return 0;
  int rv = egress__lineage_retire(lineage, name, strlen(name));
  return rv == EGRESS_ELIMIT ? 0 : rv;
}

/* What was there before and is not now, the rules just removed first. */
static int retire_removed(egress__lineage *lineage, const egress__lineage *before) {
  const egress_policy *old = before->policy;
  int rv = 0;
  for (size_t i = old->deny_count; i < old->rule_count && rv == 0; i++)
    rv = retire(lineage, old->rules[i].name);
  for (size_t i = 0; i < before->retired.count && rv == 0; i++)
    rv = retire(lineage, before->retired.items[i]);
  return rv;
}

static int name_chains(egress__lineage *lineage, const egress__lineage *before, const egress__narrowing *step) {
  const egress_policy *policy = lineage->policy;
  for (size_t i = 0; i < policy->rule_count; i++) {
    lineage->chains[i] = name_chain(lineage, before, step, i);
    if (lineage->chains[i] == NULL)
      return EGRESS_ENOMEM;
  }
  return 0;
}

int egress__lineage_follow(egress__lineage *lineage, const egress__lineage *before, uint16_t sni_port) {
  if (before == NULL)
    return name_chains(lineage, NULL, NULL);
  egress__arena scratch;
  egress__arena_init(&scratch, lineage->alloc);
  egress__narrowing step;
  int rv = egress__narrowing_find(&step, before->policy, lineage->policy, sni_port, &scratch);
  if (rv == 0)
    rv = name_chains(lineage, before, &step);
  if (rv == 0)
    rv = retire_removed(lineage, before);
  if (rv == 0 && lineage->policy->revoke_keep)
    rv = keep_chains(lineage, before, sni_port);
  egress__arena_dispose(&scratch);
  return rv;
}
