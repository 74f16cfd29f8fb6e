#ifndef TESTS_SUPPORT_DEFINITION_H
#define TESTS_SUPPORT_DEFINITION_H

#include <string.h>

/* What a host pattern means, word for word and slow: for tests to hold the real matcher against. */

static inline int definition_label_matches(const char *glob, size_t glob_size, const char *label, size_t size) {
  if (glob_size == 0)
    return size == 0;
  if (glob[0] == '*')
    return definition_label_matches(glob + 1, glob_size - 1, label, size) ||
           (size > 0 && definition_label_matches(glob, glob_size, label + 1, size - 1));
  return size > 0 && glob[0] == label[0] && definition_label_matches(glob + 1, glob_size - 1, label + 1, size - 1);
}

/* Label by label from the left; `**.` first tries to stand for one label, then for one more. */
static inline int definition_matches(const char *pattern, const char *name) {
  size_t name_label = strcspn(name, ".");
  const char *name_rest = name[name_label] == '\0' ? NULL : name + name_label + 1;
  if (strcmp(pattern, "**") == 0)
    return 1;
  if (strncmp(pattern, "**.", 3) == 0)
    return name_rest != NULL && (definition_matches(pattern + 3, name_rest) || definition_matches(pattern, name_rest));
  size_t label = strcspn(pattern, ".");
  if (!definition_label_matches(pattern, label, name, name_label))
    return 0;
  if (pattern[label] == '\0' || name_rest == NULL)
    return pattern[label] == '\0' && name_rest == NULL;
  return definition_matches(pattern + label + 1, name_rest);
}

#endif
