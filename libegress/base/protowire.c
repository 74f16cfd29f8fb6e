#include "base/protowire.h"

#include <string.h>

#include <egress/error.h>

int egress__varint_next(egress__span *rest, uint64_t *out) {
  uint64_t value = 0;
  for (unsigned i = 0; i < 10 && i < rest->size; i++) {
    uint8_t byte = rest->data[i];
    if (i == 9 && byte > 1)
      return EGRESS_EWIRE; /* more than 64 bits */
    value |= (uint64_t)(byte & 0x7f) << (7 * i);
    if ((byte & 0x80) == 0) {
      rest->data += i + 1;
      rest->size -= i + 1;
      *out = value;
      return 0;
    }
  }
  return EGRESS_EWIRE;
}

static int take(egress__span *rest, size_t size, egress__span *out) {
  if (rest->size < size)
    return EGRESS_EWIRE;
  *out = (egress__span){rest->data, size};
  rest->data += size;
  rest->size -= size;
  return 1;
}

static uint64_t little_endian(egress__span bytes) {
  uint64_t value = 0;
  for (size_t i = bytes.size; i-- > 0;)
    value = value << 8 | bytes.data[i];
  return value;
}

int egress__field_next(egress__span *rest, egress__field *out) {
  if (rest->size == 0)
    return 0;
  uint64_t tag, length;
  if (egress__varint_next(rest, &tag) != 0 || tag > UINT32_MAX || tag >> 3 == 0)
    return EGRESS_EWIRE;
  *out = (egress__field){.number = (uint32_t)(tag >> 3)};
  int rv;
  switch (tag & 7) {
  case EGRESS__WIRE_VARINT:
    out->type = EGRESS__WIRE_VARINT;
    return egress__varint_next(rest, &out->value) == 0 ? 1 : EGRESS_EWIRE;
  case EGRESS__WIRE_FIXED64:
  case EGRESS__WIRE_FIXED32:
    out->type = (tag & 7) == EGRESS__WIRE_FIXED64 ? EGRESS__WIRE_FIXED64 : EGRESS__WIRE_FIXED32;
    rv = take(rest, out->type == EGRESS__WIRE_FIXED64 ? 8 : 4, &out->bytes);
    if (rv == 1)
      out->value = little_endian(out->bytes);
    return rv;
  case EGRESS__WIRE_BYTES:
    out->type = EGRESS__WIRE_BYTES;
    if (egress__varint_next(rest, &length) != 0 || length > rest->size)
      return EGRESS_EWIRE;
    return take(rest, (size_t)length, &out->bytes);
  default:
    return EGRESS_EWIRE;
  }
}

/* Unicode 15, table 3-7. */
size_t egress__utf8_sequence(const uint8_t *s, size_t left) {
  uint8_t low = 0x80, high = 0xbf;
  size_t size;
  if (s[0] < 0x80)
    return s[0] == 0 ? 0 : 1;
  if (s[0] >= 0xc2 && s[0] <= 0xdf)
    size = 2;
  else if (s[0] >= 0xe0 && s[0] <= 0xef)
    size = 3;
  else if (s[0] >= 0xf0 && s[0] <= 0xf4)
    size = 4;
  else
    return 0;
  if (s[0] == 0xe0)
    low = 0xa0;
  else if (s[0] == 0xed)
    high = 0x9f;
  else if (s[0] == 0xf0)
    low = 0x90;
  else if (s[0] == 0xf4)
    high = 0x8f;
  if (left < size || s[1] < low || s[1] > high)
    return 0;
  for (size_t i = 2; i < size; i++)
    if (s[i] < 0x80 || s[i] > 0xbf)
      return 0;
  return size;
}

int egress__span_is_text(egress__span span) {
  for (size_t i = 0; i < span.size;) {
    size_t size = egress__utf8_sequence(span.data + i, span.size - i);
    if (size == 0)
      return 0;
    i += size;
  }
  return 1;
}

int egress__is_short_text(const char *text, size_t most) {
  size_t size = text == NULL ? 0 : strnlen(text, most + 1);
  return size >= 1 && size <= most && egress__span_is_text((egress__span){(const uint8_t *)text, size});
}

size_t egress__varint_size(uint64_t value) {
  size_t size = 1;
  while (value >= 0x80) {
    value >>= 7;
    size++;
  }
  return size;
}

size_t egress__bytes_field_size(uint32_t number, size_t size) {
  return egress__varint_size((uint64_t)number << 3) + egress__varint_size(size) + size;
}

uint8_t *egress__put_varint(uint8_t *to, uint64_t value) {
  while (value >= 0x80) {
    *to++ = (uint8_t)(value | 0x80);
    value >>= 7;
  }
  *to++ = (uint8_t)value;
  return to;
}

uint8_t *egress__put_bytes_head(uint8_t *to, uint32_t number, size_t size) {
  return egress__put_varint(egress__put_varint(to, (uint64_t)number << 3 | EGRESS__WIRE_BYTES), size);
}

uint8_t *egress__put_bytes(uint8_t *to, uint32_t number, const void *bytes, size_t size) {
  to = egress__put_bytes_head(to, number, size);
  if (size != 0)
    memcpy(to, bytes, size);
  return to + size;
}
