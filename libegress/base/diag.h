#ifndef EGRESS_BASE_DIAG_H
#define EGRESS_BASE_DIAG_H

#include <stddef.h>
#include <stdint.h>

#include <egress/diag.h>

/** A place in a text. Line and column count from 1, in characters; 0: unknown. `file` NULL: about no file. */
typedef struct egress__place {
  const char *file;
  uint32_t line;
  uint32_t column;
} egress__place;

/**
 * Appends one item and returns `code`, so that `return egress__diag_error(...)` reads well. `diag` NULL: only returns.
 * Everything is copied. An item that finds no memory is counted and left out. Control characters (base/control.h) are
 * shown as \xHH, a byte at a time.
 */
int egress__diag_error(egress_diag *diag, int code, egress__place place, const char *format, ...)
    __attribute__((format(printf, 4, 5)));
void egress__diag_warn(egress_diag *diag, egress__place place, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/**
 * Puts the items from number `from` on, which are about one file, in the order of their places; those of one place stay
 * in the order of their coming. `diag` may be NULL.
 */
void egress__diag_sort(egress_diag *diag, size_t from);

#endif
