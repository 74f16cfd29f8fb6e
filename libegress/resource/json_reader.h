#ifndef EGRESS_RESOURCE_JSON_READER_H
#define EGRESS_RESOURCE_JSON_READER_H

#include "base/buf.h"
#include "base/document.h"
#include "base/protowire.h"
#include "base/vec.h"
#include "resource/fields.h"
#include "resource/schema.h"

/*
 * From the tree of a text in JSON or YAML to a packed message. Equal content gives equal bytes: fields stand by number,
 * the entries of a map by key, what is at its default is left out. Faults are collected with the place and the path of
 * the field, and reading goes on behind them; a call returns only what ends the reading: EGRESS_ENOMEM, EGRESS_ELIMIT.
 */

/** One step of a path: a member, or an item of a list. Steps lie on the stack of the calls that read. */
typedef struct egress__json_step {
  const struct egress__json_step *up;
  const egress__node *key; /* NULL: an item */
  size_t index;            /* of the item */
  int quoted;              /* the key is one of a map, which may hold anything */
} egress__json_step;

/** A field, or a map entry, as it was written behind what came before it in the text. */
typedef struct egress__json_part {
  const egress__schema_field *field; /* NULL: an entry */
  const egress__node *key;
  uint64_t order;  /* of entries whose keys are numbers */
  size_t from, to; /* in `out` */
} egress__json_part;

typedef struct egress__json_reader {
  egress__buf out;
  egress__buf moved;                    /* parts of `out` while they are put in order */
  EGRESS__VEC(egress__json_part) parts; /* of the message that is read, of the one around it, and so on: a stack */
  egress__arena *scratch;
  egress__faults *faults;
  const egress__json_step *step;
  unsigned depth; /* messages around */
} egress__json_reader;

/** One number, text or enum as it goes on the wire. */
typedef struct egress__json_wire {
  uint64_t value;     /* for a varint or fixed field, in its encoding */
  egress__span bytes; /* for a length-delimited one */
} egress__json_wire;

/* ---- json_reader.c ---- */

/** What is in a message of any kind, without tag and length. */
int egress__json_read_message(egress__json_reader *r, const egress__schema_message *message, const egress__node *node);

/** Members of a message that has no JSON form of its own. `skip`, unless NULL, is one that is no field of it. */
int egress__json_read_members(egress__json_reader *r, const egress__schema_message *message, const egress__node *node,
                              const egress__node *skip);

/** All of a field: an object for a map, an array for a repeated field, a value. */
int egress__json_read_field(egress__json_reader *r, const egress__schema_field *field, const egress__node *node);

/** A message as the field `number`. */
int egress__json_read_nested(egress__json_reader *r, uint32_t number, const egress__schema_message *message,
                             const egress__node *node);

/* ---- json_reader_known.c ---- */

/** A message that has a JSON form of its own. */
int egress__json_read_known(egress__json_reader *r, const egress__schema_message *message, const egress__node *node);

/** The member `@type` of an object, and the message that it names; NULL, reported, if it is missing or unknown. */
const egress__node *egress__json_type(egress__json_reader *r, const egress__node *node,
                                      const egress__schema_message **message);

/** What is in an Any: the members beside `type`, or what `value` says. */
int egress__json_read_content(egress__json_reader *r, const egress__schema_message *message, const egress__node *node,
                              const egress__node *type);

/* ---- json_reader_scalar.c ---- */

/** `out` is written unless there was a fault, which leaves it as it was. */
int egress__json_read_scalar(egress__json_reader *r, const egress__schema_field *field, const egress__node *node,
                             egress__json_wire *out);

/** The same of the key of a map entry, which is always text. */
int egress__json_read_key(egress__json_reader *r, const egress__schema_field *field, const egress__node *key,
                          egress__json_wire *out);

/* ---- json_reader_fault.c ---- */

/** "`path.of.field` MESSAGE" at `node`. */
void egress__json_fault(egress__json_reader *r, const egress__node *node, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/** "`path.of.field` must be WANTED, not …". */
void egress__json_mistyped(egress__json_reader *r, const egress__node *node, const char *wanted);

/** A limit at `node`; returns EGRESS_ELIMIT. */
int egress__json_too_deep(egress__json_reader *r, const egress__node *node);

/* ---- json_reader_out.c ---- */

void egress__json_put_tag(egress__json_reader *r, uint32_t number, egress__wire_type type);

/** A value without a tag. */
void egress__json_put_value(egress__json_reader *r, egress__wire_type type, const egress__json_wire *scalar);

/** A field; one of number 0 or without bytes is written, too. */
void egress__json_put_field(egress__json_reader *r, uint32_t number, egress__wire_type type,
                            const egress__json_wire *scalar);

/** Begins a length-delimited field; returns what its end needs. */
size_t egress__json_begin(egress__json_reader *r, uint32_t number);
void egress__json_end(egress__json_reader *r, size_t begun);

/** Begins a part; what is written until its end belongs to it. Returns 0 or EGRESS_ENOMEM. */
int egress__json_part_begin(egress__json_reader *r, const egress__schema_field *field, const egress__node *key,
                            size_t *out);
void egress__json_part_end(egress__json_reader *r, size_t part);

/** Puts the bytes of the parts from `base` on in order. The parts are then in that order, too. */
void egress__json_parts_settle(egress__json_reader *r, size_t base);

#endif
