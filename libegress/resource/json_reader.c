#include "resource/json_reader.h"

#include <string.h>

#include <egress/error.h>

#include "base/nearest.h"
#include "resource/json.h"

/* Names of the kind that was written are proposed: with underscores, or in camel case. */
static void unknown_field(egress__json_reader *r, const egress__schema_message *message, const egress__node *key) {
  const char *type = egress__schema_text(message->name), *word = key->text;
  egress__search search;
  egress__search_start(&search, word);
  for (size_t i = 0; i < message->field_count && r->faults->count < EGRESS__MAX_SHOWN_FAULTS; i++) {
    const egress__schema_field *field = &egress__schema_fields[message->first_field + i];
    egress__search_try(&search, egress__schema_text(strchr(word, '_') != NULL ? field->name : field->json_name));
  }
  if (search.nearest != NULL)
    egress__json_fault(r, key, "is no field of %s; did you mean `%s`?", type, search.nearest);
  else
    egress__json_fault(r, key, "is no field of %s", type);
}

/* Both names of a field are the same field, and of a oneof only one member may be there. */
static int is_free(egress__json_reader *r, const egress__schema_field *field, const egress__node *key, size_t base) {
  for (size_t i = base; i < r->parts.count; i++) {
    const egress__json_part *part = &r->parts.items[i];
    if (part->field == field)
      egress__json_fault(r, key, "is the same field as `%s` on line %u", egress__quoted(part->key->text).text,
                         part->key->line);
    else if (field->oneof != 0 && part->field->oneof == field->oneof)
      egress__json_fault(r, key, "cannot stand beside `%s` on line %u: only one of them may be set",
                         egress__quoted(part->key->text).text, part->key->line);
    else
      continue;
    return 0;
  }
  return 1;
}

static int is_value(const egress__schema_field *field) {
  return field->type == EGRESS__SCHEMA_MESSAGE && egress__schema_field_message(field)->kind == EGRESS__SCHEMA_VALUE;
}

static int is_null_enum(const egress__schema_field *field) {
  return field->type == EGRESS__SCHEMA_ENUM &&
         strcmp(egress__schema_text(egress__schema_field_enum(field)->name), "google.protobuf.NullValue") == 0;
}

/* null is as good as nothing, unless it is what the field holds. */
static int is_unset(const egress__schema_field *field, const egress__node *node) {
  int holds_null = (field->flags & EGRESS__SCHEMA_REPEATED) == 0 && (is_value(field) || is_null_enum(field));
  return !holds_null && egress__node_type_of(node) == EGRESS__TYPE_NULL;
}

/* Adds a part for the field, unless there is something wrong with it. */
static int read_member(egress__json_reader *r, const egress__schema_message *message, const egress__node *node,
                       size_t base) {
  const egress__schema_field *field = egress__schema_field_by_name(message, node->key->text, node->key->size);
  if (field == NULL) {
    unknown_field(r, message, node->key);
    return 0;
  }
  if (is_unset(field, node) || !is_free(r, field, node->key, base))
    return 0;
  size_t part;
  int rv = egress__json_part_begin(r, field, node->key, &part);
  if (rv == 0)
    rv = egress__json_read_field(r, field, node);
  if (rv == 0)
    egress__json_part_end(r, part);
  return rv;
}

int egress__json_read_members(egress__json_reader *r, const egress__schema_message *message, const egress__node *node,
                              const egress__node *skip) {
  size_t base = r->parts.count;
  int rv = 0;
  for (const egress__node *at = node->first; at != NULL && rv == 0; at = at->next) {
    if (at == skip)
      continue;
    egress__json_step step = {.up = r->step, .key = at->key};
    r->step = &step;
    rv = read_member(r, message, at, base);
    r->step = step.up;
  }
  if (rv == 0)
    egress__json_parts_settle(r, base);
  r->parts.count = base;
  return rv;
}

