#ifndef EGRESS_WIRE_UNREAD_H
#define EGRESS_WIRE_UNREAD_H

#include "base/blob.h"
#include "base/map.h"

/*
 * Responses that were begun and that the socket has not taken yet, because their clients do not read. A body that many
 * streams are sent is one piece of memory, and counts once. Thread: the loop's.
 */
typedef struct egress__unread {
  egress__map bodies;
  size_t bytes;
} egress__unread;

typedef struct egress__unread_body {
  egress__blob *blob; /* a reference of ours: no other body gets its address meanwhile */
  size_t streams;
} egress__unread_body;

void egress__unread_init(egress__unread *unread, const egress_alloc *alloc);

/** When all were removed. */
void egress__unread_dispose(egress__unread *unread);

/** One more stream is sent `blob`. Returns 0 or EGRESS_ENOMEM. */
int egress__unread_add(egress__unread_body **out, egress__unread *unread, egress__blob *blob);

/** The socket has taken it for one stream, or it was dropped; NULL is allowed. */
void egress__unread_remove(egress__unread *unread, egress__unread_body *body);

#endif
