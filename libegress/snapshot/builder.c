#include <stdlib.h>
#include <string.h>

#include <egress/error.h>

#include "base/alloc.h"
#include "base/map.h"
#include "base/vec.h"
#include "resource/xdstp.h"
#include "snapshot/alias_index.h"
#include "snapshot/snapshot.h"

/* What has happened to one name since the base. */
typedef struct change {
  egress_resource *first; /* the resource that the change began with, put or removed: it owns the map's key */
  egress_resource *now;   /* NULL: removed */
} change;

typedef struct type_changes {
  char *type_url;
  egress__map by_name; /* index of the change, plus one */
  EGRESS__VEC(change) list;
} type_changes;

struct egress_snapshot_builder {
  const egress_alloc *alloc;
  egress_snapshot *base;
  EGRESS__VEC(type_changes) types;
  egress__labels labels; /* given since the base */
  uint8_t labels_all;    /* one was given for all types: none of the base's counts */
  char *clash;           /* what kept the last build from being one; NULL: nothing */
};

int egress_snapshot_builder_new(egress_snapshot_builder **out, egress_snapshot *base, const egress_alloc *alloc) {
  if (out == NULL)
    return EGRESS_EINVAL;
  alloc = egress__alloc_or_default(alloc);
  egress_snapshot_builder *builder = egress__calloc(alloc, 1, sizeof *builder);
  if (builder == NULL)
    return EGRESS_ENOMEM;
  builder->alloc = alloc;
  builder->base = egress_snapshot_ref(base);
  *out = builder;
  return 0;
}

static void forget_clash(egress_snapshot_builder *builder) {
  egress__free(builder->alloc, builder->clash);
  builder->clash = NULL;
}

static void forget_changes(egress_snapshot_builder *builder) {
  for (size_t i = 0; i < builder->types.count; i++) {
    type_changes *type = &builder->types.items[i];
    for (size_t j = 0; j < type->list.count; j++) {
      egress_resource_unref(type->list.items[j].first);
      egress_resource_unref(type->list.items[j].now);
    }
    EGRESS__VEC_FREE(builder->alloc, &type->list);
    egress__map_dispose(&type->by_name);
    egress__free(builder->alloc, type->type_url);
  }
  EGRESS__VEC_FREE(builder->alloc, &builder->types);
  egress__labels_dispose(&builder->labels, builder->alloc);
  builder->labels_all = 0;
}

void egress_snapshot_builder_free(egress_snapshot_builder *builder) {
  if (builder == NULL)
    return;
  forget_changes(builder);
  forget_clash(builder);
  egress_snapshot_unref(builder->base);
  egress__free(builder->alloc, builder);
}

static type_changes *find_type(const egress_snapshot_builder *builder, const char *type_url) {
  for (size_t i = 0; i < builder->types.count; i++)
    if (strcmp(builder->types.items[i].type_url, type_url) == 0)
      return &builder->types.items[i];
  return NULL;
}

/* Finds or adds; a type without changes does no harm. NULL when out of memory. */
static type_changes *need_type(egress_snapshot_builder *builder, const char *type_url) {
  type_changes *type = find_type(builder, type_url);
  if (type != NULL)
    return type;
  if (EGRESS__VEC_GROW(builder->alloc, &builder->types) != 0)
    return NULL;
  char *copy = egress__strdup(builder->alloc, type_url);
  if (copy == NULL)
    return NULL;
  type = &builder->types.items[builder->types.count++];
  *type = (type_changes){.type_url = copy};
  egress__map_init(&type->by_name, builder->alloc);
  return type;
}

static change *find_change(const type_changes *type, const char *name) {
  void *found = type == NULL ? NULL : egress__map_get(&type->by_name, name, strlen(name));
  return found == NULL ? NULL : &type->list.items[(uintptr_t)found - 1];
}

static int add_change(egress_snapshot_builder *builder, egress_resource *first, egress_resource *now) {
  type_changes *type = need_type(builder, egress_resource_type_url(first));
  if (type == NULL || EGRESS__VEC_GROW(builder->alloc, &type->list) != 0)
    return EGRESS_ENOMEM;
  const char *name = egress_resource_name(first);
  int rv = egress__map_set(&type->by_name, name, strlen(name), (void *)(uintptr_t)(type->list.count + 1));
  if (rv == 0)
    type->list.items[type->list.count++] = (change){egress_resource_ref(first), egress_resource_ref(now)};
  return rv;
}

