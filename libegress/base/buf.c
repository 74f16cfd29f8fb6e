#include "base/buf.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <egress/error.h>

void egress__buf_init(egress__buf *buf, const egress_alloc *alloc) {
  *buf = (egress__buf){.alloc = alloc};
}

void egress__buf_dispose(egress__buf *buf) {
  egress__free(buf->alloc, buf->data);
  egress__buf_init(buf, buf->alloc);
}

char *egress__buf_reserve(egress__buf *buf, size_t size) {
  if (buf->rv != 0)
    return NULL;
  if (buf->data != NULL && buf->room - buf->size >= size)
    return buf->data + buf->size;
  size_t needed;
  if (__builtin_add_overflow(buf->size, size, &needed)) {
    buf->rv = EGRESS_ENOMEM;
    return NULL;
  }
  size_t bigger = buf->room + buf->room / 2;
  if (bigger < needed)
    bigger = needed < 64 ? 64 : needed;
  char *moved = egress__resize(buf->alloc, buf->data, bigger, 1);
  if (moved == NULL) {
    buf->rv = EGRESS_ENOMEM;
    return NULL;
  }
  buf->data = moved;
  buf->room = bigger;
  return moved + buf->size;
}

void egress__buf_add(egress__buf *buf, const void *bytes, size_t size) {
  char *to = size == 0 ? NULL : egress__buf_reserve(buf, size);
  if (to == NULL)
    return;
  memcpy(to, bytes, size);
  buf->size += size;
}

void egress__buf_str(egress__buf *buf, const char *text) {
  egress__buf_add(buf, text, strlen(text));
}

void egress__buf_char(egress__buf *buf, char c) {
  egress__buf_add(buf, &c, 1);
}

void egress__buf_printf(egress__buf *buf, const char *format, ...) {
  va_list args, again;
  va_start(args, format);
  va_copy(again, args);
  int size = vsnprintf(NULL, 0, format, args);
  char *to = size < 0 ? NULL : egress__buf_reserve(buf, (size_t)size + 1);
  if (to != NULL) {
    vsnprintf(to, (size_t)size + 1, format, again);
    buf->size += (size_t)size;
  }
  va_end(again);
  va_end(args);
}
