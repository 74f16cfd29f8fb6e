#ifndef EGRESS_COMPILE_SUPPORT_H
#define EGRESS_COMPILE_SUPPORT_H

#include <egress/diag.h>

#include "compile/common.h"
#include "policy/model.h"

/**
 * Says which rules ask for something that none of the chosen listeners can do: as errors, or with `skip` as warnings,
 * and then that part of the rule is simply not there. Returns 0 or EGRESS_EUNSUPPORTED.
 */
int egress__check_support(const egress__compile_plan *plan, const egress_policy *policy, int skip, egress_diag *diag);

#endif
