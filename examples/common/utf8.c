#include "utf8.h"

/* The character at `text`, and its bytes, 0 when it is none. */
static uint32_t decode(const char *text, size_t *out_size) {
  static const uint32_t smallest[] = {0, 0, 0x80, 0x800, 0x10000};
  const unsigned char *at = (const unsigned char *)text;
  size_t size = at[0] < 0x80 ? 1 : at[0] >> 5 == 6 ? 2 : at[0] >> 4 == 14 ? 3 : at[0] >> 3 == 30 ? 4 : 0;
  *out_size = size;
  if (size < 2)
    return at[0];
  uint32_t code = at[0] & (0x7fU >> size);
  for (size_t i = 1; i < size; i++) {
    if (at[i] >> 6 != 2) {
      *out_size = 0;
      return 0;
    }
    code = code << 6 | (at[i] & 0x3fU);
  }
  int fits = code >= smallest[size] && code <= 0x10ffff && (code < 0xd800 || code > 0xdfff);
  if (!fits)
    *out_size = 0;
  return code;
}

size_t utf8_size(const char *text) {
  size_t size = 0;
  decode(text, &size);
  return size;
}

uint32_t utf8_control(const char *text) {
  size_t size = 0;
  uint32_t code = decode(text, &size);
  if (size == 0)
    return 0;
  int controls = code < 0x20 || (code >= 0x7f && code <= 0x9f);
  int turns = (code >= 0x2028 && code <= 0x202e) || (code >= 0x2066 && code <= 0x2069);
  return controls || turns ? code : 0;
}
