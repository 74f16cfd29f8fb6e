#include <string.h>

#include <egress/error.h>

#include "base/diag.h"
#include "base/options.h"
#include "policy/atoms.h"
#include "policy/index.h"
#include "policy/read.h"

static void destroy(egress_policy *policy) {
  const egress_alloc *alloc = policy->alloc;
  egress__map_dispose(&policy->suffixes);
  egress__arena_dispose(&policy->arena);
  egress__free(alloc, policy);
}

static egress_policy *new_policy(const egress_alloc *alloc, const char *name) {
  egress_policy *policy = egress__calloc(alloc, 1, sizeof *policy);
  if (policy == NULL)
    return NULL;
  atomic_init(&policy->refs, 1);
  policy->alloc = alloc;
  egress__arena_init(&policy->arena, alloc);
  egress__map_init(&policy->suffixes, alloc);
  policy->file = egress__arena_strndup(&policy->arena, name, strlen(name));
  if (policy->file == NULL) {
    destroy(policy);
    return NULL;
  }
  return policy;
}

static int read_text(egress__reader *reader, const char *text, size_t size) {
  static const egress__document_rules rules = {
      .what = "a policy",
      .anchor_advice = "; put hosts that are used twice into `groups`",
      .max_bytes = EGRESS__MAX_POLICY_BYTES,
      .max_values = EGRESS__MAX_POLICY_VALUES,
      .max_depth = EGRESS__MAX_POLICY_DEPTH,
  };
  egress__node *root = NULL;
  int rv = egress__document_read_yaml(&root, &reader->scratch, text, size, &rules, &reader->faults);
  if (rv == 0)
    rv = egress__read_policy(reader, root);
  return rv == 0 && reader->faults.count != 0 ? EGRESS_EPOLICY : rv;
}

static int read_into(egress_policy *policy, const char *text, size_t size, egress_diag *diag) {
  egress__reader reader = {.policy = policy, .keep = &policy->arena, .faults = {policy->file, EGRESS_EPOLICY, diag, 0}};
  egress__arena_init(&reader.scratch, policy->alloc);
  egress__map_init(&reader.groups, policy->alloc);
  egress__map_init(&reader.sources, policy->alloc);
  egress__map_init(&reader.names, policy->alloc);
  int rv = read_text(&reader, text, size);
  if (rv == 0)
    rv = egress__policy_atoms(policy, reader.rules, &reader.faults);
  if (rv == 0)
    rv = egress__policy_index(policy);
  egress__map_dispose(&reader.names);
  egress__map_dispose(&reader.sources);
  egress__map_dispose(&reader.groups);
  egress__arena_dispose(&reader.scratch);
  return rv;
}

static int keep_text(egress_policy *policy, const char *text, size_t size) {
  policy->text = egress__arena_strndup(&policy->arena, text, size);
  policy->text_size = size;
  return policy->text == NULL ? EGRESS_ENOMEM : 0;
}

int egress_policy_parse(egress_policy **out, const char *text, size_t size, const char *name,
                        const egress_policy_options *options, egress_diag *diag) {
  egress_policy_options own = EGRESS_POLICY_OPTIONS_INIT;
  if (out == NULL || text == NULL)
    return EGRESS_EINVAL;
  int rv = egress__options_take(&own, sizeof own, options, sizeof own);
  if (rv != 0)
    return rv;
  egress_policy *policy = new_policy(egress__alloc_or_default(own.alloc), name == NULL ? "policy" : name);
  if (policy == NULL)
    return EGRESS_ENOMEM;
  size_t before = egress_diag_count(diag);
  rv = read_into(policy, text, size, diag);
  egress__diag_sort(diag, before); /* sections and keys are not read in the order in which they stand */
  if (rv == 0)
    rv = keep_text(policy, text, size);
  if (rv == 0)
    *out = policy;
  else
    destroy(policy);
  return rv;
}

egress_policy *egress_policy_ref(egress_policy *policy) {
  if (policy != NULL)
    atomic_fetch_add_explicit(&policy->refs, 1, memory_order_relaxed);
  return policy;
}

void egress_policy_unref(egress_policy *policy) {
  if (policy != NULL && atomic_fetch_sub_explicit(&policy->refs, 1, memory_order_acq_rel) == 1)
    destroy(policy);
}

size_t egress_policy_rule_count(const egress_policy *policy) {
  return policy == NULL ? 0 : policy->rule_count;
}

const char *egress_policy_rule_name(const egress_policy *policy, size_t index) {
  return policy != NULL && index < policy->rule_count ? policy->rules[index].name : NULL;
}

size_t egress_policy_destination_count(const egress_policy *policy) {
  return policy == NULL ? 0 : policy->destination_count;
}
