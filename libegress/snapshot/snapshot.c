#include "snapshot/snapshot.h"

#include <string.h>

#include "base/alloc.h"

struct egress_snapshot {
  atomic_uint refs;
  const egress_alloc *alloc;
  void *attachment;
  void (*release)(void *attachment);
  egress__labels labels;
  size_t type_count;
  const egress__type_set *types[];
};

egress_snapshot *egress__snapshot_new(const egress_alloc *alloc, size_t type_count) {
  if (type_count > (SIZE_MAX - sizeof(egress_snapshot)) / sizeof(egress__type_set *))
    return NULL;
  egress_snapshot *snap = egress__calloc(alloc, 1, sizeof *snap + type_count * sizeof snap->types[0]);
  if (snap == NULL)
    return NULL;
  atomic_init(&snap->refs, 1);
  snap->alloc = alloc;
  return snap;
}

const egress_alloc *egress__snapshot_alloc(const egress_snapshot *snap) {
  return snap->alloc;
}

void egress__snapshot_push(egress_snapshot *snap, const egress__type_set *set) {
  snap->types[snap->type_count++] = set;
}

egress_snapshot *egress_snapshot_ref(egress_snapshot *snap) {
  if (snap != NULL)
    atomic_fetch_add_explicit(&snap->refs, 1, memory_order_relaxed);
  return snap;
}

void egress_snapshot_unref(egress_snapshot *snap) {
  if (snap == NULL || atomic_fetch_sub_explicit(&snap->refs, 1, memory_order_acq_rel) != 1)
    return;
  if (snap->release != NULL)
    snap->release(snap->attachment);
  for (size_t i = 0; i < snap->type_count; i++)
    egress__type_set_unref(snap->types[i]);
  egress__labels_dispose(&snap->labels, snap->alloc);
  egress__free(snap->alloc, snap);
}

egress__labels *egress__snapshot_labels(egress_snapshot *snap) {
  return &snap->labels;
}

void egress__snapshot_attach(egress_snapshot *snap, void *attachment, void (*release)(void *attachment)) {
  snap->attachment = attachment;
  snap->release = release;
}

void *egress__snapshot_attachment(const egress_snapshot *snap) {
  return snap == NULL ? NULL : snap->attachment;
}

/* A handful of types: no faster search pays. */
const egress__type_set *egress__snapshot_type(const egress_snapshot *snap, const char *type_url) {
  for (size_t i = 0; i < egress_snapshot_type_count(snap); i++)
    if (strcmp(snap->types[i]->type_url, type_url) == 0)
      return snap->types[i];
  return NULL;
}

const egress__type_set *egress__snapshot_type_at(const egress_snapshot *snap, size_t index) {
  return snap->types[index];
}

size_t egress_snapshot_type_count(const egress_snapshot *snap) {
  return snap == NULL ? 0 : snap->type_count;
}

const char *egress_snapshot_type_url(const egress_snapshot *snap, size_t index) {
  return index < egress_snapshot_type_count(snap) ? snap->types[index]->type_url : NULL;
}

static const egress__type_set *type_of(const egress_snapshot *snap, const char *type_url) {
  return type_url == NULL ? NULL : egress__snapshot_type(snap, type_url);
}

const char *egress_snapshot_type_version(const egress_snapshot *snap, const char *type_url) {
  return egress__type_set_version(type_of(snap, type_url));
}

const char *egress_snapshot_type_label(const egress_snapshot *snap, const char *type_url) {
  const char *label = snap == NULL || type_url == NULL ? NULL : egress__labels_get(&snap->labels, type_url);
  return label != NULL ? label : egress_snapshot_type_version(snap, type_url);
}

size_t egress_snapshot_count(const egress_snapshot *snap, const char *type_url) {
  const egress__type_set *set = type_of(snap, type_url);
  return set == NULL ? 0 : set->count;
}

egress_resource *egress_snapshot_at(const egress_snapshot *snap, const char *type_url, size_t index) {
  const egress__type_set *set = type_of(snap, type_url);
  return set == NULL || index >= set->count ? NULL : egress__type_set_at(set, index);
}

egress_resource *egress_snapshot_find(const egress_snapshot *snap, const char *type_url, const char *name) {
  return name == NULL ? NULL : egress__type_set_find(type_of(snap, type_url), name);
}
