#include <criterion/criterion.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <egress/error.h>

#include "base/protowire.h"
#include "snapshot/snapshot.h"

/* A message being put together, a field at a time. */
typedef struct message {
  uint8_t bytes[4096];
  size_t size;
} message;

static void add(message *m, uint32_t number, const void *bytes, size_t size) {
  m->size = (size_t)(egress__put_bytes(m->bytes + m->size, number, bytes, size) - m->bytes);
}

static message text_field(uint32_t number, const char *text) {
  message m = {.size = 0};
  add(&m, number, text, strlen(text));
  return m;
}

/* `inner` as field numbers[0] of a message that is field numbers[1] of another one, and so on; up to a 0. */
static message wrap(message inner, const uint32_t *numbers) {
  for (; *numbers != 0; numbers++) {
    message outer = {.size = 0};
    add(&outer, *numbers, inner.bytes, inner.size);
    inner = outer;
  }
  return inner;
}
#define WRAP(inner, ...) wrap((inner), (const uint32_t[]){__VA_ARGS__, 0})

static message any(const char *type, message inner) {
  message m = {.size = 0};
  char url[256];
  snprintf(url, sizeof url, "type.googleapis.com/%s", type);
  add(&m, 1, url, strlen(url));
  add(&m, 2, inner.bytes, inner.size);
  return m;
}

static egress_snapshot_builder *builder;

static void start(void) {
  cr_assert_eq(egress_snapshot_builder_new(&builder, NULL, NULL), 0);
}

static void done(void) {
  egress_snapshot_builder_free(builder);
}

static void put(const char *type_url, const char *name, message m) {
  egress_resource *r;
  cr_assert_eq(egress_resource_new(&r, type_url, name, m.bytes, m.size, NULL), 0);
  cr_assert_eq(egress_snapshot_builder_put(builder, r), 0);
  egress_resource_unref(r);
}

static int find(egress_dangling **out) {
  egress_snapshot *snap;
  cr_assert_eq(egress_snapshot_builder_build(&snap, builder), 0);
  int rv = egress_snapshot_dangling(out, snap);
  egress_snapshot_unref(snap);
  return rv;
}

static const char *short_type(const char *type_url) {
  return strrchr(type_url, '.') + 1;
}

/* All that dangles: "Listener l: Cluster a\n". */
static const char *dangling(void) {
  static char text[4096];
  egress_dangling *report;
  cr_assert_eq(find(&report), 0);
  text[0] = '\0';
  for (size_t i = 0; i < egress_dangling_count(report); i++) {
    const egress_resource *from = egress_dangling_resource(report, i);
    snprintf(text + strlen(text), sizeof text - strlen(text), "%s %s: %s %s\n",
             short_type(egress_resource_type_url(from)), egress_resource_name(from),
             short_type(egress_dangling_type_url(report, i)), egress_dangling_name(report, i));
  }
  egress_dangling_free(report);
  return text;
}

static void fails_with(int code) {
  egress_dangling *report = NULL;
  cr_assert_eq(find(&report), code);
  cr_assert_null(report);
}

/* RouteAction: cluster 1, weighted_clusters 3 (clusters 1, each with name 1), request_mirror_policies 30 (cluster 1).
   Around it: Route.route 2, VirtualHost.routes 3, RouteConfiguration.virtual_hosts 2. */
#define ROUTE_TO(action) WRAP(action, 2, 3, 2)

TestSuite(dangling, .init = start, .fini = done);

Test(dangling, routes_name_clusters) {
  put(EGRESS_TYPE_ROUTE, "r", ROUTE_TO(text_field(1, "a")));
  cr_assert_str_eq(dangling(), "RouteConfiguration r: Cluster a\n");
  put(EGRESS_TYPE_CLUSTER, "a", text_field(1, "a"));
  cr_assert_str_eq(dangling(), "");
}

