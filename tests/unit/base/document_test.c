#include "base/document.h"

#include <criterion/criterion.h>
#include <string.h>

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
