#include "policy/atoms.h"

#include <stdlib.h>
#include <string.h>

#include <egress/error.h>

#include "base/document.h"
#include "base/vec.h"

/* A source range of one rule. */
typedef struct source_range {
  egress__prefix prefix;
  uint32_t rule;
} source_range;

/* Sets of rules are bit sets over rule indexes; each atom has one that no other has. */
typedef struct cutter {
  egress_policy *policy;
  egress__arena arena; /* the sets; until the end of the cutting */
  egress__map atoms;   /* set -> its number + 1, as a pointer */
  EGRESS__VEC(const uint64_t *) sets;
  EGRESS__VEC(egress__atom_prefix) prefixes;
  size_t words; /* of a set */
} cutter;

static void set_bit(uint64_t *set, size_t bit) {
  set[bit / 64] |= UINT64_C(1) << bit % 64;
}

static int has_bit(const uint64_t *set, size_t bit) {
  return (int)(set[bit / 64] >> bit % 64 & 1);
}

static int compare_source_ranges(const void *a, const void *b) {
  const source_range *x = a, *y = b;
  return egress__prefix_compare(&x->prefix, &y->prefix);
}

/* All source ranges, sorted: a range stands before those inside it. */
static source_range *list_source_ranges(const egress_policy *policy, size_t *count) {
  size_t all = 0;
  for (size_t i = 0; i < policy->rule_count; i++)
    all += policy->rules[i].from_count;
  source_range *ranges = egress__calloc(policy->alloc, all, sizeof *ranges);
  if (ranges == NULL)
    return NULL;
  *count = 0;
  for (size_t i = 0; i < policy->rule_count; i++)
    for (size_t j = 0; j < policy->rules[i].from_count; j++)
      ranges[(*count)++] = (source_range){policy->rules[i].froms[j], (uint32_t)i};
  qsort(ranges, all, sizeof *ranges, compare_source_ranges);
  return ranges;
}

/* The atom with this set of rules, made when it is new. */
static int find_atom(cutter *c, const uint64_t *set, uint32_t *out) {
  const size_t bytes = c->words * sizeof *set;
  uintptr_t known = (uintptr_t)egress__map_get(&c->atoms, (const char *)set, bytes);
  if (known != 0) {
    *out = (uint32_t)(known - 1);
    return 0;
  }
  if (c->sets.count == EGRESS__MAX_ATOMS)
    return EGRESS_ELIMIT;
  uint64_t *copy = egress__arena_get(&c->arena, bytes);
  if (copy == NULL || EGRESS__VEC_GROW(c->policy->alloc, &c->sets) != 0)
    return EGRESS_ENOMEM;
  memcpy(copy, set, bytes);
  *out = (uint32_t)c->sets.count;
  c->sets.items[c->sets.count++] = copy;
  return egress__map_set(&c->atoms, (const char *)copy, bytes, (void *)((uintptr_t)*out + 1));
}

/* Gives each range the atom of its own rules and of those of the ranges around it. */
static int cut(cutter *c, const source_range *ranges, size_t count, uint64_t *set) {
  egress__atom_prefix around[129]; /* ranges that have each other: one more bit each */
  size_t depth = 0;
  uint32_t outside;
  int rv = find_atom(c, set, &outside); /* atom 0 */
  for (size_t start = 0, end; start < count && rv == 0; start = end) {
    const egress__prefix *prefix = &ranges[start].prefix;
    while (depth > 0 && !egress__prefix_covers(&around[depth - 1].prefix, prefix))
      depth--;
    uint32_t outer = depth == 0 ? outside : around[depth - 1].atom, atom;
    memcpy(set, c->sets.items[outer], c->words * sizeof *set);
    for (end = start; end < count && egress__prefix_compare(&ranges[end].prefix, prefix) == 0; end++)
      set_bit(set, ranges[end].rule);
    rv = find_atom(c, set, &atom);
    if (rv != 0 || atom == outer)
      continue; /* the range makes no difference */
    around[depth++] = (egress__atom_prefix){*prefix, atom};
    rv = EGRESS__VEC_GROW(c->policy->alloc, &c->prefixes);
    if (rv == 0)
      c->prefixes.items[c->prefixes.count++] = around[depth - 1];
  }
  return rv;
}

