#include "xds/initial.h"

#include <string.h>

#include <egress/error.h>

#include "resource/xdstp.h"

static size_t count_text(const egress__request *request) {
  egress__span rest = request->bytes, name, version;
  size_t bytes = 0;
  while (egress__request_initial(request, &rest, &name, &version))
    bytes += name.size + 1 + version.size + 1;
  return bytes;
}

/* Copies a text to `*to`, which moves on. */
static char *put_text(char **to, egress__span text) {
  char *copy = *to;
  memcpy(copy, text.data, text.size);
  copy[text.size] = '\0';
  *to += text.size + 1;
  return copy;
}

static int add_all(egress__initial *initial, const egress__request *request) {
  egress__span rest = request->bytes, name, version;
  char *to = initial->texts;
  int rv = 0;
  egress__xdstp_room room;
  while (rv == 0 && egress__request_initial(request, &rest, &name, &version)) {
    name = egress__xdstp_normal(&room, name); /* which is not longer */
    const char *key = put_text(&to, name);
    char *value = put_text(&to, version);
    rv = egress__budget_ask(initial->budget, 0, egress__map_growth(&initial->versions));
    if (rv == 0)
      rv = egress__budget_map_set(initial->budget, &initial->versions, key, name.size, value);
  }
  return rv;
}

int egress__initial_new(egress__initial **out, const egress_alloc *alloc, egress__budget *budget,
                        const egress__request *request) {
  if (request->initial == 0) {
    *out = NULL;
    return 0;
  }
  size_t text_bytes = count_text(request);
  int rv = egress__budget_ask(budget, 0, sizeof(egress__initial) + text_bytes);
  if (rv != 0)
    return rv;
  egress__initial *initial = egress__malloc(alloc, sizeof *initial + text_bytes);
  if (initial == NULL)
    return EGRESS_ENOMEM;
  *initial = (egress__initial){.budget = budget, .text_bytes = text_bytes};
  egress__map_init(&initial->versions, alloc);
  egress__budget_take(budget, 0, sizeof *initial + text_bytes);
  rv = add_all(initial, request);
  if (rv != 0) {
    egress__initial_free(initial);
    return rv;
  }
  *out = initial;
  return 0;
}

void egress__initial_free(egress__initial *initial) {
  if (initial == NULL)
    return;
  const egress_alloc *alloc = initial->versions.alloc;
  egress__budget_map_dispose(initial->budget, &initial->versions);
  egress__budget_give(initial->budget, 0, sizeof *initial + initial->text_bytes);
  egress__free(alloc, initial);
}

int egress__initial_has(const egress__initial *initial, const char *name, const char *version) {
  const char *held = initial == NULL || initial->stale ? NULL : egress__map_get(&initial->versions, name, strlen(name));
  return held != NULL && strcmp(held, version) == 0;
}

void egress__initial_forget(egress__initial *initial, egress__span name) {
  if (initial != NULL)
    egress__map_remove(&initial->versions, (const char *)name.data, name.size);
}

void egress__initial_forget_all(egress__initial *initial) {
  if (initial != NULL)
    initial->stale = 1;
}
