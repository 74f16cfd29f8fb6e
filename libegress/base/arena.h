#ifndef EGRESS_BASE_ARENA_H
#define EGRESS_BASE_ARENA_H

#include <stddef.h>

#include "base/alloc.h"

/**
 * Memory that is given back all at once: parse trees, compile trees, a policy's tables.
 * The caller holds the struct; `{0}` with `alloc` set is an empty arena.
 */
typedef struct egress__arena {
  const egress_alloc *alloc;
  struct egress__arena_block *blocks; /* newest first */
  size_t used;                        /* bytes taken from the newest block */
} egress__arena;

void egress__arena_init(egress__arena *arena, const egress_alloc *alloc);

/** Gives everything back; the arena is empty again. */
void egress__arena_dispose(egress__arena *arena);

/** `size` zeroed bytes, aligned for any type; NULL when out of memory. */
void *egress__arena_get(egress__arena *arena, size_t size);

/** `count * size` zeroed bytes; NULL also when the product overflows. */
void *egress__arena_array(egress__arena *arena, size_t count, size_t size);

/** A copy of `size` bytes with a NUL behind it. */
char *egress__arena_strndup(egress__arena *arena, const char *text, size_t size);

/** printf into the arena. */
char *egress__arena_printf(egress__arena *arena, const char *format, ...) __attribute__((format(printf, 2, 3)));

#endif
