#include <egress/error.h>

#include "policy/read.h"

static void read_flag(egress__reader *reader, const egress__node *node, const char *what, const char *off,
                      const char *on, int *out) {
  const char *const words[] = {off, on};
  int choice = node == NULL ? -1 : egress__read_choice(reader, node, what, words, 2);
  if (choice >= 0)
    *out = choice;
}

static void read_truth(egress__reader *reader, const egress__node *node, const char *what, int *out) {
  if (node != NULL && node->kind == EGRESS__NODE_SCALAR && !node->plain)
    egress__fault(&reader->faults, node, "%s must be true or false without quotes", what);
  else
    read_flag(reader, node, what, "false", "true", out);
}

int egress__read_defaults(egress__reader *reader, const egress__node *node) {
  enum { MODE, DENY_PRIVATE_IPS, ALLOW_PRIVATE, NO_SNI, REVOKE, COUNT };
  static const char *const names[COUNT] = {"mode", "deny_private_ips", "allow_private", "no_sni", "revoke"};
  static const egress__keys keys = {names, COUNT, COUNT};
  const egress__node *values[COUNT] = {NULL};
  egress_policy *policy = reader->policy;
  policy->deny_private_ips = 1;
  if (node == NULL || !egress__read_map(reader, node, "`defaults`", &keys, values))
    return 0;
  int report = 0;
  read_flag(reader, values[MODE], "`mode`", "enforce", "report", &report);
  if (report)
    egress__fault(&reader->faults, values[MODE], "`mode: report` is not supported yet");
  read_truth(reader, values[DENY_PRIVATE_IPS], "`deny_private_ips`", &policy->deny_private_ips);
  read_flag(reader, values[NO_SNI], "`no_sni`", "deny", "address", &policy->no_sni_by_address);
  read_flag(reader, values[REVOKE], "`revoke`", "drain", "keep", &policy->revoke_keep);
  const egress__node *cidrs = values[ALLOW_PRIVATE];
  if (cidrs == NULL || (cidrs->kind == EGRESS__NODE_LIST && cidrs->count == 0) ||
      !egress__read_list(reader, cidrs, "`allow_private`"))
    return 0;
  return egress__read_cidrs(reader, cidrs, &policy->allow_private, &policy->allow_private_count);
}
