/*
 * Looks for names that a resource refers to and the snapshot lacks. A route action is found wherever it stands: in a
 * route table, in a listener, in a matcher's action.
 *
 * Not handled: a name that is to come from elsewhere (a config source that is no ADS) is reported all the same.
 */
#include <string.h>

#include <egress/error.h>

#include "base/alloc.h"
#include "base/arena.h"
#include "base/map.h"
#include "base/vec.h"
#include "snapshot/reference.h"
#include "snapshot/walk.h"

/* Something that is not there. */
typedef struct missing {
  const char *type_url;
  const char *name;
  const egress_resource *last; /* which was found to refer to it last */
} missing;

typedef struct reference {
  egress_resource *from;
  const missing *to;
} reference;

/* It grows with the snapshot only: what is in it is no longer than the references that it is about. */
struct egress_dangling {
  egress_snapshot *snap; /* a reference: the resources are there */
  egress__arena missing;
  EGRESS__VEC(reference) references;
};

/* A row of egress__references in the schema. */
typedef struct field_pair {
  const egress__schema_field *name, *with; /* `name` NULL: not in this API; `with` NULL: none needed */
} field_pair;

typedef struct search {
  egress__walk walk; /* the first member: it is what callbacks are given */
  egress_dangling *report;
  field_pair fields[EGRESS__REFERENCE_COUNT];
  egress__map missing[EGRESS__TARGET_COUNT]; /* by name */
} search;

/* An error in the place of a resource is none. */
static int is_there(const search *s, egress__target kind, egress__span name) {
  const egress__type_set *set = egress__snapshot_type(s->report->snap, egress__target_urls[kind]);
  const egress_resource *found = egress__type_set_find_span(set, name);
  return found != NULL && egress_resource_error(found) == 0;
}

/* The same each time that a name is asked for; NULL when out of memory. */
static missing *missing_of(search *s, egress__target kind, egress__span name) {
  const char *text = (const char *)name.data;
  missing *known = egress__map_get(&s->missing[kind], text, name.size);
  if (known != NULL)
    return known;
  missing *made = egress__arena_get(&s->report->missing, sizeof *made);
  char *copy = egress__arena_strndup(&s->report->missing, text, name.size);
  if (made == NULL || copy == NULL || egress__map_set(&s->missing[kind], copy, name.size, made) != 0)
    return NULL;
  *made = (missing){egress__target_urls[kind], copy, NULL};
  return made;
}

static int look_up(search *s, egress__target kind, egress__span name) {
  if (!egress__span_is_text(name))
    return EGRESS_EWIRE;
  if (name.size == 0 || is_there(s, kind, name))
    return 0;
  egress_resource *from = s->walk.resource;
  missing *to = missing_of(s, kind, name);
  if (to == NULL || EGRESS__VEC_GROW(s->walk.fields.alloc, &s->report->references) != 0)
    return EGRESS_ENOMEM;
  if (to->last != from)
    s->report->references.items[s->report->references.count++] = (reference){from, to};
  to->last = from;
  return 0;
}

static int has_field(const egress__fields *fields, egress__range all, const egress__schema_field *field) {
  for (size_t i = all.from; i < all.to; i++)
    if (fields->stack.items[i].field == field)
      return 1;
  return 0;
}

static int on_text(egress__walk *walk, const egress__schema_field *field, egress__range all, egress__span text) {
  search *s = (search *)walk;
  for (size_t i = 0; i < EGRESS__REFERENCE_COUNT; i++)
    if (s->fields[i].name == field && (s->fields[i].with == NULL || has_field(&walk->fields, all, s->fields[i].with)))
      return look_up(s, egress__references[i].to, text);
  return 0;
}

