#ifndef EGRESS_BASE_VEC_H
#define EGRESS_BASE_VEC_H

#include <stddef.h>

#include "base/alloc.h"

/**
 * A growable array of one type. `{0}` is empty. Declared in place: `EGRESS__VEC(uint16_t) ports;`
 * Elements are reached by `v.items[i]`, `v.count`.
 */
#define EGRESS__VEC(type) \
  struct { \
    type *items; \
    size_t count; \
    size_t room; \
  }

/** Makes room for one more element; evaluates to 0 or EGRESS_ENOMEM. The element is then `v->items[v->count++]`. */
#define EGRESS__VEC_GROW(alloc, v) egress__vec_grow((alloc), &(v)->items, (v)->count, &(v)->room, sizeof *(v)->items)

/** Frees the array, not what the elements point to; the vec is empty again. */
#define EGRESS__VEC_FREE(alloc, v) \
  do { \
    egress__free((alloc), (v)->items); \
    (v)->items = NULL; \
    (v)->count = (v)->room = 0; \
  } while (0)

/* `items` points to the array pointer, of whatever type it is. */
int egress__vec_grow(const egress_alloc *alloc, void *items, size_t count, size_t *room, size_t item_size);

#endif
