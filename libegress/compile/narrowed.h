#ifndef EGRESS_COMPILE_NARROWED_H
#define EGRESS_COMPILE_NARROWED_H

#include "base/arena.h"
#include "policy/model.h"

/*
 * Which rules of a policy became narrower: some TLS connection that the rule let through may not be let through by it
 * any more. Says so also where it is only hard to see that none is: then connections of that rule end that need not
 * have.
 */

/** A deny entry that refuses more than was refused before. */
typedef struct egress__loss {
  const egress__rule *deny;
  const egress__pattern *pattern; /* of names that match this; NULL: by address */
} egress__loss;

/** What a step from one policy to another takes away, whatever the rule. */
typedef struct egress__narrowing {
  const egress_policy *old, *now;
  uint16_t port; /* connections to others do not matter */
  int guard;     /* the address guard refuses more */
  const egress__loss *losses;
  size_t loss_count;
} egress__narrowing;

/** Returns 0 or EGRESS_ENOMEM. */
int egress__narrowing_find(egress__narrowing *out, const egress_policy *old, const egress_policy *now, uint16_t port,
                           egress__arena *arena);

/** 1 when `new_rule` of the new policy is narrower than `old_rule` of the old one. */
int egress__rule_narrowed(const egress__narrowing *step, const egress__rule *old_rule, const egress__rule *new_rule);

#endif
