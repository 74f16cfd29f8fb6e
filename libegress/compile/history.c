#include "compile/history.h"

#include <string.h>

#include <egress/compile.h>
#include <egress/error.h>

#include "base/text.h"
#include "snapshot/snapshot.h"

/*
 * A lineage as text, a line each, so that it outlives the process:
 *
 *   egress-history 1
 *   step WORD                  what was compiled
 *   chain RULE CHAIN           for each allow rule
 *   stale RULE                 for each whose chain may have connections that it no longer allows
 *   kept RULE CHAIN            for each chain that outlived its rule, the newest first
 *   retired RULE               for each that once was, the newest first
 *   policy BYTES               and then the policy's own text, so many bytes
 */

static const char magic[] = "egress-history 1";

int egress_compile_history(egress_text **out, const egress_snapshot *snap) {
  const egress__lineage *lineage = egress__snapshot_attachment(snap);
  if (out == NULL || lineage == NULL)
    return EGRESS_EINVAL;
  const egress_policy *policy = lineage->policy;
  egress__buf buf;
  egress__buf_init(&buf, lineage->alloc);
  egress__buf_printf(&buf, "%s\nstep %s\n", magic, lineage->step);
  for (size_t i = policy->deny_count; i < policy->rule_count; i++)
    egress__buf_printf(&buf, "chain %s %s\n", policy->rules[i].name, lineage->chains[i]);
  for (size_t i = policy->deny_count; i < policy->rule_count; i++)
    if (lineage->stale[i])
      egress__buf_printf(&buf, "stale %s\n", policy->rules[i].name);
  for (size_t i = 0; i < lineage->kept.count; i++)
    egress__buf_printf(&buf, "kept %s %s\n", lineage->kept.items[i].rule, lineage->kept.items[i].chain);
  for (size_t i = 0; i < lineage->retired.count; i++)
    egress__buf_printf(&buf, "retired %s\n", lineage->retired.items[i]);
  egress__buf_printf(&buf, "policy %zu\n", policy->text_size);
  egress__buf_add(&buf, policy->text, policy->text_size);
  int rv = egress__text_take(out, &buf);
  egress__buf_dispose(&buf);
  return rv;
}

typedef struct reader {
  const char *rest; /* what is not read yet */
  uint32_t line;    /* number of the line read last */
  egress__span key; /* its first word */
  egress__span value;
  egress_diag *diag;
} reader;

static int fault(const reader *r, const char *what) {
  return egress__diag_error(r->diag, EGRESS_EINVAL, (egress__place){"history", r->line, 1},
                            "%s; it must be a text of egress_compile_history, unchanged", what);
}

/* Splits the next line into its first word and the rest; 0 at the end. */
static int next_line(reader *r) {
  const char *end = strchr(r->rest, '\n');
  if (end == NULL)
    return 0;
  r->line++;
  size_t size = (size_t)(end - r->rest);
  const char *space = memchr(r->rest, ' ', size);
  size_t key = space == NULL ? size : (size_t)(space - r->rest);
  r->key = (egress__span){(const uint8_t *)r->rest, key};
  r->value = (egress__span){(const uint8_t *)r->rest + key + (key < size), size - key - (key < size)};
  r->rest = end + 1;
  return 1;
}

static int is(egress__span span, const char *word) {
  return span.size == strlen(word) && memcmp(span.data, word, span.size) == 0;
}

/* The size that the `policy` line says, which must be that of all behind it; SIZE_MAX when it is not. */
static size_t policy_size(const reader *r) {
  size_t left = strlen(r->rest), size = 0;
  for (size_t i = 0; i < r->value.size; i++) {
    if (r->value.data[i] < '0' || r->value.data[i] > '9' || size > left)
      return SIZE_MAX;
    size = size * 10 + (size_t)(r->value.data[i] - '0');
  }
  return r->value.size == 0 || size != left ? SIZE_MAX : size;
}

/* The policy stands last, but is what all other lines are about: finds and reads it first. */
static int read_policy(egress_policy **out, reader r, const egress_alloc *alloc) {
  if (!next_line(&r) || r.rest - (const char *)r.key.data != sizeof magic ||
      strncmp((const char *)r.key.data, magic, sizeof magic - 1) != 0)
    return fault(&r, "the first line is not \"egress-history 1\"");
  do {
    if (!next_line(&r))
      return fault(&r, "there is no policy in it");
  } while (!is(r.key, "policy"));
  size_t size = policy_size(&r);
  if (size == SIZE_MAX)
    return fault(&r, "the policy in it has another size than it says");
  egress_policy_options options = EGRESS_POLICY_OPTIONS_INIT;
  options.alloc = alloc;
  int rv = egress_policy_parse(out, r.rest, size, "history", &options, r.diag);
  return rv == 0 || rv == EGRESS_ENOMEM ? rv : fault(&r, "the policy in it cannot be read");
}

