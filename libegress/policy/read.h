#ifndef EGRESS_POLICY_READ_H
#define EGRESS_POLICY_READ_H

#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/document.h"
#include "base/fault.h"
#include "base/map.h"
#include "policy/model.h"

enum {
  EGRESS__MAX_POLICY_BYTES = 16 << 20, /* 10,000 hosts take under 1 MiB; Envoy would choke long before this */
  EGRESS__MAX_POLICY_DEPTH = 16,       /* the deepest key of the format is five deep */
  EGRESS__MAX_POLICY_VALUES = 1000000  /* what a hostile 16 MiB of `[,,` may cost */
};

/* From the tree of a policy text to the model. Faults are collected; a call returns only what ends the reading:
 * EGRESS_ENOMEM or EGRESS_ELIMIT. */

/** The hosts of one list as they are written: of a rule's `to` or of a group. */
typedef struct egress__hosts {
  egress__pattern *patterns;
  size_t pattern_count;
  egress__prefix *prefixes;
  size_t prefix_count;
  const egress__node **includes; /* `group:NAME` */
  size_t include_count;
} egress__hosts;

typedef enum egress__group_state {
  EGRESS__GROUP_READ, /* `hosts` is what its list says */
  EGRESS__GROUP_OPEN, /* being flattened */
  EGRESS__GROUP_FLAT  /* `hosts` has what its groups have, too */
} egress__group_state;

typedef struct egress__group {
  const char *name;
  egress__hosts hosts;
  egress__group_state state;
  unsigned height; /* groups on the longest way down, itself included */
} egress__group;

/** A named source: its addresses. */
typedef struct egress__source {
  const egress__prefix *cidrs;
  size_t cidr_count;
} egress__source;

typedef struct egress__reader {
  egress_policy *policy;
  egress__arena *keep;   /* the policy's */
  egress__arena scratch; /* as long as the reading */
  egress__faults faults;
  egress__map groups;  /* name -> egress__group */
  egress__map sources; /* name -> egress__source */
  egress__rule *rules; /* the policy's, still open to change */
  egress__map names;   /* of rules -> egress__node of the first */
  size_t destinations; /* so far, of all groups and rules */
  size_t froms;        /* so far, of all rules */
} egress__reader;

/** Reads the whole tree into `reader->policy`. */
int egress__read_policy(egress__reader *reader, const egress__node *root);

/* A key of the format, and the list of those that a map may have. */
typedef struct egress__keys {
  const char *const *names;
  size_t count;
  size_t known; /* those from here on are reserved: not supported yet */
} egress__keys;

/**
 * Sorts the values of a map by key: `values[i]` is that of `keys->names[i]`, or NULL. Reports unknown and reserved
 * keys. Returns 0 when `node` is no map, which is reported too.
 */
int egress__read_map(egress__reader *reader, const egress__node *node, const char *what, const egress__keys *keys,
                     const egress__node **values);

/** 1 for a list of at least one; anything else is reported. */
int egress__read_list(egress__reader *reader, const egress__node *node, const char *what);

/** 1 for a scalar that is not nothing; anything else is reported. */
int egress__read_scalar(egress__reader *reader, const egress__node *node, const char *what);

/** Index of the scalar in `words`; -1, reported, when it is none of them. */
int egress__read_choice(egress__reader *reader, const egress__node *node, const char *what, const char *const *words,
                        size_t count);

/** Copies a name of a rule, group or source; `*out` stays as it is when it is none. */
int egress__read_name(egress__reader *reader, const egress__node *node, const char *what, const char **out);

/** 1 and `*out` for a range of addresses. */
int egress__read_cidr(egress__reader *reader, const egress__node *node, egress__prefix *out);

/** Reads a list of address ranges into the policy's arena. */
int egress__read_cidrs(egress__reader *reader, const egress__node *list, const egress__prefix **out, size_t *count);

/** `defaults` of the policy; NULL: not given. */
int egress__read_defaults(egress__reader *reader, const egress__node *node);

/** Reads all groups, then puts the groups in groups in their place. */
int egress__read_groups(egress__reader *reader, const egress__node *node);

int egress__read_sources(egress__reader *reader, const egress__node *node);

/** Reads the entries of a host list; `group:NAME` is left as a name. */
int egress__read_hosts(egress__reader *reader, const egress__node *list, egress__hosts *out);

/** Puts the groups of `hosts`, which are flat, in their place. */
int egress__merge_groups(egress__reader *reader, egress__hosts *hosts);

/** Reads a list of ports; what is no port is reported and left out. */
int egress__read_ports(egress__reader *reader, const egress__node *list, egress__ports *out);

/** Sets the addresses of the sources that `from` lists. */
int egress__read_from(egress__reader *reader, const egress__node *list, egress__rule *rule);

/** `deny` and `rules`; either may be NULL. */
int egress__read_rules(egress__reader *reader, const egress__node *deny, const egress__node *allow);

#endif
