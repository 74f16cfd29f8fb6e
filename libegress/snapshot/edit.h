#ifndef EGRESS_SNAPSHOT_EDIT_H
#define EGRESS_SNAPSHOT_EDIT_H

#include "snapshot/type_set.h"

/** What is to be under a name. */
typedef struct egress__edit {
  egress__span name;     /* of the item */
  egress_resource *item; /* NULL: nothing */
} egress__edit;

/**
 * Makes the set that `base` is after `edits`; one reference for the caller. Chunks without an edit are shared, so this
 * costs about as much as EGRESS__CHUNK_MAX items for each edit, and two words for each chunk.
 *
 * :param out: NULL when nothing is left. :param base: NULL: the empty set; also where `edits` may be of one type only.
 * :param edits: at least one, sorted by name, no name twice, none without effect: where `base` has the same content, or
 *   nothing, already. Names and items are borrowed.
 * Returns 0 or EGRESS_ENOMEM.
 */
int egress__type_set_edit(const egress__type_set **out, const egress__type_set *base, const egress__edit *edits,
                          size_t count, const egress_alloc *alloc);

#endif
