#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#include <egress/error.h>
#include <egress/snapshot.h>

#include "base/protowire.h"

#define TYPE_SECRET "type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.Secret"

/* A message being put together. */
typedef struct message {
  uint8_t bytes[1024];
  size_t size;
} message;

static message text_field(uint32_t number, const char *text) {
  message m;
  m.size = (size_t)(egress__put_bytes(m.bytes, number, text, strlen(text)) - m.bytes);
  return m;
}

/* `inner` as field numbers[0] of a message that is field numbers[1] of another one, and so on; up to a 0. */
static message wrap(message inner, const uint32_t *numbers) {
  for (; *numbers != 0; numbers++) {
    message outer;
    outer.size = (size_t)(egress__put_bytes(outer.bytes, *numbers, inner.bytes, inner.size) - outer.bytes);
    inner = outer;
  }
  return inner;
}
#define WRAP(inner, ...) wrap((inner), (const uint32_t[]){__VA_ARGS__, 0})

static message join(message a, message b) {
  memcpy(a.bytes + a.size, b.bytes, b.size);
  a.size += b.size;
  return a;
}

static message any(const char *type, message inner) {
  char url[256];
  snprintf(url, sizeof url, "type.googleapis.com/%s", type);
  return join(text_field(1, url), WRAP(inner, 2));
}

static egress_snapshot_builder *builder;

static void start(void) {
  cr_assert_eq(egress_snapshot_builder_new(&builder, NULL, NULL), 0);
}

static void done(void) {
  egress_snapshot_builder_free(builder);
}

TestSuite(unused, .init = start, .fini = done);

static void put(const char *type_url, const char *name, message m) {
  egress_resource *r;
  cr_assert_eq(egress_resource_new(&r, type_url, name, m.bytes, m.size, NULL), 0);
  cr_assert_eq(egress_snapshot_builder_put(builder, r), 0);
  egress_resource_unref(r);
}

/* Names of what is unused, by type URL and name: "a b ". */
static const char *unused(void) {
  static char text[1024];
  egress_snapshot *snap, *found;
  cr_assert_eq(egress_snapshot_builder_build(&snap, builder), 0);
  cr_assert_eq(egress_snapshot_unused(&found, snap), 0);
  text[0] = '\0';
  for (size_t i = 0; i < egress_snapshot_type_count(found); i++) {
    const char *type_url = egress_snapshot_type_url(found, i);
    for (size_t j = 0; j < egress_snapshot_count(found, type_url); j++) {
      egress_resource *item = egress_snapshot_at(found, type_url, j);
      cr_assert_eq(egress_snapshot_find(snap, type_url, egress_resource_name(item)), item);
      snprintf(text + strlen(text), sizeof text - strlen(text), "%s ", egress_resource_name(item));
    }
  }
  egress_snapshot_unref(found);
  egress_snapshot_unref(snap);
  return text;
}

/* Cluster: name 1, eds_cluster_config 3 (service_name 2); ClusterLoadAssignment: cluster_name 1; Secret: name 1;
   RouteConfiguration: name 1, virtual_hosts 2 (routes 3 (route 2 (RouteAction: cluster 1))). */

Test(unused, arguments_are_checked) {
  egress_snapshot *snap, *found = NULL;
  cr_assert_eq(egress_snapshot_builder_build(&snap, builder), 0);
  cr_assert_eq(egress_snapshot_unused(NULL, snap), EGRESS_EINVAL);
  cr_assert_eq(egress_snapshot_unused(&found, NULL), EGRESS_EINVAL);
  egress_snapshot_unref(snap);
  put(EGRESS_TYPE_ROUTE, "r", (message){{0x12, 1, 0x08}, 3});
  cr_assert_eq(egress_snapshot_builder_build(&snap, builder), 0);
  cr_assert_eq(egress_snapshot_unused(&found, snap), EGRESS_EWIRE);
  egress_snapshot_unref(snap);
  cr_assert_null(found);
}

Test(unused, empty_snapshot_has_nothing) {
  cr_assert_str_eq(unused(), "");
}

