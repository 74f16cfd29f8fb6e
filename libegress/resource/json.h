#ifndef EGRESS_RESOURCE_JSON_H
#define EGRESS_RESOURCE_JSON_H

#include <egress/text.h>

#include "resource/fields.h"
#include "resource/json_writer.h"

/* Messages in each other, read or printed. Envoy's own parser stops at 100; each takes some frames of our stack. */
enum { EGRESS__JSON_DEPTH = 64 };

/**
 * Prints a packed message as proto3 JSON, as egress_resource_json does, but without an `@type`.
 *
 * :param message_name: such as `envoy.config.bootstrap.v3.Bootstrap`.
 */
int egress__json_of(egress_text **out, const char *message_name, egress__span bytes, const egress_alloc *alloc);

/* What json.c and json_known.c share. All return 0 or a code. */

typedef struct egress__json_printer {
  egress__json_writer out;
  egress__fields fields;
  unsigned depth; /* messages around */
} egress__json_printer;

/** A message of any kind, in `chunks`. */
int egress__json_message(egress__json_printer *p, const egress__schema_message *message, egress__range chunks);

/** The members of a message that has no JSON form of its own, without braces. */
int egress__json_members(egress__json_printer *p, const egress__schema_message *message, egress__range chunks);

/** What the items of one field say: an object for a map, an array for a repeated field, a value. */
int egress__json_field(egress__json_printer *p, const egress__schema_field *field, egress__range group);

/** One number, text or enum. */
int egress__json_scalar(egress__json_printer *p, const egress__schema_field *field, const egress__field *wire);

/** `@type` and what is in the Any. `message` NULL: its type is not known. */
int egress__json_any(egress__json_printer *p, const egress__schema_message *message, egress__span type_url,
                     egress__span value);

/** A message that has a JSON form of its own: not plain, and no map entry. */
int egress__json_known(egress__json_printer *p, const egress__schema_message *message, egress__range chunks);

#endif
