#ifndef EGRESS_ALLOC_H
#define EGRESS_ALLOC_H

#include <stddef.h>

#include <egress/export.h>

EGRESS_BEGIN_DECLS

/**
 * Where an object takes its memory from.
 *
 * Every constructor takes one, NULL meaning malloc and free; the object and everything in it comes from there. The
 * struct is borrowed: it must outlive every object made with it. Resources and snapshots are freed by whoever drops the
 * last reference: where that may be another thread, both functions must be safe to call from any.
 */
typedef struct egress_alloc {
  /**
   * As realloc(3): ``ptr`` NULL allocates, ``size`` is never 0; returns memory aligned for any type, or NULL when
   * there is none, in which case ``ptr`` stays as it was.
   */
  void *(*resize)(void *ptr, size_t size, void *user);
  /** As free(3); ``ptr`` is never NULL. */
  void (*release)(void *ptr, void *user);
  /** Passed to both functions. */
  void *user;
} egress_alloc;

EGRESS_END_DECLS

#endif
