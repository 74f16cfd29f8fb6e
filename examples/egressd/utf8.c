#include "utf8.h"

#include <stdint.h>

size_t utf8_size(const char *text) {
  static const uint32_t smallest[] = {0, 0, 0x80, 0x800, 0x10000};
  const unsigned char *at = (const unsigned char *)text;
  size_t size = at[0] < 0x80 ? 1 : at[0] >> 5 == 6 ? 2 : at[0] >> 4 == 14 ? 3 : at[0] >> 3 == 30 ? 4 : 0;
  if (size < 2)
    return size;
  uint32_t code = at[0] & (0x7fU >> size);
  for (size_t i = 1; i < size; i++) {
    if (at[i] >> 6 != 2)
      return 0;
    code = code << 6 | (at[i] & 0x3fU);
  }
  int fits = code >= smallest[size] && code <= 0x10ffff && (code < 0xd800 || code > 0xdfff);
  return fits ? size : 0;
}
