#include "resource/json.h"

#include <inttypes.h>
#include <string.h>

#include <egress/error.h>

#include "base/alloc.h"
#include "base/map.h"
#include "base/text.h"
#include "resource/resource.h"

static int print_enum(egress__json_printer *p, const egress__schema_field *field, int32_t number) {
  const egress__schema_enum *type = egress__schema_field_enum(field);
  if (strcmp(egress__schema_text(type->name), "google.protobuf.NullValue") == 0) {
    egress__buf_str(&p->out.text, "null");
    return 0;
  }
  const egress__schema_value *value = egress__schema_value_by_number(type, number);
  if (value == NULL)
    egress__buf_printf(&p->out.text, "%" PRId32, number);
  else
    egress__buf_printf(&p->out.text, "\"%s\"", egress__schema_text(value->name));
  return 0;
}

static int64_t zigzag(uint64_t value) {
  return (int64_t)(value >> 1 ^ (0 - (value & 1)));
}

static void print_real(egress__json_printer *p, const egress__schema_field *field, uint64_t bits) {
  if (field->type == EGRESS__SCHEMA_DOUBLE) {
    double value;
    memcpy(&value, &bits, sizeof value);
    egress__json_double(&p->out, value);
  } else {
    uint32_t low = (uint32_t)bits;
    float value;
    memcpy(&value, &low, sizeof value);
    egress__json_float(&p->out, value);
  }
}

/* Numbers of 64 bits are strings in JSON, whose readers may hold doubles only. */
int egress__json_scalar(egress__json_printer *p, const egress__schema_field *field, const egress__field *wire) {
  egress__buf *text = &p->out.text;
  uint64_t value = wire->value;
  switch ((egress__schema_type)field->type) {
  case EGRESS__SCHEMA_DOUBLE:
  case EGRESS__SCHEMA_FLOAT:
    print_real(p, field, value);
    return 0;
  case EGRESS__SCHEMA_INT64:
  case EGRESS__SCHEMA_SFIXED64:
    egress__buf_printf(text, "\"%" PRId64 "\"", (int64_t)value);
    return 0;
  case EGRESS__SCHEMA_SINT64:
    egress__buf_printf(text, "\"%" PRId64 "\"", zigzag(value));
    return 0;
  case EGRESS__SCHEMA_UINT64:
  case EGRESS__SCHEMA_FIXED64:
    egress__buf_printf(text, "\"%" PRIu64 "\"", value);
    return 0;
  case EGRESS__SCHEMA_INT32:
  case EGRESS__SCHEMA_SFIXED32:
    egress__buf_printf(text, "%" PRId32, (int32_t)value);
    return 0;
  case EGRESS__SCHEMA_SINT32:
    egress__buf_printf(text, "%" PRId32, (int32_t)zigzag((uint32_t)value));
    return 0;
  case EGRESS__SCHEMA_UINT32:
  case EGRESS__SCHEMA_FIXED32:
    egress__buf_printf(text, "%" PRIu32, (uint32_t)value);
    return 0;
  case EGRESS__SCHEMA_BOOL:
    egress__buf_str(text, value != 0 ? "true" : "false");
    return 0;
  case EGRESS__SCHEMA_ENUM:
    return print_enum(p, field, (int32_t)value);
  case EGRESS__SCHEMA_STRING:
    return egress__json_string(&p->out, wire->bytes);
  case EGRESS__SCHEMA_BYTES:
    egress__json_bytes(&p->out, wire->bytes);
    return 0;
  case EGRESS__SCHEMA_MESSAGE:
    break;
  }
  return EGRESS_EWIRE;
}

/* A singular value; no item at all is its default, as a map entry may leave it out. */
static int print_value(egress__json_printer *p, const egress__schema_field *field, egress__range group) {
  if (field->type == EGRESS__SCHEMA_MESSAGE)
    return egress__json_message(p, egress__schema_field_message(field), group);
  egress__field wire = {.number = field->number};
  if (group.to > group.from)
    wire = p->fields.stack.items[group.to - 1].wire;
  return egress__json_scalar(p, field, &wire);
}

static int print_packed(egress__json_printer *p, const egress__schema_field *field, egress__span rest) {
  egress__field wire;
  int rv;
  while ((rv = egress__packed_next(field, &rest, &wire)) == 1) {
    egress__json_next(&p->out);
    rv = egress__json_scalar(p, field, &wire);
    if (rv != 0)
      return rv;
  }
  return rv;
}

static int print_list(egress__json_printer *p, const egress__schema_field *field, egress__range group) {
  int rv = 0;
  egress__json_open(&p->out, '[');
  for (size_t i = group.from; i < group.to && rv == 0; i++) {
    egress__field wire = p->fields.stack.items[i].wire;
    if (wire.type != egress__field_wire_type(field)) {
      rv = print_packed(p, field, wire.bytes);
      continue;
    }
    egress__json_next(&p->out);
    rv = print_value(p, field, (egress__range){i, i + 1});
  }
  egress__json_close(&p->out, ']');
  return rv;
}

