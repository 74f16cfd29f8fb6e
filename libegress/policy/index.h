#ifndef EGRESS_POLICY_INDEX_H
#define EGRESS_POLICY_INDEX_H

#include "policy/model.h"

/** Makes the look-up tables of a policy whose rules are read: names and addresses. Returns 0 or EGRESS_ENOMEM. */
int egress__policy_index(egress_policy *policy);

#endif
