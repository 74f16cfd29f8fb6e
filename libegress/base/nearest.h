#ifndef EGRESS_BASE_NEAREST_H
#define EGRESS_BASE_NEAREST_H

#include <stddef.h>

/** The first of `count` words that is nearest to `word`; NULL when none is near enough to be meant. */
const char *egress__nearest(const char *word, const char *const *words, size_t count);

/** The same, word by word. */
typedef struct egress__search {
  const char *word;
  size_t size;
  unsigned least;      /* nearer than this is near enough */
  const char *nearest; /* so far */
} egress__search;

void egress__search_start(egress__search *search, const char *word);
void egress__search_try(egress__search *search, const char *candidate);

#endif
