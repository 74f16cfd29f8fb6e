#include "cache/question.h"

#include <string.h>

#include <egress/error.h>

#include "base/alloc.h"
#include "cache/group.h"
#include "resource/xdstp.h"

enum { TYPE_URL_MAX = 255, GROUP_MAX = 255 }; /* as resources and groups have them */

typedef struct question {
  uint64_t until_ms;
  char key[];
} question;

/* Where a question stands in the map: group, type and name, each with a NUL. */
typedef struct address {
  char text[GROUP_MAX + 1 + TYPE_URL_MAX + 1 + EGRESS__XDSTP_MAX + 1];
  size_t size;
} address;

static int append(address *out, const char *text, size_t max) {
  size_t size = strnlen(text, max + 1);
  if (size > max)
    return EGRESS_EINVAL;
  memcpy(out->text + out->size, text, size + 1);
  out->size += size + 1;
  return 0;
}

/* Returns 0, or EGRESS_EINVAL for what nobody can have asked for. */
static int address_of(address *out, const char *group, const char *type_url, const char *name) {
  out->size = 0;
  int rv = append(out, group, GROUP_MAX);
  if (rv == 0)
    rv = append(out, type_url, TYPE_URL_MAX);
  return rv == 0 ? append(out, name, EGRESS__XDSTP_MAX) : rv;
}

static question *find(const egress_cache *cache, const address *at) {
  return egress__map_get(&cache->questions, at->text, at->size);
}

static void close_question(egress_cache *cache, const address *at) {
  question *own = find(cache, at);
  if (own == NULL)
    return;
  egress__map_remove(&cache->questions, at->text, at->size);
  egress__free(cache->alloc, own);
}

/* Nobody waits for these any more. */
static void drop_overdue(egress_cache *cache, uint64_t now_ms) {
  size_t cursor = 0;
  for (const egress__map_entry *entry; (entry = egress__map_next(&cache->questions, &cursor)) != NULL;) {
    question *own = entry->value;
    if (own->until_ms > now_ms)
      continue;
    egress__map_remove(&cache->questions, entry->key, entry->key_size);
    egress__free(cache->alloc, own);
  }
}

static int add(egress_cache *cache, const address *at, uint64_t now_ms) {
  if (cache->questions.count == EGRESS__QUESTIONS_MAX)
    drop_overdue(cache, now_ms);
  if (cache->questions.count == EGRESS__QUESTIONS_MAX)
    return EGRESS_ELIMIT;
  question *own = egress__malloc(cache->alloc, sizeof *own + at->size);
  if (own == NULL)
    return EGRESS_ENOMEM;
  own->until_ms = now_ms + cache->answer_ms;
  memcpy(own->key, at->text, at->size);
  if (egress__map_set(&cache->questions, own->key, at->size, own) == 0)
    return 1;
  egress__free(cache->alloc, own);
  return EGRESS_ENOMEM;
}

int egress__question_is_possible(const egress__watch *watch) {
  return watch->group->cache->answer_ms != 0;
}

int egress__question_ask(const egress__watch *watch, const char *type_url, const char *name, uint64_t now_ms) {
  egress_cache *cache = watch->group->cache;
  address at;
  if (address_of(&at, watch->group->name, type_url, name) != 0)
    return EGRESS_ELIMIT;
  question *own = find(cache, &at);
  if (own != NULL && own->until_ms > now_ms)
    return 0;
  close_question(cache, &at); /* overdue: he is asked again */
  return add(cache, &at, now_ms);
}

uint64_t egress__question_until(const egress__watch *watch, const char *type_url, const char *name, uint64_t now_ms) {
  address at;
  int rv = address_of(&at, watch->group->name, type_url, name);
  const question *own = rv == 0 ? find(watch->group->cache, &at) : NULL;
  return own == NULL || own->until_ms <= now_ms ? 0 : own->until_ms;
}

void egress__question_close(const egress__watch *watch, const char *type_url, const char *name) {
  address at;
  if (address_of(&at, watch->group->name, type_url, name) == 0)
    close_question(watch->group->cache, &at);
}

void egress__questions_dispose(egress_cache *cache) {
  size_t cursor = 0;
  for (const egress__map_entry *entry; (entry = egress__map_next(&cache->questions, &cursor)) != NULL;)
    egress__free(cache->alloc, entry->value);
  egress__map_dispose(&cache->questions);
}

int egress_cache_absent(egress_cache *cache, const char *group, const char *type_url, const char *name) {
  address at;
  egress__xdstp_room room;
  if (cache == NULL || group == NULL || type_url == NULL || name == NULL)
    return EGRESS_EINVAL;
  if (address_of(&at, group, type_url, egress__xdstp_normal_text(&room, name)) != 0 || find(cache, &at) == NULL)
    return EGRESS_ENOENT;
  close_question(cache, &at);
  egress__group *joined = egress__map_get(&cache->groups, group, strlen(group));
  for (egress__watch *watch = joined == NULL ? NULL : joined->watches; watch != NULL; watch = watch->next)
    if (watch->asking)
      watch->on_change(watch);
  return 0;
}
