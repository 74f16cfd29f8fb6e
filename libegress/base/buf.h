#ifndef EGRESS_BASE_BUF_H
#define EGRESS_BASE_BUF_H

#include <stddef.h>
#include <stdint.h>

#include "base/alloc.h"

/**
 * Bytes being written: text or a wire format. The first failure to grow is remembered in `rv` and makes every later
 * call do nothing, so a writer checks once, at its end.
 */
typedef struct egress__buf {
  const egress_alloc *alloc;
  char *data; /* not NUL-terminated */
  size_t size;
  size_t room;
  int rv; /* 0 or EGRESS_ENOMEM */
} egress__buf;

void egress__buf_init(egress__buf *buf, const egress_alloc *alloc);

/** Frees the bytes; the buffer is empty again and without error. */
void egress__buf_dispose(egress__buf *buf);

void egress__buf_add(egress__buf *buf, const void *bytes, size_t size);
void egress__buf_str(egress__buf *buf, const char *text);
void egress__buf_char(egress__buf *buf, char c);
void egress__buf_printf(egress__buf *buf, const char *format, ...) __attribute__((format(printf, 2, 3)));

/** Room for `size` more bytes, to be filled by the caller, who then adds to `buf->size`; NULL on failure. */
char *egress__buf_reserve(egress__buf *buf, size_t size);

#endif
