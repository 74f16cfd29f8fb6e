#include "cache/cache.h"

#include <stddef.h>
#include <string.h>

#include <xxhash.h>

#include <egress/error.h>

#include "base/alloc.h"
#include "base/options.h"
#include "base/protowire.h"
#include "cache/question.h"
#include "cache/trial.h"

enum { GROUP_NAME_MAX = 255 }; /* as the header says; also what a node's id may have */

static const char every_group[] = "*";

static const char *group_of_node(const egress_node *node, void *user) {
  (void)user;
  return node->cluster[0] != '\0' ? node->cluster : node->id;
}

static void on_packed(egress__steps *steps) {
  egress__cache_ask_for_tick((egress_cache *)((char *)steps - offsetof(egress_cache, steps)));
}

int egress_cache_new(egress_cache **out, const egress_cache_options *options) {
  egress_cache_options own = EGRESS_CACHE_OPTIONS_INIT;
  if (out == NULL)
    return EGRESS_EINVAL;
  int rv = egress__options_take(&own, sizeof own, options, sizeof own);
  if (rv != 0)
    return rv;
  if (own.globs > 1)
    return EGRESS_EINVAL;
  const egress_alloc *alloc = egress__alloc_or_default(own.alloc);
  egress_cache *cache = egress__calloc(alloc, 1, sizeof *cache);
  if (cache == NULL)
    return EGRESS_ENOMEM;
  cache->alloc = alloc;
  cache->refs = 1;
  cache->group = own.group != NULL ? own.group : group_of_node;
  cache->user = own.user;
  cache->answer_ms = own.answer_ms;
  cache->has_globs = (uint8_t)own.globs;
  egress__map_init(&cache->groups, alloc);
  egress__map_init(&cache->questions, alloc);
  egress__steps_init(&cache->steps, alloc);
  cache->steps.on_packed = on_packed;
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
    egress_snapshot_unref(group->trial.good);
    egress__free(cache->alloc, group);
  }
  egress__map_dispose(&cache->groups);
  egress__questions_dispose(cache);
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
  if (group->snap != NULL || group->watches != NULL || group->has_settings)
    return;
  egress__map_remove(&group->cache->groups, group->name, strlen(group->name));
  egress__free(group->cache->alloc, group);
}

egress__group *egress__group_every(const egress_cache *cache) {
  return find_group(cache, every_group);
}

egress__group *egress__group_serving(egress__group *group) {
  if (group->snap != NULL)
    return group;
  egress__group *every = egress__group_every(group->cache);
  return every != NULL && every->snap != NULL ? every : NULL;
}

static int is_every(const egress__group *group) {
  return strcmp(group->name, every_group) == 0;
}

static void visit_own(egress__group *group, egress__group *joined,
                      void (*visit)(egress__group *group, egress__watch *watch)) {
  for (egress__watch *watch = joined->watches; watch != NULL; watch = watch->next)
    visit(group, watch);
}

void egress__group_visit(egress__group *group, void (*visit)(egress__group *group, egress__watch *watch)) {
  visit_own(group, group, visit);
  if (!is_every(group))
    return;
  size_t cursor = 0;
  for (const egress__map_entry *entry; (entry = egress__map_next(&group->cache->groups, &cursor)) != NULL;) {
    egress__group *other = entry->value;
    if (other != group && other->snap == NULL)
      visit_own(group, other, visit);
  }
}

void egress__group_forget(egress__group *group, egress_snapshot *snap) {
  egress__steps_replaced(&group->cache->steps, snap, group->snap);
  egress_snapshot_unref(snap);
}

int egress_cache_set(egress_cache *cache, const char *name, egress_snapshot *snap) {
  if (cache == NULL || snap == NULL || !egress__is_short_text(name, GROUP_NAME_MAX))
    return EGRESS_EINVAL;
  egress__group *group = need_group(cache, name);
  if (group == NULL)
    return EGRESS_ENOMEM;
  egress_snapshot *replaced = group->snap;
  group->snap = egress_snapshot_ref(snap);
  egress__trial_begin(group, replaced);
  egress__group *every = replaced == NULL && !is_every(group) ? egress__group_every(cache) : NULL;
  if (every != NULL && group->watches != NULL)
    egress__trial_lost(every);
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
  egress_snapshot *snap = group->snap;
  group->snap = NULL;
  egress__group_forget(group, snap);
  egress__trial_end(group); /* nobody hears of it: open streams keep what they have */
  drop_if_idle(group);
  return 0;
}

/* ---- trials ---- */

static int take_settings(egress__trial_settings *own, const egress_trial_options *options) {
  egress_trial_options given = EGRESS_TRIAL_OPTIONS_INIT;
  int rv = egress__options_take(&given, sizeof given, options, sizeof given);
  if (rv != 0)
    return rv;
  if (given.on_nack > EGRESS_ON_NACK_ROLLBACK || given.good_percent > 100 || given.rollout_percent > 100 ||
      (given.rollout_percent != 0 && given.on_nack == EGRESS_ON_NACK_NOTHING))
    return EGRESS_EINVAL;
  own->on_nack = (egress_on_nack)given.on_nack;
  own->good_percent = given.good_percent != 0 ? given.good_percent : 100;
  own->rollout_percent = given.rollout_percent != 0 ? given.rollout_percent : 100;
  own->soak_ms = given.soak_ms;
  return 0;
}

