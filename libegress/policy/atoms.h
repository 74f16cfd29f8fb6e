#ifndef EGRESS_POLICY_ATOMS_H
#define EGRESS_POLICY_ATOMS_H

#include "base/fault.h"
#include "policy/model.h"

/**
 * Cuts the sources of a policy's rules into atoms and sets each rule's `atoms`.
 * Returns 0, EGRESS_ELIMIT (reported) or EGRESS_ENOMEM.
 */
int egress__policy_atoms(egress_policy *policy, egress__rule *rules, egress__faults *faults);

#endif
