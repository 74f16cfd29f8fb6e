#ifndef EGRESS_BASE_ALLOC_H
#define EGRESS_BASE_ALLOC_H

#include <stddef.h>

#include <egress/alloc.h>

/* All memory of the library comes through these; `alloc` is never NULL below the public calls. */

/** The caller's allocator, or malloc's for NULL. */
const egress_alloc *egress__alloc_or_default(const egress_alloc *alloc);

/** `size` bytes, not initialised; size 0 gives one byte. */
void *egress__malloc(const egress_alloc *alloc, size_t size);

/** `count * size` zeroed bytes; NULL also when the product overflows. */
void *egress__calloc(const egress_alloc *alloc, size_t count, size_t size);

/** As realloc to `count * size` bytes; NULL, with `ptr` unchanged, also when the product overflows. */
void *egress__resize(const egress_alloc *alloc, void *ptr, size_t count, size_t size);

/** A copy of `size` bytes with a NUL behind it. */
char *egress__strndup(const egress_alloc *alloc, const char *text, size_t size);

/** A copy of a NUL-terminated text. */
char *egress__strdup(const egress_alloc *alloc, const char *text);

/** `ptr` may be NULL. */
void egress__free(const egress_alloc *alloc, void *ptr);

#endif
