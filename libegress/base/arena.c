#include "base/arena.h"

#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

enum { BLOCK_BYTES = 16 * 1024 };

typedef struct egress__arena_block {
  struct egress__arena_block *next;
  size_t size;
  _Alignas(max_align_t) unsigned char bytes[];
} block;

void egress__arena_init(egress__arena *arena, const egress_alloc *alloc) {
  *arena = (egress__arena){.alloc = alloc};
}

void egress__arena_dispose(egress__arena *arena) {
  while (arena->blocks != NULL) {
    block *next = arena->blocks->next;
    egress__free(arena->alloc, arena->blocks);
    arena->blocks = next;
  }
  arena->used = 0;
}

void *egress__arena_get(egress__arena *arena, size_t size) {
  const size_t align = _Alignof(max_align_t);
  if (size > SIZE_MAX - sizeof(block) - align)
    return NULL;
  size = (size + align - 1) / align * align;
  if (arena->blocks == NULL || arena->blocks->size - arena->used < size) {
    size_t room = size > BLOCK_BYTES ? size : BLOCK_BYTES;
    block *fresh = egress__malloc(arena->alloc, sizeof *fresh + room);
    if (fresh == NULL)
      return NULL;
    fresh->next = arena->blocks;
    fresh->size = room;
    arena->blocks = fresh;
    arena->used = 0;
  }
  void *ptr = arena->blocks->bytes + arena->used;
  arena->used += size;
  return memset(ptr, 0, size);
}

void *egress__arena_array(egress__arena *arena, size_t count, size_t size) {
  if (size != 0 && count > SIZE_MAX / size)
    return NULL;
  return egress__arena_get(arena, count * size);
}

char *egress__arena_strndup(egress__arena *arena, const char *text, size_t size) {
  if (size == SIZE_MAX)
    return NULL;
  char *copy = egress__arena_get(arena, size + 1);
  if (copy != NULL)
    memcpy(copy, text, size);
  return copy;
}

char *egress__arena_printf(egress__arena *arena, const char *format, ...) {
  va_list args, again;
  va_start(args, format);
  va_copy(again, args);
  int size = vsnprintf(NULL, 0, format, args);
  char *text = size < 0 ? NULL : egress__arena_get(arena, (size_t)size + 1);
  if (text != NULL)
    vsnprintf(text, (size_t)size + 1, format, again);
  va_end(again);
  va_end(args);
  return text;
}
