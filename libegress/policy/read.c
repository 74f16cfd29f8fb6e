#include "policy/read.h"

#include <string.h>

#include <egress/error.h>

#include "base/nearest.h"

#define VERSION "egress/v1"

enum { MAX_NAME = 63 }; /* names of rules become parts of Envoy's names and of metrics */

static const char *kind_text(const egress__node *node) {
  switch (node->kind) {
  case EGRESS__NODE_LIST:
    return "a list";
  case EGRESS__NODE_MAP:
    return "a map";
  case EGRESS__NODE_SCALAR:
    return egress__node_is_null(node) ? "nothing" : "text";
  case EGRESS__NODE_BROKEN:
    break;
  }
  return "broken";
}

/* 1 when `node` is of `kind`; a broken one was reported where it broke. */
static int expect(egress__reader *reader, const egress__node *node, egress__node_kind kind, const char *what,
                  const char *wanted) {
  if (node->kind == kind && !(kind == EGRESS__NODE_SCALAR && egress__node_is_null(node)))
    return 1;
  if (node->kind != EGRESS__NODE_BROKEN)
    egress__fault(&reader->faults, node, "%s must be %s, not %s", what, wanted, kind_text(node));
  return 0;
}

static void unknown_key(egress__reader *reader, const egress__node *key, const egress__keys *keys) {
  int shown = reader->faults.count < EGRESS__MAX_SHOWN_FAULTS;
  const char *meant = shown ? egress__nearest(key->text, keys->names, keys->known) : NULL;
  if (meant != NULL)
    egress__fault(&reader->faults, key, "unknown key `%s`; did you mean `%s`?", egress__quoted(key->text).text, meant);
  else
    egress__fault(&reader->faults, key, "unknown key `%s`", egress__quoted(key->text).text);
}

int egress__read_map(egress__reader *reader, const egress__node *node, const char *what, const egress__keys *keys,
                     const egress__node **values) {
  if (!expect(reader, node, EGRESS__NODE_MAP, what, "a map"))
    return 0;
  for (const egress__node *value = node->first; value != NULL; value = value->next) {
    size_t i = 0;
    while (i < keys->count && strcmp(keys->names[i], value->key->text) != 0)
      i++;
    if (i == keys->count)
      unknown_key(reader, value->key, keys);
    else if (i >= keys->known)
      egress__fault(&reader->faults, value->key, "`%s` is not supported yet", keys->names[i]);
    if (i < keys->count)
      values[i] = value;
  }
  return 1;
}

int egress__read_list(egress__reader *reader, const egress__node *node, const char *what) {
  if (!expect(reader, node, EGRESS__NODE_LIST, what, "a list"))
    return 0;
  if (node->count == 0)
    egress__fault(&reader->faults, node, "%s is empty", what);
  return node->count != 0;
}

int egress__read_scalar(egress__reader *reader, const egress__node *node, const char *what) {
  return expect(reader, node, EGRESS__NODE_SCALAR, what, "text");
}

int egress__read_choice(egress__reader *reader, const egress__node *node, const char *what, const char *const *words,
                        size_t count) {
  if (!egress__read_scalar(reader, node, what))
    return -1;
  for (size_t i = 0; i < count; i++)
    if (strcmp(node->text, words[i]) == 0)
      return (int)i;
  const char *meant = egress__nearest(node->text, words, count);
  char list[128] = "";
  for (size_t i = 0; i < count; i++) {
    strcat(list, i == 0 ? "" : i + 1 == count ? " or " : ", ");
    strcat(list, words[i]);
  }
  egress__fault(&reader->faults, node, "%s must be %s, not `%s`%s%s%s", what, list, egress__quoted(node->text).text,
                meant == NULL ? "" : "; did you mean `", meant == NULL ? "" : meant, meant == NULL ? "" : "`?");
  return -1;
}

static int is_name_char(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

static int is_name(const char *text, size_t size) {
  if (size == 0 || size > MAX_NAME || !is_name_char(text[0]))
    return 0;
  for (size_t i = 1; i < size; i++)
    if (!is_name_char(text[i]) && strchr("._-", text[i]) == NULL)
      return 0;
  return 1;
}

int egress__read_name(egress__reader *reader, const egress__node *node, const char *what, const char **out) {
  if (!egress__read_scalar(reader, node, what))
    return 0;
  if (!is_name(node->text, node->size)) {
    egress__fault(&reader->faults, node,
                  "%s `%s` must be 1 to %d letters, digits, dots, - or _, the first a letter or digit", what,
                  egress__quoted(node->text).text, MAX_NAME);
    return 0;
  }
  char *copy = egress__arena_strndup(reader->keep, node->text, node->size);
  if (copy == NULL)
    return EGRESS_ENOMEM;
  *out = copy;
  return 0;
}

static void check_version(egress__reader *reader, const egress__node *root, const egress__node *node, int *go_on) {
  *go_on = 1;
  if (node == NULL) {
    egress__fault(&reader->faults, root, "`version` is missing; write `version: " VERSION "`");
  } else if (egress__read_scalar(reader, node, "`version`") && strcmp(node->text, VERSION) != 0) {
    egress__fault(&reader->faults, node, "version `%s` is not supported; this library reads `" VERSION "`",
                  egress__quoted(node->text).text);
    *go_on = 0; /* another version may mean anything by its keys */
  }
}

int egress__read_policy(egress__reader *reader, const egress__node *root) {
  enum { AT_VERSION, AT_DEFAULTS, AT_GROUPS, AT_SOURCES, AT_DENY, AT_RULES, COUNT };
  static const char *const names[COUNT] = {"version", "defaults", "groups", "sources", "deny", "rules"};
  static const egress__keys keys = {names, COUNT, COUNT};
  const egress__node *values[COUNT] = {NULL};
  const egress__node top = {.line = 1, .column = 1};
  int go_on;
  if (root == NULL || egress__node_is_null(root)) {
    egress__fault(&reader->faults, &top, "the text is empty; a policy starts with `version: " VERSION "`");
    return 0;
  }
  if (!egress__read_map(reader, root, "a policy", &keys, values))
    return 0;
  check_version(reader, root, values[AT_VERSION], &go_on);
  if (!go_on)
    return 0;
  for (size_t i = AT_DEFAULTS; i < COUNT; i++)
    if (values[i] != NULL && egress__node_is_null(values[i]))
      values[i] = NULL; /* a section whose lines are all commented out */
  int rv = egress__read_defaults(reader, values[AT_DEFAULTS]);
  if (rv == 0)
    rv = egress__read_groups(reader, values[AT_GROUPS]);
  if (rv == 0)
    rv = egress__read_sources(reader, values[AT_SOURCES]);
  if (rv == 0)
    rv = egress__read_rules(reader, values[AT_DENY], values[AT_RULES]);
  return rv;
}
