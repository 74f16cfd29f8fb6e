#ifndef EGRESS_POLICY_NEAREST_H
#define EGRESS_POLICY_NEAREST_H

#include <stddef.h>

/** The first of `count` words that is nearest to `word`; NULL when none is near enough to be meant. */
const char *egress__nearest(const char *word, const char *const *words, size_t count);

#endif
