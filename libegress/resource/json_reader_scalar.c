#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <egress/error.h>

#include "base/nearest.h"
#include "resource/json_reader.h"

/* A decimal number: its digits from the first to the last that is not 0, with perhaps a point between them. */
typedef struct decimal {
  const char *first, *last;
  size_t count;     /* of digits from `first` to `last`; 0: the number is 0 */
  int64_t exponent; /* of ten, at the last digit */
  int negative;
} decimal;

enum { MAX_EXPONENT = 1000000000 /* a larger one is as good: no text has so many digits to make up for it */ };

/* Of the text behind `e`. */
static int64_t read_exponent(const char *at, const char *end) {
  int negative = at < end && *at == '-';
  int64_t value = 0;
  for (; at < end; at++)
    if (*at >= '0' && *at <= '9' && value < MAX_EXPONENT)
      value = value * 10 + (*at - '0');
  return negative ? -value : value;
}

/* `text` is a number as JSON writes it. */
static decimal read_decimal(const char *text, size_t size) {
  decimal d = {.negative = text[0] == '-'};
  const char *at = text, *end = text + size, *point = NULL;
  int64_t whole = 0, whole_to_last = 0, behind = 0, behind_to_last = 0; /* digits on both sides of the point */
  for (; at < end && *at != 'e' && *at != 'E'; at++) {
    if (*at == '.')
      point = at;
    else if (*at != '-' && point == NULL)
      whole++;
    else if (*at != '-')
      behind++;
    if (*at < '1' || *at > '9')
      continue;
    d.first = d.first == NULL ? at : d.first;
    d.last = at;
    whole_to_last = whole;
    behind_to_last = behind;
  }
  if (d.first != NULL)
    d.count = (size_t)(d.last - d.first) + 1 - (point != NULL && point > d.first && point < d.last);
  d.exponent = whole - whole_to_last - behind_to_last + (at < end ? read_exponent(at + 1, end) : 0);
  return d;
}

/* A whole number; returns 0 when it has more than 64 bits. */
static int to_magnitude(const decimal *d, uint64_t *out) {
  enum { MOST_DIGITS = 20 };
  uint64_t value = 0;
  *out = 0;
  if (d->count == 0)
    return 1;
  if (d->exponent > MOST_DIGITS || (int64_t)d->count + d->exponent > MOST_DIGITS)
    return 0;
  for (const char *at = d->first; at <= d->last; at++)
    if (*at != '.' &&
        (__builtin_mul_overflow(value, 10, &value) || __builtin_add_overflow(value, (uint64_t)(*at - '0'), &value)))
      return 0;
  for (int64_t i = 0; i < d->exponent; i++)
    if (__builtin_mul_overflow(value, 10, &value))
      return 0;
  *out = value;
  return 1;
}

typedef struct bounds {
  int64_t least;
  uint64_t most;
} bounds;

static bounds bounds_of(const egress__schema_field *field) {
  switch ((egress__schema_type)field->type) {
  case EGRESS__SCHEMA_INT64:
  case EGRESS__SCHEMA_SINT64:
  case EGRESS__SCHEMA_SFIXED64:
    return (bounds){INT64_MIN, INT64_MAX};
  case EGRESS__SCHEMA_UINT64:
  case EGRESS__SCHEMA_FIXED64:
    return (bounds){0, UINT64_MAX};
  case EGRESS__SCHEMA_UINT32:
  case EGRESS__SCHEMA_FIXED32:
    return (bounds){0, UINT32_MAX};
  case EGRESS__SCHEMA_INT32:
  case EGRESS__SCHEMA_SINT32:
  case EGRESS__SCHEMA_SFIXED32:
  case EGRESS__SCHEMA_ENUM:
  case EGRESS__SCHEMA_DOUBLE:
  case EGRESS__SCHEMA_FLOAT:
  case EGRESS__SCHEMA_BOOL:
  case EGRESS__SCHEMA_STRING:
  case EGRESS__SCHEMA_MESSAGE:
  case EGRESS__SCHEMA_BYTES:
    break;
  }
  return (bounds){INT32_MIN, INT32_MAX};
}

/* As the type has it on the wire. */
static uint64_t encode(const egress__schema_field *field, uint64_t value) {
  if (field->type == EGRESS__SCHEMA_SINT32 || field->type == EGRESS__SCHEMA_SINT64)
    return value << 1 ^ (0 - (value >> 63));
  return value;
}

static int is_number(const egress__node *node) {
  egress__node_type type = egress__node_type_of(node);
  return (type == EGRESS__TYPE_NUMBER || type == EGRESS__TYPE_TEXT) && egress__text_is_number(node->text, node->size);
}

/* `node` is a number, in quotes or not. */
static void read_whole(egress__json_reader *r, const egress__schema_field *field, const egress__node *node,
                       egress__json_wire *out) {
  decimal d = read_decimal(node->text, node->size);
  bounds within = bounds_of(field);
  uint64_t magnitude = 0;
  if (d.count != 0 && d.exponent < 0) {
    egress__json_mistyped(r, node, "a whole number");
    return;
  }
  int fits =
      to_magnitude(&d, &magnitude) && (d.negative ? magnitude <= 0 - (uint64_t)within.least : magnitude <= within.most);
  if (fits)
    out->value = encode(field, d.negative ? 0 - magnitude : magnitude);
  else
    egress__json_fault(r, node, "must be from %" PRId64 " to %" PRIu64 ", not %s", within.least, within.most,
                       egress__quoted(node->text).text);
}

