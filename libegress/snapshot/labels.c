#include "snapshot/labels.h"

#include <string.h>

#include <egress/error.h>

static egress__label *find(const egress__labels *labels, const char *type_url) {
  for (size_t i = 0; i < labels->list.count; i++)
    if (strcmp(labels->list.items[i].type_url, type_url) == 0)
      return &labels->list.items[i];
  return NULL;
}

const char *egress__labels_get(const egress__labels *labels, const char *type_url) {
  const egress__label *label = find(labels, type_url);
  return label == NULL ? labels->all : label->text;
}

/* `text` becomes the label's, whose type is new; on failure it stays the caller's. */
static int add(egress__labels *labels, const egress_alloc *alloc, const char *type_url, char *text) {
  if (EGRESS__VEC_GROW(alloc, &labels->list) != 0)
    return EGRESS_ENOMEM;
  char *copy = egress__strdup(alloc, type_url);
  if (copy == NULL)
    return EGRESS_ENOMEM;
  labels->list.items[labels->list.count++] = (egress__label){copy, text};
  return 0;
}

int egress__labels_set(egress__labels *labels, const egress_alloc *alloc, const char *type_url, const char *text) {
  char *copy = NULL;
  if (text != NULL) {
    copy = egress__strdup(alloc, text);
    if (copy == NULL)
      return EGRESS_ENOMEM;
  }
  egress__label *label = type_url == NULL ? NULL : find(labels, type_url);
  if (type_url != NULL && label == NULL) {
    int rv = add(labels, alloc, type_url, copy);
    if (rv != 0)
      egress__free(alloc, copy);
    return rv;
  }
  char **place = type_url == NULL ? &labels->all : &label->text;
  egress__free(alloc, *place);
  *place = copy;
  return 0;
}

int egress__labels_copy(egress__labels *out, const egress__labels *from, const egress_alloc *alloc) {
  egress__labels copy = {0};
  int rv = egress__labels_set(&copy, alloc, NULL, from->all);
  for (size_t i = 0; rv == 0 && i < from->list.count; i++)
    rv = egress__labels_set(&copy, alloc, from->list.items[i].type_url, from->list.items[i].text);
  if (rv == 0)
    *out = copy;
  else
    egress__labels_dispose(&copy, alloc);
  return rv;
}

void egress__labels_dispose(egress__labels *labels, const egress_alloc *alloc) {
  egress__free(alloc, labels->all);
  for (size_t i = 0; i < labels->list.count; i++) {
    egress__free(alloc, labels->list.items[i].type_url);
    egress__free(alloc, labels->list.items[i].text);
  }
  EGRESS__VEC_FREE(alloc, &labels->list);
  labels->all = NULL;
}