int egress__json_read_message(egress__json_reader *r, const egress__schema_message *message, const egress__node *node) {
  if (r->out.rv != 0)
    return r->out.rv;
  if (r->depth >= EGRESS__JSON_DEPTH)
    return egress__json_too_deep(r, node);
  int rv = 0;
  r->depth++;
  if (message->kind != EGRESS__SCHEMA_PLAIN)
    rv = egress__json_read_known(r, message, node);
  else if (node->kind == EGRESS__NODE_MAP)
    rv = egress__json_read_members(r, message, node, NULL);
  else
    egress__json_mistyped(r, node, "an object");
  r->depth--;
  return rv;
}

int egress__json_read_nested(egress__json_reader *r, uint32_t number, const egress__schema_message *message,
                             const egress__node *node) {
  size_t begun = egress__json_begin(r, number);
  int rv = egress__json_read_message(r, message, node);
  egress__json_end(r, begun);
  return rv;
}

/* A value in a list or a map entry, where nothing may be left out. */
static int read_value(egress__json_reader *r, const egress__schema_field *field, const egress__node *node) {
  if (field->type == EGRESS__SCHEMA_MESSAGE)
    return egress__json_read_nested(r, field->number, egress__schema_field_message(field), node);
  egress__json_wire scalar = {.value = 0};
  int rv = egress__json_read_scalar(r, field, node, &scalar);
  if (rv == 0)
    egress__json_put_field(r, field->number, egress__field_wire_type(field), &scalar);
  return rv;
}

static int read_singular(egress__json_reader *r, const egress__schema_field *field, const egress__node *node) {
  if (field->type == EGRESS__SCHEMA_MESSAGE)
    return egress__json_read_nested(r, field->number, egress__schema_field_message(field), node);
  egress__json_wire scalar = {.value = 0};
  int rv = egress__json_read_scalar(r, field, node, &scalar);
  int is_default = scalar.value == 0 && scalar.bytes.size == 0;
  if (rv == 0 && (!is_default || (field->flags & EGRESS__SCHEMA_PRESENCE) != 0))
    egress__json_put_field(r, field->number, egress__field_wire_type(field), &scalar);
  return rv;
}

/* Numbers stand behind each other without tags. */
static int read_packed_item(egress__json_reader *r, const egress__schema_field *field, const egress__node *node) {
  egress__json_wire scalar = {.value = 0};
  int rv = egress__json_read_scalar(r, field, node, &scalar);
  if (rv == 0)
    egress__json_put_value(r, egress__field_wire_type(field), &scalar);
  return rv;
}

static int read_item(egress__json_reader *r, const egress__schema_field *field, const egress__node *node) {
  if (!is_value(field) && egress__node_type_of(node) == EGRESS__TYPE_NULL) {
    egress__json_fault(r, node, "is null, which cannot stand in a list");
    return 0;
  }
  return egress__field_wire_type(field) == EGRESS__WIRE_BYTES ? read_value(r, field, node)
                                                              : read_packed_item(r, field, node);
}

static int read_list(egress__json_reader *r, const egress__schema_field *field, const egress__node *node) {
  if (node->kind != EGRESS__NODE_LIST) {
    egress__json_mistyped(r, node, "a list");
    return 0;
  }
  if (node->first == NULL)
    return 0;
  int packed = egress__field_wire_type(field) != EGRESS__WIRE_BYTES, rv = 0;
  size_t begun = packed ? egress__json_begin(r, field->number) : 0;
  egress__json_step step = {.up = r->step};
  r->step = &step;
  for (const egress__node *at = node->first; at != NULL && rv == 0; at = at->next, step.index++)
    rv = read_item(r, field, at);
  r->step = step.up;
  if (packed)
    egress__json_end(r, begun);
  return rv;
}

