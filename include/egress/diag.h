#ifndef EGRESS_DIAG_H
#define EGRESS_DIAG_H

#include <stddef.h>
#include <stdint.h>

#include <egress/alloc.h>
#include <egress/export.h>

EGRESS_BEGIN_DECLS

/**
 * A list of what is wrong with some input, each item with its place. Calls that judge input take one as their last
 * argument (NULL is allowed) and append to it. At most 100 items are kept; the rest are counted. The functions that
 * read a list take NULL as an empty one.
 */
typedef struct egress_diag egress_diag;

/** How bad an item is. */
typedef enum egress_severity {
  /** Worth a look; the input was accepted. */
  EGRESS_WARNING = 1,
  /** The input was refused because of this. */
  EGRESS_ERROR = 2
} egress_severity;

/**
 * Makes an empty list.
 *
 * :param alloc: borrowed for the list's life; NULL means malloc.
 * :return: the list, owned by the caller; NULL when out of memory.
 *
 * Thread: any; the list itself belongs to one thread at a time. Since: 0.1.
 */
EGRESS_API egress_diag *egress_diag_new(const egress_alloc *alloc);

/** Frees ``diag`` and every text in it; NULL is allowed. Thread: the list's. Since: 0.1. */
EGRESS_API void egress_diag_free(egress_diag *diag);

/** Forgets all items, for the next use; NULL is allowed. Thread: the list's. Since: 0.1. */
EGRESS_API void egress_diag_clear(egress_diag *diag);

/** Number of items kept, 0 to 100. Thread: the list's. Since: 0.1. */
EGRESS_API size_t egress_diag_count(const egress_diag *diag);

/** Number of items seen with severity ``EGRESS_ERROR``, also those past the 100 kept. Thread: the list's. Since: 0.1.
 */
EGRESS_API size_t egress_diag_errors(const egress_diag *diag);

/** The ``egress_severity`` of item ``index``; 0 past the end. Thread: the list's. Since: 0.1. */
EGRESS_API int32_t egress_diag_severity(const egress_diag *diag, size_t index);

/** The ``egress_code`` of item ``index``; 0 past the end. Thread: the list's. Since: 0.1. */
EGRESS_API int32_t egress_diag_code(const egress_diag *diag, size_t index);

/**
 * The file of item ``index`` as the caller named it.
 *
 * :return: text that lives until the list changes; ``""`` when the item is about no file or past the end.
 *
 * Thread: the list's. Since: 0.1.
 */
EGRESS_API const char *egress_diag_file(const egress_diag *diag, size_t index);

/** The line of item ``index``, from 1; 0 when it has none. Thread: the list's. Since: 0.1. */
EGRESS_API uint32_t egress_diag_line(const egress_diag *diag, size_t index);

/** The column of item ``index`` in characters, from 1; 0 when it has none. Thread: the list's. Since: 0.1. */
EGRESS_API uint32_t egress_diag_column(const egress_diag *diag, size_t index);

/**
 * What item ``index`` says: one line, what is wrong and what to do, without a place and a full stop.
 *
 * :return: text that lives until the list changes; ``""`` past the end.
 *
 * Thread: the list's. Since: 0.1.
 */
EGRESS_API const char *egress_diag_message(const egress_diag *diag, size_t index);

/**
 * All items as text for a terminal: ``FILE:LINE:COLUMN: error: MESSAGE``, a line each.
 *
 * :return: text that lives until the list changes; ``""`` when it is empty. A last line counts the items not kept.
 *
 * Thread: the list's. Since: 0.1.
 */
EGRESS_API const char *egress_diag_text(egress_diag *diag);

EGRESS_END_DECLS

#endif