static void read_integer(egress__json_reader *r, const egress__schema_field *field, const egress__node *node,
                         egress__json_wire *out) {
  if (is_number(node))
    read_whole(r, field, node, out);
  else
    egress__json_mistyped(r, node, "a whole number");
}

static uint64_t real_bits(const egress__schema_field *field, const char *digits, int *finite) {
  uint64_t bits = 0;
  if (field->type == EGRESS__SCHEMA_DOUBLE) {
    double value = strtod(digits, NULL);
    memcpy(&bits, &value, sizeof value);
    *finite = isfinite(value);
    return bits;
  }
  float value = strtof(digits, NULL);
  uint32_t narrow;
  memcpy(&narrow, &value, sizeof value);
  *finite = isfinite(value);
  return narrow;
}

/* Without a point, whose form in strtod depends on the locale: 1.25 is 125e-2. NULL: out of memory. */
static const char *without_point(egress__json_reader *r, const decimal *d) {
  enum { SIGN_AND_EXPONENT = 32 };
  size_t room = d->count + SIGN_AND_EXPONENT, size = 0;
  char *text = egress__arena_get(r->scratch, room);
  if (text == NULL)
    return NULL;
  if (d->negative)
    text[size++] = '-';
  for (const char *at = d->first; at != NULL && at <= d->last; at++)
    if (*at != '.')
      text[size++] = *at;
  snprintf(text + size, room - size, "%se%" PRId64, d->count == 0 ? "0" : "", d->count == 0 ? 0 : d->exponent);
  return text;
}

/* The names that JSON has no numbers for, always in quotes. Returns 1 when it was one of them. */
static int read_special(const egress__schema_field *field, const egress__node *node, egress__json_wire *out) {
  static const char *const names[] = {"NaN", "Infinity", "-Infinity"};
  static const uint64_t doubles[] = {0x7ff8000000000000, 0x7ff0000000000000, 0xfff0000000000000};
  static const uint32_t floats[] = {0x7fc00000, 0x7f800000, 0xff800000};
  for (size_t i = 0; i < 3; i++) {
    if (strcmp(node->text, names[i]) != 0 || strlen(names[i]) != node->size)
      continue;
    out->value = field->type == EGRESS__SCHEMA_DOUBLE ? doubles[i] : floats[i];
    return 1;
  }
  return 0;
}

static int read_real(egress__json_reader *r, const egress__schema_field *field, const egress__node *node,
                     egress__json_wire *out) {
  if (egress__node_type_of(node) == EGRESS__TYPE_TEXT && read_special(field, node, out))
    return 0;
  if (!is_number(node)) {
    egress__json_mistyped(r, node, "a number");
    return 0;
  }
  decimal d = read_decimal(node->text, node->size);
  const char *digits = without_point(r, &d);
  if (digits == NULL)
    return EGRESS_ENOMEM;
  int finite;
  uint64_t bits = real_bits(field, digits, &finite);
  if (finite)
    out->value = bits;
  else
    egress__json_fault(r, node, "is larger than any number of its type: %s", egress__quoted(node->text).text);
  return 0;
}

static void unknown_value(egress__json_reader *r, const egress__schema_enum *type, const egress__node *node) {
  egress__search search;
  egress__search_start(&search, node->text);
  for (size_t i = 0; i < type->value_count && r->faults->count < EGRESS__MAX_SHOWN_FAULTS; i++)
    egress__search_try(&search, egress__schema_text(egress__schema_values[type->first_value + i].name));
  egress__quote word = egress__quoted(node->text);
  const char *name = egress__schema_text(type->name);
  if (search.nearest != NULL)
    egress__json_fault(r, node, "is \"%s\", which is no value of %s; did you mean \"%s\"?", word.text, name,
                       search.nearest);
  else
    egress__json_fault(r, node, "is \"%s\", which is no value of %s", word.text, name);
}

static void read_enum(egress__json_reader *r, const egress__schema_field *field, const egress__node *node,
                      egress__json_wire *out) {
  const egress__schema_enum *type = egress__schema_field_enum(field);
  const egress__schema_value *value = NULL;
  egress__node_type given = egress__node_type_of(node);
  if (given == EGRESS__TYPE_TEXT)
    value = egress__schema_value_by_name(type, node->text, node->size);
  if (value != NULL)
    out->value = (uint64_t)(int64_t)value->number;
  else if (given == EGRESS__TYPE_NUMBER)
    read_whole(r, field, node, out);
  else if (given == EGRESS__TYPE_TEXT)
    unknown_value(r, type, node);
  else if (given != EGRESS__TYPE_NULL || strcmp(egress__schema_text(type->name), "google.protobuf.NullValue") != 0)
    egress__json_mistyped(r, node, "the name or the number of an enum value");
}

