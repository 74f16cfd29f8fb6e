#include "policy/trie.h"

#include <egress/error.h>

typedef struct egress__trie_node {
  egress__prefix prefix;
  const void *value; /* NULL: only a fork */
  struct egress__trie_node *child[2];
} node;

static unsigned bit_at(const egress__addr *addr, unsigned index) {
  return (unsigned)addr->bytes[index / 8] >> (7 - index % 8) & 1U;
}

/* How many bits at the front two prefixes share. */
static unsigned common_bits(const egress__prefix *a, const egress__prefix *b) {
  unsigned most = a->bits < b->bits ? a->bits : b->bits, bits = 0;
  while (bits + 8 <= most && a->addr.bytes[bits / 8] == b->addr.bytes[bits / 8])
    bits += 8;
  while (bits < most && bit_at(&a->addr, bits) == bit_at(&b->addr, bits))
    bits++;
  return bits;
}

static node *new_node(egress__arena *arena, const egress__prefix *prefix, unsigned bits, const void *value) {
  node *fresh = egress__arena_get(arena, sizeof *fresh);
  if (fresh == NULL)
    return NULL;
  fresh->prefix.addr.family = prefix->addr.family;
  fresh->prefix.bits = (uint8_t)bits;
  for (unsigned i = 0; i < bits; i++)
    fresh->prefix.addr.bytes[i / 8] |= (uint8_t)(bit_at(&prefix->addr, i) << (7 - i % 8));
  fresh->value = value;
  return fresh;
}

int egress__trie_set(egress__trie *trie, egress__arena *arena, const egress__prefix *prefix, const void *value) {
  node **slot = &trie->roots[prefix->addr.family == 6];
  unsigned common = 0;
  while (*slot != NULL && (common = common_bits(&(*slot)->prefix, prefix)) == (*slot)->prefix.bits) {
    if (common == prefix->bits) {
      (*slot)->value = value;
      return 0;
    }
    slot = &(*slot)->child[bit_at(&prefix->addr, common)];
  }
  node *leaf = new_node(arena, prefix, prefix->bits, value);
  if (leaf == NULL)
    return EGRESS_ENOMEM;
  node *below = *slot;
  if (below == NULL) {
    *slot = leaf;
  } else if (common == prefix->bits) {
    leaf->child[bit_at(&below->prefix.addr, common)] = below;
    *slot = leaf;
  } else {
    node *fork = new_node(arena, prefix, common, NULL);
    if (fork == NULL)
      return EGRESS_ENOMEM;
    fork->child[bit_at(&prefix->addr, common)] = leaf;
    fork->child[bit_at(&below->prefix.addr, common)] = below;
    *slot = fork;
  }
  return 0;
}

egress__trie_walk egress__trie_start(const egress__trie *trie, const egress__addr *addr) {
  return (egress__trie_walk){trie->roots[addr->family == 6], *addr};
}

const void *egress__trie_next(egress__trie_walk *walk) {
  const unsigned bits = walk->addr.family == 6 ? 128 : 32;
  while (walk->node != NULL) {
    const node *at = walk->node;
    if (!egress__prefix_has(&at->prefix, &walk->addr)) {
      walk->node = NULL;
      return NULL;
    }
    walk->node = at->prefix.bits < bits ? at->child[bit_at(&walk->addr, at->prefix.bits)] : NULL;
    if (at->value != NULL)
      return at->value;
  }
  return NULL;
}
