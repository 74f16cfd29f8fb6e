#include "policy/index.h"

#include <stdlib.h>
#include <string.h>

#include <egress/error.h>

/* Counts a pattern to its suffix, which is made when it is new. */
static int count_term(egress_policy *policy, const egress__pattern *pattern) {
  const char *text = egress__pattern_suffix(pattern);
  size_t size = (size_t)(pattern->text + pattern->size - text);
  egress__suffix *suffix = egress__map_get(&policy->suffixes, text, size);
  if (suffix == NULL) {
    suffix = egress__arena_get(&policy->arena, sizeof *suffix);
    if (suffix == NULL || egress__map_set(&policy->suffixes, text, size, suffix) != 0)
      return EGRESS_ENOMEM;
    suffix->text = text;
    suffix->size = size;
  }
  if (pattern->kind == EGRESS__PATTERN_EXACT)
    suffix->exact.count++;
  else
    suffix->anchored.count++;
  return 0;
}

static int count_terms(egress_policy *policy) {
  for (size_t i = 0; i < policy->rule_count; i++)
    for (size_t j = 0; j < policy->rules[i].pattern_count; j++)
      if (count_term(policy, &policy->rules[i].patterns[j]) != 0)
        return EGRESS_ENOMEM;
  return 0;
}

static int compare_suffixes(const void *a, const void *b) {
  const egress__suffix *const *x = a, *const *y = b;
  return strcmp((*x)->text, (*y)->text);
}

static egress__term *take_room(egress__terms *terms, egress__term *room) {
  terms->items = room;
  room += terms->count;
  terms->count = 0; /* filled from here on */
  return room;
}

/* Sorts the suffixes and gives each its part of one array. */
static int lay_out(egress_policy *policy) {
  size_t terms = 0, cursor = 0, filled = 0;
  egress__suffix **by_name = egress__arena_array(&policy->arena, policy->suffixes.count, sizeof *by_name);
  if (by_name == NULL)
    return EGRESS_ENOMEM;
  for (const egress__map_entry *entry; (entry = egress__map_next(&policy->suffixes, &cursor)) != NULL; filled++) {
    by_name[filled] = entry->value;
    terms += by_name[filled]->exact.count + by_name[filled]->anchored.count;
  }
  qsort(by_name, filled, sizeof(egress__suffix *), compare_suffixes);
  egress__term *room = egress__arena_array(&policy->arena, terms, sizeof *room);
  if (room == NULL)
    return EGRESS_ENOMEM;
  for (size_t i = 0; i < filled; i++) {
    room = take_room(&by_name[i]->exact, room);
    room = take_room(&by_name[i]->anchored, room);
  }
  policy->by_name = (const egress__suffix *const *)by_name;
  policy->suffix_count = filled;
  return 0;
}

static void fill_terms(egress_policy *policy) {
  for (size_t i = 0; i < policy->rule_count; i++) {
    for (size_t j = 0; j < policy->rules[i].pattern_count; j++) {
      const egress__pattern *pattern = &policy->rules[i].patterns[j];
      const char *text = egress__pattern_suffix(pattern);
      egress__suffix *suffix = egress__map_get(&policy->suffixes, text, (size_t)(pattern->text + pattern->size - text));
      egress__terms *terms = pattern->kind == EGRESS__PATTERN_EXACT ? &suffix->exact : &suffix->anchored;
      ((egress__term *)(uintptr_t)terms->items)[terms->count++] = (egress__term){(uint32_t)i, pattern};
    }
  }
}

/* An address range of one rule. */
typedef struct range {
  egress__prefix prefix;
  uint32_t rule;
} range;

static int compare_ranges(const void *a, const void *b) {
  const range *x = a, *y = b;
  int order = egress__prefix_compare(&x->prefix, &y->prefix);
  return order != 0 ? order : (x->rule > y->rule) - (x->rule < y->rule);
}

static range *list_ranges(const egress_policy *policy, size_t *count) {
  size_t all = 0;
  for (size_t i = 0; i < policy->rule_count; i++)
    all += policy->rules[i].prefix_count;
  range *ranges = egress__calloc(policy->alloc, all, sizeof *ranges);
  if (ranges == NULL)
    return NULL;
  *count = 0;
  for (size_t i = 0; i < policy->rule_count; i++)
    for (size_t j = 0; j < policy->rules[i].prefix_count; j++)
      ranges[(*count)++] = (range){policy->rules[i].prefixes[j], (uint32_t)i};
  qsort(ranges, all, sizeof *ranges, compare_ranges);
  return ranges;
}

/* The rules of `count` equal ranges. */
static int add_target(egress_policy *policy, const range *ranges, size_t count) {
  egress__target *target = egress__arena_get(&policy->arena, sizeof *target);
  uint32_t *rules = egress__arena_array(&policy->arena, count, sizeof *rules);
  if (target == NULL || rules == NULL)
    return EGRESS_ENOMEM;
  for (size_t i = 0; i < count; i++)
    rules[i] = ranges[i].rule;
  *target = (egress__target){rules, count};
  return egress__trie_set(&policy->targets, &policy->arena, &ranges[0].prefix, target);
}

static int index_addresses(egress_policy *policy) {
  size_t count;
  range *ranges = list_ranges(policy, &count);
  if (ranges == NULL)
    return EGRESS_ENOMEM;
  int rv = 0;
  for (size_t start = 0, end; start < count && rv == 0; start = end) {
    for (end = start + 1; end < count; end++)
      if (egress__prefix_compare(&ranges[end].prefix, &ranges[start].prefix) != 0)
        break;
    rv = add_target(policy, ranges + start, end - start);
  }
  egress__free(policy->alloc, ranges);
  return rv;
}

int egress__policy_index(egress_policy *policy) {
  if (count_terms(policy) != 0 || lay_out(policy) != 0)
    return EGRESS_ENOMEM;
  fill_terms(policy);
  return index_addresses(policy);
}
