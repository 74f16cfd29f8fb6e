#ifndef EGRESS_POLICY_DECIDE_H
#define EGRESS_POLICY_DECIDE_H

#include <stddef.h>
#include <stdint.h>

#include "base/addr.h"
#include "base/host.h"
#include "policy/model.h"

/** A flow that is read: addresses, the name as the policy compares it, the atom of its source. */
typedef struct egress__query {
  egress_flow flow; /* what the caller gave; its texts are borrowed */
  egress__addr source;
  egress__addr address; /* family 0: none */
  uint32_t atom;
  char name[EGRESS__HOST_MAX + 1];
  size_t name_size; /* 0: no name, or none that is valid */
} egress__query;

enum { EGRESS__NO_RULE = INT32_MAX };

/** What became of it. */
typedef struct egress__outcome {
  egress_verdict verdict;
  egress_reason reason;
  uint32_t rule;    /* that decided; EGRESS__NO_RULE */
  uint32_t allowed; /* EGRESS_REASON_DENY_ADDRESS: the allow rule that had matched */
  size_t resolved;  /* guard and deny address: index of the address */
  int by_name;      /* the rule matched the name, not the dialled address */
} egress__outcome;

/** Reads a flow. Returns 0, EGRESS_EINVAL or EGRESS_EABI. */
int egress__query_take(egress__query *out, const egress_policy *policy, const egress_flow *flow);

egress__outcome egress__query_decide(const egress_policy *policy, const egress__query *query);

/** 1 when the rule's protocols and ports have the flow's, for a destination that is an address. */
int egress__rule_has_address_port(const egress__rule *rule, const egress_flow *flow);

/** 1 when they have them for a destination that is a name. */
int egress__rule_has_name_port(const egress__rule *rule, const egress_flow *flow);

#endif
