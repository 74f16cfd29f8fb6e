#ifndef EGRESS_POLICY_GUARD_H
#define EGRESS_POLICY_GUARD_H

#include "policy/model.h"

/** 1 when no name may lead to `addr`: a special-use address that the policy makes no exception for. */
int egress__guard_refuses(const egress_policy *policy, const egress__addr *addr);

#endif
