#include "snapshot/reference.h"

#include <egress/resource.h>

const char *const egress__target_urls[EGRESS__TARGET_COUNT] = {
    EGRESS_TYPE_CLUSTER, EGRESS_TYPE_ENDPOINT, EGRESS_TYPE_ROUTE,
    "type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.Secret"};

/* Without `sds_config` a secret is one of Envoy's bootstrap. */
const egress__reference egress__references[EGRESS__REFERENCE_COUNT] = {
    {"envoy.config.route.v3.RouteAction", "cluster", NULL, EGRESS__TARGET_CLUSTER},
    {"envoy.config.route.v3.RouteAction.RequestMirrorPolicy", "cluster", NULL, EGRESS__TARGET_CLUSTER},
    {"envoy.config.route.v3.WeightedCluster.ClusterWeight", "name", NULL, EGRESS__TARGET_CLUSTER},
    {"envoy.extensions.filters.network.tcp_proxy.v3.TcpProxy", "cluster", NULL, EGRESS__TARGET_CLUSTER},
    {"envoy.extensions.filters.network.tcp_proxy.v3.TcpProxy.WeightedCluster.ClusterWeight", "name", NULL,
     EGRESS__TARGET_CLUSTER},
    {"envoy.extensions.clusters.aggregate.v3.ClusterConfig", "clusters", NULL, EGRESS__TARGET_CLUSTER},
    {"envoy.extensions.filters.network.http_connection_manager.v3.Rds", "route_config_name", NULL,
     EGRESS__TARGET_ROUTE},
    {"envoy.config.route.v3.ScopedRouteConfiguration", "route_configuration_name", NULL, EGRESS__TARGET_ROUTE},
    {"envoy.extensions.transport_sockets.tls.v3.SdsSecretConfig", "name", "sds_config", EGRESS__TARGET_SECRET},
};
