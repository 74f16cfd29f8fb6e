#ifndef EGRESS_POLICY_GUARD_H
#define EGRESS_POLICY_GUARD_H

#include "policy/model.h"

/** 1 when an allowed name must not lead to `addr`. */
int egress__guard_refuses(const egress_policy *policy, const egress__addr *addr);

#endif
