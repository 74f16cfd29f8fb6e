#ifndef EGRESS_POLICY_TRIE_H
#define EGRESS_POLICY_TRIE_H

#include "base/addr.h"
#include "base/arena.h"

/** Address ranges with a value each, looked up by address. Paths are compressed: at most two nodes a range. */
typedef struct egress__trie {
  struct egress__trie_node *roots[2]; /* IPv4, IPv6 */
} egress__trie;

/** Sets the value of a range; it must not be NULL. Returns 0 or EGRESS_ENOMEM. */
int egress__trie_set(egress__trie *trie, egress__arena *arena, const egress__prefix *prefix, const void *value);

/** A walk over the ranges that have one address. */
typedef struct egress__trie_walk {
  const struct egress__trie_node *node;
  egress__addr addr;
} egress__trie_walk;

egress__trie_walk egress__trie_start(const egress__trie *trie, const egress__addr *addr);

/** The value of the next range that has the address, the widest first; NULL at the end. */
const void *egress__trie_next(egress__trie_walk *walk);

#endif
