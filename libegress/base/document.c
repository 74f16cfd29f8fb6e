#include "base/document.h"

#include <string.h>

#include <egress/error.h>

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

enum {
  MAX_BYTES = 64 << 20, /* as much as a packed resource may have */
  MAX_VALUES = 2 << 20  /* 128 MiB of nodes; an assignment of 100,000 endpoints takes two thirds of them */
};

const egress__document_rules egress__document_rules_default = {
    "a document", "", MAX_BYTES, MAX_VALUES, EGRESS__DOCUMENT_DEPTH, 1,
};

struct egress_document {
  egress__arena arena;
  egress__node *root;
};

typedef int read_text(egress__node **out, egress__arena *arena, const char *text, size_t size,
                      const egress__document_rules *rules, egress__faults *faults);

static int read_document(egress_document *document, const char *text, size_t size, egress__faults *faults,
                         read_text *read) {
  int rv = read(&document->root, &document->arena, text, size, &egress__document_rules_default, faults);
  if (rv == 0 && document->root == NULL)
    egress__fault(faults, &(egress__node){.line = 1, .column = 1}, "the text is empty");
  return rv == 0 && faults->count != 0 ? EGRESS_ESYNTAX : rv;
}

static int new_document(egress_document **out, const char *text, size_t size, const char *name,
                        const egress_alloc *alloc, egress_diag *diag, read_text *read) {
  if (out == NULL || text == NULL)
    return EGRESS_EINVAL;
  alloc = egress__alloc_or_default(alloc);
  egress_document *document = egress__calloc(alloc, 1, sizeof *document);
  if (document == NULL)
    return EGRESS_ENOMEM;
  egress__arena_init(&document->arena, alloc);
  egress__faults faults = {name == NULL ? "document" : name, EGRESS_ESYNTAX, diag, 0};
  int rv = read_document(document, text, size, &faults, read);
  if (rv == 0)
    *out = document;
  else
    egress_document_free(document);
  return rv;
}

int egress_document_from_json(egress_document **out, const char *text, size_t size, const char *name,
                              const egress_alloc *alloc, egress_diag *diag) {
  return new_document(out, text, size, name, alloc, diag, egress__document_read_json);
}

int egress_document_from_yaml(egress_document **out, const char *text, size_t size, const char *name,
                              const egress_alloc *alloc, egress_diag *diag) {
  return new_document(out, text, size, name, alloc, diag, egress__document_read_yaml);
}

void egress_document_free(egress_document *document) {
  if (document == NULL)
    return;
  const egress_alloc *alloc = document->arena.alloc;
  egress__arena_dispose(&document->arena);
  egress__free(alloc, document);
}

const egress_value *egress_document_root(const egress_document *document) {
  return document == NULL ? NULL : document->root;
}

int32_t egress_value_type_of(const egress_value *value) {
  switch (value == NULL ? EGRESS__TYPE_NULL : egress__node_type_of(value)) {
  case EGRESS__TYPE_BOOL:
    return EGRESS_VALUE_BOOL;
  case EGRESS__TYPE_NUMBER:
    return EGRESS_VALUE_NUMBER;
  case EGRESS__TYPE_YAML_NUMBER:
  case EGRESS__TYPE_TEXT:
    return EGRESS_VALUE_TEXT;
  case EGRESS__TYPE_LIST:
    return EGRESS_VALUE_LIST;
  case EGRESS__TYPE_MAP:
    return EGRESS_VALUE_OBJECT;
  case EGRESS__TYPE_NULL:
  case EGRESS__TYPE_BROKEN: /* no document with such was given out */
    break;
  }
  return EGRESS_VALUE_NULL;
}

static int has_text(const egress_value *value) {
  int32_t type = egress_value_type_of(value);
  return type == EGRESS_VALUE_BOOL || type == EGRESS_VALUE_NUMBER || type == EGRESS_VALUE_TEXT;
}

const char *egress_value_text(const egress_value *value) {
  return has_text(value) ? value->text : "";
}

size_t egress_value_size(const egress_value *value) {
  return has_text(value) ? value->size : 0;
}

const egress_value *egress_value_member(const egress_value *object, const char *key) {
  if (object == NULL || key == NULL || object->kind != EGRESS__NODE_MAP)
    return NULL;
  return egress__node_member(object, key);
}

const egress_value *egress_value_first(const egress_value *value) {
  return value == NULL ? NULL : value->first;
}

const egress_value *egress_value_next(const egress_value *value) {
  return value == NULL ? NULL : value->next;
}

const egress_value *egress_value_key(const egress_value *value) {
  return value == NULL ? NULL : value->key;
}

uint32_t egress_value_line(const egress_value *value) {
  return value == NULL ? 0 : value->line;
}

uint32_t egress_value_column(const egress_value *value) {
  return value == NULL ? 0 : value->column;
}
