/*
 * What nobody refers to: its name stands in no string of another resource. Where exactly does not matter, because names
 * of clusters stand in a hundred places of the API, and a resource wrongly taken for unused may be removed. So a name
 * that stands somewhere by chance hides one that is unused.
 *
 * Not handled: references from outside of the snapshot, and names that are made at run time, such as of a
 * cluster_header.
 */
#include <string.h>

#include <egress/error.h>

#include "base/alloc.h"
#include "base/map.h"
#include "snapshot/reference.h"
#include "snapshot/walk.h"

typedef struct search {
  egress__walk walk; /* the first member: it is what callbacks are given */
  const egress__type_set *sets[EGRESS__TARGET_COUNT];
  egress__map used[EGRESS__TARGET_COUNT]; /* names that somebody refers to */
} search;

/* Endpoints say the name of their cluster, which does not make it used; and only clusters refer to them. */
static int may_refer(const char *from, const char *to) {
  if (strcmp(to, EGRESS_TYPE_ENDPOINT) == 0)
    return strcmp(from, EGRESS_TYPE_CLUSTER) == 0;
  return strcmp(to, EGRESS_TYPE_CLUSTER) != 0 || strcmp(from, EGRESS_TYPE_ENDPOINT) != 0;
}

static int on_text(egress__walk *walk, const egress__schema_field *field, egress__range all, egress__span text) {
  search *s = (search *)walk;
  (void)field;
  (void)all;
  if (text.size == 0 || !egress__span_is_text(text))
    return 0; /* a resource has no such name */
  for (size_t i = 0; i < EGRESS__TARGET_COUNT; i++) {
    egress_resource *named = egress__type_set_find_span(s->sets[i], text);
    if (named == NULL || named == walk->resource ||
        !may_refer(egress_resource_type_url(walk->resource), egress__target_urls[i]))
      continue;
    const char *name = egress_resource_name(named);
    if (egress__map_set(&s->used[i], name, strlen(name), named) != 0)
      return EGRESS_ENOMEM;
  }
  return 0;
}

static int put_unused(egress_snapshot_builder *builder, const search *s) {
  int rv = 0;
  for (size_t i = 0; i < EGRESS__TARGET_COUNT; i++) {
    egress__cursor cursor = {.set = s->sets[i]};
    for (egress_resource *item; rv == 0 && (item = egress__cursor_next(&cursor)) != NULL;) {
      const char *name = egress_resource_name(item);
      if (egress__map_get(&s->used[i], name, strlen(name)) == NULL)
        rv = egress_snapshot_builder_put(builder, item);
    }
  }
  return rv;
}

static int build(egress_snapshot **out, const search *s, const egress_alloc *alloc) {
  egress_snapshot_builder *builder;
  int rv = egress_snapshot_builder_new(&builder, NULL, alloc);
  if (rv != 0)
    return rv;
  rv = put_unused(builder, s);
  if (rv == 0)
    rv = egress_snapshot_builder_build(out, builder);
  egress_snapshot_builder_free(builder);
  return rv;
}

int egress_snapshot_unused(egress_snapshot **out, const egress_snapshot *snap) {
  if (out == NULL || snap == NULL)
    return EGRESS_EINVAL;
  const egress_alloc *alloc = egress__snapshot_alloc(snap);
  search s = {.walk = {.fields = {.alloc = alloc}, .on_text = on_text}};
  for (size_t i = 0; i < EGRESS__TARGET_COUNT; i++) {
    s.sets[i] = egress__snapshot_type(snap, egress__target_urls[i]);
    egress__map_init(&s.used[i], alloc);
  }
  int rv = egress__walk_snapshot(&s.walk, snap);
  if (rv == 0)
    rv = build(out, &s, alloc);
  for (size_t i = 0; i < EGRESS__TARGET_COUNT; i++)
    egress__map_dispose(&s.used[i]);
  egress__walk_dispose(&s.walk);
  return rv;
}