/* A chain of a rule is `rule:NAME`, or that with `@` and eight digits; another might be that of the refusals. */
static int is_chain_of(egress__span rule, egress__span chain) {
  const size_t plain = rule.size + 5;
  if (chain.size < plain || memcmp(chain.data, "rule:", 5) != 0 || memcmp(chain.data + 5, rule.data, rule.size) != 0)
    return 0;
  if (chain.size == plain)
    return 1;
  int fresh = chain.size == plain + 9 && chain.data[plain] == '@';
  for (size_t i = plain + 1; fresh && i < chain.size; i++)
    fresh = (chain.data[i] >= '0' && chain.data[i] <= '9') || (chain.data[i] >= 'a' && chain.data[i] <= 'f');
  return fresh;
}

/* `RULE CHAIN` */
static int split_chain(const reader *r, egress__span *rule, egress__span *chain) {
  const uint8_t *space = memchr(r->value.data, ' ', r->value.size);
  if (space == NULL)
    return fault(r, "a chain without a name");
  *rule = (egress__span){r->value.data, (size_t)(space - r->value.data)};
  *chain = (egress__span){space + 1, r->value.size - rule->size - 1};
  return is_chain_of(*rule, *chain) ? 0 : fault(r, "a chain that no rule of this name can have");
}

static const egress__rule *find_rule(const egress__lineage *lineage, egress__span name) {
  return egress__map_get(&lineage->rules, (const char *)name.data, name.size);
}

static int read_chain(egress__lineage *lineage, const reader *r) {
  egress__span name, text;
  int rv = split_chain(r, &name, &text);
  if (rv != 0)
    return rv;
  const egress__rule *rule = find_rule(lineage, name);
  if (rule == NULL)
    return fault(r, "a chain of a rule that the policy does not have");
  char *chain = egress__arena_strndup(&lineage->arena, (const char *)text.data, text.size);
  if (chain == NULL)
    return EGRESS_ENOMEM;
  lineage->chains[rule - lineage->policy->rules] = chain;
  return 0;
}

static int read_stale(egress__lineage *lineage, const reader *r) {
  const egress__rule *rule = find_rule(lineage, r->value);
  if (rule == NULL)
    return fault(r, "a stale rule that the policy does not have");
  lineage->stale[rule - lineage->policy->rules] = 1;
  return 0;
}

static int read_kept(egress__lineage *lineage, const reader *r) {
  egress__span rule, chain;
  int rv = split_chain(r, &rule, &chain);
  if (rv != 0)
    return rv;
  if (rule.size == 0 || !egress__span_is_text(rule))
    return fault(r, "a kept chain of a rule without a name");
  if (egress__lineage_keeps(lineage, (const char *)chain.data, chain.size))
    return fault(r, "a kept chain for the second time");
  rv = egress__lineage_keep(lineage, (const char *)rule.data, rule.size, (const char *)chain.data, chain.size);
  return rv == EGRESS_ELIMIT ? fault(r, "more kept chains than there can be") : rv;
}

static int read_retired(egress__lineage *lineage, const reader *r) {
  int rv = egress__lineage_retire(lineage, (const char *)r->value.data, r->value.size);
  return rv == EGRESS_ELIMIT ? fault(r, "more retired rules than there can be") : rv;
}

static int read_step(egress__lineage *lineage, const reader *r) {
  lineage->step = egress__arena_strndup(&lineage->arena, (const char *)r->value.data, r->value.size);
  return lineage->step == NULL ? EGRESS_ENOMEM : 0;
}

/* Envoy takes no two chains of one name; and connections get to a rule's, but not to a kept one. */
static int check_chain(const egress__lineage *lineage, size_t rule, const reader *r) {
  const char *chain = lineage->chains[rule];
  if (chain == NULL)
    return fault(r, "a rule without a chain");
  return egress__lineage_keeps(lineage, chain, strlen(chain)) ? fault(r, "a rule with a kept chain") : 0;
}

static int read_lines(egress__lineage *lineage, reader r) {
  int rv = 0;
  next_line(&r); /* the magic, which read_policy has seen */
  while (rv == 0 && next_line(&r) && !is(r.key, "policy")) {
    if (is(r.key, "step"))
      rv = read_step(lineage, &r);
    else if (is(r.key, "chain"))
      rv = read_chain(lineage, &r);
    else if (is(r.key, "stale"))
      rv = read_stale(lineage, &r);
    else if (is(r.key, "kept"))
      rv = read_kept(lineage, &r);
    else if (is(r.key, "retired"))
      rv = read_retired(lineage, &r);
    else
      rv = fault(&r, "an unknown line");
  }
  for (size_t i = lineage->policy->deny_count; rv == 0 && i < lineage->policy->rule_count; i++)
    rv = check_chain(lineage, i, &r);
  return rv;
}

int egress__history_read(egress__lineage **out, const char *text, const egress_alloc *alloc, egress_diag *diag) {
  reader r = {.rest = text, .diag = diag};
  egress_policy *policy;
  egress__lineage *lineage;
  int rv = read_policy(&policy, r, alloc);
  if (rv != 0)
    return rv;
  rv = egress__lineage_new(&lineage, policy, alloc);
  egress_policy_unref(policy);
  if (rv != 0)
    return rv;
  rv = read_lines(lineage, r);
  if (rv == 0)
    *out = lineage;
  else
    egress__lineage_free(lineage);
  return rv;
}
