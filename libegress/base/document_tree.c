#include "base/document_tree.h"

#include <string.h>

#include <egress/error.h>

#include "base/map.h"

int egress__document_start(const char **text, size_t *size, const egress__document_rules *rules,
                           egress__faults *faults) {
  static const char mark[] = "\xef\xbb\xbf";
  const egress__node top = {.line = 1, .column = 1};
  if (*size > rules->max_bytes)
    return egress__fault_limit(faults, &top, "%s has at most %zu bytes", rules->what, rules->max_bytes);
  if (*size >= 3 && memcmp(*text, mark, 3) == 0) {
    *text += 3;
    *size -= 3;
  }
  return 0;
}

/* Into the open list or map, as a key, or at the root. */
static void attach(egress__tree *tree, egress__node *node) {
  if (tree->depth == 0) {
    tree->root = node;
    return;
  }
  egress__tree_frame *top = &tree->frames[tree->depth - 1];
  if (top->node->kind == EGRESS__NODE_MAP && top->key == NULL) {
    top->key = node;
    return;
  }
  node->key = top->key;
  top->key = NULL;
  *top->tail = node;
  top->tail = &node->next;
  top->node->count++;
}

int egress__tree_add(egress__tree *tree, egress__node_kind kind, uint32_t line, uint32_t column, egress__node **out) {
  egress__node *node = egress__arena_get(tree->arena, sizeof *node);
  if (node == NULL)
    return EGRESS_ENOMEM;
  node->kind = kind;
  node->line = line;
  node->column = column;
  if (++tree->values > tree->rules->max_values)
    return egress__fault_limit(tree->faults, node, "%s has at most %zu values", tree->rules->what,
                               tree->rules->max_values);
  attach(tree, node);
  if (out != NULL)
    *out = node;
  return 0;
}

int egress__tree_scalar(egress__tree *tree, uint32_t line, uint32_t column, const char *text, size_t size, int plain,
                        egress__node **out) {
  egress__node *node = NULL;
  int rv = egress__tree_add(tree, EGRESS__NODE_SCALAR, line, column, &node);
  if (rv != 0)
    return rv;
  if (out != NULL)
    *out = node;
  node->plain = plain;
  node->size = size;
  if (!tree->rules->nul_allowed && size != 0 && memchr(text, '\0', size) != NULL) {
    egress__fault(tree->faults, node, "text has a NUL character");
    node->kind = EGRESS__NODE_BROKEN;
    return 0;
  }
  node->text = egress__arena_strndup(tree->arena, text, size);
  return node->text == NULL ? EGRESS_ENOMEM : 0;
}

int egress__tree_open(egress__tree *tree, egress__node_kind kind, uint32_t line, uint32_t column, egress__node **out) {
  egress__node *node = NULL;
  int rv = egress__tree_add(tree, kind, line, column, &node);
  if (rv != 0)
    return rv;
  if (out != NULL)
    *out = node;
  if (tree->depth == tree->rules->max_depth)
    return egress__fault_limit(tree->faults, node, "lists and maps are nested deeper than %zu levels",
                               tree->rules->max_depth);
  tree->frames[tree->depth++] = (egress__tree_frame){.node = node, .tail = &node->first};
  return 0;
}

/* Reports keys that are no text or stand twice; of those that stand twice the first counts. */
static int check_keys(egress__tree *tree, egress__node *map_node) {
  egress__map seen;
  egress__map_init(&seen, tree->arena->alloc);
  int rv = 0;
  for (egress__node **at = &map_node->first; *at != NULL && rv == 0;) {
    egress__node *value = *at;
    const egress__node *key = value->key, *earlier = NULL;
    if (key->kind == EGRESS__NODE_SCALAR)
      earlier = egress__map_get(&seen, key->text, key->size);
    else if (key->kind != EGRESS__NODE_BROKEN)
      egress__fault(tree->faults, key, "a key must be a name");
    if (earlier != NULL)
      egress__fault(tree->faults, key, "key `%s` stands twice; it is already on line %u",
                    egress__quoted(key->text).text, earlier->line);
    if (earlier != NULL || key->kind != EGRESS__NODE_SCALAR) {
      *at = value->next;
      map_node->count--;
      continue;
    }
    rv = egress__map_set(&seen, key->text, key->size, (void *)(uintptr_t)key);
    at = &value->next;
  }
  egress__map_dispose(&seen);
  return rv;
}

int egress__tree_close(egress__tree *tree) {
  egress__node *node = tree->frames[--tree->depth].node, *only = node->count == 1 ? node->first : NULL;
  if (node->kind != EGRESS__NODE_MAP || (only != NULL && only->key->kind == EGRESS__NODE_SCALAR))
    return 0;
  return check_keys(tree, node);
}
