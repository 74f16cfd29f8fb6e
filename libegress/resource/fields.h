#ifndef EGRESS_RESOURCE_FIELDS_H
#define EGRESS_RESOURCE_FIELDS_H

#include "base/protowire.h"
#include "base/vec.h"
#include "resource/schema.h"

/** One field of a message as it counts: known to the schema, of a wire type that fits, not overtaken in its oneof. */
typedef struct egress__item {
  const egress__schema_field *field;
  size_t order; /* as it stood on the wire */
  egress__field wire;
} egress__item;

/** Items from `from` up to before `to`. */
typedef struct egress__range {
  size_t from, to;
} egress__range;

/** The fields of a message, of the one that it is in, and so on: a stack, popped when a message is done with. */
typedef struct egress__fields {
  const egress_alloc *alloc;
  EGRESS__VEC(egress__item) stack;
} egress__fields;

/** Pushes a message as a range of one item, to be given to egress__fields_scan. Returns 0, EGRESS_ENOMEM, _ELIMIT. */
int egress__fields_push_message(egress__fields *fields, egress__span message, egress__range *out);

/**
 * Pushes the fields of a message by number, those of one number in their order on the wire. What is popped later is
 * everything from `out->from`.
 *
 * :param chunks: items that are each a part of the message: a singular message that occurs twice on the wire is merged,
 *   and merging is what parsing the concatenated bytes does.
 * Returns 0; EGRESS_EWIRE; EGRESS_ELIMIT; EGRESS_ENOMEM.
 */
int egress__fields_scan(egress__fields *fields, const egress__schema_message *message, egress__range chunks,
                        egress__range *out);

/** Drops all items from `from` on. */
void egress__fields_pop(egress__fields *fields, size_t from);

/** The items of the field at `from`: those up to the next other field, or to `to`. */
egress__range egress__fields_group(const egress__fields *fields, size_t from, size_t to);

/** Of one field the last occurrence, which is the one that counts unless it is repeated; NULL: there is none. */
const egress__field *egress__fields_last(const egress__fields *fields, egress__range range, uint32_t number);

/** How one value of the type stands on the wire. */
egress__wire_type egress__field_wire_type(const egress__schema_field *field);

/** Takes one value off the front of a packed field; as egress__field_next. */
int egress__packed_next(const egress__schema_field *field, egress__span *rest, egress__field *out);

#endif
