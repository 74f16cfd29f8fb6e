#include "xds/told.h"

#include <string.h>

#include <xxhash.h>

#include <egress/error.h>

/* Hashes stand for texts: they take no room. */
typedef struct egress__told_entry {
  XXH128_hash_t who, version, content;
  int is_reused; /* the version stood for another content before */
} egress__told_entry;

void egress__told_init(egress__told *told, const egress_alloc *alloc) {
  egress__map_init(&told->map, alloc);
}

void egress__told_dispose(egress__told *told) {
  const egress_alloc *alloc = told->map.alloc;
  size_t cursor = 0;
  for (const egress__map_entry *entry; (entry = egress__map_next(&told->map, &cursor)) != NULL;)
    egress__free(alloc, entry->value);
  egress__map_dispose(&told->map);
  egress__told_init(told, alloc);
}

static XXH128_hash_t hash_text(const char *text) {
  return XXH3_128bits(text, strlen(text));
}

static XXH128_hash_t hash_who(const egress__told_who *who) {
  return XXH3_128bits_withSeed(who->bytes.data, who->bytes.size, hash_text(who->type_url).low64);
}

static egress__told_entry *find(const egress__told *told, const XXH128_hash_t *who) {
  return egress__map_get(&told->map, (const char *)who, sizeof *who);
}

int egress__told_is(const egress__told *told, const egress__told_who *who, const char *version, const char *content) {
  XXH128_hash_t hash = hash_who(who);
  const egress__told_entry *entry = find(told, &hash);
  return entry != NULL && !entry->is_reused && XXH128_isEqual(entry->version, hash_text(version)) &&
         XXH128_isEqual(entry->content, hash_text(content));
}

/* An entry for somebody new. NULL: out of memory. */
static egress__told_entry *add(egress__told *told, XXH128_hash_t who) {
  if (told->map.count == EGRESS__TOLD_MAX)
    egress__told_dispose(told);
  egress__told_entry *entry = egress__calloc(told->map.alloc, 1, sizeof *entry);
  if (entry == NULL)
    return NULL;
  entry->who = who;
  if (egress__map_set(&told->map, (const char *)&entry->who, sizeof entry->who, entry) == 0)
    return entry;
  egress__free(told->map.alloc, entry);
  return NULL;
}

int egress__told_set(egress__told *told, const egress__told_who *who, const char *version, const char *content) {
  XXH128_hash_t key = hash_who(who), as = hash_text(version), what = hash_text(content);
  egress__told_entry *entry = find(told, &key);
  int is_reused = entry != NULL && XXH128_isEqual(entry->version, as) &&
                  (entry->is_reused || !XXH128_isEqual(entry->content, what));
  if (entry == NULL)
    entry = add(told, key);
  if (entry == NULL)
    return EGRESS_ENOMEM;
  entry->version = as;
  entry->content = what;
  entry->is_reused = is_reused;
  return 0;
}
