#include <string.h>

#include <egress/error.h>

#include "base/control.h"
#include "policy/read.h"

/* The keys of a rule, in the order of `names` below. A deny entry has those before OWNER, a rule those before EXPIRES,
 * which a later version reads. */
enum { NAME, FROM, TO, PORTS, PROTOCOL, REASON, OWNER, MODE, EXPIRES, HOURS, COUNT };

/* A rule while it is read. */
typedef struct draft {
  egress__rule rule;
  const egress__node *node;
  const egress__node *values[COUNT];
  egress__ports ports; /* as listed; no range: not given */
} draft;

static int read_note(egress__reader *reader, const egress__node *node, const char *what, const char **out) {
  if (node == NULL || !egress__read_scalar(reader, node, what))
    return 0;
  if (node->size == 0 || node->size > EGRESS__MAX_NOTE_BYTES) {
    egress__fault(&reader->faults, node, "%s must be 1 to %d bytes long", what, EGRESS__MAX_NOTE_BYTES);
    return 0;
  }
  uint32_t code = 0;
  for (const char *c = node->text; *c != '\0'; c++) {
    if (egress__control(c, &code) != 0) {
      egress__fault(&reader->faults, node, "%s must be one line without control characters; take out U+%04X", what,
                    (unsigned)code);
      return 0;
    }
  }
  *out = egress__arena_strndup(reader->keep, node->text, node->size);
  return *out == NULL ? EGRESS_ENOMEM : 0;
}

static int read_rule_name(egress__reader *reader, draft *d) {
  const egress__node *node = d->values[NAME];
  if (node == NULL) {
    egress__fault(&reader->faults, d->node, "%s has no `name`", d->rule.deny ? "a deny entry" : "a rule");
    return 0;
  }
  int rv = egress__read_name(reader, node, "`name`", &d->rule.name);
  if (rv != 0 || d->rule.name == NULL)
    return rv;
  const egress__node *first = egress__map_get(&reader->names, node->text, node->size);
  if (first == NULL)
    return egress__map_set(&reader->names, node->text, node->size, (void *)(uintptr_t)node);
  egress__fault(&reader->faults, node, "name `%s` is already taken on line %u; logs could not tell the rules apart",
                node->text, first->line);
  return 0;
}

static int read_to(egress__reader *reader, draft *d) {
  const egress__node *list = d->values[TO];
  if (list == NULL) {
    egress__fault(&reader->faults, d->node, "%s has no `to`", d->rule.deny ? "a deny entry" : "a rule");
    return 0;
  }
  if (!egress__read_list(reader, list, "`to`"))
    return 0;
  egress__hosts hosts = {0};
  int rv = egress__read_hosts(reader, list, &hosts);
  if (rv == 0)
    rv = egress__merge_groups(reader, &hosts);
  d->rule.patterns = hosts.patterns;
  d->rule.pattern_count = hosts.pattern_count;
  d->rule.prefixes = hosts.prefixes;
  d->rule.prefix_count = hosts.prefix_count;
  reader->policy->destination_count += hosts.pattern_count + hosts.prefix_count;
  return rv;
}

static const egress__ports *or_default(const egress__ports *given, const egress__ports *otherwise) {
  return given->count != 0 ? given : otherwise;
}

/* Which ports of which protocols the rule speaks of, now that its destinations are known. */
static void set_ports(egress__reader *reader, draft *d) {
  static const char *const words[] = {"any", "tls", "http", "tcp"};
  static const egress__port_range all_range = {1, EGRESS__MAX_PORT}, tls_range = {443, 443}, http_range = {80, 80};
  static const egress__ports all = {&all_range, 1}, tls = {&tls_range, 1}, http = {&http_range, 1}, none = {NULL, 0};
  enum { ANY, TLS, HTTP, TCP };
  egress__rule *rule = &d->rule;
  const egress__node *node = d->values[PROTOCOL];
  int protocol = node == NULL ? ANY : egress__read_choice(reader, node, "`protocol`", words, 4);
  if (protocol == TCP && rule->pattern_count != 0)
    egress__fault(&reader->faults, node,
                  "`protocol: tcp` cannot be told by name, only by address; take the host names out of this rule");
  if (!rule->deny && rule->prefix_count != 0 && d->values[PORTS] == NULL)
    egress__fault(&reader->faults, d->node, "`ports` is missing; a rule whose `to` has addresses must list them");
  if (protocol == ANY || protocol == TLS)
    rule->ports[EGRESS_PROTOCOL_TLS] = *or_default(&d->ports, rule->deny ? &all : &tls);
  if (protocol == ANY || protocol == HTTP)
    rule->ports[EGRESS_PROTOCOL_HTTP] = *or_default(&d->ports, rule->deny ? &all : &http);
  if (protocol == TCP || (protocol == ANY && (rule->deny || rule->prefix_count != 0)))
    rule->ports[EGRESS_PROTOCOL_TCP] = *or_default(&d->ports, rule->deny ? &all : &none);
}

