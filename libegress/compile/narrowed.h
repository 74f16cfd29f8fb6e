#ifndef EGRESS_COMPILE_NARROWED_H
#define EGRESS_COMPILE_NARROWED_H

#include "policy/model.h"

/**
 * 1 when some TLS connection to `port` that rule `old_rule` of `old` let through may not be let through by rule
 * `new_rule` of `now`. Says 1 also where it is only hard to see that none is: then connections of that rule end that
 * need not have.
 */
int egress__rule_narrowed(const egress_policy *old, const egress__rule *old_rule, const egress_policy *now,
                          const egress__rule *new_rule, uint16_t port);

#endif