/* The key of a map entry, with the value brought to the type's width: -1 may have come in five bytes or in ten. */
static egress__field entry_key(const egress__json_printer *p, const egress__schema_field *key, egress__range entry) {
  const egress__field *found = egress__fields_last(&p->fields, entry, key->number);
  egress__field wire = found == NULL ? (egress__field){.number = key->number} : *found;
  if (wire.bytes.data == NULL)
    wire.bytes.data = (const uint8_t *)"";
  if (key->type == EGRESS__SCHEMA_BOOL)
    wire.value = wire.value != 0;
  else if (key->type == EGRESS__SCHEMA_INT32 || key->type == EGRESS__SCHEMA_UINT32 ||
           key->type == EGRESS__SCHEMA_SINT32)
    wire.value = (uint32_t)wire.value;
  return wire;
}

static int read_key(egress__json_printer *p, const egress__schema_message *type, size_t index, egress__field *out) {
  egress__range entry;
  size_t top = p->fields.stack.count;
  int rv = egress__fields_scan(&p->fields, type, (egress__range){index, index + 1}, &entry);
  if (rv == 0)
    *out = entry_key(p, egress__schema_field_by_number(type, 1), entry);
  egress__fields_pop(&p->fields, top);
  return rv;
}

/* Of several entries with one key the last counts; the others lose their field. `keys` are those of the group. */
static int drop_replaced(egress__json_printer *p, const egress__schema_message *type, egress__range group,
                         const egress__field *keys) {
  egress__map last;
  egress__map_init(&last, p->fields.alloc);
  int is_text = egress__schema_field_by_number(type, 1)->type == EGRESS__SCHEMA_STRING;
  int rv = 0;
  for (size_t i = group.from; i < group.to && rv == 0; i++) {
    const egress__field *key = &keys[i - group.from];
    const char *data = is_text ? (const char *)key->bytes.data : (const char *)&key->value;
    size_t size = is_text ? key->bytes.size : sizeof key->value;
    void *before = egress__map_get(&last, data, size);
    if (before != NULL)
      p->fields.stack.items[(uintptr_t)before - 1].field = NULL;
    rv = egress__map_set(&last, data, size, (void *)(uintptr_t)(i + 1));
  }
  egress__map_dispose(&last);
  return rv;
}

static int settle_keys(egress__json_printer *p, const egress__schema_message *type, egress__range group) {
  size_t count = group.to - group.from;
  if (count < 2)
    return 0;
  egress__field *keys = egress__calloc(p->fields.alloc, count, sizeof *keys);
  if (keys == NULL)
    return EGRESS_ENOMEM;
  int rv = 0;
  for (size_t i = 0; i < count && rv == 0; i++)
    rv = read_key(p, type, group.from + i, &keys[i]);
  if (rv == 0)
    rv = drop_replaced(p, type, group, keys);
  egress__free(p->fields.alloc, keys);
  return rv;
}

static int print_key(egress__json_printer *p, const egress__schema_field *key, const egress__field *wire) {
  if (key->type == EGRESS__SCHEMA_STRING)
    return egress__json_string_key(&p->out, wire->bytes);
  int quoted = egress__field_wire_type(key) != EGRESS__WIRE_FIXED64 && key->type != EGRESS__SCHEMA_INT64 &&
               key->type != EGRESS__SCHEMA_UINT64 && key->type != EGRESS__SCHEMA_SINT64;
  egress__json_next(&p->out);
  if (quoted)
    egress__buf_char(&p->out.text, '"');
  int rv = egress__json_scalar(p, key, wire);
  egress__buf_str(&p->out.text, quoted ? "\": " : ": ");
  return rv;
}

static int print_entry(egress__json_printer *p, const egress__schema_message *type, size_t index) {
  egress__range entry;
  size_t top = p->fields.stack.count;
  int rv = egress__fields_scan(&p->fields, type, (egress__range){index, index + 1}, &entry);
  if (rv == 0) {
    const egress__schema_field *key = egress__schema_field_by_number(type, 1);
    egress__field wire = entry_key(p, key, entry);
    rv = print_key(p, key, &wire);
  }
  if (rv == 0) {
    egress__range value = entry;
    while (value.from < value.to && p->fields.stack.items[value.from].wire.number == 1)
      value.from++;
    rv = print_value(p, egress__schema_field_by_number(type, 2), value);
  }
  egress__fields_pop(&p->fields, top);
  return rv;
}

static int print_map(egress__json_printer *p, const egress__schema_field *field, egress__range group) {
  const egress__schema_message *type = egress__schema_field_message(field);
  int rv = settle_keys(p, type, group);
  egress__json_open(&p->out, '{');
  for (size_t i = group.from; i < group.to && rv == 0; i++)
    if (p->fields.stack.items[i].field != NULL)
      rv = print_entry(p, type, i);
  egress__json_close(&p->out, '}');
  return rv;
}

