#ifndef EGRESS_COMPILE_LINEAGE_H
#define EGRESS_COMPILE_LINEAGE_H

#include "base/arena.h"
#include "base/vec.h"
#include "policy/model.h"

/*
 * Which filter chain a rule has had. Envoy ends a connection only when its chain goes; so a rule whose meaning became
 * narrower gets a chain of another name, while one that became wider, or did not change, keeps its name. The lineage
 * hangs on the compiled snapshot and is read again when the next policy is compiled against it.
 */
typedef struct egress__lineage {
  const egress_alloc *alloc;
  egress__arena arena;
  egress_policy *policy;
  const char **chains; /* of each rule, by index: `rule:NAME`, perhaps with `@` and more, or `deny:NAME` */
  EGRESS__VEC(const char *) retired; /* names of rules that once were, the newest first */
  egress__map retired_names;         /* the same, each under itself */
  egress__map rules;                 /* name -> egress__rule, allow rules only */
  const char *step;                  /* tells what was compiled from all that was compiled before */
} egress__lineage;

enum { EGRESS__RETIRED_MAX = 10000 /* as many as a policy may have rules; the oldest are forgotten */ };

/** A lineage of `policy` without any name yet. Returns 0 or EGRESS_ENOMEM. */
int egress__lineage_new(egress__lineage **out, egress_policy *policy, const egress_alloc *alloc);

/** NULL is allowed. */
void egress__lineage_free(void *lineage);

/**
 * Names the chains.
 *
 * :param before: what was in force; NULL: not known, then every rule has the plain name.
 * :param sni_port: connections to other ports do not matter.
 * Returns 0 or EGRESS_ENOMEM.
 */
int egress__lineage_follow(egress__lineage *lineage, const egress__lineage *before, uint16_t sni_port);

/** Notes a rule that once was, behind those noted before. Returns 0, EGRESS_ENOMEM, or EGRESS_ELIMIT. */
int egress__lineage_retire(egress__lineage *lineage, const char *name, size_t size);

/** Sets `step`, which is copied. Returns 0 or EGRESS_ENOMEM. */
int egress__lineage_set_step(egress__lineage *lineage, const char *step);

#endif