int egress_snapshot_builder_put(egress_snapshot_builder *builder, egress_resource *resource) {
  if (builder == NULL || resource == NULL)
    return EGRESS_EINVAL;
  type_changes *type = find_type(builder, egress_resource_type_url(resource));
  change *known = find_change(type, egress_resource_name(resource));
  if (known == NULL)
    return add_change(builder, resource, resource);
  egress_resource *before = known->now;
  known->now = egress_resource_ref(resource);
  egress_resource_unref(before);
  return 0;
}

int egress_snapshot_builder_remove(egress_snapshot_builder *builder, const char *type_url, const char *name) {
  if (builder == NULL || type_url == NULL || name == NULL)
    return EGRESS_EINVAL;
  egress__xdstp_room room;
  name = egress__xdstp_normal_text(&room, name);
  change *known = find_change(find_type(builder, type_url), name);
  if (known != NULL) {
    if (known->now == NULL)
      return EGRESS_ENOENT;
    egress_resource_unref(known->now);
    known->now = NULL;
    return 0;
  }
  egress_resource *resource = egress_snapshot_find(builder->base, type_url, name);
  return resource == NULL ? EGRESS_ENOENT : add_change(builder, resource, NULL);
}

int egress_snapshot_builder_set_label(egress_snapshot_builder *builder, const char *type_url, const char *label) {
  if (builder == NULL || (type_url != NULL && type_url[0] == '\0') ||
      (label != NULL && !egress__is_short_text(label, EGRESS__LABEL_MAX)))
    return EGRESS_EINVAL;
  int rv = egress__labels_set(&builder->labels, builder->alloc, type_url, label);
  if (rv == 0 && type_url == NULL)
    builder->labels_all = 1;
  return rv;
}

static int compare_edits(const void *a, const void *b) {
  const egress__edit *x = a, *y = b;
  return strcmp((const char *)x->name.data, (const char *)y->name.data); /* of resources: they end in NUL */
}

/* Of two resources with the same content the base's stays, so that "unchanged" can be told by address. */
static int has_effect(const change *c, const egress__type_set *base) {
  const egress_resource *before = egress__type_set_find(base, egress_resource_name(c->first));
  if (before == NULL || c->now == NULL)
    return before != c->now;
  return strcmp(egress_resource_version(before), egress_resource_version(c->now)) != 0;
}

/* Those changes of a type that make a difference to `base`, by name. `edits` has room for all. */
static size_t list_edits(egress__edit *edits, const type_changes *type, const egress__type_set *base) {
  size_t count = 0;
  for (size_t i = 0; i < type->list.count; i++) {
    const change *c = &type->list.items[i];
    const char *name = egress_resource_name(c->first);
    if (has_effect(c, base))
      edits[count++] = (egress__edit){{(const uint8_t *)name, strlen(name)}, c->now};
  }
  qsort(edits, count, sizeof *edits, compare_edits);
  return count;
}

/* What two resources go by is kept, for people: without it, if there is no memory. */
static void note_clash(egress_snapshot_builder *builder, const char *text) {
  builder->clash = egress__strdup(builder->alloc, text);
}

static int edit_type(const egress__type_set **out, egress_snapshot_builder *builder, const egress__type_set *base,
                     const egress__edit *edits, size_t count) {
  const egress__type_set *set;
  const char *clash;
  int rv = egress__type_set_edit(&set, base, edits, count, builder->alloc);
  if (rv != 0)
    return rv;
  rv = egress__alias_index(set, base, edits, count, &clash);
  if (rv == EGRESS_ECLASH)
    note_clash(builder, clash);
  if (rv != 0)
    egress__type_set_unref(set);
  else
    *out = set;
  return rv;
}

/* One type after its changes: NULL when nothing is left, the base's own set when that holds the same. */
static int build_type(const egress__type_set **out, egress_snapshot_builder *builder, const type_changes *type) {
  const egress__type_set *base = egress__snapshot_type(builder->base, type->type_url);
  egress__edit *edits = egress__calloc(builder->alloc, type->list.count, sizeof *edits);
  if (edits == NULL)
    return EGRESS_ENOMEM;
  size_t count = list_edits(edits, type, base);
  int rv = 0;
  if (count == 0)
    *out = egress__type_set_ref(base);
  else
    rv = edit_type(out, builder, base, edits, count);
  egress__free(builder->alloc, edits);
  return rv;
}

