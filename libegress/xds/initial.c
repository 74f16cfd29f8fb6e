#include "xds/initial.h"

#include <string.h>

#include <egress/error.h>

static int add(egress__initial *initial, egress__span name, egress__span version) {
  char *own_name = egress__arena_strndup(&initial->arena, (const char *)name.data, name.size);
  char *own_version = egress__arena_strndup(&initial->arena, (const char *)version.data, version.size);
  if (own_name == NULL || own_version == NULL)
    return EGRESS_ENOMEM;
  return egress__map_set(&initial->versions, own_name, name.size, own_version);
}

int egress__initial_new(egress__initial **out, const egress_alloc *alloc, const egress__request *request) {
  if (request->initial == 0) {
    *out = NULL;
    return 0;
  }
  egress__initial *initial = egress__calloc(alloc, 1, sizeof *initial);
  if (initial == NULL)
    return EGRESS_ENOMEM;
  egress__arena_init(&initial->arena, alloc);
  egress__map_init(&initial->versions, alloc);
  egress__span rest = request->bytes, name, version;
  while (egress__request_initial(request, &rest, &name, &version))
    if (add(initial, name, version) != 0) {
      egress__initial_free(initial);
      return EGRESS_ENOMEM;
    }
  *out = initial;
  return 0;
}

void egress__initial_free(egress__initial *initial) {
  if (initial == NULL)
    return;
  const egress_alloc *alloc = initial->arena.alloc;
  egress__map_dispose(&initial->versions);
  egress__arena_dispose(&initial->arena);
  egress__free(alloc, initial);
}

int egress__initial_has(const egress__initial *initial, const char *name, const char *version) {
  const char *held = initial == NULL || initial->stale ? NULL : egress__map_get(&initial->versions, name, strlen(name));
  return held != NULL && strcmp(held, version) == 0;
}

void egress__initial_forget(egress__initial *initial, egress__span name) {
  if (initial == NULL)
    return;
  if (egress__span_is_star(name))
    initial->stale = 1;
  else
    egress__map_remove(&initial->versions, (const char *)name.data, name.size);
}
