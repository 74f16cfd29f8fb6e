#ifndef EGRESS_SNAPSHOT_WALK_H
#define EGRESS_SNAPSHOT_WALK_H

#include "resource/fields.h"
#include "snapshot/snapshot.h"

/**
 * A walk through all resources of a snapshot, by their schema and through Any too: so a name is found wherever it
 * stands. Resources and Anys of a type that the API does not have are passed over. `{0}` with the allocator of `fields`
 * and `on_text` set is the beginning.
 */
typedef struct egress__walk {
  egress__fields fields;
  egress_resource *resource; /* which is being walked */
  unsigned depth;
  /* A string field, each one that counts; `all` are the fields of its message. Returns 0, or a code that ends the
     walk. */
  int (*on_text)(struct egress__walk *walk, const egress__schema_field *field, egress__range all, egress__span text);
  /* The end of a resource; `chunk` is the whole message; NULL: nobody wants to know. Returns likewise. */
  int (*on_end)(struct egress__walk *walk, const egress__schema_message *message, egress__range chunk);
} egress__walk;

/**
 * Returns 0; EGRESS_EWIRE: a resource is not the message that its type URL says; EGRESS_ELIMIT: one is nested deeper
 * than 64 or has too many fields; EGRESS_ENOMEM; or what a callback returned.
 */
int egress__walk_snapshot(egress__walk *walk, const egress_snapshot *snap);

void egress__walk_dispose(egress__walk *walk);

#endif