int egress__json_field(egress__json_printer *p, const egress__schema_field *field, egress__range group) {
  if ((field->flags & EGRESS__SCHEMA_MAP) != 0)
    return print_map(p, field, group);
  if ((field->flags & EGRESS__SCHEMA_REPEATED) != 0)
    return print_list(p, field, group);
  return print_value(p, field, group);
}

/* 1 for what proto3 cannot tell from unset: zero, an empty text, a list that only packed nothing. */
static int is_unset(const egress__json_printer *p, const egress__schema_field *field, egress__range group) {
  const egress__item *items = p->fields.stack.items;
  if ((field->flags & EGRESS__SCHEMA_PRESENCE) != 0)
    return 0;
  if ((field->flags & EGRESS__SCHEMA_REPEATED) == 0) {
    const egress__field *wire = &items[group.to - 1].wire;
    uint64_t value = egress__field_wire_type(field) == EGRESS__WIRE_BYTES ? wire->bytes.size : wire->value;
    int narrow = field->type == EGRESS__SCHEMA_INT32 || field->type == EGRESS__SCHEMA_UINT32 ||
                 field->type == EGRESS__SCHEMA_SINT32 || field->type == EGRESS__SCHEMA_ENUM;
    return narrow ? (uint32_t)value == 0 : value == 0;
  }
  if (egress__field_wire_type(field) == EGRESS__WIRE_BYTES)
    return 0;
  for (size_t i = group.from; i < group.to; i++)
    if (items[i].wire.type != EGRESS__WIRE_BYTES || items[i].wire.bytes.size != 0)
      return 0;
  return 1;
}

int egress__json_members(egress__json_printer *p, const egress__schema_message *message, egress__range chunks) {
  egress__range all = {0, 0};
  size_t top = p->fields.stack.count;
  int rv = egress__fields_scan(&p->fields, message, chunks, &all);
  for (size_t i = all.from; rv == 0 && i < all.to;) {
    const egress__schema_field *field = p->fields.stack.items[i].field;
    egress__range group = egress__fields_group(&p->fields, i, all.to);
    if (!is_unset(p, field, group)) {
      egress__json_key(&p->out, egress__schema_text(field->json_name));
      rv = egress__json_field(p, field, group);
    }
    i = group.to;
  }
  egress__fields_pop(&p->fields, top);
  return rv;
}

static int print_plain(egress__json_printer *p, const egress__schema_message *message, egress__range chunks) {
  egress__json_open(&p->out, '{');
  int rv = egress__json_members(p, message, chunks);
  egress__json_close(&p->out, '}');
  return rv;
}

int egress__json_message(egress__json_printer *p, const egress__schema_message *message, egress__range chunks) {
  if (p->out.text.rv != 0)
    return p->out.text.rv;
  if (p->depth >= EGRESS__JSON_DEPTH)
    return EGRESS_ELIMIT;
  p->depth++;
  int rv =
      message->kind == EGRESS__SCHEMA_PLAIN ? print_plain(p, message, chunks) : egress__json_known(p, message, chunks);
  p->depth--;
  return rv;
}

/* Takes what was printed, if all went well, and lets the printer go. */
static int finish(egress_text **out, egress__json_printer *p, int rv) {
  if (rv == 0)
    rv = egress__text_take(out, &p->out.text);
  egress__buf_dispose(&p->out.text);
  EGRESS__VEC_FREE(p->fields.alloc, &p->fields.stack);
  return rv;
}

int egress__json_of(egress_text **out, const char *message_name, egress__span bytes, const egress_alloc *alloc) {
  const egress__schema_message *message = egress__schema_message_find(message_name, strlen(message_name));
  if (message == NULL)
    return EGRESS_ENOENT;
  egress__json_printer p = {.fields = {.alloc = alloc}};
  egress__buf_init(&p.out.text, alloc);
  egress__range chunks;
  int rv = egress__fields_push_message(&p.fields, bytes, &chunks);
  if (rv == 0)
    rv = egress__json_message(&p, message, chunks);
  return finish(out, &p, rv);
}

int egress_resource_json(egress_text **out, const egress_resource *resource) {
  if (out == NULL || resource == NULL)
    return EGRESS_EINVAL;
  const char *url = egress_resource_type_url(resource);
  egress__span type_url = {(const uint8_t *)url, strlen(url)};
  egress__span value = {egress_resource_bytes(resource), egress_resource_size(resource)};
  const egress__schema_message *message = egress__schema_message_of_url(url, type_url.size);
  if (message == NULL || egress_resource_error(resource) != 0)
    return EGRESS_ENOENT;
  const egress_alloc *alloc = egress__resource_alloc(resource);
  egress__json_printer p = {.fields = {.alloc = alloc}};
  egress__buf_init(&p.out.text, alloc);
  return finish(out, &p, egress__json_any(&p, message, type_url, value));
}
