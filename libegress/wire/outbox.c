#include "wire/outbox.h"

#include <assert.h>
#include <string.h>

#include "base/alloc.h"

struct egress__rest {
  const egress_alloc *alloc;
  size_t first, count; /* pieces before `first` were written */
  struct iovec pieces[EGRESS__OUTBOX_PIECES];
  egress__blob *blobs[EGRESS__OUTBOX_PIECES];
  uint8_t copies[];
};

void egress__outbox_clear(egress__outbox *outbox) {
  for (size_t i = 0; i < outbox->count; i++)
    egress__blob_unref(outbox->blobs[i]); /* NULL is allowed */
  outbox->count = outbox->size = outbox->copied = 0;
}

int egress__outbox_has_room(const egress__outbox *outbox, size_t pieces, size_t copies) {
  return outbox->count + pieces <= EGRESS__OUTBOX_PIECES && outbox->copied + copies <= EGRESS__OUTBOX_COPIES;
}

static void add(egress__outbox *outbox, egress__blob *blob, const uint8_t *bytes, size_t size) {
  assert(outbox->count < EGRESS__OUTBOX_PIECES && "it has room");
  outbox->pieces[outbox->count] = (struct iovec){(void *)(uintptr_t)bytes, size};
  outbox->blobs[outbox->count++] = blob;
  outbox->size += size;
}

void egress__outbox_copy(egress__outbox *outbox, const void *bytes, size_t size) {
  uint8_t *to = outbox->copies + outbox->copied;
  assert(outbox->copied + size <= EGRESS__OUTBOX_COPIES && "it has room");
  memcpy(to, bytes, size);
  outbox->copied += size;
  if (outbox->count == 0 || outbox->blobs[outbox->count - 1] != NULL) {
    add(outbox, NULL, to, size);
    return;
  }
  outbox->pieces[outbox->count - 1].iov_len += size; /* the last piece ends where this one begins */
  outbox->size += size;
}

void egress__outbox_lend(egress__outbox *outbox, egress__blob *blob, const uint8_t *bytes, size_t size) {
  if (size > 0)
    add(outbox, egress__blob_ref(blob), bytes, size);
}

/* The first piece that is not wholly within the first `*written` bytes, which are then those of it. */
static size_t skip_written(const struct iovec *pieces, size_t at, size_t count, size_t *written) {
  while (at < count && *written >= pieces[at].iov_len)
    *written -= pieces[at++].iov_len;
  return at;
}

static void drop_front(struct iovec *piece, size_t size) {
  piece->iov_base = (uint8_t *)piece->iov_base + size;
  piece->iov_len -= size;
}

egress__rest *egress__outbox_keep(const egress__outbox *outbox, size_t written, const egress_alloc *alloc) {
  egress__rest *rest = egress__malloc(alloc, sizeof *rest + outbox->copied);
  if (rest == NULL)
    return NULL;
  size_t first = skip_written(outbox->pieces, 0, outbox->count, &written);
  *rest = (egress__rest){.alloc = alloc, .count = outbox->count - first};
  memcpy(rest->copies, outbox->copies, outbox->copied);
  for (size_t i = 0; i < rest->count; i++) {
    struct iovec piece = outbox->pieces[first + i];
    egress__blob *blob = outbox->blobs[first + i];
    if (blob != NULL)
      egress__blob_ref(blob);
    else
      piece.iov_base = rest->copies + ((uint8_t *)piece.iov_base - outbox->copies);
    rest->pieces[i] = piece;
    rest->blobs[i] = blob;
  }
  drop_front(&rest->pieces[0], written);
  return rest;
}

size_t egress__rest_pieces(const egress__rest *rest, const struct iovec **out) {
  *out = rest->pieces + rest->first;
  return rest->count - rest->first;
}

int egress__rest_written(egress__rest *rest, size_t written) {
  size_t next = skip_written(rest->pieces, rest->first, rest->count, &written);
  for (; rest->first < next; rest->first++)
    egress__blob_unref(rest->blobs[rest->first]);
  if (rest->first == rest->count)
    return 1;
  drop_front(&rest->pieces[rest->first], written);
  return 0;
}

void egress__rest_free(egress__rest *rest) {
  if (rest == NULL)
    return;
  for (size_t i = rest->first; i < rest->count; i++)
    egress__blob_unref(rest->blobs[i]);
  egress__free(rest->alloc, rest);
}