Test(dangling, an_error_is_not_the_cluster) {
  egress_resource *error;
  put(EGRESS_TYPE_ROUTE, "r", ROUTE_TO(text_field(1, "a")));
  cr_assert_eq(egress_resource_new_error(&error, EGRESS_TYPE_CLUSTER, "a", 14, "", NULL), 0);
  cr_assert_eq(egress_snapshot_builder_put(builder, error), 0);
  egress_resource_unref(error);
  cr_assert_str_eq(dangling(), "RouteConfiguration r: Cluster a\n");
}

Test(dangling, weighted_and_mirror_clusters) {
  put(EGRESS_TYPE_ROUTE, "weighted", ROUTE_TO(WRAP(text_field(1, "w"), 1, 3)));
  put(EGRESS_TYPE_ROUTE, "mirror", ROUTE_TO(WRAP(text_field(1, "m"), 30)));
  put(EGRESS_TYPE_CLUSTER, "w", text_field(1, "w"));
  cr_assert_str_eq(dangling(), "RouteConfiguration mirror: Cluster m\n");
}

/* Filter.typed_config 4; FilterChain.filters 3; Listener.filter_chains 3, default_filter_chain 25.
   TcpProxy: cluster 2, weighted_clusters 10 (clusters 1, each with name 1). */
static const char tcp_proxy[] = "envoy.extensions.filters.network.tcp_proxy.v3.TcpProxy";
static const char manager[] = "envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager";

Test(dangling, tcp_proxies_name_clusters) {
  put(EGRESS_TYPE_LISTENER, "l", WRAP(any(tcp_proxy, text_field(2, "t")), 4, 3, 3));
  put(EGRESS_TYPE_LISTENER, "d", WRAP(any(tcp_proxy, WRAP(text_field(1, "w"), 1, 10)), 4, 3, 25));
  cr_assert_str_eq(dangling(), "Listener d: Cluster w\nListener l: Cluster t\n");
}

/* HttpConnectionManager: rds 3 (route_config_name 2), route_config 4. */
Test(dangling, connection_managers_name_routes_and_clusters) {
  put(EGRESS_TYPE_LISTENER, "l", WRAP(any(manager, WRAP(text_field(2, "r"), 3)), 4, 3, 3));
  put(EGRESS_TYPE_LISTENER, "m", WRAP(any(manager, WRAP(ROUTE_TO(text_field(1, "a")), 4)), 4, 3, 3));
  cr_assert_str_eq(dangling(), "Listener l: RouteConfiguration r\nListener m: Cluster a\n");
  put(EGRESS_TYPE_ROUTE, "r", text_field(1, "r"));
  put(EGRESS_TYPE_CLUSTER, "a", text_field(1, "a"));
  cr_assert_str_eq(dangling(), "");
}

/* ScopedRouteConfiguration: name 1, route_configuration_name 2, route_configuration 5. */
Test(dangling, scoped_routes_name_routes) {
  const char scoped[] = "type.googleapis.com/envoy.config.route.v3.ScopedRouteConfiguration";
  message within = text_field(1, "own");
  add(&within, 5, "", 0);
  put(scoped, "own", within);
  put(scoped, "s", text_field(2, "r"));
  cr_assert_str_eq(dangling(), "ScopedRouteConfiguration s: RouteConfiguration r\n");
  put(EGRESS_TYPE_ROUTE, "r", text_field(1, "r"));
  cr_assert_str_eq(dangling(), "");
}

/* Clusters of an aggregate: ClusterConfig.clusters 1, a list; Cluster.cluster_type 38: typed_config 2. */
Test(dangling, aggregate_clusters_name_clusters) {
  message names = text_field(1, "a");
  add(&names, 1, "b", 1);
  put(EGRESS_TYPE_CLUSTER, "all", WRAP(any("envoy.extensions.clusters.aggregate.v3.ClusterConfig", names), 2, 38));
  cr_assert_str_eq(dangling(), "Cluster all: Cluster a\nCluster all: Cluster b\n");
  put(EGRESS_TYPE_CLUSTER, "b", text_field(1, "b"));
  cr_assert_str_eq(dangling(), "Cluster all: Cluster a\n");
}

