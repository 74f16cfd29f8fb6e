#include <stdio.h>
#include <string.h>

#include <criterion/criterion.h>

#include <egress/fetch.h>
#include <egress/resource.h>

#include "wire/discovery.h"
#include "wire/load.h"
#include "wire/method.h"

static egress__method method;

static int find(const char *path) {
  method = (egress__method){0};
  return egress__method_find(&method, path, strlen(path));
}

Test(method, c1_aggregated_discovery_has_two_variants_and_no_type) {
  cr_assert(find("/envoy.service.discovery.v3.AggregatedDiscoveryService/StreamAggregatedResources"));
  cr_assert_eq(method.variant, EGRESS__XDS_SOTW);
  cr_assert_null(method.type_url);
  cr_assert_not(method.is_unary);
  cr_assert(find("/envoy.service.discovery.v3.AggregatedDiscoveryService/DeltaAggregatedResources"));
  cr_assert_eq(method.variant, EGRESS__XDS_DELTA);
  cr_assert_null(method.type_url);
  cr_assert_not(find("/envoy.service.discovery.v3.AggregatedDiscoveryService/FetchAggregatedResources"));
}

/* Services and methods as the .proto files of Envoy's API spell them. */
static const struct {
  const char *service, *noun, *type, *rest;
} services[] = {
    {"listener.v3.ListenerDiscoveryService", "Listeners", "envoy.config.listener.v3.Listener", "listeners"},
    {"cluster.v3.ClusterDiscoveryService", "Clusters", "envoy.config.cluster.v3.Cluster", "clusters"},
    {"endpoint.v3.EndpointDiscoveryService", "Endpoints", "envoy.config.endpoint.v3.ClusterLoadAssignment",
     "endpoints"},
    {"route.v3.RouteDiscoveryService", "Routes", "envoy.config.route.v3.RouteConfiguration", "routes"},
    {"route.v3.ScopedRoutesDiscoveryService", "ScopedRoutes", "envoy.config.route.v3.ScopedRouteConfiguration",
     "scoped-routes"},
    {"secret.v3.SecretDiscoveryService", "Secrets", "envoy.extensions.transport_sockets.tls.v3.Secret", "secrets"},
    {"runtime.v3.RuntimeDiscoveryService", "Runtime", "envoy.service.runtime.v3.Runtime", "runtime"},
    {"extension.v3.ExtensionConfigDiscoveryService", "ExtensionConfigs", "envoy.config.core.v3.TypedExtensionConfig",
     "extension_configs"},
};

static void expect(const char *service, const char *verb, const char *noun, const char *type) {
  char path[256], url[256];
  snprintf(path, sizeof path, "/envoy.service.%s/%s%s", service, verb, noun);
  snprintf(url, sizeof url, "type.googleapis.com/%s", type);
  cr_assert(find(path), "%s", path);
  cr_assert_str_eq(method.type_url, url);
  cr_assert_eq(method.variant, strcmp(verb, "Delta") == 0 ? EGRESS__XDS_DELTA : EGRESS__XDS_SOTW, "%s", path);
  cr_assert_eq(method.is_unary, strcmp(verb, "Fetch") == 0, "%s", path);
}

Test(method, c1_each_type_has_a_service_of_three_methods) {
  for (size_t i = 0; i < sizeof services / sizeof services[0]; i++) {
    expect(services[i].service, "Stream", services[i].noun, services[i].type);
    expect(services[i].service, "Delta", services[i].noun, services[i].type);
    expect(services[i].service, "Fetch", services[i].noun, services[i].type);
  }
}

/* And paths as their google.api.http options do. */
Test(method, c81_each_type_has_a_path_of_rest) {
  for (size_t i = 0; i < sizeof services / sizeof services[0]; i++) {
    char path[256], url[256];
    snprintf(path, sizeof path, "/v3/discovery:%s", services[i].rest);
    snprintf(url, sizeof url, "type.googleapis.com/%s", services[i].type);
    cr_assert_str_eq(egress_fetch_type_url(path), url);
  }
  const char *others[] = {"",
                          "/v3/discovery",
                          "/v3/discovery:",
                          "/v3/discovery:cluster",
                          "/v3/discovery:clusters2",
                          "/v3/discovery:clusters/",
                          "/v3/discovery:virtual-hosts",
                          "/v2/discovery:clusters",
                          "v3/discovery:clusters"};
  for (size_t i = 0; i < sizeof others / sizeof others[0]; i++)
    cr_assert_null(egress_fetch_type_url(others[i]), "%s", others[i]);
  cr_assert_null(egress_fetch_type_url(NULL));
}

Test(method, c1_virtual_hosts_are_delta_only) {
  expect("route.v3.VirtualHostDiscoveryService", "Delta", "VirtualHosts", "envoy.config.route.v3.VirtualHost");
  cr_assert_not(find("/envoy.service.route.v3.VirtualHostDiscoveryService/StreamVirtualHosts"));
  cr_assert_not(find("/envoy.service.route.v3.VirtualHostDiscoveryService/FetchVirtualHosts"));
}

Test(method, c84_load_reports_have_one_method) {
  cr_assert(find("/envoy.service.load_stats.v3.LoadReportingService/StreamLoadStats"));
  cr_assert_eq(method.service, &egress__load_service);
  cr_assert_str_eq(method.type_url, "type.googleapis.com/envoy.service.load_stats.v3.LoadStatsRequest");
  cr_assert_not(method.is_unary);
  cr_assert(find("/envoy.service.cluster.v3.ClusterDiscoveryService/StreamClusters"));
  cr_assert_eq(method.service, &egress__discovery);
}

Test(method, anything_else_is_none) {
  static const char *const paths[] = {
      "",
      "/",
      "/envoy.service.cluster.v3.ClusterDiscoveryService",
      "/envoy.service.cluster.v3.ClusterDiscoveryService/",
      "/envoy.service.cluster.v3.ClusterDiscoveryService/Stream",
      "/envoy.service.cluster.v3.ClusterDiscoveryService/StreamListeners",
      "/envoy.service.cluster.v3.ClusterDiscoveryService/StreamClusters2",
      "/envoy.service.cluster.v3.ClusterDiscoveryService/streamClusters",
      "/envoy.service.cluster.v2.ClusterDiscoveryService/StreamClusters",
      "envoy.service.cluster.v3.ClusterDiscoveryService/StreamClusters",
      "/envoy.service.load_stats.v3.LoadReportingService/DeltaLoadStats",
      "/envoy.service.load_stats.v2.LoadReportingService/StreamLoadStats",
  };
  for (size_t i = 0; i < sizeof paths / sizeof paths[0]; i++)
    cr_assert_not(find(paths[i]), "%s", paths[i]);
}
