#ifndef TESTS_MODEL_GROUPS_H
#define TESTS_MODEL_GROUPS_H

#include <egress/cache.h>

#include "model/script.h"
#include "support/xds.h"

/* What a snapshot holds, as the model knows it. */
typedef struct content {
  int exists;
  uint8_t value[TYPES][NAMES]; /* 0: there is none */
  char version[TYPES][XDS_WORD];
} content;

/* The cache, and what the model knows of it. */
typedef struct groups {
  const egress_alloc *alloc;
  egress_cache *cache;
  int own[GROUPS];               /* the group has a snapshot of its own */
  egress_snapshot *snap[GROUPS]; /* that, or the last that it had */
  content contents[GROUPS];      /* of those */
} groups;

void groups_begin(groups *g, const egress_alloc *alloc);
void groups_end(groups *g);

/* From now on the names below the glob are text, and the cache has globs of it; 0: they are of the new kind. */
void groups_name(int as_text);

/* The three things that can happen to a group; `s` says which and how. Returns 1, or 0 when that changes nothing. */
int groups_play(groups *g, const step *s);

/* The group whose snapshot counts for `group`: itself or "*". */
int groups_counting(const groups *g, int group);

/* What a stream that joins `group` now is brought to. */
content groups_content(const groups *g, int group);

const char *group_name(int group);

/* What a name is called by the server, and how clients write it; also GLOB. */
const char *name_text(int name);
const char *name_asked(int name);

/* The name that a word of a response, "name" or "name=content", begins with. */
int name_of(const char *word);

/* The number that "name=content" ends in. */
int content_of(const char *word);

/* The names below the glob, a bit each. */
enum { BELOW = (1 << NAMES) - (1 << FIRST_BELOW) };

/* The name of the endpoints of a cluster; -1: it has none. Two clusters share theirs. */
int endpoints_of(int cluster);

#endif
