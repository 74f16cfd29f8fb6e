#include "cache/culprit.h"

#include <ctype.h>
#include <string.h>

/* May the character stand in the middle of a name? At its end a full stop ends a sentence. */
static int is_inner(const char *at) {
  if (*at == '.')
    return isalnum((unsigned char)at[1]);
  return *at != '\0' && (isalnum((unsigned char)*at) || strchr("_-/|", *at) != NULL);
}

/* 1 when the name stands in the text, not as a part of a longer one. */
static int is_named(const char *text, const char *name) {
  size_t size = strlen(name);
  const char *at = text;
  while (size > 0 && (at = strstr(at, name)) != NULL) {
    if ((at == text || !is_inner(at - 1)) && !is_inner(at + size))
      return 1;
    at++;
  }
  return 0;
}

const char *egress__culprit_find(egress__steps *steps, const egress__type_set *good, const egress__type_set *refused,
                                 const char *text) {
  egress__step *step;
  const char *found = "", *only = "";
  if (egress__steps_get(&step, steps, &(egress__bases){.sets = {good}, .count = 1}, refused) != 0)
    return found; /* without memory it cannot be told, and all else goes on */
  egress__puts puts = egress__step_puts(step);
  size_t count = 0;
  for (const egress_resource *put; count < EGRESS__CULPRITS_MAX && (put = egress__puts_next(&puts)) != NULL; count++) {
    only = egress_resource_name(put);
    if (strlen(only) > strlen(found) && is_named(text, only))
      found = only;
  }
  return count == 1 ? only : found;
}
