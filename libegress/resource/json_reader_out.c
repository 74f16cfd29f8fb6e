#include <stdlib.h>
#include <string.h>

#include "resource/json_reader.h"

static void put_varint(egress__buf *out, uint64_t value) {
  enum { LONGEST = 10 };
  uint8_t *to = (uint8_t *)egress__buf_reserve(out, LONGEST);
  if (to != NULL)
    out->size += (size_t)(egress__put_varint(to, value) - to);
}

static void put_fixed(egress__buf *out, uint64_t value, size_t size) {
  uint8_t bytes[8];
  for (size_t i = 0; i < size; i++)
    bytes[i] = (uint8_t)(value >> (8 * i));
  egress__buf_add(out, bytes, size);
}

void egress__json_put_tag(egress__json_reader *r, uint32_t number, egress__wire_type type) {
  put_varint(&r->out, (uint64_t)number << 3 | type);
}

void egress__json_put_value(egress__json_reader *r, egress__wire_type type, const egress__json_wire *scalar) {
  switch (type) {
  case EGRESS__WIRE_VARINT:
    put_varint(&r->out, scalar->value);
    break;
  case EGRESS__WIRE_FIXED64:
    put_fixed(&r->out, scalar->value, 8);
    break;
  case EGRESS__WIRE_FIXED32:
    put_fixed(&r->out, scalar->value, 4);
    break;
  case EGRESS__WIRE_BYTES:
    put_varint(&r->out, scalar->bytes.size);
    egress__buf_add(&r->out, scalar->bytes.data, scalar->bytes.size);
    break;
  }
}

void egress__json_put_field(egress__json_reader *r, uint32_t number, egress__wire_type type,
                            const egress__json_wire *scalar) {
  egress__json_put_tag(r, number, type);
  egress__json_put_value(r, type, scalar);
}

/* The length is known at the end. Most fit into the one byte that is kept for it; else the content makes room. */
size_t egress__json_begin(egress__json_reader *r, uint32_t number) {
  egress__json_put_tag(r, number, EGRESS__WIRE_BYTES);
  egress__buf_char(&r->out, '\0');
  return r->out.size;
}

void egress__json_end(egress__json_reader *r, size_t begun) {
  if (r->out.rv != 0)
    return;
  size_t size = r->out.size - begun, more = egress__varint_size(size) - 1;
  if (more != 0 && egress__buf_reserve(&r->out, more) == NULL)
    return;
  uint8_t *content = (uint8_t *)r->out.data + begun;
  if (more != 0)
    memmove(content + more, content, size);
  egress__put_varint(content - 1, size);
  r->out.size += more;
}

int egress__json_part_begin(egress__json_reader *r, const egress__schema_field *field, const egress__node *key,
                            size_t *out) {
  int rv = EGRESS__VEC_GROW(r->out.alloc, &r->parts);
  if (rv != 0)
    return rv;
  *out = r->parts.count++;
  r->parts.items[*out] = (egress__json_part){.field = field, .key = key, .from = r->out.size};
  return 0;
}

void egress__json_part_end(egress__json_reader *r, size_t part) {
  r->parts.items[part].to = r->out.size;
}

static int compare_text(const egress__node *a, const egress__node *b) {
  int order = memcmp(a->text, b->text, a->size < b->size ? a->size : b->size);
  return order != 0 ? order : (a->size > b->size) - (a->size < b->size);
}

/* Fields by number, as the schema has them; entries by key. */
static int compare_parts(const void *a, const void *b) {
  const egress__json_part *x = a, *y = b;
  if (x->field != y->field)
    return x->field < y->field ? -1 : 1;
  if (x->order != y->order)
    return x->order < y->order ? -1 : 1;
  return compare_text(x->key, y->key);
}

static int is_settled(const egress__json_reader *r, size_t base) {
  for (size_t i = base + 1; i < r->parts.count; i++)
    if (compare_parts(&r->parts.items[i - 1], &r->parts.items[i]) > 0)
      return 0;
  return 1;
}

void egress__json_parts_settle(egress__json_reader *r, size_t base) {
  if (r->out.rv != 0 || is_settled(r, base))
    return;
  size_t from = r->parts.items[base].from;
  qsort(&r->parts.items[base], r->parts.count - base, sizeof(egress__json_part), compare_parts);
  r->moved.size = 0;
  for (size_t i = base; i < r->parts.count; i++) {
    const egress__json_part *part = &r->parts.items[i];
    if (part->to != part->from)
      egress__buf_add(&r->moved, r->out.data + part->from, part->to - part->from);
  }
  if (r->moved.rv != 0)
    r->out.rv = r->moved.rv;
  else if (r->moved.size != 0)
    memcpy(r->out.data + from, r->moved.data, r->moved.size);
}
