#include "base/options.h"

#include <string.h>

#include <egress/error.h>

int egress__options_take(void *own, size_t own_size, const void *given, size_t first_size) {
  if (given == NULL)
    return 0;
  size_t size;
  memcpy(&size, given, sizeof size);
  if (size < first_size)
    return EGRESS_EINVAL;
  const unsigned char *bytes = given;
  for (size_t i = own_size; i < size; i++)
    if (bytes[i] != 0)
      return EGRESS_EABI;
  memcpy(own, given, size < own_size ? size : own_size);
  memcpy(own, &own_size, sizeof own_size);
  return 0;
}
