#include <string.h>

#include <egress/error.h>

#include "base/addr.h"
#include "policy/read.h"

#define GROUP "group:"

static int is_group(const egress__node *node) {
  return strncmp(node->text, GROUP, strlen(GROUP)) == 0;
}

/* A port or a path in a name is a common mistake that must not be called a bad address. */
static const char *address_like_fault(const char *text) {
  const char *slash = strchr(text, '/'), *colon = strchr(text, ':');
  size_t address = strspn(text, "0123456789abcdefABCDEF.:");
  if (strstr(text, "://") != NULL)
    return "is a URL; write only its host name";
  if (slash != NULL && text + address != slash)
    return "has a path; a rule speaks of hosts only";
  if (colon != NULL && strchr(colon + 1, ':') == NULL)
    return "has a port; ports stand in `ports`";
  return NULL;
}

static int is_address(const egress__node *node) {
  egress__addr addr;
  return strpbrk(node->text, "/:") != NULL || egress__addr_parse(&addr, node->text, node->size) == 0;
}

/* Warns when the list has it already. */
static int is_new(egress__reader *reader, egress__map *seen, const egress__node *node, const void *key, size_t size,
                  int *rv) {
  if (egress__map_get(seen, key, size) != NULL) {
    egress__remark(&reader->faults, node, "`%s` stands twice in this list", egress__quoted(node->text).text);
    return 0;
  }
  *rv = egress__map_set(seen, key, size, (void *)(uintptr_t)node);
  return *rv == 0;
}

static int read_pattern(egress__reader *reader, const egress__node *node, egress__hosts *out, egress__map *seen) {
  egress__pattern *pattern = &out->patterns[out->pattern_count];
  const char *fault = NULL;
  int rv = egress__pattern_parse(pattern, reader->keep, node->text, node->size, &fault);
  if (rv == EGRESS_EPOLICY) {
    egress__fault(&reader->faults, node, "host `%s`: %s", egress__quoted(node->text).text, fault);
    return 0;
  }
  if (rv != 0)
    return rv;
  if (pattern->size == 2 && strcmp(pattern->text, "**") == 0)
    egress__remark(&reader->faults, node, "`%s` matches every name", egress__quoted(node->text).text);
  out->pattern_count += (size_t)is_new(reader, seen, node, pattern->text, pattern->size, &rv);
  return rv;
}

static int read_address(egress__reader *reader, const egress__node *node, egress__hosts *out, egress__map *seen) {
  egress__prefix *prefix = &out->prefixes[out->prefix_count];
  const char *fault = address_like_fault(node->text);
  int rv = 0;
  if (fault != NULL)
    egress__fault(&reader->faults, node, "`%s` %s", egress__quoted(node->text).text, fault);
  else if (egress__read_cidr(reader, node, prefix))
    out->prefix_count += (size_t)is_new(reader, seen, node, prefix, sizeof *prefix, &rv);
  return rv;
}

static int read_include(egress__reader *reader, const egress__node *node, egress__hosts *out, egress__map *seen) {
  const char *name = node->text + strlen(GROUP);
  int rv = 0;
  if (egress__map_get(&reader->groups, name, node->size - strlen(GROUP)) == NULL)
    egress__fault(&reader->faults, node, "group `%s` is not in `groups`", egress__quoted(name).text);
  else if (is_new(reader, seen, node, node->text, node->size, &rv))
    out->includes[out->include_count++] = node;
  return rv;
}

static int make_room(egress__reader *reader, const egress__node *list, egress__hosts *out) {
  size_t patterns = 0, prefixes = 0, includes = 0;
  for (const egress__node *node = list->first; node != NULL; node = node->next) {
    if (node->kind != EGRESS__NODE_SCALAR)
      continue;
    if (is_group(node))
      includes++;
    else if (is_address(node))
      prefixes++;
    else
      patterns++;
  }
  reader->destinations += patterns + prefixes;
  if (reader->destinations > EGRESS__MAX_DESTINATIONS)
    return egress__fault_limit(&reader->faults, list,
                               "a policy has at most %d hosts and address ranges, groups counted where they are used",
                               EGRESS__MAX_DESTINATIONS);
  out->patterns = egress__arena_array(reader->keep, patterns, sizeof *out->patterns);
  out->prefixes = egress__arena_array(reader->keep, prefixes, sizeof *out->prefixes);
  out->includes = egress__arena_array(&reader->scratch, includes, sizeof *out->includes);
  return out->patterns == NULL || out->prefixes == NULL || out->includes == NULL ? EGRESS_ENOMEM : 0;
}

int egress__read_hosts(egress__reader *reader, const egress__node *list, egress__hosts *out) {
  egress__hosts hosts = {0};
  int rv = make_room(reader, list, &hosts);
  if (rv != 0)
    return rv;
  egress__map seen;
  egress__map_init(&seen, reader->keep->alloc);
  for (const egress__node *node = list->first; node != NULL && rv == 0; node = node->next) {
    if (!egress__read_scalar(reader, node, "a host"))
      continue;
    if (is_group(node))
      rv = read_include(reader, node, &hosts, &seen);
    else if (is_address(node))
      rv = read_address(reader, node, &hosts, &seen);
    else
      rv = read_pattern(reader, node, &hosts, &seen);
  }
  egress__map_dispose(&seen);
  if (rv == 0)
    *out = hosts;
  return rv;
}
