#ifndef EGRESS_WIRE_OUTBOX_H
#define EGRESS_WIRE_OUTBOX_H

#include <stdint.h>
#include <sys/uio.h>

#include "base/blob.h"

/*
 * What is about to be written to one connection: frames of HTTP/2, whose heads are copied and whose bodies are pieces
 * of what all streams share. One outbox serves all connections of a server in turn; what a socket did not take is kept
 * for it as `rest`. Thread: the loop's.
 */

enum {
  EGRESS__OUTBOX_PIECES = 128,      /* 64 frames of 16 KiB: 1 MiB in one system call */
  EGRESS__OUTBOX_COPIES = 24 * 1024 /* the heads of those, or a frame of any other kind */
};

typedef struct egress__outbox {
  size_t count;  /* of pieces */
  size_t size;   /* of all of them */
  size_t copied; /* bytes of `copies` */
  struct iovec pieces[EGRESS__OUTBOX_PIECES];
  egress__blob *blobs[EGRESS__OUTBOX_PIECES]; /* what a piece is of, with a reference for it; NULL: it is a copy */
  uint8_t copies[EGRESS__OUTBOX_COPIES];
} egress__outbox;

/** Empties it, and lets go of what it held; `{0}` is empty. */
void egress__outbox_clear(egress__outbox *outbox);

/** 1 when so many more pieces, and so many bytes of copies, fit. */
int egress__outbox_has_room(const egress__outbox *outbox, size_t pieces, size_t copies);

/** There is room for it. */
void egress__outbox_copy(egress__outbox *outbox, const void *bytes, size_t size);

/** Likewise; `bytes` are the blob's, of which a reference is taken: its stream may end before the outbox is written.
 * Nothing is added for size 0. */
void egress__outbox_lend(egress__outbox *outbox, egress__blob *blob, const uint8_t *bytes, size_t size);

/** What a socket has yet to take, with references of its own. */
typedef struct egress__rest egress__rest;

/** What is left when `written` bytes were written. NULL when out of memory. */
egress__rest *egress__outbox_keep(const egress__outbox *outbox, size_t written, const egress_alloc *alloc);

/** The pieces that are left; never none. Returns how many. */
size_t egress__rest_pieces(const egress__rest *rest, const struct iovec **out);

/** So many more bytes were written. Returns 1 when nothing is left. */
int egress__rest_written(egress__rest *rest, size_t written);

/** NULL is allowed. */
void egress__rest_free(egress__rest *rest);

#endif