/* SdsSecretConfig: name 1, sds_config 2, either first. Without the latter the secret is one of Envoy's bootstrap.
   DownstreamTlsContext: common_tls_context 1 (tls_certificate_sds_secret_configs 6, repeated). Listener.filter_chains
   3: transport_socket 6: typed_config 3. */
Test(dangling, tls_contexts_name_secrets_of_sds) {
  message configs[] = {text_field(1, "static"), text_field(1, "one"), {.size = 0}}, context = {.size = 0};
  add(&configs[1], 2, "", 0);
  add(&configs[2], 2, "", 0);
  add(&configs[2], 1, "two", 3);
  for (int i = 0; i < 3; i++)
    add(&context, 6, configs[i].bytes, configs[i].size);
  const char type[] = "envoy.extensions.transport_sockets.tls.v3.DownstreamTlsContext";
  put(EGRESS_TYPE_LISTENER, "l", WRAP(any(type, WRAP(context, 1)), 3, 6, 3));
  cr_assert_str_eq(dangling(), "Listener l: Secret one\nListener l: Secret two\n");
  put("type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.Secret", "one", text_field(1, "one"));
  cr_assert_str_eq(dangling(), "Listener l: Secret two\n");
}

/* Cluster: name 1, type 2, eds_cluster_config 3 (service_name 2). */
static message eds(const char *name, const char *service) {
  message m = text_field(1, name);
  m.bytes[m.size++] = 0x10;
  m.bytes[m.size++] = 3;
  if (service != NULL) {
    message config = text_field(2, service);
    add(&m, 3, config.bytes, config.size);
  }
  return m;
}

Test(dangling, eds_clusters_need_endpoints) {
  put(EGRESS_TYPE_CLUSTER, "a", eds("a", NULL));
  put(EGRESS_TYPE_CLUSTER, "b", eds("b", "s"));
  put(EGRESS_TYPE_CLUSTER, "c", eds("c", ""));
  put(EGRESS_TYPE_CLUSTER, "static", text_field(1, "static"));
  message dns = eds("dns", NULL);
  dns.bytes[dns.size - 1] = 1; /* STRICT_DNS */
  put(EGRESS_TYPE_CLUSTER, "dns", dns);
  cr_assert_str_eq(dangling(), "Cluster a: ClusterLoadAssignment a\n"
                               "Cluster b: ClusterLoadAssignment s\n"
                               "Cluster c: ClusterLoadAssignment c\n");
  put(EGRESS_TYPE_ENDPOINT, "a", text_field(1, "a"));
  put(EGRESS_TYPE_ENDPOINT, "s", text_field(1, "s"));
  put(EGRESS_TYPE_ENDPOINT, "c", text_field(1, "c"));
  cr_assert_str_eq(dangling(), "");
}

Test(dangling, each_resource_once_for_each_name) {
  message m = {.size = 0}; /* to a, b and a again */
  for (int i = 0; i < 3; i++) {
    message host = WRAP(text_field(1, i == 1 ? "b" : "a"), 2, 3);
    add(&m, 2, host.bytes, host.size);
  }
  put(EGRESS_TYPE_ROUTE, "r", m);
  put(EGRESS_TYPE_ROUTE, "s", ROUTE_TO(text_field(1, "a")));
  cr_assert_str_eq(dangling(), "RouteConfiguration r: Cluster a\n"
                               "RouteConfiguration r: Cluster b\n"
                               "RouteConfiguration s: Cluster a\n");
}

