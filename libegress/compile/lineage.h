#ifndef EGRESS_COMPILE_LINEAGE_H
#define EGRESS_COMPILE_LINEAGE_H

#include <egress/snapshot.h>

#include "base/arena.h"
#include "policy/model.h"

/*
 * Which filter chain a rule has had. Envoy ends a connection only when its chain goes; so a rule whose meaning became
 * narrower gets a chain of another name, while one that became wider, or did not change, keeps its name. The lineage
 * hangs on the compiled snapshot and is read again when the next policy is compiled against it.
 */
typedef struct egress__lineage egress__lineage;

/**
 * Names the chains of `policy`.
 *
 * :param previous: a snapshot made by egress_compile, or NULL; its lineage decides.
 * :param sni_port: connections to other ports do not matter.
 * Returns 0 or EGRESS_ENOMEM.
 */
int egress__lineage_new(egress__lineage **out, egress_policy *policy, const egress_snapshot *previous,
                        uint16_t sni_port, const egress_alloc *alloc);

void egress__lineage_free(void *lineage);

/** The name of each rule's chain, by rule index: `rule:NAME`, perhaps with `@` and more, or `deny:NAME`. They live as
 * long as the lineage. */
const char *const *egress__lineage_chains(const egress__lineage *lineage);

#endif
