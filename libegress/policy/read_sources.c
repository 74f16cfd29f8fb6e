#include <stdlib.h>
#include <string.h>

#include <egress/error.h>

#include "policy/read.h"

static int read_source(egress__reader *reader, const egress__node *node) {
  enum { CIDRS, LABELS, SPIFFE, COUNT };
  static const char *const names[COUNT] = {"cidrs", "labels", "spiffe"};
  static const egress__keys keys = {names, COUNT, LABELS};
  const egress__node *values[COUNT] = {NULL};
  egress__source *source = egress__arena_get(&reader->scratch, sizeof *source);
  if (source == NULL)
    return EGRESS_ENOMEM;
  const char *name = NULL;
  int rv = egress__read_name(reader, node->key, "a source's name", &name);
  if (rv == 0)
    rv = egress__map_set(&reader->sources, node->key->text, node->key->size, source);
  if (rv != 0 || !egress__read_map(reader, node, "a source", &keys, values))
    return rv;
  if (values[CIDRS] == NULL) {
    if (values[LABELS] == NULL && values[SPIFFE] == NULL)
      egress__fault(&reader->faults, node, "source `%s` has no `cidrs`", egress__quoted(node->key->text).text);
    return 0;
  }
  if (!egress__read_list(reader, values[CIDRS], "`cidrs`"))
    return 0;
  return egress__read_cidrs(reader, values[CIDRS], &source->cidrs, &source->cidr_count);
}

int egress__read_sources(egress__reader *reader, const egress__node *node) {
  int rv = 0;
  if (node == NULL)
    return 0;
  if (node->kind != EGRESS__NODE_MAP) {
    if (node->kind != EGRESS__NODE_BROKEN)
      egress__fault(&reader->faults, node, "`sources` must be a map of names to sources");
    return 0;
  }
  for (const egress__node *source = node->first; source != NULL && rv == 0; source = source->next)
    rv = read_source(reader, source);
  return rv;
}

/* Sorts and drops doubles; sources may overlap. */
static size_t sort_prefixes(egress__prefix *prefixes, size_t count) {
  size_t kept = 0;
  qsort(prefixes, count, sizeof *prefixes, egress__prefix_compare);
  for (size_t i = 0; i < count; i++)
    if (kept == 0 || egress__prefix_compare(&prefixes[i], &prefixes[kept - 1]) != 0)
      prefixes[kept++] = prefixes[i];
  return kept;
}

static const egress__source *find_source(egress__reader *reader, const egress__node *node) {
  if (!egress__read_scalar(reader, node, "a source"))
    return NULL;
  const egress__source *source = egress__map_get(&reader->sources, node->text, node->size);
  if (source == NULL)
    egress__fault(&reader->faults, node, "source `%s` is not in `sources`", egress__quoted(node->text).text);
  return source;
}

int egress__read_from(egress__reader *reader, const egress__node *list, egress__rule *rule) {
  if (!egress__read_list(reader, list, "`from`"))
    return 0;
  const egress__source **sources = egress__arena_array(&reader->scratch, list->count, sizeof *sources);
  if (sources == NULL)
    return EGRESS_ENOMEM;
  size_t found = 0, count = 0;
  for (const egress__node *node = list->first; node != NULL; node = node->next) {
    sources[found] = find_source(reader, node);
    if (sources[found] != NULL)
      count += sources[found++]->cidr_count;
  }
  reader->froms += count;
  if (count > EGRESS__MAX_FROMS || reader->froms > EGRESS__MAX_FROMS)
    return egress__fault_limit(&reader->faults, list, "the rules of a policy have at most %d source ranges together",
                               EGRESS__MAX_FROMS);
  egress__prefix *froms = egress__arena_array(reader->keep, count, sizeof *froms);
  if (froms == NULL)
    return EGRESS_ENOMEM;
  size_t filled = 0;
  for (size_t i = 0; i < found; i++) {
    if (sources[i]->cidr_count != 0)
      memcpy(froms + filled, sources[i]->cidrs, sources[i]->cidr_count * sizeof *froms);
    filled += sources[i]->cidr_count;
  }
  rule->from_count = sort_prefixes(froms, filled);
  rule->froms = froms;
  return 0;
}
