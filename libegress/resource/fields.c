#include "resource/fields.h"

#include <stdlib.h>

#include <egress/error.h>

enum {
  MAX_ITEMS = 1 << 20 /* 48 bytes each: bounds what a message of two-byte fields is blown up to */
};

static int push(egress__fields *fields, const egress__schema_field *field, const egress__field *wire) {
  if (fields->stack.count >= MAX_ITEMS)
    return EGRESS_ELIMIT;
  if (EGRESS__VEC_GROW(fields->alloc, &fields->stack) != 0)
    return EGRESS_ENOMEM;
  size_t order = fields->stack.count++;
  fields->stack.items[order] = (egress__item){field, order, *wire};
  return 0;
}

int egress__fields_push_message(egress__fields *fields, egress__span message, egress__range *out) {
  size_t from = fields->stack.count;
  int rv = push(fields, NULL, &(egress__field){.type = EGRESS__WIRE_BYTES, .bytes = message});
  if (rv == 0)
    *out = (egress__range){from, from + 1};
  return rv;
}

void egress__fields_pop(egress__fields *fields, size_t from) {
  fields->stack.count = from;
}

egress__wire_type egress__field_wire_type(const egress__schema_field *field) {
  switch ((egress__schema_type)field->type) {
  case EGRESS__SCHEMA_DOUBLE:
  case EGRESS__SCHEMA_FIXED64:
  case EGRESS__SCHEMA_SFIXED64:
    return EGRESS__WIRE_FIXED64;
  case EGRESS__SCHEMA_FLOAT:
  case EGRESS__SCHEMA_FIXED32:
  case EGRESS__SCHEMA_SFIXED32:
    return EGRESS__WIRE_FIXED32;
  case EGRESS__SCHEMA_STRING:
  case EGRESS__SCHEMA_MESSAGE:
  case EGRESS__SCHEMA_BYTES:
    return EGRESS__WIRE_BYTES;
  case EGRESS__SCHEMA_INT64:
  case EGRESS__SCHEMA_UINT64:
  case EGRESS__SCHEMA_INT32:
  case EGRESS__SCHEMA_BOOL:
  case EGRESS__SCHEMA_UINT32:
  case EGRESS__SCHEMA_ENUM:
  case EGRESS__SCHEMA_SINT32:
  case EGRESS__SCHEMA_SINT64:
    return EGRESS__WIRE_VARINT;
  }
  return EGRESS__WIRE_BYTES;
}

/* A field of another wire type is as good as unknown; a packed one may come instead of single values. */
static int fits(const egress__schema_field *field, egress__wire_type type) {
  return type == egress__field_wire_type(field) ||
         (type == EGRESS__WIRE_BYTES && (field->flags & EGRESS__SCHEMA_REPEATED) != 0);
}

static int scan_chunk(egress__fields *fields, const egress__schema_message *message, egress__span rest) {
  egress__field wire;
  int rv;
  while ((rv = egress__field_next(&rest, &wire)) == 1) {
    const egress__schema_field *field = egress__schema_field_by_number(message, wire.number);
    if (field == NULL || !fits(field, wire.type))
      continue;
    rv = push(fields, field, &wire);
    if (rv != 0)
      return rv;
  }
  return rv;
}

/*
 * Setting a member of a oneof clears the others. Walking backwards, the first member met is the one that is set, and
 * the first other one is where whatever came before was cleared.
 */
static void drop_overtaken(egress__fields *fields, size_t from) {
  const egress__schema_field *set[EGRESS__SCHEMA_ONEOFS] = {NULL};
  uint8_t cleared[EGRESS__SCHEMA_ONEOFS] = {0};
  size_t kept = fields->stack.count;
  for (size_t i = fields->stack.count; i-- > from;) {
    const egress__schema_field *field = fields->stack.items[i].field;
    if (field->oneof != 0) {
      size_t oneof = field->oneof - 1u;
      if (set[oneof] == NULL)
        set[oneof] = field;
      if (set[oneof] != field)
        cleared[oneof] = 1;
      if (cleared[oneof])
        continue;
    }
    fields->stack.items[--kept] = fields->stack.items[i];
  }
  while (kept < fields->stack.count)
    fields->stack.items[from++] = fields->stack.items[kept++];
  fields->stack.count = from;
}

static int compare_items(const void *a, const void *b) {
  const egress__item *x = a, *y = b;
  if (x->field != y->field)
    return x->field < y->field ? -1 : 1; /* the schema has them by number */
  return x->order < y->order ? -1 : 1;
}

/* Most writers write by number: then there is nothing to do. */
static void sort(egress__fields *fields, size_t from) {
  for (size_t i = from + 1; i < fields->stack.count; i++) {
    if (fields->stack.items[i].field < fields->stack.items[i - 1].field) {
      qsort(&fields->stack.items[from], fields->stack.count - from, sizeof(egress__item), compare_items);
      return;
    }
  }
}

int egress__fields_scan(egress__fields *fields, const egress__schema_message *message, egress__range chunks,
                        egress__range *out) {
  size_t from = fields->stack.count;
  for (size_t i = chunks.from; i < chunks.to; i++) {
    int rv = scan_chunk(fields, message, fields->stack.items[i].wire.bytes);
    if (rv != 0)
      return rv;
  }
  drop_overtaken(fields, from);
  sort(fields, from);
  *out = (egress__range){from, fields->stack.count};
  return 0;
}

egress__range egress__fields_group(const egress__fields *fields, size_t from, size_t to) {
  size_t end = from + 1;
  while (end < to && fields->stack.items[end].field == fields->stack.items[from].field)
    end++;
  return (egress__range){from, end};
}

const egress__field *egress__fields_last(const egress__fields *fields, egress__range range, uint32_t number) {
  for (size_t i = range.to; i-- > range.from;)
    if (fields->stack.items[i].wire.number == number)
      return &fields->stack.items[i].wire;
  return NULL;
}

static int fixed_next(egress__span *rest, size_t size, uint64_t *out) {
  if (rest->size < size)
    return EGRESS_EWIRE;
  *out = 0;
  for (size_t i = size; i-- > 0;)
    *out = *out << 8 | rest->data[i];
  rest->data += size;
  rest->size -= size;
  return 0;
}

int egress__packed_next(const egress__schema_field *field, egress__span *rest, egress__field *out) {
  if (rest->size == 0)
    return 0;
  *out = (egress__field){.number = field->number, .type = egress__field_wire_type(field)};
  int rv = EGRESS_EWIRE;
  if (out->type == EGRESS__WIRE_VARINT)
    rv = egress__varint_next(rest, &out->value);
  else if (out->type != EGRESS__WIRE_BYTES)
    rv = fixed_next(rest, out->type == EGRESS__WIRE_FIXED64 ? 8 : 4, &out->value);
  return rv == 0 ? 1 : rv;
}
