#include "snapshot/alias_index.h"

#include <stdlib.h>
#include <string.h>

#include <egress/error.h>

#include "resource/alias.h"

/* Edits of the index. Those that put an alias hold a reference on its item. */
typedef struct changes {
  const egress_alloc *alloc;
  EGRESS__VEC(egress__edit) list;
} changes;

static egress__span span_of(const char *text) {
  return (egress__span){(const uint8_t *)text, strlen(text)};
}

static void dispose(changes *own) {
  for (size_t i = 0; i < own->list.count; i++)
    egress_resource_unref(own->list.items[i].item);
  EGRESS__VEC_FREE(own->alloc, &own->list);
}

/* An alias that is the resource's own name, too, says nothing. */
static int is_own_name(const egress_resource *resource, size_t index) {
  return strcmp(egress_resource_alias(resource, index), egress_resource_name(resource)) == 0;
}

/* The aliases of a resource (NULL: none) come, or go. */
static int add(changes *own, egress_resource *resource, int come) {
  for (size_t i = 0; i < egress_resource_alias_count(resource); i++) {
    egress__edit edit = {.name = span_of(egress_resource_alias(resource, i))};
    if (is_own_name(resource, i))
      continue;
    if (EGRESS__VEC_GROW(own->alloc, &own->list) != 0)
      return EGRESS_ENOMEM;
    if (come && (edit.item = egress__alias_new(resource, i, own->alloc)) == NULL)
      return EGRESS_ENOMEM;
    own->list.items[own->list.count++] = edit;
  }
  return 0;
}

static int compare_edits(const void *a, const void *b) {
  const egress__edit *x = a, *y = b;
  int order = strcmp((const char *)x->name.data, (const char *)y->name.data); /* of resources: they end in NUL */
  return order != 0 ? order : (x->item != NULL) - (y->item != NULL);
}

static int collect(changes *own, const egress__type_set *base, const egress__edit *edits, size_t count) {
  int rv = 0;
  for (size_t i = 0; rv == 0 && i < count; i++) {
    if (base != NULL && base->aliases != NULL)
      rv = add(own, egress__type_set_find_span(base, edits[i].name), 0);
    if (rv == 0)
      rv = add(own, edits[i].item, 1);
  }
  if (own->list.count > 0)
    qsort(own->list.items, own->list.count, sizeof own->list.items[0], compare_edits);
  return rv;
}

static int clashes(const char **clash, const egress__edit *edit) {
  *clash = (const char *)edit->name.data;
  return EGRESS_ECLASH;
}

/* Of what goes from one resource and comes with another only the latter counts. It must be free: not one that stays. */
static int join(changes *own, const egress__type_set *index, const char **clash) {
  size_t kept = 0;
  for (size_t i = 0; i < own->list.count; i++) {
    const egress__edit *edit = &own->list.items[i], *last = kept == 0 ? NULL : &own->list.items[kept - 1];
    int again = last != NULL && strcmp((const char *)last->name.data, (const char *)edit->name.data) == 0;
    if (edit->item != NULL && (again ? last->item != NULL : egress__type_set_find_span(index, edit->name) != NULL))
      return clashes(clash, edit);
    if (!again)
      kept++;
    if (kept - 1 != i) {
      own->list.items[kept - 1] = *edit;
      own->list.items[i].item = NULL; /* moved */
    }
  }
  own->list.count = kept;
  return 0;
}

/* No alias that came, and none beside a name that came, is the name of another. */
static int check_names(const egress__type_set *set, const egress__type_set *index, const changes *own,
                       const egress__edit *edits, size_t count, const char **clash) {
  for (size_t i = 0; i < own->list.count; i++)
    if (own->list.items[i].item != NULL && egress__type_set_find_span(set, own->list.items[i].name) != NULL)
      return clashes(clash, &own->list.items[i]);
  for (size_t i = 0; index != NULL && i < count; i++)
    if (edits[i].item != NULL && egress__type_set_find_span(index, edits[i].name) != NULL)
      return clashes(clash, &edits[i]);
  return 0;
}

int egress__alias_index(const egress__type_set *set, const egress__type_set *base, const egress__edit *edits,
                        size_t count, const char **clash) {
  if (set == NULL)
    return 0;
  changes own = {.alloc = set->alloc};
  const egress__type_set *before = base == NULL ? NULL : base->aliases, *index = NULL;
  int rv = collect(&own, base, edits, count);
  if (rv == 0)
    rv = join(&own, before, clash);
  if (rv == 0 && own.list.count == 0)
    index = egress__type_set_ref(before);
  else if (rv == 0)
    rv = egress__type_set_edit(&index, before, own.list.items, own.list.count, own.alloc);
  if (rv == 0)
    rv = check_names(set, index, &own, edits, count, clash);
  if (rv == 0)
    ((egress__type_set *)set)->aliases = index; /* const for readers; nobody reads it yet */
  else
    egress__type_set_unref(index);
  dispose(&own);
  return rv;
}
