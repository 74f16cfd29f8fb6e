/*
 * Looks for names that a resource refers to and the snapshot lacks. Any message is walked by its schema, through Any
 * too, so a route action is found wherever it stands: in a route table, in a listener, in a matcher's action.
 *
 * Not handled: a name that is to come from elsewhere (a config source that is no ADS) is reported all the same.
 */
#include <string.h>

#include <egress/error.h>

#include "base/alloc.h"
#include "base/diag.h"
#include "base/map.h"
#include "resource/fields.h"
#include "snapshot/snapshot.h"

enum { MAX_DEPTH = 64 /* as for printing JSON */ };

/* What can be missing. */
typedef enum target { TARGET_CLUSTER, TARGET_ROUTE, TARGET_ENDPOINT, TARGET_COUNT } target;

static const struct {
  const char *type_url;
  const char *noun;
} targets[TARGET_COUNT] = {{EGRESS_TYPE_CLUSTER, "cluster"},
                           {EGRESS_TYPE_ROUTE, "route configuration"},
                           {EGRESS_TYPE_ENDPOINT, "cluster load assignment"}};

/* The string fields that name another resource. */
static const struct {
  const char *message;
  const char *field;
  target to;
} references[] = {
    {"envoy.config.route.v3.RouteAction", "cluster", TARGET_CLUSTER},
    {"envoy.config.route.v3.RouteAction.RequestMirrorPolicy", "cluster", TARGET_CLUSTER},
    {"envoy.config.route.v3.WeightedCluster.ClusterWeight", "name", TARGET_CLUSTER},
    {"envoy.extensions.filters.network.tcp_proxy.v3.TcpProxy", "cluster", TARGET_CLUSTER},
    {"envoy.extensions.filters.network.tcp_proxy.v3.TcpProxy.WeightedCluster.ClusterWeight", "name", TARGET_CLUSTER},
    {"envoy.extensions.filters.network.http_connection_manager.v3.Rds", "route_config_name", TARGET_ROUTE},
};
enum { REFERENCE_COUNT = sizeof references / sizeof references[0] };

typedef struct checker {
  const egress_snapshot *snap;
  egress_diag *diag;
  const egress_resource *resource;                         /* which is being walked */
  const egress__schema_field *references[REFERENCE_COUNT]; /* NULL: not in this API */
  egress__fields fields;
  egress__map seen[TARGET_COUNT]; /* names looked up already */
  unsigned depth;
  int missing;
} checker;

/* The last part of a type URL: "Listener". */
static const char *noun_of(const egress_resource *resource) {
  const char *url = egress_resource_type_url(resource), *dot = strrchr(url, '.');
  return dot == NULL ? url : dot + 1;
}

static int look_up(checker *c, target kind, egress__span name) {
  if (!egress__span_is_text(name))
    return EGRESS_EWIRE;
  if (name.size == 0 || egress__map_get(&c->seen[kind], (const char *)name.data, name.size) != NULL)
    return 0;
  if (egress__map_set(&c->seen[kind], (const char *)name.data, name.size, c) != 0)
    return EGRESS_ENOMEM;
  const egress_resource *found =
      egress__type_set_find_span(egress__snapshot_type(c->snap, targets[kind].type_url), name);
  if (found != NULL && egress_resource_error(found) == 0)
    return 0;
  c->missing++;
  egress__diag_warn(c->diag, (egress__place){NULL, 0, 0}, "%s \"%s\" refers to the %s \"%.*s\", which is not there",
                    noun_of(c->resource), egress_resource_name(c->resource), targets[kind].noun, (int)name.size,
                    (const char *)name.data);
  return 0;
}

static int look_up_field(checker *c, const egress__schema_field *field, egress__range group) {
  for (size_t i = 0; i < REFERENCE_COUNT; i++)
    if (c->references[i] == field)
      return look_up(c, references[i].to, c->fields.stack.items[group.to - 1].wire.bytes);
  return 0;
}

static int walk(checker *c, const egress__schema_message *message, egress__range chunks);

/* An Any of a type that is not in the API cannot be looked into. */
static int walk_any(checker *c, egress__range all) {
  const egress__field *url = egress__fields_last(&c->fields, all, 1), *value = egress__fields_last(&c->fields, all, 2);
  if (url == NULL || value == NULL)
    return 0;
  const egress__schema_message *message = egress__schema_message_of_url((const char *)url->bytes.data, url->bytes.size);
  egress__range chunk;
  if (message == NULL)
    return 0;
  int rv = egress__fields_push_message(&c->fields, value->bytes, &chunk);
  return rv == 0 ? walk(c, message, chunk) : rv;
}

