#include "base/document.h"

#include "policy/read.h"
#include "support/reading.h"

static egress__arena arena; /* of the last tree */

static void init(void) {
  egress__arena_init(&arena, egress__alloc_or_default(NULL));
}

static void dispose(void) {
  egress__arena_dispose(&arena);
}

TestSuite(document, .init = init, .fini = dispose);

static const egress__document_rules rules = {"a text", "", 1000, 100, 10, 0};

static egress__node *read_tree(const char *text) {
  egress__faults faults = {.file = "p"};
  egress__node *root = NULL;
  egress__arena_dispose(&arena);
  cr_assert_eq(egress__document_read_yaml(&root, &arena, text, strlen(text), &rules, &faults), 0);
  cr_assert_eq(faults.count, 0);
  return root;
}

static void is_at(const egress__node *node, uint32_t line, uint32_t column) {
  cr_assert_eq(node->line, line, "line %u", node->line);
  cr_assert_eq(node->column, column, "column %u", node->column);
}

Test(document, tree_with_places) {
  const egress__node *root = read_tree("a: [x, \"y\"]\nb:\n  c: z\n");
  cr_assert_eq(root->kind, EGRESS__NODE_MAP);
  cr_assert_eq(root->count, 2);
  is_at(root, 1, 1);
  const egress__node *a = root->first, *b = a->next;
  cr_assert_str_eq(a->key->text, "a");
  cr_assert_eq(a->kind, EGRESS__NODE_LIST);
  cr_assert_eq(a->count, 2);
  is_at(a, 1, 4);
  is_at(a->first, 1, 5);
  cr_assert(a->first->plain);
  is_at(a->first->next, 1, 8);
  cr_assert_not(a->first->next->plain);
  is_at(b->key, 2, 1);
  is_at(b->first->key, 3, 3);
  is_at(b->first, 3, 6);
  cr_assert_str_eq(b->first->text, "z");
}

Test(document, columns_count_characters) {
  const egress__node *list = read_tree("[\303\274\303\274, x]");
  is_at(list->first->next, 1, 6);
}

Test(document, byte_order_mark_is_no_column) {
  is_at(read_tree("\357\273\277a: b")->first->key, 1, 1);
}

Test(document, scalars_stay_text) {
  static const char *const words[] = {"no", "y", "on", "1e3", "0x10", "010", "1.50", "true", "null", "~"};
  for (size_t i = 0; i < sizeof words / sizeof words[0]; i++)
    cr_assert_str_eq(read_tree(words[i])->text, words[i]);
}

Test(document, nothing) {
  cr_assert_null(read_tree(""));
  cr_assert_null(read_tree("# only a comment\n"));
  cr_assert(egress__node_is_null(read_tree("a:")->first));
  cr_assert(egress__node_is_null(read_tree("a: ~")->first));
  cr_assert(egress__node_is_null(read_tree("a: null")->first));
  cr_assert_not(egress__node_is_null(read_tree("a: \"\"")->first));
  cr_assert_not(egress__node_is_null(read_tree("a: \"null\"")->first));
}

Test(document, duplicate_keys) {
  refuses(HEAD "rules: []\nrules: []\ndeny: []\nversion: x\n",
          "p:3:1: error: key `rules` stands twice; it is already on line 2\n"
          "p:5:1: error: key `version` stands twice; it is already on line 1\n");
}

Test(document, aliases_and_anchors) {
  refuses(HEAD "rules:\n  - {name: a, to: &x [a.test]}\n  - {name: b, to: *x }\n",
          "p:3:19: error: YAML anchors are not supported; put hosts that are used twice into `groups`\n"
          "p:4:19: error: `*x` is a YAML alias, which is not supported; quote a host pattern: \"*x\"\n");
}

Test(document, billion_laughs) {
  refuses("a: &a [x, x]\nb: &b [*a, *a]\n",
          "p:1:1: error: unknown key `a`\n"
          "p:1:1: error: `version` is missing; write `version: egress/v1`\n"
          "p:1:4: error: YAML anchors are not supported; put hosts that are used twice into `groups`\n"
          "p:2:1: error: unknown key `b`\n"
          "p:2:4: error: YAML anchors are not supported; put hosts that are used twice into `groups`\n"
          "p:2:8: error: `*a` is a YAML alias, which is not supported; quote a host pattern: \"*a\"\n"
          "p:2:12: error: `*a` is a YAML alias, which is not supported; quote a host pattern: \"*a\"\n");
}

