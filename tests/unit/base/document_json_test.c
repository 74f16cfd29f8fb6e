#include "base/document.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#include <egress/error.h>

static egress__arena arena; /* of the last tree */

static void init(void) {
  egress__arena_init(&arena, egress__alloc_or_default(NULL));
}

static void dispose(void) {
  egress__arena_dispose(&arena);
}

TestSuite(document_json, .init = init, .fini = dispose);

static const egress__document_rules rules = {"a text", "", 1000, 20, 4, 1};

static int read_bytes(const char *text, size_t size, egress__node **root, const char *diagnostics) {
  egress_diag *diag = egress_diag_new(NULL);
  egress__faults faults = {.file = "f", .code = EGRESS_ERESOURCE, .diag = diag};
  egress__arena_dispose(&arena);
  int rv = egress__document_read_json(root, &arena, text, size, &rules, &faults);
  cr_expect_str_eq(egress_diag_text(diag), diagnostics, "%.200s\n%swanted\n%s", text, egress_diag_text(diag),
                   diagnostics);
  cr_expect_eq(faults.count, egress_diag_errors(diag));
  egress_diag_free(diag);
  return rv;
}

static egress__node *read_tree(const char *text) {
  egress__node *root = NULL;
  cr_assert_eq(read_bytes(text, strlen(text), &root, ""), 0);
  cr_assert_not_null(root);
  return root;
}

static void refuses_bytes(const char *text, size_t size, int code, const char *diagnostics) {
  egress__node *root = NULL;
  cr_expect_eq(read_bytes(text, size, &root, diagnostics), code, "%.200s", text);
  cr_expect_null(root);
}

/* `fault` is what stands behind `f:LINE:COLUMN: error: not well-formed JSON: `. */
static void refuses(const char *text, const char *place, const char *fault) {
  char diagnostics[512];
  snprintf(diagnostics, sizeof diagnostics, "f:%s: error: not well-formed JSON: %s\n", place, fault);
  refuses_bytes(text, strlen(text), EGRESS_ESYNTAX, diagnostics);
}

static void is_at(const egress__node *node, uint32_t line, uint32_t column) {
  cr_expect_eq(node->line, line, "line %u", node->line);
  cr_expect_eq(node->column, column, "column %u", node->column);
}

Test(document_json, tree_with_places) {
  const egress__node *root = read_tree("\t{\"a\": [1, \"y\"],\r\n \"\303\274\":{\"c\":\rtrue}, \"d\":null}\n");
  is_at(root, 1, 2);
  cr_assert_eq(root->count, 3);
  const egress__node *a = root->first, *b = a->next, *d = b->next;
  is_at(a->key, 1, 3);
  is_at(a, 1, 8);
  cr_assert_str_eq(a->first->text, "1");
  cr_assert(a->first->plain);
  is_at(a->first->next, 1, 12);
  cr_assert_not(a->first->next->plain);
  is_at(b->key, 2, 2);
  is_at(b, 2, 6);
  is_at(b->first->key, 2, 7);
  is_at(b->first, 3, 1);
  is_at(d, 3, 12);
  cr_assert(egress__node_is_null(d));
  cr_assert_null(d->next);
}

Test(document_json, escapes) {
  const egress__node *list =
      read_tree("[\"\\\"\\\\\\/\\b\\f\\n\\r\\t\",\"\\u0041\\u00fc\\u20AC\\ud83c\\udfd4\",\"a\\u0000b\",\"\"]");
  const egress__node *node = list->first;
  cr_expect_str_eq(node->text, "\"\\/\b\f\n\r\t");
  node = node->next;
  cr_expect_str_eq(node->text, "A\303\274\342\202\254\360\237\217\224");
  node = node->next;
  cr_expect_eq(node->size, 3);
  cr_expect_arr_eq(node->text, "a\0b", 4);
  node = node->next;
  cr_expect_eq(node->size, 0);
  cr_expect_not(node->plain);
}

Test(document_json, byte_order_mark_is_no_column) {
  is_at(read_tree("\357\273\277{}"), 1, 1);
}

Test(document_json, numbers) {
  static const char *const good[] = {"0",         "-0",   "10",  "1.5",
                                     "-0.25e+10", "1E-3", "1e3", "123456789012345678901234567890"};
  static const char *const bad[] = {"",    "-",   "01",   "+1",  ".5", "1.",       "1e",    "1e+",     "0x10",
                                    "1_0", "NaN", "1.e3", "- 1", "1 ", "Infinity", "1e1.5", "\303\274"};
  for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
    cr_expect(egress__text_is_number(good[i], strlen(good[i])), "%s", good[i]);
    cr_expect_str_eq(read_tree(good[i])->text, good[i]);
  }
  for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
    cr_expect_not(egress__text_is_number(bad[i], strlen(bad[i])), "%s", bad[i]);
}

