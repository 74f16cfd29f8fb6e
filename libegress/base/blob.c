#include "base/blob.h"

egress__blob *egress__blob_new(const egress_alloc *alloc, size_t size) {
  if (size > SIZE_MAX - sizeof(egress__blob))
    return NULL;
  egress__blob *blob = egress__malloc(alloc, sizeof *blob + size);
  if (blob == NULL)
    return NULL;
  atomic_init(&blob->refs, 1);
  blob->alloc = alloc;
  blob->size = size;
  return blob;
}

egress__blob *egress__blob_ref(egress__blob *blob) {
  atomic_fetch_add_explicit(&blob->refs, 1, memory_order_relaxed);
  return blob;
}

int egress__blob_is_shared(const egress__blob *blob) {
  return atomic_load_explicit(&blob->refs, memory_order_relaxed) > 1;
}

void egress__blob_unref(egress__blob *blob) {
  if (blob != NULL && atomic_fetch_sub_explicit(&blob->refs, 1, memory_order_acq_rel) == 1)
    egress__free(blob->alloc, blob);
}
