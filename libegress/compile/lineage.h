#ifndef EGRESS_COMPILE_LINEAGE_H
#define EGRESS_COMPILE_LINEAGE_H

#include "base/arena.h"
#include "base/vec.h"
#include "policy/model.h"

/*
 * Which filter chain a rule has had. Envoy ends a connection only when its chain goes; so a rule whose meaning became
 * narrower gets a chain of another name, while one that became wider, or did not change, keeps its name. The lineage
 * hangs on the compiled snapshot and is read again when the next policy is compiled against it.
 *
 * With `revoke: keep` no chain goes: a rule that became narrower keeps its chain, and when a rule goes, its chain
 * outlives it, where no new connection gets to. A policy that says `drain` again makes up for that.
 */

/** A chain that outlived its rule. */
typedef struct egress__kept_chain {
  const char *rule;
  const char *chain;
} egress__kept_chain;

typedef struct egress__lineage {
  const egress_alloc *alloc;
  egress__arena arena;
  egress_policy *policy;
  const char **chains; /* of each rule, by index: `rule:NAME`, perhaps with `@` and more, or `deny:NAME` */
  uint8_t *stale;      /* by rule: its chain may have connections that it no longer allows */
  EGRESS__VEC(egress__kept_chain) kept; /* the newest first */
  egress__map kept_chains;              /* the names of these chains */
  EGRESS__VEC(const char *) retired;    /* names of rules that once were, the newest first */
  egress__map retired_names;            /* the same, each under itself */
  egress__map rules;                    /* name -> egress__rule, allow rules only */
  const char *step;                     /* tells what was compiled from all that was compiled before */
} egress__lineage;

enum {
  EGRESS__RETIRED_MAX = 10000, /* as many as a policy may have rules; the oldest are forgotten */
  EGRESS__KEPT_MAX = 1000      /* Envoy holds each, and is sent each with every change; the oldest go */
};

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

/** 1 when the rule may have connections at `sni_port`, so that its chain must be there. */
int egress__lineage_has_chain(const egress__lineage *lineage, size_t rule, uint16_t sni_port);

/** Keeps a chain, behind those kept before; its name must be new. Returns 0, EGRESS_ENOMEM, or EGRESS_ELIMIT. */
int egress__lineage_keep(egress__lineage *lineage, const char *rule, size_t rule_size, const char *chain,
                         size_t chain_size);

/** 1 when a kept chain has this name. */
int egress__lineage_keeps(const egress__lineage *lineage, const char *chain, size_t size);

/** Notes a rule that once was, behind those noted before. Returns 0, EGRESS_ENOMEM, or EGRESS_ELIMIT. */
int egress__lineage_retire(egress__lineage *lineage, const char *name, size_t size);

/** Sets `step`, which is copied. Returns 0 or EGRESS_ENOMEM. */
int egress__lineage_set_step(egress__lineage *lineage, const char *step);

#endif