/* A name may be missing as one type and be there as another. */
Test(dangling, types_have_names_of_their_own) {
  put(EGRESS_TYPE_CLUSTER, "r", eds("r", "a"));
  put(EGRESS_TYPE_LISTENER, "l", WRAP(any(manager, WRAP(text_field(2, "r"), 3)), 4, 3, 3));
  put(EGRESS_TYPE_ROUTE, "s", ROUTE_TO(text_field(1, "a")));
  cr_assert_str_eq(dangling(), "Cluster r: ClusterLoadAssignment a\n"
                               "Listener l: RouteConfiguration r\n"
                               "RouteConfiguration s: Cluster a\n");
}

Test(dangling, names_are_compared_whole) {
  put(EGRESS_TYPE_CLUSTER, "ab", text_field(1, "ab"));
  put(EGRESS_TYPE_CLUSTER, "b", text_field(1, "b"));
  put(EGRESS_TYPE_ROUTE, "r", ROUTE_TO(text_field(1, "a")));
  put(EGRESS_TYPE_ROUTE, "s", ROUTE_TO(text_field(1, "abc")));
  put(EGRESS_TYPE_ROUTE, "t", ROUTE_TO(text_field(1, "ab")));
  cr_assert_str_eq(dangling(), "RouteConfiguration r: Cluster a\nRouteConfiguration s: Cluster abc\n");
}

/* Of a oneof only the member that is set counts: cluster_header (2) takes the place of cluster (1). */
Test(dangling, name_that_was_overtaken_does_not_count) {
  message action = text_field(1, "a");
  add(&action, 2, "h", 1);
  put(EGRESS_TYPE_ROUTE, "r", ROUTE_TO(action));
  cr_assert_str_eq(dangling(), "");
}

Test(dangling, other_types_are_left_alone) {
  put("example.com/acme.Thing", "x", text_field(1, "a"));
  put(EGRESS_TYPE_LISTENER, "l", WRAP(any("acme.Filter", text_field(1, "a")), 4, 3, 3));
  cr_assert_str_eq(dangling(), "");
}

Test(dangling, bytes_that_are_another_message) {
  message m = {.bytes = {0x12, 1, 0x08}, .size = 3}; /* a virtual host that ends in a tag */
  put(EGRESS_TYPE_ROUTE, "r", m);
  fails_with(EGRESS_EWIRE);
}

Test(dangling, name_that_is_no_text) {
  put(EGRESS_TYPE_ROUTE, "r", ROUTE_TO(text_field(1, "\xff")));
  fails_with(EGRESS_EWIRE);
}

/* A Matcher in a Matcher in a Matcher: matcher_list 1, matchers 1, on_match 2, matcher 1; VirtualHost.matcher 21. */
Test(dangling, bounds_the_nesting) {
  message m = {.size = 0};
  for (int i = 0; i < 20; i++)
    m = WRAP(m, 1, 2, 1, 1);
  put(EGRESS_TYPE_ROUTE, "r", WRAP(m, 21, 2));
  fails_with(EGRESS_ELIMIT);
}

Test(dangling, arguments_are_checked_and_the_end_is_NULL) {
  egress_snapshot *snap;
  egress_dangling *report = NULL;
  put(EGRESS_TYPE_ROUTE, "r", ROUTE_TO(text_field(1, "a")));
  cr_assert_eq(egress_snapshot_builder_build(&snap, builder), 0);
  cr_assert_eq(egress_snapshot_dangling(NULL, snap), EGRESS_EINVAL);
  cr_assert_eq(egress_snapshot_dangling(&report, NULL), EGRESS_EINVAL);
  cr_assert_null(report);
  cr_assert_eq(egress_snapshot_dangling(&report, snap), 0);
  cr_assert_eq(egress_dangling_resource(report, 0), egress_snapshot_at(snap, EGRESS_TYPE_ROUTE, 0));
  cr_assert_null(egress_dangling_resource(report, 1));
  cr_assert_null(egress_dangling_type_url(report, 1));
  cr_assert_null(egress_dangling_name(report, 1));
  egress_dangling_free(report);
  egress_dangling_free(NULL);
  egress_snapshot_unref(snap);
}