Test(document_json, one_value_and_no_more) {
  refuses("", "1:1", "expected a value, but the text ends");
  refuses(" \n ", "2:2", "expected a value, but the text ends");
  refuses("{} {}", "1:4", "expected nothing more, not `{`");
  refuses("1,", "1:2", "expected nothing more, not `,`");
}

Test(document_json, what_is_missing) {
  refuses("{\"a\" 1}", "1:6", "expected `:`, not `1`");
  refuses("{\"a\": 1 \"b\"", "1:9", "expected `,` or `}`, not `\"`");
  refuses("{\"a\": 1,}", "1:9", "expected a key in double quotes, not `}`");
  refuses("{a: 1}", "1:2", "expected a key in double quotes, not `a`");
  refuses("[1,]", "1:4", "expected a value, not `]`");
  refuses("[1}", "1:3", "expected `,` or `]`, not `}`");
  refuses("[1", "1:3", "expected `,` or `]`, but the text ends");
  refuses("[", "1:2", "expected a value or `]`, but the text ends");
  refuses("{", "1:2", "expected a key or `}`, but the text ends");
  refuses("{\"a\"", "1:5", "expected `:`, but the text ends");
  refuses("{\"a\":", "1:6", "expected a value, but the text ends");
  refuses("{\"a\":1", "1:7", "expected `,` or `}`, but the text ends");
  refuses("{\"a\":1,", "1:8", "expected a key, but the text ends");
}

Test(document_json, no_yaml) {
  refuses("tru", "1:1", "expected a value, not `tru`");
  refuses("[NaN]", "1:2", "expected a value, not `NaN`");
  refuses("[-Infinity]", "1:2", "expected a value, not `-Infinity`");
  refuses("'a'", "1:1", "expected a value, not `'`");
  refuses("[1] # x", "1:5", "expected nothing more, not `#`");
  refuses("[01]", "1:2", "expected a value, not `01`");
  refuses("/**/1", "1:1", "expected a value, not `/`");
}

Test(document_json, bad_text) {
  refuses("\"a", "1:3", "expected a quote at the end of a text, but the text ends");
  refuses("\"a\\", "1:4", "expected an escape, but the text ends");
  refuses("\"a\nb\"", "1:3", "the control character \\u000a must be escaped");
  refuses("\"\\x41\"", "1:3", "expected one of \" \\ / b f n r t u behind \\, not `x41`");
  refuses("\"\\u00g0\"", "1:6", "expected four hexadecimal digits behind \\u, not `g0`");
  refuses("\"\\u00", "1:6", "expected four hexadecimal digits behind \\u, but the text ends");
  refuses("\"\303\274\377\"", "1:3", "not UTF-8 text: the byte 0xff");
  refuses("\"\355\240\200\"", "1:2", "not UTF-8 text: the byte 0xed");
  refuses("\376", "1:1", "expected a value, not the byte 0xfe");
}

Test(document_json, half_of_a_surrogate_pair) {
  static const char half[] = "half of a surrogate pair, which is no character";
  refuses("\"x\\ud800\"", "1:3", half);
  refuses("\"\\udc00\"", "1:2", half);
  refuses("\"\\ud800\\u0041\"", "1:2", half);
  refuses("\"\\ud800\\ud800\"", "1:2", half);
  refuses("\"\\ud800x\"", "1:2", half);
}

Test(document_json, nul_byte) {
  static const char text[] = "\"\0\"";
  refuses_bytes(text, 3, EGRESS_ESYNTAX,
                "f:1:2: error: not well-formed JSON: the control character \\u0000 must be escaped\n");
  refuses_bytes("\0", 1, EGRESS_ESYNTAX, "f:1:1: error: not well-formed JSON: expected a value, not the byte 0x00\n");
}

Test(document_json, duplicate_keys) {
  egress__node *root = NULL;
  static const char text[] = "{\"a\":1,\n\"\\u0061\":2,\"b\":{\"x\":1,\"x\":2}}";
  cr_assert_eq(read_bytes(text, strlen(text), &root,
                          "f:2:23: error: key `x` stands twice; it is already on line 2\n"
                          "f:2:1: error: key `a` stands twice; it is already on line 1\n"),
               0);
  cr_assert_eq(root->count, 2);
  cr_assert_str_eq(root->first->text, "1");
}

Test(document_json, limits) {
  cr_assert_eq(read_tree("[[[[1]]]]")->count, 1);
  refuses_bytes("[[[[[1]]]]]", 11, EGRESS_ELIMIT, "f:1:5: error: lists and maps are nested deeper than 4 levels\n");
  read_tree("[0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0]");
  static const char many[] = "[0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0]";
  refuses_bytes(many, strlen(many), EGRESS_ELIMIT, "f:1:40: error: a text has at most 20 values\n");
  char large[1001];
  memset(large, ' ', sizeof large);
  large[0] = '1';
  egress__node *root = NULL;
  cr_assert_eq(read_bytes(large, 1000, &root, ""), 0);
  root = NULL;
  refuses_bytes(large, 1001, EGRESS_ELIMIT, "f:1:1: error: a text has at most 1000 bytes\n");
}