static int compare_type_urls(const void *a, const void *b) {
  const egress__type_set *const *x = a, *const *y = b;
  return strcmp((*x)->type_url, (*y)->type_url);
}

/* Fills `sets`, which has room for every type of the base and every changed one. */
static int build_types(const egress__type_set **sets, size_t *count, egress_snapshot_builder *builder) {
  for (size_t i = 0; i < egress_snapshot_type_count(builder->base); i++) {
    const egress__type_set *set = egress__snapshot_type_at(builder->base, i);
    if (find_type(builder, set->type_url) == NULL)
      sets[(*count)++] = egress__type_set_ref(set);
  }
  for (size_t i = 0; i < builder->types.count; i++) {
    const egress__type_set *set;
    int rv = build_type(&set, builder, &builder->types.items[i]);
    if (rv != 0)
      return rv;
    if (set != NULL)
      sets[(*count)++] = set;
  }
  qsort(sets, *count, sizeof(const egress__type_set *), compare_type_urls);
  return 0;
}

/* A type whose content changed is not told under the old label. */
static int drop_outdated(egress__labels *labels, const egress_snapshot_builder *builder, const egress_snapshot *snap) {
  int rv = 0;
  for (size_t i = 0; rv == 0 && i < builder->types.count; i++) {
    const char *type_url = builder->types.items[i].type_url;
    if (egress__labels_get(labels, type_url) != NULL &&
        egress__snapshot_type(builder->base, type_url) != egress__snapshot_type(snap, type_url))
      rv = egress__labels_set(labels, builder->alloc, type_url, NULL);
  }
  return rv;
}

static int build_labels(egress_snapshot *snap, const egress_snapshot_builder *builder) {
  egress__labels *labels = egress__snapshot_labels(snap);
  if (builder->labels_all)
    return egress__labels_copy(labels, &builder->labels, builder->alloc);
  int rv = 0;
  if (builder->base != NULL)
    rv = egress__labels_copy(labels, egress__snapshot_labels(builder->base), builder->alloc);
  if (rv == 0)
    rv = drop_outdated(labels, builder, snap);
  for (size_t i = 0; rv == 0 && i < builder->labels.list.count; i++) {
    const egress__label *label = &builder->labels.list.items[i];
    rv = egress__labels_set(labels, builder->alloc, label->type_url, label->text);
  }
  return rv;
}

static int build_snapshot(egress_snapshot **out, egress_snapshot_builder *builder) {
  size_t count = 0, room = egress_snapshot_type_count(builder->base) + builder->types.count;
  const egress__type_set **sets = egress__calloc(builder->alloc, room, sizeof(const egress__type_set *));
  if (sets == NULL)
    return EGRESS_ENOMEM;
  int rv = build_types(sets, &count, builder);
  egress_snapshot *snap = rv == 0 ? egress__snapshot_new(builder->alloc, count) : NULL;
  for (size_t i = 0; i < count; i++) {
    if (snap != NULL)
      egress__snapshot_push(snap, sets[i]);
    else
      egress__type_set_unref(sets[i]);
  }
  egress__free(builder->alloc, sets);
  if (snap == NULL)
    return rv != 0 ? rv : EGRESS_ENOMEM;
  *out = snap;
  return 0;
}

int egress_snapshot_builder_build(egress_snapshot **out, egress_snapshot_builder *builder) {
  if (out == NULL || builder == NULL)
    return EGRESS_EINVAL;
  egress_snapshot *snap;
  forget_clash(builder);
  int rv = build_snapshot(&snap, builder);
  if (rv != 0)
    return rv;
  rv = build_labels(snap, builder);
  if (rv != 0) {
    egress_snapshot_unref(snap);
    return rv;
  }
  forget_changes(builder);
  egress_snapshot_unref(builder->base);
  builder->base = egress_snapshot_ref(snap);
  *out = snap;
  return 0;
}

const char *egress_snapshot_builder_clash(const egress_snapshot_builder *builder) {
  return builder == NULL || builder->clash == NULL ? "" : builder->clash;
}