static void check_mode(egress__reader *reader, const egress__node *node) {
  static const char *const words[] = {"enforce", "report"};
  if (node != NULL && egress__read_choice(reader, node, "`mode`", words, 2) == 1)
    egress__fault(&reader->faults, node, "`mode: report` is not supported yet");
}

static int read_rule(egress__reader *reader, const egress__node *node, int deny, egress__rule *out) {
  static const char *const names[COUNT] = {"name",   "from",  "to",   "ports",   "protocol",
                                           "reason", "owner", "mode", "expires", "hours"};
  static const egress__keys rule_keys = {names, COUNT, EXPIRES}, deny_keys = {names, OWNER, OWNER};
  draft d = {.rule = {.deny = deny, .place = {reader->faults.file, node->line, node->column}}, .node = node};
  if (!egress__read_map(reader, node, deny ? "a deny entry" : "a rule", deny ? &deny_keys : &rule_keys, d.values))
    return 0;
  int rv = read_rule_name(reader, &d);
  if (rv == 0)
    rv = read_note(reader, d.values[OWNER], "`owner`", &d.rule.owner);
  if (rv == 0)
    rv = read_note(reader, d.values[REASON], "`reason`", &d.rule.note);
  d.rule.from_any = d.values[FROM] == NULL;
  if (rv == 0 && !d.rule.from_any)
    rv = egress__read_from(reader, d.values[FROM], &d.rule);
  if (rv == 0)
    rv = read_to(reader, &d);
  if (rv == 0 && d.values[PORTS] != NULL)
    rv = egress__read_ports(reader, d.values[PORTS], &d.ports);
  if (rv != 0)
    return rv;
  set_ports(reader, &d);
  check_mode(reader, d.values[MODE]);
  *out = d.rule;
  return 0;
}

static int read_list(egress__reader *reader, const egress__node *list, int deny, egress__rule *rules) {
  int rv = 0;
  size_t i = 0;
  for (const egress__node *node = list == NULL ? NULL : list->first; node != NULL && rv == 0; node = node->next)
    rv = read_rule(reader, node, deny, &rules[i++]);
  return rv;
}

/* NULL when there is no entry to read. */
static const egress__node *entries(egress__reader *reader, const egress__node *list, const char *what) {
  if (list == NULL || (list->kind == EGRESS__NODE_LIST && list->count == 0))
    return NULL;
  return egress__read_list(reader, list, what) ? list : NULL;
}

int egress__read_rules(egress__reader *reader, const egress__node *deny, const egress__node *allow) {
  egress_policy *policy = reader->policy;
  deny = entries(reader, deny, "`deny`");
  allow = entries(reader, allow, "`rules`");
  policy->deny_count = deny == NULL ? 0 : deny->count;
  policy->rule_count = policy->deny_count + (allow == NULL ? 0 : allow->count);
  if (policy->rule_count > EGRESS__MAX_RULES)
    return egress__fault_limit(&reader->faults, allow == NULL ? deny : allow,
                               "a policy has at most %d rules and deny entries", EGRESS__MAX_RULES);
  egress__rule *rules = egress__arena_array(reader->keep, policy->rule_count, sizeof *rules);
  if (rules == NULL)
    return EGRESS_ENOMEM;
  policy->rules = reader->rules = rules;
  int rv = read_list(reader, deny, 1, rules);
  return rv != 0 ? rv : read_list(reader, allow, 0, rules + policy->deny_count);
}