static int walk_group(checker *c, egress__range group) {
  const egress__schema_field *field = c->fields.stack.items[group.from].field;
  if (field->type == EGRESS__SCHEMA_STRING)
    return look_up_field(c, field, group);
  if (field->type != EGRESS__SCHEMA_MESSAGE)
    return 0;
  const egress__schema_message *message = egress__schema_field_message(field);
  if ((field->flags & EGRESS__SCHEMA_REPEATED) == 0)
    return walk(c, message, group);
  int rv = 0;
  for (size_t i = group.from; i < group.to && rv == 0; i++)
    rv = walk(c, message, (egress__range){i, i + 1});
  return rv;
}

static int walk_fields(checker *c, egress__range all) {
  int rv = 0;
  for (size_t i = all.from; i < all.to && rv == 0;) {
    egress__range group = egress__fields_group(&c->fields, i, all.to);
    rv = walk_group(c, group);
    i = group.to;
  }
  return rv;
}

static int walk(checker *c, const egress__schema_message *message, egress__range chunks) {
  if (c->depth >= MAX_DEPTH)
    return EGRESS_ELIMIT;
  c->depth++;
  egress__range all;
  size_t top = c->fields.stack.count;
  int rv = egress__fields_scan(&c->fields, message, chunks, &all);
  if (rv == 0)
    rv = message->kind == EGRESS__SCHEMA_ANY ? walk_any(c, all) : walk_fields(c, all);
  egress__fields_pop(&c->fields, top);
  c->depth--;
  return rv;
}

/* Cluster: name 1, type 2 (EDS is 3), eds_cluster_config 3, whose service_name is 2 and stands for the name. */
static int check_endpoints(checker *c, const egress__schema_message *message, egress__range chunk) {
  enum { EDS = 3 };
  egress__range all, config;
  int rv = egress__fields_scan(&c->fields, message, chunk, &all);
  if (rv != 0)
    return rv;
  const egress__field *type = egress__fields_last(&c->fields, all, 2), *name = egress__fields_last(&c->fields, all, 1);
  if (type == NULL || (int32_t)type->value != EDS)
    return 0;
  egress__span wanted = name == NULL ? (egress__span){NULL, 0} : name->bytes;
  for (size_t i = all.from; i < all.to; i++) {
    if (c->fields.stack.items[i].wire.number != 3)
      continue;
    egress__range group = egress__fields_group(&c->fields, i, all.to);
    rv = egress__fields_scan(&c->fields, egress__schema_field_message(c->fields.stack.items[i].field), group, &config);
    if (rv != 0)
      return rv;
    const egress__field *service = egress__fields_last(&c->fields, config, 2);
    if (service != NULL && service->bytes.size != 0)
      wanted = service->bytes;
    break;
  }
  return look_up(c, TARGET_ENDPOINT, wanted);
}

static int check_resource(checker *c, const egress__schema_message *message, const egress_resource *resource) {
  egress__range chunk;
  c->resource = resource;
  egress__fields_pop(&c->fields, 0);
  egress__span bytes = {egress_resource_bytes(resource), egress_resource_size(resource)};
  int rv = egress__fields_push_message(&c->fields, bytes, &chunk);
  if (rv == 0)
    rv = walk(c, message, chunk);
  if (rv == 0 && strcmp(egress_resource_type_url(resource), EGRESS_TYPE_CLUSTER) == 0)
    rv = check_endpoints(c, message, chunk);
  return rv;
}

static int check_types(checker *c) {
  int rv = 0;
  for (size_t i = 0; i < egress_snapshot_type_count(c->snap) && rv == 0; i++) {
    const egress__type_set *set = egress__snapshot_type_at(c->snap, i);
    const egress__schema_message *message = egress__schema_message_of_url(set->type_url, strlen(set->type_url));
    egress__cursor cursor = {.set = set};
    const egress_resource *resource;
    while (message != NULL && rv == 0 && (resource = egress__cursor_next(&cursor)) != NULL)
      rv = check_resource(c, message, resource);
  }
  return rv;
}

static void find_references(checker *c) {
  for (size_t i = 0; i < REFERENCE_COUNT; i++) {
    const char *field = references[i].field;
    const egress__schema_message *message =
        egress__schema_message_find(references[i].message, strlen(references[i].message));
    if (message != NULL)
      c->references[i] = egress__schema_field_by_name(message, field, strlen(field));
  }
}

int egress_snapshot_check(const egress_snapshot *snap, egress_diag *diag) {
  if (snap == NULL)
    return EGRESS_EINVAL;
  const egress_alloc *alloc = egress__snapshot_alloc(snap);
  checker c = {.snap = snap, .diag = diag, .fields = {.alloc = alloc}};
  for (size_t i = 0; i < TARGET_COUNT; i++)
    egress__map_init(&c.seen[i], alloc);
  find_references(&c);
  int rv = check_types(&c);
  for (size_t i = 0; i < TARGET_COUNT; i++)
    egress__map_dispose(&c.seen[i]);
  EGRESS__VEC_FREE(alloc, &c.fields.stack);
  return rv == 0 ? c.missing : rv;
}
