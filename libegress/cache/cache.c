#include "cache/cache.h"

#include <string.h>

#include <egress/error.h>

#include "base/alloc.h"
#include "base/map.h"
#include "base/options.h"
#include "base/protowire.h"

struct egress__group {
  egress_cache *cache;
  egress_snapshot *snap; /* its own; NULL: none */
  egress__watch *watches;
  char name[];
};

struct egress_cache {
  const egress_alloc *alloc;
  size_t refs;
  egress_group_fn group;
  void *user;
  egress__map groups; /* name -> egress__group */
  egress__steps steps;
};

enum { GROUP_NAME_MAX = 255 }; /* as the header says; also what a node's id may have */

static const char every_group[] = "*";

static const char *group_of_node(const egress_node *node, void *user) {
  (void)user;
  return node->cluster[0] != '\0' ? node->cluster : node->id;
}

int egress_cache_new(egress_cache **out, const egress_cache_options *options) {
  egress_cache_options own = EGRESS_CACHE_OPTIONS_INIT;
  if (out == NULL)
    return EGRESS_EINVAL;
  int rv = egress__options_take(&own, sizeof own, options, sizeof own);
  if (rv != 0)
    return rv;
  const egress_alloc *alloc = egress__alloc_or_default(own.alloc);
  egress_cache *cache = egress__calloc(alloc, 1, sizeof *cache);
  if (cache == NULL)
    return EGRESS_ENOMEM;
  cache->alloc = alloc;
  cache->refs = 1;
  cache->group = own.group != NULL ? own.group : group_of_node;
  cache->user = own.user;
  egress__map_init(&cache->groups, alloc);
  egress__steps_init(&cache->steps, alloc);
  *out = cache;
  return 0;
}

egress_cache *egress_cache_ref(egress_cache *cache) {
  if (cache != NULL)
    cache->refs++;
  return cache;
}

void egress_cache_unref(egress_cache *cache) {
  if (cache == NULL || --cache->refs > 0)
    return;
  size_t cursor = 0;
  for (const egress__map_entry *entry; (entry = egress__map_next(&cache->groups, &cursor)) != NULL;) {
    egress__group *group = entry->value;
    egress_snapshot_unref(group->snap);
    egress__free(cache->alloc, group);
  }
  egress__map_dispose(&cache->groups);
  egress__steps_dispose(&cache->steps);
  egress__free(cache->alloc, cache);
}

static egress__group *find_group(const egress_cache *cache, const char *name) {
  return egress__map_get(&cache->groups, name, strlen(name));
}

/* The group of that name, made when there is none; NULL when out of memory. */
static egress__group *need_group(egress_cache *cache, const char *name) {
  egress__group *group = find_group(cache, name);
  if (group != NULL)
    return group;
  size_t size = strlen(name);
  group = egress__calloc(cache->alloc, 1, sizeof *group + size + 1);
  if (group == NULL)
    return NULL;
  group->cache = cache;
  memcpy(group->name, name, size);
  if (egress__map_set(&cache->groups, group->name, size, group) == 0)
    return group;
  egress__free(cache->alloc, group);
  return NULL;
}

/* A group that nobody needs any more goes, so that clients cannot make the map grow. */
static void drop_if_idle(egress__group *group) {
  if (group->snap != NULL || group->watches != NULL)
    return;
  egress__map_remove(&group->cache->groups, group->name, strlen(group->name));
  egress__free(group->cache->alloc, group);
}

static void notify(egress__group *group) {
  for (egress__watch *watch = group->watches; watch != NULL; watch = watch->next) {
    watch->changed = 1;
    watch->on_change(watch);
  }
}

/* What nobody took yet is not to be taken any more. */
static void keep_taken(egress__group *group) {
  for (egress__watch *watch = group->watches; watch != NULL; watch = watch->next)
    watch->changed = 0;
}

/* Calls `tell` for all groups whom a change of `group`'s own snapshot concerns. */
static void tell_concerned(egress__group *group, void (*tell)(egress__group *)) {
  tell(group);
  if (strcmp(group->name, every_group) != 0)
    return;
  size_t cursor = 0;
  for (const egress__map_entry *entry; (entry = egress__map_next(&group->cache->groups, &cursor)) != NULL;) {
    egress__group *other = entry->value;
    if (other->snap == NULL)
      tell(other);
  }
}

int egress_cache_set(egress_cache *cache, const char *name, egress_snapshot *snap) {
  if (cache == NULL || snap == NULL || !egress__is_short_text(name, GROUP_NAME_MAX))
    return EGRESS_EINVAL;
  egress__group *group = need_group(cache, name);
  if (group == NULL)
    return EGRESS_ENOMEM;
  egress_snapshot *replaced = group->snap;
  group->snap = egress_snapshot_ref(snap);
  egress__steps_replaced(&cache->steps, replaced, snap);
  egress_snapshot_unref(replaced);
  tell_concerned(group, notify);
  return 0;
}

egress_snapshot *egress_cache_get(const egress_cache *cache, const char *name) {
  if (cache == NULL || name == NULL)
    return NULL;
  const egress__group *group = find_group(cache, name);
  return group == NULL ? NULL : group->snap;
}

int egress_cache_clear(egress_cache *cache, const char *name) {
  if (cache == NULL || !egress__is_short_text(name, GROUP_NAME_MAX))
    return EGRESS_EINVAL;
  egress__group *group = find_group(cache, name);
  if (group == NULL || group->snap == NULL)
    return EGRESS_ENOENT;
  egress__steps_replaced(&cache->steps, group->snap, NULL);
  egress_snapshot_unref(group->snap);
  group->snap = NULL;
  tell_concerned(group, keep_taken); /* nobody hears of it: open streams keep what they have */
  drop_if_idle(group);
  return 0;
}

int egress__cache_join(egress_cache *cache, const egress_node *node, egress__watch *watch) {
  const char *name = cache->group(node, cache->user);
  if (!egress__is_short_text(name, GROUP_NAME_MAX))
    return EGRESS_EINVAL;
  egress__group *group = need_group(cache, name);
  if (group == NULL)
    return EGRESS_ENOMEM;
  watch->group = group;
  watch->changed = 1;
  watch->previous = NULL;
  watch->next = group->watches;
  if (group->watches != NULL)
    group->watches->previous = watch;
  group->watches = watch;
  return 0;
}

void egress__watch_leave(egress__watch *watch) {
  egress__group *group = watch->group;
  if (group == NULL)
    return;
  if (watch->previous != NULL)
    watch->previous->next = watch->next;
  else
    group->watches = watch->next;
  if (watch->next != NULL)
    watch->next->previous = watch->previous;
  *watch = (egress__watch){.on_change = watch->on_change};
  drop_if_idle(group);
}

egress_snapshot *egress__group_snapshot(const egress__group *group) {
  return group->snap != NULL ? group->snap : egress_cache_get(group->cache, every_group);
}

const char *egress__group_name(const egress__group *group) {
  return group->name;
}

egress__steps *egress__cache_steps(egress_cache *cache) {
  return &cache->steps;
}
