#include "resource/json_writer.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <egress/error.h>

enum {
  MAX_TEXT = 256 << 20 /* indentation makes a message of two-byte fields grow many times over */
};

void egress__json_open(egress__json_writer *w, char bracket) {
  egress__buf_char(&w->text, bracket);
  w->depth++;
  w->empty = 1;
}

static void new_line(egress__json_writer *w) {
  if (w->text.rv == 0 && w->text.size > MAX_TEXT)
    w->text.rv = EGRESS_ELIMIT;
  egress__buf_char(&w->text, '\n');
  for (unsigned i = 0; i < w->depth; i++)
    egress__buf_add(&w->text, "  ", 2);
}

void egress__json_close(egress__json_writer *w, char bracket) {
  w->depth--;
  if (!w->empty)
    new_line(w);
  egress__buf_char(&w->text, bracket);
  w->empty = 0;
}

void egress__json_next(egress__json_writer *w) {
  if (!w->empty)
    egress__buf_char(&w->text, ',');
  new_line(w);
  w->empty = 0;
}

void egress__json_key(egress__json_writer *w, const char *key) {
  egress__json_next(w);
  egress__buf_printf(&w->text, "\"%s\": ", key);
}

static void escaped(egress__buf *text, char c) {
  static const char plain[] = "\"\\\b\f\n\r\t", letters[] = "\"\\bfnrt";
  const char *found = c == '\0' ? NULL : strchr(plain, c);
  if (found != NULL)
    egress__buf_printf(text, "\\%c", letters[found - plain]);
  else
    egress__buf_printf(text, "\\u%04x", (unsigned)(unsigned char)c);
}

/* Between NULs, which a proto3 string may hold, the text must be UTF-8. */
static int is_utf8(egress__span text) {
  size_t from = 0;
  for (size_t i = 0; i <= text.size; i++) {
    if (i < text.size && text.data[i] != '\0')
      continue;
    if (i > from && !egress__span_is_text((egress__span){text.data + from, i - from}))
      return 0;
    from = i + 1;
  }
  return 1;
}

int egress__json_string(egress__json_writer *w, egress__span text) {
  if (!is_utf8(text))
    return EGRESS_EWIRE;
  egress__buf_char(&w->text, '"');
  size_t from = 0;
  for (size_t i = 0; i < text.size; i++) {
    uint8_t c = text.data[i];
    if (c >= 0x20 && c != '"' && c != '\\')
      continue;
    egress__buf_add(&w->text, text.data + from, i - from);
    escaped(&w->text, (char)c);
    from = i + 1;
  }
  if (from < text.size)
    egress__buf_add(&w->text, text.data + from, text.size - from);
  egress__buf_char(&w->text, '"');
  return 0;
}

int egress__json_string_key(egress__json_writer *w, egress__span key) {
  egress__json_next(w);
  int rv = egress__json_string(w, key);
  egress__buf_add(&w->text, ": ", 2);
  return rv;
}

void egress__json_bytes(egress__json_writer *w, egress__span bytes) {
  static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  egress__buf_char(&w->text, '"');
  for (size_t i = 0; i < bytes.size; i += 3) {
    size_t left = bytes.size - i;
    uint32_t group = (uint32_t)bytes.data[i] << 16;
    group |= left > 1 ? (uint32_t)bytes.data[i + 1] << 8 : 0;
    group |= left > 2 ? (uint32_t)bytes.data[i + 2] : 0;
    char four[4] = {digits[group >> 18], digits[group >> 12 & 63], left > 1 ? digits[group >> 6 & 63] : '=',
                    left > 2 ? digits[group & 63] : '='};
    egress__buf_add(&w->text, four, sizeof four);
  }
  egress__buf_char(&w->text, '"');
}

enum { DOUBLE_DIGITS = 17, FLOAT_LEAST_DIGITS = 6, FLOAT_DIGITS = 9 };

typedef struct decimal {
  char digits[DOUBLE_DIGITS + 1]; /* the point is behind the first */
  size_t count;                   /* without trailing zeros, at least 1 */
  int exponent;
} decimal;

/* Reads what printf made of a number with %e; the point in it depends on the locale. */
static void read_decimal(decimal *out, const char *text) {
  out->count = 0;
  for (; *text != 'e'; text++)
    if (*text >= '0' && *text <= '9')
      out->digits[out->count++] = *text;
  while (out->count > 1 && out->digits[out->count - 1] == '0')
    out->count--;
  out->exponent = (int)strtol(text + 1, NULL, 10);
}

/* As Python writes numbers: a point always, an exponent only for what is very large or small. */
static void put_decimal(egress__buf *text, const decimal *d) {
  int exponent = d->exponent;
  if (exponent < -4 || exponent >= 16) {
    egress__buf_add(text, d->digits, 1);
    if (d->count > 1) {
      egress__buf_char(text, '.');
      egress__buf_add(text, d->digits + 1, d->count - 1);
    }
    egress__buf_printf(text, "e%c%02d", exponent < 0 ? '-' : '+', abs(exponent));
    return;
  }
  if (exponent < 0)
    egress__buf_printf(text, "0.%.*s", -exponent - 1, "000");
  for (size_t i = 0; i < d->count || (int)i <= exponent; i++) {
    egress__buf_char(text, i < d->count ? d->digits[i] : '0');
    if ((int)i == exponent)
      egress__buf_char(text, '.');
  }
  if (exponent >= 0 && d->count <= (size_t)exponent + 1)
    egress__buf_char(text, '0');
}

/* Returns 1 when it was no finite number. */
static int put_special(egress__buf *text, double value) {
  if (isfinite(value))
    return 0;
  egress__buf_str(text, isnan(value) ? "\"NaN\"" : value > 0 ? "\"Infinity\"" : "\"-Infinity\"");
  return 1;
}

void egress__json_double(egress__json_writer *w, double value) {
  if (put_special(&w->text, value))
    return;
  char text[64];
  int digits = 0;
  do
    snprintf(text, sizeof text, "%.*e", digits, fabs(value));
  while (strtod(text, NULL) != fabs(value) && ++digits < DOUBLE_DIGITS);
  decimal d;
  read_decimal(&d, text);
  if (signbit(value))
    egress__buf_char(&w->text, '-');
  put_decimal(&w->text, &d);
}

void egress__json_float(egress__json_writer *w, float value) {
  if (put_special(&w->text, (double)value))
    return;
  char text[64];
  int digits = FLOAT_LEAST_DIGITS - 1;
  do
    snprintf(text, sizeof text, "%.*e", digits, fabs((double)value));
  while (strtof(text, NULL) != fabsf(value) && ++digits < FLOAT_DIGITS);
  decimal d;
  read_decimal(&d, text);
  if (signbit(value))
    egress__buf_char(&w->text, '-');
  put_decimal(&w->text, &d);
}