static int keep_prefixes(cutter *c) {
  egress_policy *policy = c->policy;
  const size_t count = c->prefixes.count;
  egress__atom_prefix *kept = egress__arena_array(&policy->arena, count, sizeof *kept);
  if (kept == NULL)
    return EGRESS_ENOMEM;
  if (count != 0)
    memcpy(kept, c->prefixes.items, count * sizeof *kept);
  policy->atom_prefixes = kept;
  policy->atom_prefix_count = count;
  for (size_t i = 0; i < count; i++)
    if (egress__trie_set(&policy->atom_trie, &policy->arena, &kept[i].prefix, &kept[i]) != 0)
      return EGRESS_ENOMEM;
  return 0;
}

/* Turns the sets round: from the rules of an atom to the atoms of a rule. */
static int keep_atoms(cutter *c, egress__rule *rules) {
  egress_policy *policy = c->policy;
  const size_t count = c->sets.count, words = (count + 63) / 64;
  policy->atom_count = (uint32_t)count;
  uint64_t *every = egress__arena_array(&policy->arena, words, sizeof *every);
  if (every == NULL)
    return EGRESS_ENOMEM;
  for (size_t atom = 0; atom < count; atom++)
    set_bit(every, atom);
  for (size_t i = 0; i < policy->rule_count; i++) {
    rules[i].atoms = every;
    if (rules[i].from_any)
      continue;
    uint64_t *own = egress__arena_array(&policy->arena, words, sizeof *own);
    if (own == NULL)
      return EGRESS_ENOMEM;
    for (size_t atom = 0; atom < count; atom++)
      if (has_bit(c->sets.items[atom], i))
        set_bit(own, atom);
    rules[i].atoms = own;
  }
  return 0;
}

static int run(cutter *c, const source_range *ranges, size_t count, egress__rule *rules) {
  uint64_t *set = egress__arena_array(&c->arena, c->words, sizeof *set);
  if (set == NULL)
    return EGRESS_ENOMEM;
  int rv = cut(c, ranges, count, set);
  if (rv == 0)
    rv = keep_prefixes(c);
  return rv == 0 ? keep_atoms(c, rules) : rv;
}

int egress__policy_atoms(egress_policy *policy, egress__rule *rules, egress__faults *faults) {
  size_t count;
  source_range *ranges = list_source_ranges(policy, &count);
  if (ranges == NULL)
    return EGRESS_ENOMEM;
  cutter c = {.policy = policy, .words = policy->rule_count / 64 + 1};
  egress__arena_init(&c.arena, policy->alloc);
  egress__map_init(&c.atoms, policy->alloc);
  int rv = run(&c, ranges, count, rules);
  EGRESS__VEC_FREE(policy->alloc, &c.sets);
  EGRESS__VEC_FREE(policy->alloc, &c.prefixes);
  egress__map_dispose(&c.atoms);
  egress__arena_dispose(&c.arena);
  egress__free(policy->alloc, ranges);
  if (rv != EGRESS_ELIMIT)
    return rv;
  const egress__node top = {.line = 1, .column = 1};
  return egress__fault_limit(
      faults, &top, "the sources of the rules differ in more than %d ways; use fewer, wider ones", EGRESS__MAX_ATOMS);
}

uint32_t egress__policy_atom(const egress_policy *policy, const egress__addr *source) {
  egress__addr addr = egress__addr_unmapped(*source);
  egress__trie_walk walk = egress__trie_start(&policy->atom_trie, &addr);
  uint32_t atom = 0;
  for (const egress__atom_prefix *at; (at = egress__trie_next(&walk)) != NULL;)
    atom = at->atom;
  return atom;
}
