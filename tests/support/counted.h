#ifndef TESTS_SUPPORT_COUNTED_H
#define TESTS_SUPPORT_COUNTED_H

/*
 * An allocator that counts its live blocks, and that has as much to give as the test says. It is for what one thread
 * does; each test program has its own.
 */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <egress/alloc.h>

static size_t counted_live;            /* blocks */
static size_t counted_left = SIZE_MAX; /* allocations that will still succeed, growing among them */

static inline void *counted_resize(void *ptr, size_t size, void *user) {
  (void)user;
  if (counted_left == 0)
    return NULL;
  counted_left -= counted_left != SIZE_MAX;
  void *moved = realloc(ptr, size);
  counted_live += ptr == NULL && moved != NULL;
  return moved;
}

static inline void counted_release(void *ptr, void *user) {
  (void)user;
  counted_live--;
  free(ptr);
}

static const egress_alloc counted = {counted_resize, counted_release, NULL};

#endif
