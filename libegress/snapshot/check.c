/*
 * Looks for names that a resource refers to and the snapshot lacks. A route action is found wherever it stands: in a
 * route table, in a listener, in a matcher's action.
 *
 * Not handled: a name that is to come from elsewhere (a config source that is no ADS) is reported all the same.
 */
#include <string.h>

#include <egress/error.h>

#include "base/alloc.h"
#include "base/diag.h"
#include "base/map.h"
#include "snapshot/walk.h"

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
  egress__walk walk; /* the first member: it is what callbacks are given */
  const egress_snapshot *snap;
  egress_diag *diag;
  const egress__schema_field *references[REFERENCE_COUNT]; /* NULL: not in this API */
  egress__map seen[TARGET_COUNT];                          /* names looked up already */
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
                    noun_of(c->walk.resource), egress_resource_name(c->walk.resource), targets[kind].noun,
                    (int)name.size, (const char *)name.data);
  return 0;
}

static int on_text(egress__walk *walk, const egress__schema_field *field, egress__span text) {
  checker *c = (checker *)walk;
  for (size_t i = 0; i < REFERENCE_COUNT; i++)
    if (c->references[i] == field)
      return look_up(c, references[i].to, text);
  return 0;
}

/* Cluster: name 1, type 2 (EDS is 3), eds_cluster_config 3, whose service_name is 2 and stands for the name. */
static int check_endpoints(checker *c, const egress__schema_message *message, egress__range chunk) {
  enum { EDS = 3 };
  egress__range all, config;
  int rv = egress__fields_scan(&c->walk.fields, message, chunk, &all);
  if (rv != 0)
    return rv;
  const egress__field *type = egress__fields_last(&c->walk.fields, all, 2),
                      *name = egress__fields_last(&c->walk.fields, all, 1);
  if (type == NULL || (int32_t)type->value != EDS)
    return 0;
  egress__span wanted = name == NULL ? (egress__span){NULL, 0} : name->bytes;
  for (size_t i = all.from; i < all.to; i++) {
    if (c->walk.fields.stack.items[i].wire.number != 3)
      continue;
    egress__range group = egress__fields_group(&c->walk.fields, i, all.to);
    rv = egress__fields_scan(&c->walk.fields, egress__schema_field_message(c->walk.fields.stack.items[i].field), group,
                             &config);
    if (rv != 0)
      return rv;
    const egress__field *service = egress__fields_last(&c->walk.fields, config, 2);
    if (service != NULL && service->bytes.size != 0)
      wanted = service->bytes;
    break;
  }
  return look_up(c, TARGET_ENDPOINT, wanted);
}

static int on_end(egress__walk *walk, const egress__schema_message *message, egress__range chunk) {
  if (strcmp(egress_resource_type_url(walk->resource), EGRESS_TYPE_CLUSTER) != 0)
    return 0;
  return check_endpoints((checker *)walk, message, chunk);
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
  checker c = {.walk = {.fields = {.alloc = alloc}, .on_text = on_text, .on_end = on_end}, .snap = snap, .diag = diag};
  for (size_t i = 0; i < TARGET_COUNT; i++)
    egress__map_init(&c.seen[i], alloc);
  find_references(&c);
  int rv = egress__walk_snapshot(&c.walk, snap);
  for (size_t i = 0; i < TARGET_COUNT; i++)
    egress__map_dispose(&c.seen[i]);
  egress__walk_dispose(&c.walk);
  return rv == 0 ? c.missing : rv;
}
