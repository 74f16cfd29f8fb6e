#include "base/host.h"

#include <string.h>

#include <egress/error.h>
#include <idn2.h>

#include "base/buf.h"

static char lower(char c) {
  return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

static int is_label_char(char c) {
  return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '_';
}

size_t egress__host_normalise(char out[EGRESS__HOST_MAX + 1], const char *name, size_t size) {
  if (size == 0 || size > EGRESS__HOST_MAX)
    return 0;
  size_t label = 0; /* bytes of the label so far */
  int digits_only = 1;
  for (size_t i = 0; i < size; i++) {
    char c = out[i] = lower(name[i]);
    if (c == '.') {
      if (label == 0)
        return 0;
      label = 0;
      digits_only = 1;
    } else if (!is_label_char(c) || ++label > EGRESS__LABEL_MAX) {
      return 0;
    } else if (c < '0' || c > '9') {
      digits_only = 0;
    }
  }
  out[size] = '\0';
  return label == 0 || digits_only ? 0 : size;
}

/* One label with bytes above 0x7f, as its A-label. */
static int add_international(egress__buf *buf, const char *label, size_t size, const char **fault) {
  if (memchr(label, '*', size) != NULL) {
    *fault = "has a star in an international label, which has no meaning in DNS; write the label as xn--";
    return EGRESS_EPOLICY;
  }
  char *copy = egress__strndup(buf->alloc, label, size);
  if (copy == NULL)
    return EGRESS_ENOMEM;
  uint8_t *ascii = NULL;
  int rv = idn2_lookup_u8((const uint8_t *)copy, &ascii, IDN2_NFC_INPUT | IDN2_NONTRANSITIONAL);
  egress__free(buf->alloc, copy);
  if (rv == IDN2_MALLOC)
    return EGRESS_ENOMEM;
  if (rv != IDN2_OK) {
    *fault = idn2_strerror(rv);
    return EGRESS_EPOLICY;
  }
  int star = strchr((const char *)ascii, '*') != NULL; /* its mapping makes one of U+FF0A */
  if (!star)
    egress__buf_str(buf, (const char *)ascii);
  idn2_free(ascii);
  if (star) {
    *fault = "has a character that IDNA turns into a star; write * itself";
    return EGRESS_EPOLICY;
  }
  return buf->rv;
}

static int add_label(egress__buf *buf, const char *label, size_t size, const char **fault) {
  for (size_t i = 0; i < size; i++)
    if ((unsigned char)label[i] >= 0x80)
      return add_international(buf, label, size, fault);
  for (size_t i = 0; i < size; i++)
    egress__buf_char(buf, lower(label[i]));
  return buf->rv;
}

int egress__host_canonical(char **out, egress__arena *arena, const char *text, size_t size, const char **fault) {
  egress__buf buf;
  egress__buf_init(&buf, arena->alloc);
  if (size > 1 && text[size - 1] == '.')
    size--; /* one trailing dot: the name is absolute anyway */
  int rv = 0;
  for (size_t start = 0; start <= size && rv == 0;) {
    const char *dot = memchr(text + start, '.', size - start);
    size_t end = dot == NULL ? size : (size_t)(dot - text);
    if (start != 0)
      egress__buf_char(&buf, '.');
    rv = add_label(&buf, text + start, end - start, fault);
    start = end + 1;
  }
  if (rv == 0) {
    char *copy = egress__arena_strndup(arena, buf.data == NULL ? "" : buf.data, buf.size);
    if (copy == NULL)
      rv = EGRESS_ENOMEM;
    else
      *out = copy;
  }
  egress__buf_dispose(&buf);
  return rv;
}