static void read_bool(egress__json_reader *r, const egress__node *node, egress__json_wire *out) {
  if (egress__node_type_of(node) == EGRESS__TYPE_BOOL)
    out->value = egress__node_is_true(node) != 0;
  else
    egress__json_mistyped(r, node, "true or false without quotes");
}

static void read_string(egress__json_reader *r, const egress__node *node, egress__json_wire *out) {
  if (egress__node_type_of(node) == EGRESS__TYPE_TEXT)
    out->bytes = (egress__span){(const uint8_t *)node->text, node->size};
  else
    egress__json_mistyped(r, node, node->plain ? "text, in quotes" : "text");
}

/* Six bits; 64: no digit. Both alphabets are taken, in any mixture. */
static uint32_t base64_digit(char c) {
  if (c >= 'A' && c <= 'Z')
    return (uint32_t)(c - 'A');
  if (c >= 'a' && c <= 'z')
    return (uint32_t)(c - 'a') + 26;
  if (c >= '0' && c <= '9')
    return (uint32_t)(c - '0') + 52;
  return c == '+' || c == '-' ? 62 : c == '/' || c == '_' ? 63 : 64;
}

/* Digits without their padding; 0 when the padding is none. */
static int strip_padding(const char *text, size_t *size) {
  size_t digits = *size;
  while (digits > 0 && *size - digits < 2 && text[digits - 1] == '=')
    digits--;
  int padded = digits != *size;
  if (digits % 4 == 1 || (padded && *size % 4 != 0))
    return 0;
  *size = digits;
  return 1;
}

/* Returns how many bytes it wrote; -1: not base64. */
static ptrdiff_t decode_base64(uint8_t *to, const char *text, size_t size) {
  uint8_t *start = to;
  uint32_t bits = 0;
  unsigned count = 0; /* of valid bits, the lowest of `bits` */
  for (size_t i = 0; i < size; i++) {
    uint32_t digit = base64_digit(text[i]);
    if (digit == 64)
      return -1;
    bits = bits << 6 | digit;
    count += 6;
    if (count >= 8) {
      count -= 8;
      *to++ = (uint8_t)(bits >> count);
    }
  }
  return to - start;
}

static int read_bytes(egress__json_reader *r, const egress__node *node, egress__json_wire *out) {
  size_t size = node->size;
  if (egress__node_type_of(node) != EGRESS__TYPE_TEXT || !strip_padding(node->text, &size)) {
    egress__json_mistyped(r, node, "bytes in base64");
    return 0;
  }
  uint8_t *bytes = egress__arena_get(r->scratch, size / 4 * 3 + 3);
  if (bytes == NULL)
    return EGRESS_ENOMEM;
  ptrdiff_t written = decode_base64(bytes, node->text, size);
  if (written < 0)
    egress__json_mistyped(r, node, "bytes in base64");
  else
    out->bytes = (egress__span){bytes, (size_t)written};
  return 0;
}

int egress__json_read_scalar(egress__json_reader *r, const egress__schema_field *field, const egress__node *node,
                             egress__json_wire *out) {
  switch ((egress__schema_type)field->type) {
  case EGRESS__SCHEMA_DOUBLE:
  case EGRESS__SCHEMA_FLOAT:
    return read_real(r, field, node, out);
  case EGRESS__SCHEMA_INT64:
  case EGRESS__SCHEMA_UINT64:
  case EGRESS__SCHEMA_INT32:
  case EGRESS__SCHEMA_FIXED64:
  case EGRESS__SCHEMA_FIXED32:
  case EGRESS__SCHEMA_UINT32:
  case EGRESS__SCHEMA_SFIXED32:
  case EGRESS__SCHEMA_SFIXED64:
  case EGRESS__SCHEMA_SINT32:
  case EGRESS__SCHEMA_SINT64:
    read_integer(r, field, node, out);
    return 0;
  case EGRESS__SCHEMA_BOOL:
    read_bool(r, node, out);
    return 0;
  case EGRESS__SCHEMA_STRING:
    read_string(r, node, out);
    return 0;
  case EGRESS__SCHEMA_BYTES:
    return read_bytes(r, node, out);
  case EGRESS__SCHEMA_ENUM:
    read_enum(r, field, node, out);
    return 0;
  case EGRESS__SCHEMA_MESSAGE:
    break;
  }
  return EGRESS_EWIRE;
}

static void read_bool_key(egress__json_reader *r, const egress__node *key, egress__json_wire *out) {
  if (strcmp(key->text, "true") == 0 || strcmp(key->text, "false") == 0)
    out->value = egress__node_is_true(key) != 0;
  else
    egress__json_mistyped(r, key, "true or false");
}

int egress__json_read_key(egress__json_reader *r, const egress__schema_field *field, const egress__node *key,
                          egress__json_wire *out) {
  egress__node node = *key;
  node.plain = 0; /* also what YAML would take for a number */
  if (field->type != EGRESS__SCHEMA_BOOL)
    return egress__json_read_scalar(r, field, &node, out);
  read_bool_key(r, &node, out);
  return 0;
}
