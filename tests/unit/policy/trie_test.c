#include "policy/trie.h"

#include <criterion/criterion.h>
#include <string.h>

static egress__arena arena;
static egress__trie trie;

static void add(const char *text) {
  egress__prefix prefix;
  if (arena.alloc == NULL)
    egress__arena_init(&arena, egress__alloc_or_default(NULL));
  cr_assert_eq(egress__prefix_parse(&prefix, text, strlen(text)), EGRESS__PREFIX_OK, "%s", text);
  cr_assert_eq(egress__trie_set(&trie, &arena, &prefix, text), 0);
}

/* The ranges that have the address, widest first, each followed by a space. */
static const char *walk(const char *text) {
  static char found[512];
  egress__addr addr;
  found[0] = '\0';
  cr_assert_eq(egress__addr_parse(&addr, text, strlen(text)), 0);
  egress__trie_walk at = egress__trie_start(&trie, &addr);
  for (const char *value; (value = egress__trie_next(&at)) != NULL;)
    strcat(strcat(found, value), " ");
  cr_assert_null(egress__trie_next(&at), "the end stays the end");
  return found;
}

Test(trie, empty) {
  cr_assert_str_empty(walk("10.0.0.1"));
  cr_assert_str_empty(walk("::1"));
}

Test(trie, nested_in_any_order) {
  add("10.1.2.0/24");
  add("10.0.0.0/8");
  add("0.0.0.0/0");
  add("10.1.2.3/32");
  add("10.1.0.0/16");
  cr_assert_str_eq(walk("10.1.2.3"), "0.0.0.0/0 10.0.0.0/8 10.1.0.0/16 10.1.2.0/24 10.1.2.3/32 ");
  cr_assert_str_eq(walk("10.1.2.4"), "0.0.0.0/0 10.0.0.0/8 10.1.0.0/16 10.1.2.0/24 ");
  cr_assert_str_eq(walk("10.2.0.0"), "0.0.0.0/0 10.0.0.0/8 ");
  cr_assert_str_eq(walk("11.0.0.0"), "0.0.0.0/0 ");
  cr_assert_str_empty(walk("a01:203::"), "families are apart");
}

Test(trie, forks) {
  add("10.0.0.0/24"); /* 10.0.0 and 10.0.1 fork at a /23 that nobody set */
  add("10.0.1.0/24");
  cr_assert_str_eq(walk("10.0.0.255"), "10.0.0.0/24 ");
  cr_assert_str_eq(walk("10.0.1.0"), "10.0.1.0/24 ");
  cr_assert_str_empty(walk("10.0.2.0"));
  add("10.0.0.0/23");
  cr_assert_str_eq(walk("10.0.1.0"), "10.0.0.0/23 10.0.1.0/24 ");
}

Test(trie, last_value_holds) {
  egress__prefix prefix;
  add("10.0.0.0/8");
  egress__prefix_parse(&prefix, "10.0.0.0/8", 10);
  cr_assert_eq(egress__trie_set(&trie, &arena, &prefix, "second"), 0);
  cr_assert_str_eq(walk("10.0.0.1"), "second ");
}

Test(trie, ipv6) {
  add("2001:db8::/32");
  add("::/0");
  add("2001:db8::1/128");
  cr_assert_str_eq(walk("2001:db8::1"), "::/0 2001:db8::/32 2001:db8::1/128 ");
  cr_assert_str_eq(walk("2001:db9::1"), "::/0 ");
}

Test(trie, agrees_with_a_scan) {
  enum { RANGES = 300, PROBES = 3000 };
  static egress__prefix ranges[RANGES];
  uint64_t seed = 1;
  egress__arena_init(&arena, egress__alloc_or_default(NULL));
  for (size_t i = 0; i < RANGES; i++) {
    seed = seed * 6364136223846793005U + 1442695040888963407U;
    egress__prefix full = {.addr = {4, {10, (uint8_t)(seed >> 40 & 3), (uint8_t)(seed >> 48), (uint8_t)(seed >> 56)}}};
    char text[EGRESS__PREFIX_TEXT];
    full.bits = (uint8_t)(seed >> 33 & 31);
    egress__prefix_format(text, &full);
    egress__prefix_parse(&ranges[i], text, strlen(text)); /* clears the bits behind */
    cr_assert_eq(egress__trie_set(&trie, &arena, &ranges[i], &ranges[i]), 0);
  }
  for (size_t i = 0; i < PROBES; i++) {
    seed = seed * 6364136223846793005U + 1442695040888963407U;
    egress__addr addr = {4, {10, (uint8_t)(seed >> 40 & 3), (uint8_t)(seed >> 48), (uint8_t)(seed >> 56)}};
    int scanned = -1, walked = -1;
    for (size_t j = 0; j < RANGES; j++)
      if (egress__prefix_has(&ranges[j], &addr) && ranges[j].bits > scanned)
        scanned = ranges[j].bits;
    egress__trie_walk at = egress__trie_start(&trie, &addr);
    for (const egress__prefix *value; (value = egress__trie_next(&at)) != NULL;) {
      cr_assert(egress__prefix_has(value, &addr) && value->bits > walked);
      walked = value->bits;
    }
    cr_assert_eq(walked, scanned);
  }
}
