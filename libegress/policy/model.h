#ifndef EGRESS_POLICY_MODEL_H
#define EGRESS_POLICY_MODEL_H

#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

#include <egress/policy.h>

#include "base/addr.h"
#include "base/arena.h"
#include "base/diag.h"
#include "base/map.h"
#include "policy/pattern.h"
#include "policy/trie.h"

/*
 * A checked policy in memory: what `decide` looks up and what `compile` flattens. Everything is in one arena and never
 * changes after it is read.
 */

enum {
  EGRESS__MAX_PORT = 65535,
  EGRESS__MAX_RULES = 10000,          /* each is a filter chain and a scope of its own in Envoy */
  EGRESS__MAX_DESTINATIONS = 1000000, /* hosts and ranges of all groups and rules, groups counted where they are used */
  EGRESS__MAX_FROMS = 1000000,        /* source ranges of all rules, each source counted where it is used */
  EGRESS__MAX_ATOMS = 4096,           /* kinds of sources: Envoy gets a matcher tree for each */
  EGRESS__MAX_GROUP_DEPTH = 16,       /* groups in groups */
  EGRESS__MAX_NOTE_BYTES = 1024       /* `owner` and `reason`: they go into every log line of their rule */
};

/** Ports `low` to `high`, both included. */
typedef struct egress__port_range {
  uint16_t low, high;
} egress__port_range;

/** Sorted and apart from each other; no range means no port. */
typedef struct egress__ports {
  const egress__port_range *ranges;
  size_t count;
} egress__ports;

/** One `deny` entry or one `rules` entry. */
typedef struct egress__rule {
  const char *name;
  const char *owner; /* NULL: not given */
  const char *note;  /* `reason:`; NULL: not given */
  egress__place place;
  int deny;
  /* Which ports it speaks of, by egress_protocol; index 0 is not used. */
  egress__ports ports[EGRESS_PROTOCOL_TCP + 1];
  const egress__pattern *patterns; /* host names of `to`, groups put in their place */
  size_t pattern_count;
  const egress__prefix *prefixes; /* addresses of `to` */
  size_t prefix_count;
  int from_any;                /* no `from` */
  const egress__prefix *froms; /* addresses of all its sources, sorted */
  size_t from_count;
  const uint64_t *atoms; /* bit set: the source atoms it applies to */
} egress__rule;

/**
 * Sources are cut into atoms: all addresses of one atom are in the `from` of the same rules. An address belongs to the
 * atom of the longest prefix that has it; atom 0 is that of addresses in no prefix.
 */
typedef struct egress__atom_prefix {
  egress__prefix prefix;
  uint32_t atom;
} egress__atom_prefix;

/** One pattern of one rule. */
typedef struct egress__term {
  uint32_t rule; /* index: deny entries first, so that the lowest matching index decides */
  const egress__pattern *pattern;
} egress__term;

typedef struct egress__terms {
  const egress__term *items; /* by rule index */
  size_t count;
} egress__terms;

/** The rules that name one range of addresses. */
typedef struct egress__target {
  const uint32_t *rules; /* indexes, rising */
  size_t count;
} egress__target;

/** All that is said of one name or of what is below it. */
typedef struct egress__suffix {
  const char *text; /* `example.com`; "" is the root */
  size_t size;
  egress__terms exact;    /* patterns that are this name */
  egress__terms anchored; /* patterns with stars whose longest literal suffix this is: they match below it */
} egress__suffix;

struct egress_policy {
  atomic_uint refs;
  const egress_alloc *alloc;
  egress__arena arena;
  const char *file; /* the name that diagnostics use */
  const char *text; /* as it was read, `text_size` bytes: whoever compiles the next policy may have to read it again */
  size_t text_size;

  int deny_private_ips;
  int no_sni_by_address; /* `no_sni: address` */
  int revoke_keep;       /* `revoke: keep` */
  const egress__prefix *allow_private;
  size_t allow_private_count;

  const egress__rule *rules; /* deny entries, then rules, each in file order */
  size_t rule_count;
  size_t deny_count;

  const egress__atom_prefix *atom_prefixes; /* sorted by egress__prefix_compare */
  size_t atom_prefix_count;
  uint32_t atom_count;
  egress__trie atom_trie; /* prefix -> its egress__atom_prefix, for look-ups */

  egress__map suffixes;                 /* text -> egress__suffix */
  const egress__suffix *const *by_name; /* all of them, sorted by text: a stable order for the compiler */
  size_t suffix_count;
  egress__trie targets; /* address ranges of all `to` -> egress__target */
  size_t destination_count;
};

/** 1 when `ports` has `port`. */
int egress__ports_have(const egress__ports *ports, uint16_t port);

/** 1 when the rule's `from` has the addresses of `atom`. */
int egress__rule_has_atom(const egress__rule *rule, uint32_t atom);

/** The atom of a source address. */
uint32_t egress__policy_atom(const egress_policy *policy, const egress__addr *source);

/** The special-use ranges to which an allowed name must not lead; static, sorted. */
const egress__prefix *egress__guard_prefixes(size_t *count);

#endif
