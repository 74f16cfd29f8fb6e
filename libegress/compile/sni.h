#ifndef EGRESS_COMPILE_SNI_H
#define EGRESS_COMPILE_SNI_H

#include "compile/classes.h"
#include "compile/common.h"

/**
 * The listener of the SNI proxy: reads the server name of a TLS connection and passes it on to that name, or closes it.
 * Which filter chain a connection gets is the verdict; there is one chain for each rule, so that adding a host touches
 * no connection and removing a rule ends only its own.
 *
 * :param chains: for each rule of the policy, the name of its filter chain.
 */
egress__message *egress__sni_listener(egress__build *b, const egress__compile_plan *plan, const egress_policy *policy,
                                      const egress__classes *classes, const char *const *chains);

/** The TypedExtensionConfig that the chains' address guard is taken from, so that it may change without them. */
egress__message *egress__sni_guard(egress__build *b, const egress_policy *policy);

#endif
