#include "base/vec.h"

#include <string.h>

#include <egress/error.h>

int egress__vec_grow(const egress_alloc *alloc, void *items, size_t count, size_t *room, size_t item_size) {
  if (count < *room)
    return 0;
  void *array;
  memcpy(&array, items, sizeof array); /* the caller's pointer has another type: no aliasing */
  size_t bigger = *room == 0 ? 8 : *room + *room / 2;
  array = egress__resize(alloc, array, bigger, item_size);
  if (array == NULL)
    return EGRESS_ENOMEM;
  memcpy(items, &array, sizeof array);
  *room = bigger;
  return 0;
}
