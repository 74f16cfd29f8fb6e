#include "base/fault.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <egress/error.h>

#include "base/diag.h"
#include "base/document.h"

enum { MESSAGE_BYTES = 1024 }; /* as much as a diagnostic keeps */

static egress__place place_of(const egress__faults *faults, const egress__node *node) {
  return (egress__place){faults->file, node->line, node->column};
}

void egress__fault(egress__faults *faults, const egress__node *node, const char *format, ...) {
  char message[MESSAGE_BYTES] = "";
  va_list args;
  va_start(args, format);
  if (faults->count++ < EGRESS__MAX_SHOWN_FAULTS)
    vsnprintf(message, sizeof message, format, args);
  va_end(args);
  egress__diag_error(faults->diag, faults->code, place_of(faults, node), "%s", message);
}

void egress__remark(egress__faults *faults, const egress__node *node, const char *format, ...) {
  char message[MESSAGE_BYTES];
  va_list args;
  va_start(args, format);
  vsnprintf(message, sizeof message, format, args);
  va_end(args);
  egress__diag_warn(faults->diag, place_of(faults, node), "%s", message);
}

int egress__fault_limit(egress__faults *faults, const egress__node *node, const char *format, ...) {
  char message[MESSAGE_BYTES];
  va_list args;
  va_start(args, format);
  vsnprintf(message, sizeof message, format, args);
  va_end(args);
  faults->count++;
  return egress__diag_error(faults->diag, EGRESS_ELIMIT, place_of(faults, node), "%s", message);
}

egress__quote egress__quoted(const char *text) {
  enum { MOST = 80 };
  egress__quote quote;
  size_t size = strnlen(text, MOST + 1);
  int cut = size > MOST;
  if (cut)
    for (size = MOST; size > 0 && ((unsigned char)text[size] & 0xc0) == 0x80;)
      size--;
  memcpy(quote.text, text, size);
  memcpy(quote.text + size, cut ? "..." : "", cut ? 4 : 1);
  return quote;
}
