#include "wire/method.h"

#include <string.h>

#include <egress/fetch.h>
#include <egress/resource.h>
#include <egress/status.h>

#include "wire/csds.h"
#include "wire/discovery.h"
#include "wire/load.h"

enum { STREAM = 1, DELTA = 2, FETCH = 4, ALL = STREAM | DELTA | FETCH };

typedef struct service {
  const char *path; /* up to the method */
  const char *noun; /* what a method's name ends with */
  const char *type_url;
  int methods;
  const egress__service *serves;
  const char *rest; /* what Envoy's REST client asks for; NULL: none */
} service;

static const service services[] = {
    {"/envoy.service.discovery.v3.AggregatedDiscoveryService/", "AggregatedResources", NULL, STREAM | DELTA,
     &egress__discovery, NULL},
    {"/envoy.service.listener.v3.ListenerDiscoveryService/", "Listeners", EGRESS_TYPE_LISTENER, ALL, &egress__discovery,
     "listeners"},
    {"/envoy.service.cluster.v3.ClusterDiscoveryService/", "Clusters", EGRESS_TYPE_CLUSTER, ALL, &egress__discovery,
     "clusters"},
    {"/envoy.service.endpoint.v3.EndpointDiscoveryService/", "Endpoints", EGRESS_TYPE_ENDPOINT, ALL, &egress__discovery,
     "endpoints"},
    {"/envoy.service.route.v3.RouteDiscoveryService/", "Routes", EGRESS_TYPE_ROUTE, ALL, &egress__discovery, "routes"},
    {"/envoy.service.route.v3.ScopedRoutesDiscoveryService/", "ScopedRoutes",
     "type.googleapis.com/envoy.config.route.v3.ScopedRouteConfiguration", ALL, &egress__discovery, "scoped-routes"},
    {"/envoy.service.route.v3.VirtualHostDiscoveryService/", "VirtualHosts",
     "type.googleapis.com/envoy.config.route.v3.VirtualHost", DELTA, &egress__discovery, NULL},
    {"/envoy.service.secret.v3.SecretDiscoveryService/", "Secrets",
     "type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.Secret", ALL, &egress__discovery, "secrets"},
    {"/envoy.service.runtime.v3.RuntimeDiscoveryService/", "Runtime",
     "type.googleapis.com/envoy.service.runtime.v3.Runtime", ALL, &egress__discovery, "runtime"},
    {"/envoy.service.extension.v3.ExtensionConfigDiscoveryService/", "ExtensionConfigs",
     "type.googleapis.com/envoy.config.core.v3.TypedExtensionConfig", ALL, &egress__discovery, "extension_configs"},
    {"/envoy.service.load_stats.v3.LoadReportingService/", "LoadStats", EGRESS_TYPE_LOAD_STATS, STREAM,
     &egress__load_service, NULL},
    {"/envoy.service.status.v3.ClientStatusDiscoveryService/", "ClientStatus", EGRESS_TYPE_CLIENT_STATUS,
     STREAM | FETCH, &egress__csds, NULL},
};

typedef struct verb {
  const char *text; /* what a method's name begins with */
  int method;
  egress__xds_variant variant;
} verb;

static const verb verbs[] = {
    {"Stream", STREAM, EGRESS__XDS_SOTW}, {"Delta", DELTA, EGRESS__XDS_DELTA}, {"Fetch", FETCH, EGRESS__XDS_SOTW}};

/* Takes `word` off the front of the text. */
static int skip(const char **text, size_t *size, const char *word) {
  size_t length = strlen(word);
  if (*size < length || memcmp(*text, word, length) != 0)
    return 0;
  *text += length;
  *size -= length;
  return 1;
}

static const service *find_service(const char **path, size_t *size) {
  for (size_t i = 0; i < sizeof services / sizeof services[0]; i++)
    if (skip(path, size, services[i].path))
      return &services[i];
  return NULL;
}

static const verb *find_verb(const char **name, size_t *size) {
  for (size_t i = 0; i < sizeof verbs / sizeof verbs[0]; i++)
    if (skip(name, size, verbs[i].text))
      return &verbs[i];
  return NULL;
}

int egress__method_find(egress__method *out, const char *path, size_t size) {
  const service *s = find_service(&path, &size);
  const verb *v = s == NULL ? NULL : find_verb(&path, &size);
  if (v == NULL || (s->methods & v->method) == 0 || !skip(&path, &size, s->noun) || size != 0)
    return 0;
  *out = (egress__method){
      .variant = v->variant, .type_url = s->type_url, .is_unary = v->method == FETCH, .service = s->serves};
  return 1;
}

const char *egress_fetch_type_url(const char *http_path) {
  size_t size = http_path == NULL ? 0 : strlen(http_path);
  if (!skip(&http_path, &size, "/v3/discovery:"))
    return NULL;
  for (size_t i = 0; i < sizeof services / sizeof services[0]; i++)
    if (services[i].rest != NULL && strcmp(services[i].rest, http_path) == 0)
      return services[i].type_url;
  return NULL;
}

const char *egress__method_type_url(size_t index) {
  /* The first service is the aggregated one; those that are no discovery stand at the end. */
  const service *s = &services[index + 1];
  return index + 1 < sizeof services / sizeof services[0] && s->serves == &egress__discovery ? s->type_url : NULL;
}
