#ifndef EGRESS_BASE_PROTOWIRE_H
#define EGRESS_BASE_PROTOWIRE_H

#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"

/* The protobuf wire format, read in place and written front to back, without recursion or allocation. */

typedef enum egress__wire_type {
  EGRESS__WIRE_VARINT = 0,
  EGRESS__WIRE_FIXED64 = 1,
  EGRESS__WIRE_BYTES = 2,
  EGRESS__WIRE_FIXED32 = 5
} egress__wire_type;

/** Bytes borrowed from somewhere. */
typedef struct egress__span {
  const uint8_t *data;
  size_t size;
} egress__span;

/** One field as it stands on the wire. */
typedef struct egress__field {
  uint32_t number;
  egress__wire_type type;
  uint64_t value;     /* varint and fixed types */
  egress__span bytes; /* EGRESS__WIRE_BYTES */
} egress__field;

/**
 * Takes the next field off the front of `rest`.
 * Returns 1; 0 at the end; EGRESS_EWIRE: not well-formed (groups, which proto3 does not have, included).
 */
int egress__field_next(egress__span *rest, egress__field *out);

/** Takes one varint off the front; returns 0 or EGRESS_EWIRE. */
int egress__varint_next(egress__span *rest, uint64_t *out);

/** Bytes of the well-formed UTF-8 sequence at the front of `left` bytes, at least one; 0: there is none, or a NUL. */
size_t egress__utf8_sequence(const uint8_t *text, size_t left);

/** 1 when `span` is well-formed UTF-8 without NUL, as every string of a request must be. */
int egress__span_is_text(egress__span span);

/** 1 when `text` is UTF-8 of at least one byte and at most `most`; it need not end before that. NULL is none. */
int egress__is_short_text(const char *text, size_t most);

/** Bytes that `value` takes as a varint, 1 to 10. */
size_t egress__varint_size(uint64_t value);

/** Bytes of a length-delimited field: tag, length and `size` bytes. */
size_t egress__bytes_field_size(uint32_t number, size_t size);

/* The put functions write to `to` and return the first byte behind; the caller made the room. */
uint8_t *egress__put_varint(uint8_t *to, uint64_t value);
uint8_t *egress__put_bytes_head(uint8_t *to, uint32_t number, size_t size);
uint8_t *egress__put_bytes(uint8_t *to, uint32_t number, const void *bytes, size_t size);

#endif
