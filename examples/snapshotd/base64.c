#include "base64.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/* Four characters, of which the last `padding` are '='. 0; or -1: one is no digit, or bits are left over. */
static int decode_group(unsigned char out[3], const char *text, size_t padding) {
  uint32_t bits = 0;
  for (size_t i = 0; i < 4; i++) {
    const char *found = i < 4 - padding ? memchr(alphabet, text[i], sizeof alphabet - 1) : alphabet;
    if (found == NULL)
      return -1;
    bits = bits << 6 | (uint32_t)(found - alphabet);
  }
  if ((bits & ((1U << 8 * padding) - 1)) != 0)
    return -1;
  for (size_t i = 0; i < 3; i++)
    out[i] = (unsigned char)(bits >> (16 - 8 * i));
  return 0;
}

int base64_decode(unsigned char **out, size_t *out_size, const char *text, size_t size) {
  if (size % 4 != 0)
    return -1;
  size_t padding = size > 0 ? (size_t)(text[size - 1] == '=') + (text[size - 1] == '=' && text[size - 2] == '=') : 0;
  unsigned char *bytes = malloc(size / 4 * 3 + 1);
  if (bytes == NULL)
    return -2;
  for (size_t i = 0; i < size / 4; i++)
    if (decode_group(bytes + 3 * i, text + 4 * i, i == size / 4 - 1 ? padding : 0) != 0) {
      free(bytes);
      return -1;
    }
  *out = bytes;
  *out_size = size / 4 * 3 - padding;
  return 0;
}