/* Cluster: name 1, type 2 (EDS is 3), eds_cluster_config 3, whose service_name is 2 and stands for the name. */
static int look_up_endpoints(search *s, const egress__schema_message *message, egress__range chunk) {
  enum { EDS = 3 };
  egress__range all, config;
  int rv = egress__fields_scan(&s->walk.fields, message, chunk, &all);
  if (rv != 0)
    return rv;
  const egress__field *type = egress__fields_last(&s->walk.fields, all, 2),
                      *name = egress__fields_last(&s->walk.fields, all, 1);
  if (type == NULL || (int32_t)type->value != EDS)
    return 0;
  egress__span wanted = name == NULL ? (egress__span){NULL, 0} : name->bytes;
  for (size_t i = all.from; i < all.to; i++) {
    if (s->walk.fields.stack.items[i].wire.number != 3)
      continue;
    egress__range group = egress__fields_group(&s->walk.fields, i, all.to);
    rv = egress__fields_scan(&s->walk.fields, egress__schema_field_message(s->walk.fields.stack.items[i].field), group,
                             &config);
    if (rv != 0)
      return rv;
    const egress__field *service = egress__fields_last(&s->walk.fields, config, 2);
    if (service != NULL && service->bytes.size != 0)
      wanted = service->bytes;
    break;
  }
  return look_up(s, EGRESS__TARGET_ENDPOINT, wanted);
}

static int on_end(egress__walk *walk, const egress__schema_message *message, egress__range chunk) {
  if (strcmp(egress_resource_type_url(walk->resource), EGRESS_TYPE_CLUSTER) != 0)
    return 0;
  return look_up_endpoints((search *)walk, message, chunk);
}

static const egress__schema_field *find_field(const egress__schema_message *message, const char *name) {
  return message == NULL || name == NULL ? NULL : egress__schema_field_by_name(message, name, strlen(name));
}

static void find_fields(search *s) {
  for (size_t i = 0; i < EGRESS__REFERENCE_COUNT; i++) {
    const egress__reference *row = &egress__references[i];
    const egress__schema_message *message = egress__schema_message_find(row->message, strlen(row->message));
    s->fields[i] = (field_pair){find_field(message, row->field), find_field(message, row->with)};
  }
}

static int find_references(egress_dangling *report) {
  const egress_alloc *alloc = egress__snapshot_alloc(report->snap);
  search s = {.walk = {.fields = {.alloc = alloc}, .on_text = on_text, .on_end = on_end}, .report = report};
  for (size_t i = 0; i < EGRESS__TARGET_COUNT; i++)
    egress__map_init(&s.missing[i], alloc);
  find_fields(&s);
  int rv = egress__walk_snapshot(&s.walk, report->snap);
  for (size_t i = 0; i < EGRESS__TARGET_COUNT; i++)
    egress__map_dispose(&s.missing[i]);
  egress__walk_dispose(&s.walk);
  return rv;
}

int egress_snapshot_dangling(egress_dangling **out, egress_snapshot *snap) {
  if (out == NULL || snap == NULL)
    return EGRESS_EINVAL;
  const egress_alloc *alloc = egress__snapshot_alloc(snap);
  egress_dangling *report = egress__calloc(alloc, 1, sizeof *report);
  if (report == NULL)
    return EGRESS_ENOMEM;
  report->snap = egress_snapshot_ref(snap);
  egress__arena_init(&report->missing, alloc);
  int rv = find_references(report);
  if (rv == 0)
    *out = report;
  else
    egress_dangling_free(report);
  return rv;
}

void egress_dangling_free(egress_dangling *report) {
  if (report == NULL)
    return;
  const egress_alloc *alloc = egress__snapshot_alloc(report->snap);
  EGRESS__VEC_FREE(alloc, &report->references);
  egress__arena_dispose(&report->missing);
  egress_snapshot_unref(report->snap);
  egress__free(alloc, report);
}

size_t egress_dangling_count(const egress_dangling *report) {
  return report->references.count;
}

egress_resource *egress_dangling_resource(const egress_dangling *report, size_t index) {
  return index < report->references.count ? report->references.items[index].from : NULL;
}

const char *egress_dangling_type_url(const egress_dangling *report, size_t index) {
  return index < report->references.count ? report->references.items[index].to->type_url : NULL;
}

const char *egress_dangling_name(const egress_dangling *report, size_t index) {
  return index < report->references.count ? report->references.items[index].to->name : NULL;
}
