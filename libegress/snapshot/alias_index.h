#ifndef EGRESS_SNAPSHOT_ALIAS_INDEX_H
#define EGRESS_SNAPSHOT_ALIAS_INDEX_H

#include "snapshot/edit.h"

/**
 * Gives `set`, which is `base` after `edits` and not shared yet, the index of its items' aliases. It is a set, too, and
 * made from that of `base` as `set` is from `base`: the cost follows the edits.
 *
 * :param set: NULL: the empty set, which needs none. :param base: as in egress__type_set_edit.
 * :param clash: EGRESS_ECLASH: the text that two resources go by; borrowed from one of them.
 * Returns 0, EGRESS_ECLASH or EGRESS_ENOMEM.
 */
int egress__alias_index(const egress__type_set *set, const egress__type_set *base, const egress__edit *edits,
                        size_t count, const char **clash);

#endif
