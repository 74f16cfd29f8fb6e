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
static int is_chain_of(const egress__rule *rule, const char *text, size_t size) {
  const size_t name = strlen(rule->name), plain = name + 5;
  if (size < plain || memcmp(text, "rule:", 5) != 0 || memcmp(text + 5, rule->name, name) != 0)
    return 0;
  if (size == plain)
    return 1;
  int fresh = size == plain + 9 && text[plain] == '@';
  for (size_t i = plain + 1; fresh && i < size; i++)
    fresh = (text[i] >= '0' && text[i] <= '9') || (text[i] >= 'a' && text[i] <= 'f');
  return fresh;
}

/* `chain RULE CHAIN` */
static int read_chain(egress__lineage *lineage, const reader *r) {
  const uint8_t *space = memchr(r->value.data, ' ', r->value.size);
  if (space == NULL)
    return fault(r, "a chain without a name");
  size_t name = (size_t)(space - r->value.data);
  const egress__rule *rule = egress__map_get(&lineage->rules, (const char *)r->value.data, name);
  if (rule == NULL)
    return fault(r, "a chain of a rule that the policy does not have");
  const char *text = (const char *)space + 1;
  if (!is_chain_of(rule, text, r->value.size - name - 1))
    return fault(r, "a chain that no rule of this name can have");
  char *chain = egress__arena_strndup(&lineage->arena, text, r->value.size - name - 1);
  if (chain == NULL)
    return EGRESS_ENOMEM;
  lineage->chains[rule - lineage->policy->rules] = chain;
  return 0;
}

static int read_retired(egress__lineage *lineage, const reader *r) {
  int rv = egress__lineage_retire(lineage, (const char *)r->value.data, r->value.size);
  return rv == EGRESS_ELIMIT ? fault(r, "more retired rules than there can be") : rv;
}

static int read_step(egress__lineage *lineage, const reader *r) {
  lineage->step = egress__arena_strndup(&lineage->arena, (const char *)r->value.data, r->value.size);
  return lineage->step == NULL ? EGRESS_ENOMEM : 0;
}

static int read_lines(egress__lineage *lineage, reader r) {
  int rv = 0;
  next_line(&r); /* the magic, which read_policy has seen */
  while (rv == 0 && next_line(&r) && !is(r.key, "policy")) {
    if (is(r.key, "step"))
      rv = read_step(lineage, &r);
    else if (is(r.key, "chain"))
      rv = read_chain(lineage, &r);
    else if (is(r.key, "retired"))
      rv = read_retired(lineage, &r);
    else
      rv = fault(&r, "an unknown line");
  }
  for (size_t i = lineage->policy->deny_count; rv == 0 && i < lineage->policy->rule_count; i++)
    if (lineage->chains[i] == NULL)
      rv = fault(&r, "a rule without a chain");
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
