#ifndef EGRESS_RESOURCE_JSON_WRITER_H
#define EGRESS_RESOURCE_JSON_WRITER_H

#include "base/buf.h"
#include "base/protowire.h"

/**
 * JSON text, indented by two spaces. The first failure stays in `text.rv` and makes later calls do nothing.
 * A value in an array is preceded by egress__json_next, one in an object by egress__json_key.
 */
typedef struct egress__json_writer {
  egress__buf text;
  unsigned depth;
  int empty; /* nothing stands in the innermost array or object yet */
} egress__json_writer;

/** `bracket` is '{' or '['. */
void egress__json_open(egress__json_writer *w, char bracket);

/** `bracket` is '}' or ']'. */
void egress__json_close(egress__json_writer *w, char bracket);

void egress__json_next(egress__json_writer *w);
void egress__json_key(egress__json_writer *w, const char *key);

/** Quoted and escaped. Returns 0; EGRESS_EWIRE: not UTF-8. */
int egress__json_string(egress__json_writer *w, egress__span text);

/** A key that comes from a message; as egress__json_string. */
int egress__json_string_key(egress__json_writer *w, egress__span key);

/** Quoted, in base64. */
void egress__json_bytes(egress__json_writer *w, egress__span bytes);

/** The shortest digits that read back as the same number; NaN and the infinities as strings. */
void egress__json_double(egress__json_writer *w, double value);
void egress__json_float(egress__json_writer *w, float value);

#endif
