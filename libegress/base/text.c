#include "base/text.h"

#include <egress/error.h>

struct egress_text {
  const egress_alloc *alloc;
  char *data;
  size_t size;
};

int egress__text_take(egress_text **out, egress__buf *buf) {
  egress__buf_char(buf, '\0');
  if (buf->rv != 0)
    return buf->rv;
  egress_text *text = egress__malloc(buf->alloc, sizeof *text);
  if (text == NULL)
    return EGRESS_ENOMEM;
  *text = (egress_text){buf->alloc, buf->data, buf->size - 1};
  egress__buf_init(buf, buf->alloc);
  *out = text;
  return 0;
}

const char *egress_text_data(const egress_text *text) {
  return text == NULL ? "" : text->data;
}

size_t egress_text_size(const egress_text *text) {
  return text == NULL ? 0 : text->size;
}

void egress_text_free(egress_text *text) {
  if (text == NULL)
    return;
  egress__free(text->alloc, text->data);
  egress__free(text->alloc, text);
}
