#ifndef EGRESS_COMPILE_SNI_H
#define EGRESS_COMPILE_SNI_H

#include "compile/classes.h"
#include "compile/common.h"
#include "compile/lineage.h"

/**
 * The listener of the SNI proxy: reads the server name of a TLS connection and passes it on to that name, or closes it.
 * Which filter chain a connection gets is the verdict; there is one chain for each rule, so that adding a host touches
 * no connection and removing a rule ends only its own. The chains that the lineage keeps are there too, the same as
 * they were, and no connection gets to them.
 */
egress__message *egress__sni_listener(egress__build *b, const egress__compile_plan *plan,
                                      const egress__lineage *lineage, const egress__classes *classes);

/** The TypedExtensionConfig that the chains' address guard is taken from, so that it may change without them. */
egress__message *egress__sni_guard(egress__build *b, const egress_policy *policy);

#endif
