#include "base/diag.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <egress/error.h>

#include "base/buf.h"
#include "base/control.h"
#include "base/vec.h"

enum {
  MAX_ITEMS = 100,         /* a person fixes a screenful at a time; a hostile file must not fill the memory */
  MAX_MESSAGE_BYTES = 1024 /* a message quotes what it found, which may be long */
};

typedef struct item {
  char *file;
  char *message;
  uint32_t line, column;
  int32_t severity, code;
} item;

struct egress_diag {
  const egress_alloc *alloc;
  EGRESS__VEC(item) items;
  size_t errors;
  size_t left_out;
  egress__buf text;
};

egress_diag *egress_diag_new(const egress_alloc *alloc) {
  alloc = egress__alloc_or_default(alloc);
  egress_diag *diag = egress__calloc(alloc, 1, sizeof *diag);
  if (diag == NULL)
    return NULL;
  diag->alloc = alloc;
  egress__buf_init(&diag->text, alloc);
  return diag;
}

void egress_diag_clear(egress_diag *diag) {
  if (diag == NULL)
    return;
  for (size_t i = 0; i < diag->items.count; i++) {
    egress__free(diag->alloc, diag->items.items[i].file);
    egress__free(diag->alloc, diag->items.items[i].message);
  }
  EGRESS__VEC_FREE(diag->alloc, &diag->items);
  egress__buf_dispose(&diag->text);
  diag->errors = diag->left_out = 0;
}

void egress_diag_free(egress_diag *diag) {
  if (diag == NULL)
    return;
  egress_diag_clear(diag);
  egress__free(diag->alloc, diag);
}

/* What is quoted from the input must not drive a terminal: the bytes of control characters become \xHH. */
static char *printable(const egress_alloc *alloc, const char *text) {
  egress__buf buf;
  egress__buf_init(&buf, alloc);
  uint32_t code = 0;
  for (const char *c = text; *c != '\0';) {
    size_t size = egress__control(c, &code);
    if (size == 0)
      egress__buf_char(&buf, *c++);
    for (; size > 0; size--)
      egress__buf_printf(&buf, "\\x%02x", (unsigned char)*c++);
  }
  egress__buf_char(&buf, '\0');
  if (buf.rv != 0)
    egress__buf_dispose(&buf);
  return buf.data;
}

/* Takes the last character off a text that was cut, since it may be half of one. */
static void cut_between_characters(char *text) {
  size_t size = strlen(text);
  while (size > 0 && ((unsigned char)text[--size] & 0xc0) == 0x80)
    ;
  text[size] = '\0';
}

static void append(egress_diag *diag, int32_t severity, int32_t code, egress__place place, const char *format,
                   va_list args) {
  char message[MAX_MESSAGE_BYTES];
  if (vsnprintf(message, sizeof message, format, args) >= (int)sizeof message)
    cut_between_characters(message);
  if (severity == EGRESS_ERROR)
    diag->errors++;
  item added = {.line = place.line, .column = place.column, .severity = severity, .code = code};
  if (diag->items.count >= MAX_ITEMS || EGRESS__VEC_GROW(diag->alloc, &diag->items) != 0)
    goto left_out;
  added.file = printable(diag->alloc, place.file == NULL ? "" : place.file);
  added.message = printable(diag->alloc, message);
  if (added.file == NULL || added.message == NULL)
    goto left_out;
  diag->items.items[diag->items.count++] = added;
  return;
left_out:
  egress__free(diag->alloc, added.file);
  egress__free(diag->alloc, added.message);
  diag->left_out++;
}

int egress__diag_error(egress_diag *diag, int code, egress__place place, const char *format, ...) {
  if (diag == NULL)
    return code;
  va_list args;
  va_start(args, format);
  append(diag, EGRESS_ERROR, code, place, format, args);
  va_end(args);
  return code;
}

void egress__diag_warn(egress_diag *diag, egress__place place, const char *format, ...) {
  if (diag == NULL)
    return;
  va_list args;
  va_start(args, format);
  append(diag, EGRESS_WARNING, EGRESS_OK, place, format, args);
  va_end(args);
}

static int stands_before(const item *a, const item *b) {
  return a->line != b->line ? a->line < b->line : a->column < b->column;
}

/* By insertion: there are MAX_ITEMS at most, and they are nearly in order. */
void egress__diag_sort(egress_diag *diag, size_t from) {
  for (size_t i = from + 1; i < egress_diag_count(diag); i++) {
    item *items = diag->items.items, moved = items[i];
    size_t to = i;
    for (; to > from && stands_before(&moved, &items[to - 1]); to--)
      items[to] = items[to - 1];
    items[to] = moved;
  }
}

size_t egress_diag_count(const egress_diag *diag) {
  return diag == NULL ? 0 : diag->items.count;
}

size_t egress_diag_errors(const egress_diag *diag) {
  return diag == NULL ? 0 : diag->errors;
}

static const item *at(const egress_diag *diag, size_t index) {
  static const item none = {.file = "", .message = ""};
  return index < egress_diag_count(diag) ? &diag->items.items[index] : &none;
}

int32_t egress_diag_severity(const egress_diag *diag, size_t index) {
  return at(diag, index)->severity;
}

int32_t egress_diag_code(const egress_diag *diag, size_t index) {
  return at(diag, index)->code;
}

const char *egress_diag_file(const egress_diag *diag, size_t index) {
  return at(diag, index)->file;
}

uint32_t egress_diag_line(const egress_diag *diag, size_t index) {
  return at(diag, index)->line;
}

uint32_t egress_diag_column(const egress_diag *diag, size_t index) {
  return at(diag, index)->column;
}

const char *egress_diag_message(const egress_diag *diag, size_t index) {
  return at(diag, index)->message;
}

const char *egress_diag_text(egress_diag *diag) {
  if (diag == NULL)
    return "";
  egress__buf *text = &diag->text;
  egress__buf_dispose(text);
  for (size_t i = 0; i < diag->items.count; i++) {
    const item *it = at(diag, i);
    if (it->file[0] != '\0')
      egress__buf_printf(text, "%s:", it->file);
    if (it->line != 0)
      egress__buf_printf(text, "%u:%u:", it->line, it->column);
    if (text->size != 0 && text->data[text->size - 1] == ':')
      egress__buf_char(text, ' ');
    egress__buf_printf(text, "%s: %s\n", it->severity == EGRESS_ERROR ? "error" : "warning", it->message);
  }
  if (diag->left_out != 0)
    egress__buf_printf(text, "%zu more not shown\n", diag->left_out);
  egress__buf_char(text, '\0');
  return text->rv == 0 ? text->data : "";
}
