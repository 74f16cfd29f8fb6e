#include "xds/members.h"

#include <string.h>

egress__members egress__members_of(const egress__name *name, const egress__type_set *set) {
  egress__span text = {(const uint8_t *)name->text, name->size};
  egress__members members = {0};
  if (name->glob && egress__glob_read(&members.glob, text))
    members.at = egress__type_set_from(set, members.glob.prefix);
  else
    members.own = name->alias ? egress__type_set_find_any(set, text) : egress__type_set_find_span(set, text);
  return members;
}

egress__members egress__members_owed(const egress__subscription *sub, const egress__name *name,
                                     const egress__type_set *set) {
  int is_wanted = name->wanted || egress__subscription_covers(sub, name->text);
  return is_wanted ? egress__members_of(name, set) : (egress__members){0};
}

egress_resource *egress__members_next(egress__members *members) {
  egress_resource *resource = members->own;
  members->own = NULL;
  while (resource == NULL && (resource = egress__cursor_next(&members->at)) != NULL) {
    const char *text = egress_resource_name(resource);
    const egress__span name = {(const uint8_t *)text, strlen(text)}, prefix = members->glob.prefix;
    if (name.size < prefix.size || memcmp(name.data, prefix.data, prefix.size) != 0)
      members->at = (egress__cursor){0}; /* the end of the range */
    if (!egress__glob_has(&members->glob, name))
      resource = NULL;
  }
  return resource;
}
