#include "base/alloc.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

static void *default_resize(void *ptr, size_t size, void *user) {
  (void)user;
  return realloc(ptr, size);
}

static void default_release(void *ptr, void *user) {
  (void)user;
  free(ptr);
}

static const egress_alloc default_alloc = {default_resize, default_release, NULL};

const egress_alloc *egress__alloc_or_default(const egress_alloc *alloc) {
  return alloc == NULL ? &default_alloc : alloc;
}

void *egress__malloc(const egress_alloc *alloc, size_t size) {
  return alloc->resize(NULL, size == 0 ? 1 : size, alloc->user);
}

void *egress__calloc(const egress_alloc *alloc, size_t count, size_t size) {
  void *ptr = egress__resize(alloc, NULL, count, size);
  if (ptr != NULL)
    memset(ptr, 0, count * size);
  return ptr;
}

void *egress__resize(const egress_alloc *alloc, void *ptr, size_t count, size_t size) {
  if (size != 0 && count > SIZE_MAX / size)
    return NULL;
  size_t bytes = count * size;
  return alloc->resize(ptr, bytes == 0 ? 1 : bytes, alloc->user);
}

char *egress__strndup(const egress_alloc *alloc, const char *text, size_t size) {
  if (size == SIZE_MAX)
    return NULL;
  char *copy = egress__malloc(alloc, size + 1);
  if (copy == NULL)
    return NULL;
  if (size != 0) /* else `text` may be NULL */
    memcpy(copy, text, size);
  copy[size] = '\0';
  return copy;
}

char *egress__strdup(const egress_alloc *alloc, const char *text) {
  return egress__strndup(alloc, text, strlen(text));
}

void egress__free(const egress_alloc *alloc, void *ptr) {
  if (ptr != NULL)
    alloc->release(ptr, alloc->user);
}
