#include "base/control.h"

size_t egress__control(const char *text, uint32_t *code) {
  const unsigned char *c = (const unsigned char *)text;
  if (c[0] < 0x20 || c[0] == 0x7f) {
    *code = c[0];
    return 1;
  }
  if (c[0] == 0xc2 && c[1] >= 0x80 && c[1] <= 0x9f) {
    *code = c[1];
    return 2;
  }
  if (c[0] != 0xe2 || (c[1] != 0x80 && c[1] != 0x81) || c[2] < 0x80 || c[2] > 0xbf)
    return 0;
  uint32_t found = 0x2000 | (uint32_t)(c[1] & 0x3f) << 6 | (c[2] & 0x3f);
  if ((found < 0x2028 || found > 0x202e) && (found < 0x2066 || found > 0x2069))
    return 0;
  *code = found;
  return 3;
}
