#include "base/document.h"

#include <criterion/criterion.h>
#include <string.h>

#include <egress/error.h>

static egress__node_type type_of(const char *text, int plain) {
  egress__node node = {.kind = EGRESS__NODE_SCALAR, .plain = plain, .text = text, .size = strlen(text)};
  return egress__node_type_of(&node);
}

/* By the core schema of YAML 1.2; what JSON has is the same there. */
Test(document, plain_scalars) {
  static const char *const nulls[] = {"", "~", "null", "Null", "NULL"};
  static const char *const truths[] = {"true", "True", "TRUE", "false", "False", "FALSE"};
  static const char *const numbers[] = {"0", "-1", "1.5", "1e3", "-0"};
  static const char *const yaml_numbers[] = {"0x1F",   "0o17", "010",  "+1",    "-010",  ".5", "1.", "1.e3",
                                             "+.5e-1", ".inf", ".NaN", "-.Inf", "+.INF", "00", "-.5"};
  static const char *const texts[] = {"yes", "on",       "tRue", "nul", "1s",  "1.2.3.4", "0x",    "0o8",
                                      "0xg", "-",        "+",    ".",   "-.",  "1e",      "1e+",   "e3",
                                      "NaN", "Infinity", "-x",   "1_0", "1 0", ".e1",     "-.nan", "1-2"};
  for (size_t i = 0; i < sizeof nulls / sizeof nulls[0]; i++)
    cr_expect_eq(type_of(nulls[i], 1), EGRESS__TYPE_NULL, "%s", nulls[i]);
  for (size_t i = 0; i < sizeof truths / sizeof truths[0]; i++)
    cr_expect_eq(type_of(truths[i], 1), EGRESS__TYPE_BOOL, "%s", truths[i]);
  for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++)
    cr_expect_eq(type_of(numbers[i], 1), EGRESS__TYPE_NUMBER, "%s", numbers[i]);
  for (size_t i = 0; i < sizeof yaml_numbers / sizeof yaml_numbers[0]; i++)
    cr_expect_eq(type_of(yaml_numbers[i], 1), EGRESS__TYPE_YAML_NUMBER, "%s", yaml_numbers[i]);
  for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++)
    cr_expect_eq(type_of(texts[i], 1), EGRESS__TYPE_TEXT, "%s", texts[i]);
}

Test(document, quoted_scalars_are_text) {
  cr_expect_eq(type_of("null", 0), EGRESS__TYPE_TEXT);
  cr_expect_eq(type_of("true", 0), EGRESS__TYPE_TEXT);
  cr_expect_eq(type_of("1", 0), EGRESS__TYPE_TEXT);
  cr_expect_eq(type_of("", 0), EGRESS__TYPE_TEXT);
}

Test(document, members) {
  egress__node a = {.text = "a", .size = 1}, ab = {.text = "a\0b", .size = 3};
  egress__node second = {.key = &a}, first = {.key = &ab, .next = &second};
  egress__node map_node = {.kind = EGRESS__NODE_MAP, .first = &first, .count = 2};
  cr_expect_eq(egress__node_member(&map_node, "a"), &second);
  cr_expect_null(egress__node_member(&map_node, "b"));
}

static egress_document *read_yaml(const char *text) {
  egress_document *document = NULL;
  cr_assert_eq(egress_document_from_yaml(&document, text, strlen(text), NULL, NULL, NULL), 0);
  return document;
}

Test(document, public_values) {
  egress_document *document = read_yaml("n: ~\nb: true\ni: 1.5\nt: \"x\\0y\"\nl: [a]\no: {}\nx: 0x10\n");
  static const struct {
    const char *key;
    int32_t type;
    const char *text;
    size_t size;
  } wanted[] = {{"n", EGRESS_VALUE_NULL, "", 0},      {"b", EGRESS_VALUE_BOOL, "true", 4},
                {"i", EGRESS_VALUE_NUMBER, "1.5", 3}, {"t", EGRESS_VALUE_TEXT, "x", 3},
                {"l", EGRESS_VALUE_LIST, "", 0},      {"o", EGRESS_VALUE_OBJECT, "", 0},
                {"x", EGRESS_VALUE_TEXT, "0x10", 4}};
  const egress_value *root = egress_document_root(document), *value = egress_value_first(root);
  cr_assert_eq(egress_value_type_of(root), EGRESS_VALUE_OBJECT);
  for (uint32_t i = 0; i < 7; i++, value = egress_value_next(value)) {
    cr_expect_str_eq(egress_value_text(egress_value_key(value)), wanted[i].key);
    cr_expect_eq(egress_value_member(root, wanted[i].key), value);
    cr_expect_eq(egress_value_type_of(value), wanted[i].type);
    cr_expect_str_eq(egress_value_text(value), wanted[i].text);
    cr_expect_eq(egress_value_size(value), wanted[i].size);
    cr_expect_eq(egress_value_line(value), i + 1);
    cr_expect_eq(egress_value_column(value), 4);
  }
  cr_expect_null(value);
  const egress_value *item = egress_value_first(egress_value_member(root, "l"));
  cr_expect_str_eq(egress_value_text(item), "a");
  cr_expect_null(egress_value_key(item));
  cr_expect_null(egress_value_member(item, "a"));
  egress_document_free(document);
}

Test(document, public_values_of_nothing) {
  cr_expect_null(egress_document_root(NULL));
  cr_expect_eq(egress_value_type_of(NULL), EGRESS_VALUE_NULL);
  cr_expect_str_eq(egress_value_text(NULL), "");
  cr_expect_eq(egress_value_size(NULL), 0);
  cr_expect_null(egress_value_member(NULL, "a"));
  cr_expect_null(egress_value_first(NULL));
  cr_expect_null(egress_value_next(NULL));
  cr_expect_null(egress_value_key(NULL));
  cr_expect_eq(egress_value_line(NULL), 0);
  cr_expect_eq(egress_value_column(NULL), 0);
  egress_document_free(NULL);
}

Test(document, refused) {
  egress_document *document = NULL;
  egress_diag *diag = egress_diag_new(NULL);
  cr_expect_eq(egress_document_from_json(&document, "{\"a\":1,\"a\":2}", 13, "d", NULL, diag), EGRESS_ESYNTAX);
  cr_expect_eq(egress_document_from_yaml(&document, "#", 1, NULL, NULL, diag), EGRESS_ESYNTAX);
  cr_expect_eq(egress_document_from_json(&document, "[", 1, NULL, NULL, diag), EGRESS_ESYNTAX);
  cr_expect_str_eq(egress_diag_text(diag),
                   "d:1:8: error: key `a` stands twice; it is already on line 1\n"
                   "document:1:1: error: the text is empty\n"
                   "document:1:2: error: not well-formed JSON: expected a value or `]`, but the text ends\n");
  cr_expect_eq(egress_document_from_json(NULL, "1", 1, NULL, NULL, diag), EGRESS_EINVAL);
  cr_expect_eq(egress_document_from_json(&document, NULL, 0, NULL, NULL, diag), EGRESS_EINVAL);
  cr_expect_null(document);
  egress_diag_free(diag);
}