/* The settings of "*" hold for groups that have none of their own. */
static void adjust(egress__group *group) {
  egress__trial_adjust(group);
  if (!is_every(group))
    return;
  size_t cursor = 0;
  for (const egress__map_entry *entry; (entry = egress__map_next(&group->cache->groups, &cursor)) != NULL;) {
    egress__group *other = entry->value;
    if (other != group && !other->has_settings)
      egress__trial_adjust(other);
  }
}

int egress_cache_set_trial(egress_cache *cache, const char *name, const egress_trial_options *options) {
  egress__trial_settings settings;
  if (cache == NULL || !egress__is_short_text(name, GROUP_NAME_MAX))
    return EGRESS_EINVAL;
  int rv = take_settings(&settings, options);
  if (rv != 0)
    return rv;
  egress__group *group = options != NULL ? need_group(cache, name) : find_group(cache, name);
  if (group == NULL)
    return options != NULL ? EGRESS_ENOMEM : 0;
  cache->settings_count -= group->has_settings;
  group->has_settings = options != NULL;
  cache->settings_count += group->has_settings;
  group->settings = settings;
  adjust(group);
  drop_if_idle(group);
  return 0;
}

int egress_cache_trial(const egress_cache *cache, const char *name) {
  const egress__group *group = cache == NULL || name == NULL ? NULL : find_group(cache, name);
  return group == NULL ? EGRESS_TRIAL_NONE : (int)group->trial.state;
}

egress_snapshot *egress_cache_good(const egress_cache *cache, const char *name) {
  const egress__group *group = cache == NULL || name == NULL ? NULL : find_group(cache, name);
  if (group == NULL)
    return NULL;
  return group->trial.state == EGRESS_TRIAL_GOOD ? group->snap : group->trial.good;
}

void egress__cache_observe(egress_cache *cache, egress__observer *observer) {
  observer->next = cache->observers;
  cache->observers = observer;
}

void egress__cache_unobserve(egress_cache *cache, egress__observer *observer) {
  egress__observer **place = &cache->observers;
  while (*place != observer)
    place = &(*place)->next;
  *place = observer->next;
}

void egress__cache_ask_for_tick(const egress_cache *cache) {
  for (egress__observer *observer = cache->observers; observer != NULL; observer = observer->next)
    observer->on_due(observer);
}

uint64_t egress__cache_tick(egress_cache *cache, uint64_t now_ms) {
  uint64_t wait = egress__steps_tick(&cache->steps, now_ms);
  size_t cursor = 0;
  for (const egress__map_entry *entry; (entry = egress__map_next(&cache->groups, &cursor)) != NULL;) {
    uint64_t own = egress__trial_tick(entry->value, now_ms);
    wait = own < wait ? own : wait;
  }
  return wait;
}

/* ---- streams ---- */

int egress__cache_join(egress_cache *cache, const egress_node *node, egress__watch *watch) {
  const char *name = cache->group(node, cache->user);
  if (!egress__is_short_text(name, GROUP_NAME_MAX))
    return EGRESS_EINVAL;
  egress__group *group = need_group(cache, name);
  if (group == NULL)
    return EGRESS_ENOMEM;
  watch->group = group;
  watch->changed = 1;
  watch->bucket = (uint8_t)(XXH3_64bits(node->id, strlen(node->id)) % EGRESS__BUCKETS);
  watch->previous = NULL;
  watch->next = group->watches;
  if (group->watches != NULL)
    group->watches->previous = watch;
  group->watches = watch;
  egress__group *serving = egress__group_serving(group);
  if (serving != NULL)
    egress__trial_joined(serving, watch);
  return 0;
}

void egress__watch_leave(egress__watch *watch) {
  egress__group *group = watch->group;
  if (group == NULL)
    return;
  egress__group *serving = egress__group_serving(group);
  int counted = serving != NULL && egress__trial_counts(serving, watch);
  int accepted = watch->stage == EGRESS__STAGE_ACCEPTED;
  if (watch->previous != NULL)
    watch->previous->next = watch->next;
  else
    group->watches = watch->next;
  if (watch->next != NULL)
    watch->next->previous = watch->previous;
  *watch = (egress__watch){.on_change = watch->on_change};
  if (counted)
    egress__trial_left(serving, accepted);
  drop_if_idle(group);
}

const char *egress__group_name(const egress__group *group) {
  return group->name;
}

int egress__cache_has_globs(const egress_cache *cache) {
  return cache->has_globs;
}

egress__steps *egress__cache_steps(egress_cache *cache) {
  return &cache->steps;
}
