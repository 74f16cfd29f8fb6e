#include "policy/document.h"

#include <string.h>

#include <egress/error.h>
#include <yaml.h>

#include "base/diag.h"
#include "base/map.h"

/* A list or map that is still open. */
typedef struct frame {
  egress__node *node;
  egress__node **tail; /* where its next child goes */
  egress__node *key;   /* in a map: read, its value not yet */
} frame;

typedef struct builder {
  egress__arena *arena;
  egress__faults *faults;
  egress__node *root;
  frame frames[EGRESS__MAX_DEPTH];
  size_t depth;
  size_t nodes;
  int documents;
} builder;

int egress__node_is_null(const egress__node *node) {
  return node->kind == EGRESS__NODE_SCALAR && node->plain &&
         (node->size == 0 || strcmp(node->text, "~") == 0 || strcmp(node->text, "null") == 0);
}

static uint32_t from_one(size_t at) {
  return (uint32_t)at + 1; /* a text of 16 MiB has no larger line or column */
}

/* Puts a node where it belongs: into the open list or map, as a key, or at the root. */
static void attach(builder *b, egress__node *node) {
  if (b->depth == 0) {
    b->root = node;
    return;
  }
  frame *top = &b->frames[b->depth - 1];
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

static int add_node(builder *b, egress__node_kind kind, const yaml_mark_t *mark, egress__node **out) {
  egress__node *node = egress__arena_get(b->arena, sizeof *node);
  if (node == NULL)
    return EGRESS_ENOMEM;
  node->kind = kind;
  node->line = from_one(mark->line);
  node->column = from_one(mark->column);
  if (++b->nodes > EGRESS__MAX_NODES)
    return egress__fault_limit(b->faults, node, "a policy has at most %d values", EGRESS__MAX_NODES);
  attach(b, node);
  *out = node;
  return 0;
}

/* Aliases let a few lines stand for gigabytes, and a tag would change what a scalar means. */
static void check_decoration(builder *b, const egress__node *node, const yaml_char_t *anchor, const yaml_char_t *tag) {
  if (anchor != NULL)
    egress__fault(b->faults, node, "YAML anchors are not supported; put hosts that are used twice into `groups`");
  if (tag != NULL)
    egress__fault(b->faults, node, "YAML tags are not supported");
}

static int take_scalar(builder *b, const yaml_event_t *event) {
  egress__node *node = NULL;
  int rv = add_node(b, EGRESS__NODE_SCALAR, &event->start_mark, &node);
  if (rv != 0)
    return rv;
  const char *value = (const char *)event->data.scalar.value;
  check_decoration(b, node, event->data.scalar.anchor, event->data.scalar.tag);
  node->plain = event->data.scalar.style == YAML_PLAIN_SCALAR_STYLE;
  node->size = event->data.scalar.length;
  if (memchr(value, '\0', node->size) != NULL) {
    egress__fault(b->faults, node, "text has a NUL character");
    node->kind = EGRESS__NODE_BROKEN;
    return 0;
  }
  node->text = egress__arena_strndup(b->arena, value, node->size);
  return node->text == NULL ? EGRESS_ENOMEM : 0;
}

static int take_alias(builder *b, const yaml_event_t *event) {
  egress__node *node = NULL;
  int rv = add_node(b, EGRESS__NODE_BROKEN, &event->start_mark, &node);
  if (rv != 0)
    return rv;
  egress__fault(b->faults, node, "`*%s` is a YAML alias, which is not supported; quote a host pattern: \"*%s\"",
                egress__quoted((const char *)event->data.alias.anchor).text,
                egress__quoted((const char *)event->data.alias.anchor).text);
  return 0;
}

static int open_frame(builder *b, egress__node_kind kind, const yaml_event_t *event, const yaml_char_t *anchor,
                      const yaml_char_t *tag) {
  egress__node *node = NULL;
  int rv = add_node(b, kind, &event->start_mark, &node);
  if (rv != 0)
    return rv;
  check_decoration(b, node, anchor, tag);
  if (b->depth == EGRESS__MAX_DEPTH)
    return egress__fault_limit(b->faults, node, "lists and maps are nested deeper than %d levels", EGRESS__MAX_DEPTH);
  b->frames[b->depth++] = (frame){.node = node, .tail = &node->first};
  return 0;
}

/* Reports keys that are no text or stand twice; of those that stand twice the first counts. */
static int check_keys(builder *b, egress__node *map_node) {
  egress__map seen;
  egress__map_init(&seen, b->arena->alloc);
  int rv = 0;
  for (egress__node **at = &map_node->first; *at != NULL && rv == 0;) {
    egress__node *value = *at;
    const egress__node *key = value->key, *earlier = NULL;
    if (key->kind == EGRESS__NODE_SCALAR)
      earlier = egress__map_get(&seen, key->text, key->size);
    else if (key->kind != EGRESS__NODE_BROKEN)
      egress__fault(b->faults, key, "a key must be a name");
    if (earlier != NULL)
      egress__fault(b->faults, key, "key `%s` stands twice; it is already on line %u", egress__quoted(key->text).text,
                    earlier->line);
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

static int close_frame(builder *b) {
  egress__node *node = b->frames[--b->depth].node;
  return node->kind == EGRESS__NODE_MAP ? check_keys(b, node) : 0;
}

static int take_document(builder *b, const yaml_event_t *event) {
  egress__node at = {.line = from_one(event->start_mark.line), .column = from_one(event->start_mark.column)};
  if (b->documents++ == 0)
    return 0;
  egress__fault(b->faults, &at, "a policy is one YAML document; here a second one starts");
  return EGRESS_EPOLICY;
}

static int take_event(builder *b, const yaml_event_t *event) {
  switch (event->type) {
  case YAML_DOCUMENT_START_EVENT:
    return take_document(b, event);
  case YAML_SCALAR_EVENT:
    return take_scalar(b, event);
  case YAML_ALIAS_EVENT:
    return take_alias(b, event);
  case YAML_SEQUENCE_START_EVENT:
    return open_frame(b, EGRESS__NODE_LIST, event, event->data.sequence_start.anchor, event->data.sequence_start.tag);
  case YAML_MAPPING_START_EVENT:
    return open_frame(b, EGRESS__NODE_MAP, event, event->data.mapping_start.anchor, event->data.mapping_start.tag);
  case YAML_SEQUENCE_END_EVENT:
  case YAML_MAPPING_END_EVENT:
    return close_frame(b);
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

int egress__document_read(egress__node **out, egress__arena *arena, const char *text, size_t size,
                          egress__faults *faults) {
  static const char mark[] = "\xef\xbb\xbf"; /* of UTF-8; libyaml would count it as a column */
  if (size >= 3 && memcmp(text, mark, 3) == 0) {
    text += 3;
    size -= 3;
  }
  yaml_parser_t parser;
  if (!yaml_parser_initialize(&parser))
    return EGRESS_ENOMEM;
  yaml_parser_set_encoding(&parser, YAML_UTF8_ENCODING);
  yaml_parser_set_input_string(&parser, (const unsigned char *)text, size);
  builder b = {.arena = arena, .faults = faults};
  int rv = 0;
  for (int ended = 0; !ended && rv == 0;) {
    yaml_event_t event;
    if (!yaml_parser_parse(&parser, &event)) {
      rv = syntax_fault(&parser, text, size, faults);
      break;
    }
    rv = take_event(&b, &event);
    ended = event.type == YAML_STREAM_END_EVENT;
    yaml_event_delete(&event);
  }
  yaml_parser_delete(&parser);
  if (rv == 0)
    *out = b.root;
  return rv;
}
