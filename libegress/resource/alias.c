#include "resource/alias.h"

#include <stdlib.h>
#include <string.h>

#include <egress/error.h>

#include "base/alloc.h"
#include "resource/parts.h"
#include "resource/xdstp.h"

enum { MAX_ALIASES = 4096 /* of one resource: each is looked at whenever that is told to a client that wants names */ };

/* Bytes of an alias in normal form, with NUL; 0: no resource can be called that. */
static size_t measure(const char *alias) {
  egress__xdstp_room room;
  if (alias == NULL)
    return 0;
  alias = egress__xdstp_normal_text(&room, alias);
  size_t size = strnlen(alias, EGRESS__XDSTP_MAX + 1);
  int is_name = size > 0 && size <= EGRESS__XDSTP_MAX && strcmp(alias, "*") != 0 &&
                egress__span_is_text((egress__span){(const uint8_t *)alias, size});
  return is_name ? size + 1 : 0;
}

static int compare_texts(const void *a, const void *b) {
  return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static int has_twins(const egress__aliases *aliases) {
  for (size_t i = 1; i < aliases->count; i++)
    if (strcmp(aliases->items[i - 1], aliases->items[i]) == 0)
      return 1;
  return 0;
}

static void copy_all(egress__aliases *own, const char *const *aliases) {
  char *to = (char *)(own->items + own->count);
  for (size_t i = 0; i < own->count; i++) {
    egress__xdstp_room room;
    const char *alias = egress__xdstp_normal_text(&room, aliases[i]);
    size_t size = strlen(alias) + 1;
    own->items[i] = memcpy(to, alias, size);
    to += size;
  }
  qsort(own->items, own->count, sizeof own->items[0], compare_texts);
}

int egress__aliases_read(egress__aliases *out, const char *const *aliases, size_t count, const egress_alloc *alloc) {
  egress__aliases own = {.alloc = alloc, .count = count};
  if (count > MAX_ALIASES)
    return EGRESS_ELIMIT;
  size_t bytes = count * sizeof own.items[0]; /* far from overflow: the limit was checked */
  for (size_t i = 0; i < count; i++) {
    size_t size = measure(aliases[i]);
    if (size == 0)
      return EGRESS_EINVAL;
    bytes += size;
  }
  own.items = egress__malloc(alloc, bytes);
  if (own.items == NULL)
    return EGRESS_ENOMEM;
  copy_all(&own, aliases);
  if (has_twins(&own)) {
    egress__aliases_dispose(&own);
    return EGRESS_EINVAL;
  }
  *out = own;
  return 0;
}

void egress__aliases_dispose(egress__aliases *aliases) {
  egress__free(aliases->alloc, aliases->items);
}

egress_resource *egress__alias_new(egress_resource *target, size_t index, const egress_alloc *alloc) {
  egress_resource *item = egress__calloc(alloc, 1, sizeof *item);
  if (item == NULL)
    return NULL;
  atomic_init(&item->refs, 1);
  item->alloc = alloc;
  item->type_url = target->type_url;
  item->name = target->aliases[index];
  item->error_text = "";
  item->target = egress_resource_ref(target);
  return item;
}

egress_resource *egress__alias_target(const egress_resource *item) {
  return item->target;
}

egress_resource *egress__resource_new_absent(const char *type_url, const char *name, const egress_alloc *alloc) {
  size_t size = strlen(name), url_size = strlen(type_url);
  size_t content = egress__bytes_field_size(RESOURCE_NAME, size) + egress__bytes_field_size(RESOURCE_ALIAS, size);
  size_t entry = egress__bytes_field_size(RESPONSE_RESOURCES, content);
  egress_resource *r = egress__calloc(alloc, 1, sizeof *r + entry + size + 1 + url_size + 1);
  if (r == NULL)
    return NULL;
  atomic_init(&r->refs, 1);
  r->alloc = alloc;
  r->error_text = "";
  uint8_t *memory = (uint8_t *)r->aliases, *to = egress__put_bytes_head(memory, RESPONSE_RESOURCES, content);
  to = egress__put_bytes(to, RESOURCE_NAME, name, size);
  to = egress__put_bytes(to, RESOURCE_ALIAS, name, size);
  r->delta_entry = (egress__span){memory, entry};
  r->name = memcpy(to, name, size + 1);
  r->type_url = memcpy(to + size + 1, type_url, url_size + 1);
  return r;
}