/* By number where keys are numbers, negative ones first. */
static uint64_t key_order(const egress__schema_field *key, const egress__json_wire *scalar) {
  uint64_t value = scalar->value;
  switch ((egress__schema_type)key->type) {
  case EGRESS__SCHEMA_SINT32:
  case EGRESS__SCHEMA_SINT64:
    value = value >> 1 ^ (0 - (value & 1));
    break;
  case EGRESS__SCHEMA_SFIXED32:
    value = (uint64_t)(int64_t)(int32_t)value;
    break;
  case EGRESS__SCHEMA_INT32:
  case EGRESS__SCHEMA_INT64:
  case EGRESS__SCHEMA_SFIXED64:
    break;
  case EGRESS__SCHEMA_DOUBLE:
  case EGRESS__SCHEMA_FLOAT:
  case EGRESS__SCHEMA_UINT64:
  case EGRESS__SCHEMA_FIXED64:
  case EGRESS__SCHEMA_FIXED32:
  case EGRESS__SCHEMA_BOOL:
  case EGRESS__SCHEMA_STRING:
  case EGRESS__SCHEMA_MESSAGE:
  case EGRESS__SCHEMA_BYTES:
  case EGRESS__SCHEMA_UINT32:
  case EGRESS__SCHEMA_ENUM:
    return value;
  }
  return value ^ (uint64_t)1 << 63;
}

static int read_entry(egress__json_reader *r, const egress__schema_field *field, const egress__node *node) {
  const egress__schema_message *type = egress__schema_field_message(field);
  const egress__schema_field *key = egress__schema_field_by_number(type, 1);
  const egress__schema_field *value = egress__schema_field_by_number(type, 2);
  size_t part;
  egress__json_wire scalar = {.value = 0};
  int rv = egress__json_read_key(r, key, node->key, &scalar);
  if (rv == 0)
    rv = egress__json_part_begin(r, NULL, node->key, &part);
  if (rv != 0)
    return rv;
  r->parts.items[part].order = key_order(key, &scalar);
  size_t begun = egress__json_begin(r, field->number);
  egress__json_put_field(r, key->number, egress__field_wire_type(key), &scalar);
  rv = read_value(r, value, node);
  egress__json_end(r, begun);
  egress__json_part_end(r, part);
  return rv;
}

/* Of numbers `1` and `1.0` are one key; equal texts were found when the tree was made. */
static void check_keys(egress__json_reader *r, const egress__schema_field *field, size_t base) {
  const egress__schema_field *key = egress__schema_field_by_number(egress__schema_field_message(field), 1);
  if (key->type == EGRESS__SCHEMA_STRING || r->faults->count != 0)
    return;
  for (size_t i = base + 1; i < r->parts.count; i++)
    if (r->parts.items[i].order == r->parts.items[i - 1].order)
      egress__json_fault(r, r->parts.items[i].key, "has the key `%s` twice; it is already there as `%s`",
                         egress__quoted(r->parts.items[i].key->text).text,
                         egress__quoted(r->parts.items[i - 1].key->text).text);
}

static int read_map(egress__json_reader *r, const egress__schema_field *field, const egress__node *node) {
  if (node->kind != EGRESS__NODE_MAP) {
    egress__json_mistyped(r, node, "an object");
    return 0;
  }
  size_t base = r->parts.count;
  int rv = 0;
  for (const egress__node *at = node->first; at != NULL && rv == 0; at = at->next) {
    egress__json_step step = {.up = r->step, .key = at->key, .quoted = 1};
    r->step = &step;
    rv = read_entry(r, field, at);
    r->step = step.up;
  }
  if (rv == 0) {
    egress__json_parts_settle(r, base);
    check_keys(r, field, base);
  }
  r->parts.count = base;
  return rv;
}

int egress__json_read_field(egress__json_reader *r, const egress__schema_field *field, const egress__node *node) {
  if ((field->flags & EGRESS__SCHEMA_MAP) != 0)
    return read_map(r, field, node);
  if ((field->flags & EGRESS__SCHEMA_REPEATED) != 0)
    return read_list(r, field, node);
  return read_singular(r, field, node);
}