Test(unused, clusters_are_used_by_routes_and_by_others) {
  put(EGRESS_TYPE_CLUSTER, "routed", text_field(1, "routed"));
  put(EGRESS_TYPE_CLUSTER, "proxied", text_field(1, "proxied"));
  put(EGRESS_TYPE_CLUSTER, "idle", text_field(1, "idle"));
  put(EGRESS_TYPE_ROUTE, "r", WRAP(text_field(1, "routed"), 2, 3, 2));
  const char proxy[] = "envoy.extensions.filters.network.tcp_proxy.v3.TcpProxy"; /* cluster 2 */
  put(EGRESS_TYPE_LISTENER, "l", WRAP(any(proxy, text_field(2, "proxied")), 4, 3, 3));
  cr_assert_str_eq(unused(), "idle r "); /* no listener asks for r */
}

Test(unused, name_of_its_own_is_no_use) {
  put(EGRESS_TYPE_CLUSTER, "a", join(text_field(1, "a"), text_field(28, "a"))); /* alt_stat_name */
  put(EGRESS_TYPE_ENDPOINT, "a", text_field(1, "a"));
  cr_assert_str_eq(unused(), "a ", "the cluster uses the endpoints, not they it");
  put(EGRESS_TYPE_ENDPOINT, "b", text_field(1, "b"));
  cr_assert_str_eq(unused(), "a b ");
}

Test(unused, endpoints_are_used_by_service_name) {
  put(EGRESS_TYPE_CLUSTER, "a", join(text_field(1, "a"), WRAP(text_field(2, "service"), 3)));
  put(EGRESS_TYPE_ENDPOINT, "service", text_field(1, "service"));
  put(EGRESS_TYPE_ENDPOINT, "other", text_field(1, "other"));
  put(EGRESS_TYPE_ROUTE, "r", WRAP(text_field(1, "other"), 2, 3, 2)); /* means a cluster */
  cr_assert_str_eq(unused(), "a other r ");
}

/* DownstreamTlsContext: common_tls_context 1 (tls_certificate_sds_secret_configs 6, repeated, of name 1). */
Test(unused, secrets_are_used_by_tls_contexts) {
  put(TYPE_SECRET, "one", text_field(1, "one"));
  put(TYPE_SECRET, "two", text_field(1, "two"));
  put(TYPE_SECRET, "three", text_field(1, "three"));
  message both = join(WRAP(text_field(1, "one"), 6), WRAP(text_field(1, "two"), 6));
  const char context[] = "envoy.extensions.transport_sockets.tls.v3.DownstreamTlsContext";
  /* Listener.filter_chains 3: transport_socket 6: typed_config 3 */
  put(EGRESS_TYPE_LISTENER, "l", WRAP(any(context, WRAP(both, 1)), 3, 6, 3));
  cr_assert_str_eq(unused(), "three ");
}

/* ScopedRouteConfiguration: route_configuration_name 2. Listeners and others are asked for by themselves. */
Test(unused, routes_are_used_by_scoped_routes) {
  put(EGRESS_TYPE_ROUTE, "r", text_field(1, "r"));
  put("type.googleapis.com/envoy.config.route.v3.ScopedRouteConfiguration", "s", text_field(2, "r"));
  put(EGRESS_TYPE_LISTENER, "l", text_field(1, "l"));
  put("type.googleapis.com/not.in.the.Api", "u", text_field(1, "u"));
  cr_assert_str_eq(unused(), "");
}

/* Clusters of an aggregate: a list of names (ClusterConfig.clusters 1); Cluster.cluster_type 38: typed_config 2. */
Test(unused, each_of_a_list_of_names_counts) {
  const char aggregate[] = "envoy.extensions.clusters.aggregate.v3.ClusterConfig";
  message both = join(text_field(1, "a"), text_field(1, "b"));
  put(EGRESS_TYPE_CLUSTER, "a", text_field(1, "a"));
  put(EGRESS_TYPE_CLUSTER, "b", text_field(1, "b"));
  put(EGRESS_TYPE_CLUSTER, "all", WRAP(any(aggregate, both), 2, 38));
  cr_assert_str_eq(unused(), "all ");
}

Test(unused, text_that_is_no_name_is_passed_over) {
  message odd = {{1 << 3 | 2, 2, 'a', 0}, 4}; /* "a" and a NUL */
  put(EGRESS_TYPE_CLUSTER, "a", text_field(1, "a"));
  put(EGRESS_TYPE_ROUTE, "r", WRAP(odd, 2, 3, 2));
  cr_assert_str_eq(unused(), "a r ");
}
