#include <string.h>

#include <egress/error.h>
#include <yaml.h>

#include "base/diag.h"
#include "base/document_tree.h"

static uint32_t from_one(size_t at) {
  return (uint32_t)at + 1; /* no text that may be read has more lines or columns */
}

/* Aliases let a few lines stand for gigabytes, and a tag would change what a scalar means. */
static void check_decoration(egress__tree *tree, const egress__node *node, const yaml_char_t *anchor,
                             const yaml_char_t *tag) {
  if (anchor != NULL)
    egress__fault(tree->faults, node, "YAML anchors are not supported%s", tree->rules->anchor_advice);
  if (tag != NULL)
    egress__fault(tree->faults, node, "YAML tags are not supported");
}

static int take_scalar(egress__tree *tree, const yaml_event_t *event) {
  egress__node *node;
  int plain = event->data.scalar.style == YAML_PLAIN_SCALAR_STYLE;
  int rv = egress__tree_scalar(tree, from_one(event->start_mark.line), from_one(event->start_mark.column),
                               (const char *)event->data.scalar.value, event->data.scalar.length, plain, &node);
  if (rv == 0)
    check_decoration(tree, node, event->data.scalar.anchor, event->data.scalar.tag);
  return rv;
}

static int take_alias(egress__tree *tree, const yaml_event_t *event) {
  egress__node *node;
  int rv = egress__tree_add(tree, EGRESS__NODE_BROKEN, from_one(event->start_mark.line),
                            from_one(event->start_mark.column), &node);
  if (rv != 0)
    return rv;
  egress__fault(tree->faults, node, "`*%s` is a YAML alias, which is not supported; quote a host pattern: \"*%s\"",
                egress__quoted((const char *)event->data.alias.anchor).text,
                egress__quoted((const char *)event->data.alias.anchor).text);
  return 0;
}

static int open_frame(egress__tree *tree, egress__node_kind kind, const yaml_event_t *event, const yaml_char_t *anchor,
                      const yaml_char_t *tag) {
  egress__node *node;
  int rv = egress__tree_open(tree, kind, from_one(event->start_mark.line), from_one(event->start_mark.column), &node);
  if (rv == 0)
    check_decoration(tree, node, anchor, tag);
  return rv;
}

static int second_document(egress__tree *tree, const yaml_event_t *event) {
  egress__node at = {.line = from_one(event->start_mark.line), .column = from_one(event->start_mark.column)};
  egress__fault(tree->faults, &at, "%s is one YAML document; here a second one starts", tree->rules->what);
  return tree->faults->code;
}

static int take_event(egress__tree *tree, const yaml_event_t *event, int *documents) {
  switch (event->type) {
  case YAML_DOCUMENT_START_EVENT:
    return (*documents)++ == 0 ? 0 : second_document(tree, event);
  case YAML_SCALAR_EVENT:
    return take_scalar(tree, event);
  case YAML_ALIAS_EVENT:
    return take_alias(tree, event);
  case YAML_SEQUENCE_START_EVENT:
    return open_frame(tree, EGRESS__NODE_LIST, event, event->data.sequence_start.anchor,
                      event->data.sequence_start.tag);
  case YAML_MAPPING_START_EVENT:
    return open_frame(tree, EGRESS__NODE_MAP, event, event->data.mapping_start.anchor, event->data.mapping_start.tag);
  case YAML_SEQUENCE_END_EVENT:
  case YAML_MAPPING_END_EVENT:
    return egress__tree_close(tree);
  case YAML_NO_EVENT:
  case YAML_STREAM_START_EVENT:
  case YAML_STREAM_END_EVENT:
  case YAML_DOCUMENT_END_EVENT:
    return 0;
  }
  return 0;
}

/* Line and column of a byte; the reader of libyaml knows only the offset. */
static egress__node node_at(const char *text, size_t size, size_t offset) {
  egress__node node = {.line = 1, .column = 1};
  for (size_t i = 0; i < offset && i < size; i++) {
    if (text[i] == '\n' || (text[i] == '\r' && (i + 1 == size || text[i + 1] != '\n'))) {
      node.line++;
      node.column = 1;
    } else if (((unsigned char)text[i] & 0xc0) != 0x80) {
      node.column++;
    }
  }
  return node;
}

/* The word that starts at character `index` of the text. */
static egress__quote word_at(const char *text, size_t size, size_t index) {
  size_t start = 0;
  for (; start < size && index > 0; index--)
    do
      start++;
    while (start < size && ((unsigned char)text[start] & 0xc0) == 0x80);
  char word[sizeof(egress__quote)];
  size_t length = 0;
  while (length < sizeof word - 1 && start + length < size && strchr(" \t\r\n,]}#\"'", text[start + length]) == NULL)
    length++;
  memcpy(word, text + start, length);
  word[length] = '\0';
  return egress__quoted(word);
}

static int syntax_fault(const yaml_parser_t *parser, const char *text, size_t size, egress__faults *faults) {
  if (parser->error == YAML_MEMORY_ERROR)
    return EGRESS_ENOMEM;
  faults->count++;
  const char *context = parser->context == NULL ? "" : parser->context;
  const char *problem = parser->problem == NULL ? "text cannot be read" : parser->problem;
  egress__place place = {faults->file, from_one(parser->problem_mark.line), from_one(parser->problem_mark.column)};
  if (parser->error == YAML_READER_ERROR) {
    egress__node at = node_at(text, size, parser->problem_offset);
    place.line = at.line;
    place.column = at.column;
    return egress__diag_error(faults->diag, EGRESS_ESYNTAX, place, "not UTF-8 text: %s", problem);
  }
  if (strcmp(context, "while scanning an alias") == 0) {
    place.line = from_one(parser->context_mark.line);
    place.column = from_one(parser->context_mark.column);
    return egress__diag_error(faults->diag, EGRESS_ESYNTAX, place,
                              "an unquoted * starts a YAML alias; quote the pattern: \"%s\"",
                              word_at(text, size, parser->context_mark.index).text);
  }
  return egress__diag_error(faults->diag, EGRESS_ESYNTAX, place, "not well-formed YAML%s%s: %s",
                            context[0] == '\0' ? "" : ", ", context, problem);
}

static int read_events(egress__tree *tree, yaml_parser_t *parser, const char *text, size_t size) {
  int rv = 0, documents = 0;
  for (int ended = 0; !ended && rv == 0;) {
    yaml_event_t event;
    if (!yaml_parser_parse(parser, &event))
      return syntax_fault(parser, text, size, tree->faults);
    rv = take_event(tree, &event, &documents);
    ended = event.type == YAML_STREAM_END_EVENT;
    yaml_event_delete(&event);
  }
  return rv;
}

int egress__document_read_yaml(egress__node **out, egress__arena *arena, const char *text, size_t size,
                               const egress__document_rules *rules, egress__faults *faults) {
  int rv = egress__document_start(&text, &size, rules, faults);
  if (rv != 0)
    return rv;
  yaml_parser_t parser;
  if (!yaml_parser_initialize(&parser))
    return EGRESS_ENOMEM;
  yaml_parser_set_encoding(&parser, YAML_UTF8_ENCODING);
  yaml_parser_set_input_string(&parser, (const unsigned char *)text, size);
  egress__tree tree = {.arena = arena, .rules = rules, .faults = faults};
  rv = read_events(&tree, &parser, text, size);
  yaml_parser_delete(&parser);
  if (rv == 0)
    *out = tree.root;
  return rv;
}
