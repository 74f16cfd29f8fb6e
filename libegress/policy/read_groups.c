#include <string.h>

#include <egress/error.h>

#include "policy/read.h"

enum { GROUP_PREFIX = sizeof "group:" - 1 };

static egress__group *included(const egress__reader *reader, const egress__node *include) {
  return egress__map_get(&reader->groups, include->text + GROUP_PREFIX, include->size - GROUP_PREFIX);
}

/* Copies what is not there yet. */
static int add_hosts(egress__hosts *to, egress__map *seen, const egress__hosts *from) {
  int rv = 0;
  for (size_t i = 0; i < from->pattern_count && rv == 0; i++) {
    const egress__pattern *pattern = &from->patterns[i];
    if (egress__map_get(seen, pattern->text, pattern->size) != NULL)
      continue;
    to->patterns[to->pattern_count++] = *pattern;
    rv = egress__map_set(seen, pattern->text, pattern->size, to);
  }
  for (size_t i = 0; i < from->prefix_count && rv == 0; i++) {
    const egress__prefix *prefix = &from->prefixes[i];
    if (egress__map_get(seen, (const char *)prefix, sizeof *prefix) != NULL)
      continue;
    to->prefixes[to->prefix_count++] = *prefix;
    rv = egress__map_set(seen, (const char *)prefix, sizeof *prefix, to);
  }
  return rv;
}

/* Arrays that hold the hosts and those of all their groups, doubles still counted. */
static int make_room(egress__reader *reader, const egress__hosts *hosts, egress__hosts *out) {
  size_t patterns = hosts->pattern_count, prefixes = hosts->prefix_count;
  for (size_t i = 0; i < hosts->include_count; i++) {
    const egress__hosts *more = &included(reader, hosts->includes[i])->hosts;
    patterns += more->pattern_count;
    prefixes += more->prefix_count;
    reader->destinations += more->pattern_count + more->prefix_count;
    if (reader->destinations > EGRESS__MAX_DESTINATIONS)
      return egress__fault_limit(&reader->faults, hosts->includes[i],
                                 "a policy has at most %d hosts and address ranges, groups counted where they are used",
                                 EGRESS__MAX_DESTINATIONS);
  }
  out->patterns = egress__arena_array(reader->keep, patterns, sizeof *out->patterns);
  out->prefixes = egress__arena_array(reader->keep, prefixes, sizeof *out->prefixes);
  return out->patterns == NULL || out->prefixes == NULL ? EGRESS_ENOMEM : 0;
}

int egress__merge_groups(egress__reader *reader, egress__hosts *hosts) {
  if (hosts->include_count == 0)
    return 0;
  egress__hosts merged = {0};
  int rv = make_room(reader, hosts, &merged);
  if (rv != 0)
    return rv;
  egress__map seen;
  egress__map_init(&seen, reader->keep->alloc);
  rv = add_hosts(&merged, &seen, hosts);
  for (size_t i = 0; i < hosts->include_count && rv == 0; i++)
    rv = add_hosts(&merged, &seen, &included(reader, hosts->includes[i])->hosts);
  egress__map_dispose(&seen);
  if (rv == 0)
    *hosts = merged;
  return rv;
}

/* The groups that are open, outermost first: how one came to include itself. */
static void circle_fault(egress__reader *reader, const egress__node *at, egress__group *const *path, size_t depth,
                         const egress__group *again) {
  char text[512] = "";
  size_t size = 0, i = 0;
  while (i < depth && path[i] != again)
    i++;
  for (; i < depth && size + 2 * sizeof(egress__quote) < sizeof text; i++) {
    egress__quote name = egress__quoted(path[i]->name);
    size = (size_t)(stpcpy(stpcpy(text + size, name.text), " -> ") - text);
  }
  egress__fault(&reader->faults, at, "groups include each other in a circle: %s%s%s", text, i < depth ? "... -> " : "",
                egress__quoted(again->name).text);
}

static int flatten(egress__reader *reader, egress__group **path, size_t depth);

static int flatten_included(egress__reader *reader, egress__group **path, size_t depth, const egress__node *include,
                            int *in_circle) {
  egress__group *group = path[depth - 1], *inner = included(reader, include);
  if (inner->state == EGRESS__GROUP_OPEN) {
    circle_fault(reader, include, path, depth, inner);
    *in_circle = 1;
    return 0;
  }
  if (inner->state == EGRESS__GROUP_READ) {
    if (depth == EGRESS__MAX_GROUP_DEPTH)
      return egress__fault_limit(&reader->faults, include, "groups are nested deeper than %d levels",
                                 EGRESS__MAX_GROUP_DEPTH);
    path[depth] = inner;
    int rv = flatten(reader, path, depth + 1);
    if (rv != 0)
      return rv;
  }
  if (inner->height >= group->height)
    group->height = inner->height + 1;
  if (group->height > EGRESS__MAX_GROUP_DEPTH)
    return egress__fault_limit(&reader->faults, include, "groups are nested deeper than %d levels",
                               EGRESS__MAX_GROUP_DEPTH);
  return 0;
}

/* Recursion is as deep as `path`, which has EGRESS__MAX_GROUP_DEPTH places. */
static int flatten(egress__reader *reader, egress__group **path, size_t depth) {
  egress__group *group = path[depth - 1];
  int in_circle = 0, rv = 0;
  group->state = EGRESS__GROUP_OPEN;
  group->height = 1;
  for (size_t i = 0; i < group->hosts.include_count && rv == 0; i++)
    rv = flatten_included(reader, path, depth, group->hosts.includes[i], &in_circle);
  if (rv == 0 && in_circle)
    group->hosts.include_count = 0; /* reported; what is left is read for the sake of further faults */
  else if (rv == 0)
    rv = egress__merge_groups(reader, &group->hosts);
  group->state = EGRESS__GROUP_FLAT;
  return rv;
}

/* Names first, so that a list may name a group that stands below it. */
static int add_group(egress__reader *reader, const egress__node *node) {
  egress__group *group = egress__arena_get(&reader->scratch, sizeof *group);
  if (group == NULL)
    return EGRESS_ENOMEM;
  group->name = node->key->text;
  const char *name = NULL;
  int rv = egress__read_name(reader, node->key, "a group's name", &name);
  return rv != 0 ? rv : egress__map_set(&reader->groups, node->key->text, node->key->size, group);
}

static egress__group *group_of(const egress__reader *reader, const egress__node *node) {
  return egress__map_get(&reader->groups, node->key->text, node->key->size);
}

int egress__read_groups(egress__reader *reader, const egress__node *node) {
  int rv = 0;
  if (node == NULL)
    return 0;
  if (node->kind != EGRESS__NODE_MAP) {
    if (node->kind != EGRESS__NODE_BROKEN)
      egress__fault(&reader->faults, node, "`groups` must be a map of names to lists of hosts");
    return 0;
  }
  for (const egress__node *list = node->first; list != NULL && rv == 0; list = list->next)
    rv = add_group(reader, list);
  for (const egress__node *list = node->first; list != NULL && rv == 0; list = list->next)
    if (egress__read_list(reader, list, "a group"))
      rv = egress__read_hosts(reader, list, &group_of(reader, list)->hosts);
  for (const egress__node *list = node->first; list != NULL && rv == 0; list = list->next) {
    egress__group *path[EGRESS__MAX_GROUP_DEPTH] = {group_of(reader, list)};
    if (path[0]->state == EGRESS__GROUP_READ)
      rv = flatten(reader, path, 1);
  }
  return rv;
}
