#include "base/document.h"

#include <string.h>

int egress__node_is_null(const egress__node *node) {
  return node->kind == EGRESS__NODE_SCALAR && node->plain &&
         (node->size == 0 || strcmp(node->text, "~") == 0 || strcmp(node->text, "null") == 0);
}

static size_t digits(const char *text, size_t size) {
  size_t count = 0;
  while (count < size && text[count] >= '0' && text[count] <= '9')
    count++;
  return count;
}

int egress__text_is_number(const char *text, size_t size) {
  const char *at = text, *end = text + size;
  if (at < end && *at == '-')
    at++;
  size_t whole = digits(at, (size_t)(end - at));
  if (whole == 0 || (whole > 1 && *at == '0'))
    return 0;
  at += whole;
  if (at < end && *at == '.') {
    size_t fraction = digits(at + 1, (size_t)(end - at - 1));
    if (fraction == 0)
      return 0;
    at += 1 + fraction;
  }
  if (at < end && (*at == 'e' || *at == 'E')) {
    at++;
    if (at < end && (*at == '-' || *at == '+'))
      at++;
    size_t exponent = digits(at, (size_t)(end - at));
    if (exponent == 0)
      return 0;
    at += exponent;
  }
  return at == end;
}

/* 1 when the text is one of `count` words. */
static int is_one_of(const char *const *words, size_t count, const egress__node *node) {
  for (size_t i = 0; i < count; i++)
    if (strlen(words[i]) == node->size && memcmp(words[i], node->text, node->size) == 0)
      return 1;
  return 0;
}

/* The ways to write a number that YAML's core schema has beside those of JSON. */
static int is_yaml_number(const egress__node *node) {
  static const char *const words[] = {".inf", ".Inf", ".INF", ".nan", ".NaN", ".NAN"};
  const char *text = node->text;
  size_t size = node->size;
  if (size > 2 && text[0] == '0' && text[1] == 'x')
    return strspn(text + 2, "0123456789abcdefABCDEF") == size - 2;
  if (size > 2 && text[0] == '0' && text[1] == 'o')
    return strspn(text + 2, "01234567") == size - 2;
  if (is_one_of(words, 6, node))
    return 1;
  size_t sign = size > 1 && (text[0] == '-' || text[0] == '+');
  if (is_one_of(words, 3, &(egress__node){.text = text + sign, .size = size - sign}))
    return 1;
  size_t at = sign, whole = digits(text + at, size - at), fraction = 0;
  at += whole;
  if (at < size && text[at] == '.') {
    fraction = digits(text + at + 1, size - at - 1);
    at += 1 + fraction;
  }
  if (whole == 0 && fraction == 0)
    return 0;
  if (at + 1 < size && (text[at] == 'e' || text[at] == 'E')) {
    at += text[at + 1] == '-' || text[at + 1] == '+' ? 2 : 1;
    size_t exponent = digits(text + at, size - at);
    return exponent != 0 && at + exponent == size;
  }
  return at == size;
}

static egress__node_type plain_type(const egress__node *node) {
  static const char *const nulls[] = {"", "~", "null", "Null", "NULL"};
  static const char *const truths[] = {"true", "True", "TRUE", "false", "False", "FALSE"};
  if (is_one_of(nulls, 5, node))
    return EGRESS__TYPE_NULL;
  if (is_one_of(truths, 6, node))
    return EGRESS__TYPE_BOOL;
  if (egress__text_is_number(node->text, node->size))
    return EGRESS__TYPE_NUMBER;
  return is_yaml_number(node) ? EGRESS__TYPE_YAML_NUMBER : EGRESS__TYPE_TEXT;
}

egress__node_type egress__node_type_of(const egress__node *node) {
  switch (node->kind) {
  case EGRESS__NODE_LIST:
    return EGRESS__TYPE_LIST;
  case EGRESS__NODE_MAP:
    return EGRESS__TYPE_MAP;
  case EGRESS__NODE_BROKEN:
    return EGRESS__TYPE_BROKEN;
  case EGRESS__NODE_SCALAR:
    return node->plain ? plain_type(node) : EGRESS__TYPE_TEXT;
  }
  return EGRESS__TYPE_BROKEN;
}

int egress__node_is_true(const egress__node *node) {
  return node->text[0] == 't' || node->text[0] == 'T';
}

const egress__node *egress__node_member(const egress__node *map_node, const char *key) {
  for (const egress__node *value = map_node->first; value != NULL; value = value->next)
    if (strcmp(value->key->text, key) == 0 && strlen(key) == value->key->size)
      return value;
  return NULL;
}