Test(document, unquoted_star) {
  static const char text[] = HEAD "rules:\n  - name: \303\274\n    to: [a.test, **.example.com]\n";
  refuses_bytes(text, strlen(text), EGRESS_ESYNTAX,
                "p:4:18: error: an unquoted * starts a YAML alias; quote the pattern: \"**.example.com\"\n");
}

Test(document, tags) {
  refuses(HEAD "rules: !!seq []\ndefaults: {mode: !x enforce}\n", "p:2:8: error: YAML tags are not supported\n"
                                                                  "p:3:18: error: YAML tags are not supported\n");
}

Test(document, keys_that_are_no_text) {
  refuses("? [a]\n: b\n", "p:1:1: error: `version` is missing; write `version: egress/v1`\n"
                          "p:1:3: error: a key must be a name\n");
  refuses(HEAD "? [a]\n: b\n? {c: d}\n: e\n", "p:2:3: error: a key must be a name\n"
                                              "p:4:3: error: a key must be a name\n");
}

Test(document, nul_in_text) {
  refuses(HEAD "rules:\n  - {name: \"a\\0b\", to: [a.test]}\n", "p:3:12: error: text has a NUL character\n");
}

Test(document, second_document) {
  refuses(HEAD "---\n" HEAD, "p:2:1: error: a policy is one YAML document; here a second one starts\n");
}

Test(document, not_yaml) {
  static const char open[] = HEAD "rules: [a\n";
  refuses_bytes(
      open, strlen(open), EGRESS_ESYNTAX,
      "p:3:1: error: not well-formed YAML, while parsing a flow sequence: did not find expected ',' or ']'\n");
}

Test(document, not_utf8) {
  static const char text[] = HEAD "# \303\274\nx: \"ab\377\"\n";
  refuses_bytes(text, strlen(text), EGRESS_ESYNTAX, "p:3:7: error: not UTF-8 text: invalid leading UTF-8 octet\n");
  static const char control[] = HEAD "x: \001\n";
  refuses_bytes(control, strlen(control), EGRESS_ESYNTAX,
                "p:2:4: error: not UTF-8 text: control characters are not allowed\n");
}

Test(document, nesting_limit) {
  static const char fits[] = "[[[[[[[[[[[[[[[[]]]]]]]]]]]]]]]]", more[] = "[[[[[[[[[[[[[[[[[]]]]]]]]]]]]]]]]]";
  refuses(fits, "p:1:1: error: a policy must be a map, not a list\n");
  refuses_bytes(more, strlen(more), EGRESS_ELIMIT, "p:1:17: error: lists and maps are nested deeper than 16 levels\n");
}

Test(document, deep_nesting_costs_nothing) {
  size_t size = EGRESS__MAX_POLICY_BYTES;
  char *text = malloc(size);
  memset(text, '[', size);
  refuses_bytes(text, size, EGRESS_ELIMIT, "p:1:17: error: lists and maps are nested deeper than 16 levels\n");
  for (size_t i = 0; i < size; i++)
    text[i] = i % 2 == 0 ? '-' : ' ';
  refuses_bytes(text, size, EGRESS_ELIMIT, "p:1:33: error: lists and maps are nested deeper than 16 levels\n");
  free(text);
}

Test(document, node_limit) {
  size_t size = 2 * (size_t)EGRESS__MAX_POLICY_VALUES + 2;
  char *text = malloc(size);
  text[0] = '[';
  for (size_t i = 1; i < size; i++)
    text[i] = i % 2 == 0 ? ',' : 'a';
  refuses_bytes(text, size, EGRESS_ELIMIT, "p:1:2000000: error: a policy has at most 1000000 values\n");
  free(text);
}

Test(document, size_limit) {
  size_t size = (size_t)EGRESS__MAX_POLICY_BYTES + 1;
  char *text = malloc(size);
  memset(text, ' ', size);
  refuses_bytes(text, size, EGRESS_ELIMIT, "p:1:1: error: a policy has at most 16777216 bytes\n");
  text[0] = '#';
  refuses_bytes(text, size - 1, EGRESS_EPOLICY,
                "p:1:1: error: the text is empty; a policy starts with `version: egress/v1`\n");
  free(text);
}
