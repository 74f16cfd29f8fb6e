#include "sample/sample.h"

#include <stdio.h>
#include <stdlib.h>

#include <envoy/config/cluster/v3/cluster.pb-c.h>
#include <envoy/config/listener/v3/listener.pb-c.h>
#include <envoy/extensions/filters/network/tcp_proxy/v3/tcp_proxy.pb-c.h>
#include <envoy/extensions/transport_sockets/tls/v3/tls.pb-c.h>

#define TYPE_TLS "type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.UpstreamTlsContext"
#define TYPE_TCP_PROXY "type.googleapis.com/envoy.extensions.filters.network.tcp_proxy.v3.TcpProxy"

static void must(int ok, const char *what) {
  if (ok)
    return;
  fprintf(stderr, "sample: %s\n", what);
  exit(1);
}

static void *array(size_t count, size_t size) {
  void *items = calloc(count, size);
  must(items != NULL, "out of memory");
  return items;
}

const char *sample_name(char out[SAMPLE_NAME], unsigned index) {
  snprintf(out, SAMPLE_NAME, "egress|443||svc-%06u.partner.example.com", index % 1000000);
  return out;
}

static char *host_of(char *name) {
  return name + sizeof "egress|443||" - 1;
}

static ProtobufCBinaryData pack(const ProtobufCMessage *message) {
  ProtobufCBinaryData packed = {.len = protobuf_c_message_get_packed_size(message)};
  packed.data = array(1, packed.len);
  protobuf_c_message_pack(message, packed.data);
  return packed;
}

static egress_resource *make(const char *type_url, const char *name, const ProtobufCMessage *message) {
  ProtobufCBinaryData packed = pack(message);
  egress_resource *resource;
  must(egress_resource_new(&resource, type_url, name, packed.data, packed.len, NULL) == 0, "resource");
  free(packed.data);
  return resource;
}

static ProtobufCBinaryData pack_tls(char *host) {
  Envoy__Extensions__TransportSockets__Tls__V3__UpstreamTlsContext tls =
      ENVOY__EXTENSIONS__TRANSPORT_SOCKETS__TLS__V3__UPSTREAM_TLS_CONTEXT__INIT;
  tls.sni = host;
  return pack(&tls.base);
}

static egress_resource *make_cluster(unsigned index, unsigned revision) {
  char name[SAMPLE_NAME];
  sample_name(name, index);
  char *host = host_of(name);

  Google__Protobuf__Duration timeout = GOOGLE__PROTOBUF__DURATION__INIT;
  timeout.seconds = 5;
  timeout.nanos = 500000000 + (int32_t)(revision % 1000000) * 100; /* no revision of a long run is like another */

  Google__Protobuf__UInt32Value limit = GOOGLE__PROTOBUF__UINT32_VALUE__INIT;
  limit.value = 1024;
  Envoy__Config__Cluster__V3__CircuitBreakers__Thresholds thresholds =
      ENVOY__CONFIG__CLUSTER__V3__CIRCUIT_BREAKERS__THRESHOLDS__INIT;
  thresholds.max_connections = thresholds.max_pending_requests = &limit;
  Envoy__Config__Cluster__V3__CircuitBreakers breakers = ENVOY__CONFIG__CLUSTER__V3__CIRCUIT_BREAKERS__INIT;
  breakers.n_thresholds = 1;
  breakers.thresholds = (Envoy__Config__Cluster__V3__CircuitBreakers__Thresholds *[]){&thresholds};

  Envoy__Config__Core__V3__SocketAddress socket = ENVOY__CONFIG__CORE__V3__SOCKET_ADDRESS__INIT;
  socket.address = host;
  socket.port_specifier_case = ENVOY__CONFIG__CORE__V3__SOCKET_ADDRESS__PORT_SPECIFIER_PORT_VALUE;
  socket.port_value = 443;
  Envoy__Config__Core__V3__Address address = ENVOY__CONFIG__CORE__V3__ADDRESS__INIT;
  address.address_case = ENVOY__CONFIG__CORE__V3__ADDRESS__ADDRESS_SOCKET_ADDRESS;
  address.socket_address = &socket;
  Envoy__Config__Endpoint__V3__Endpoint endpoint = ENVOY__CONFIG__ENDPOINT__V3__ENDPOINT__INIT;
  endpoint.address = &address;
  Envoy__Config__Endpoint__V3__LbEndpoint lb = ENVOY__CONFIG__ENDPOINT__V3__LB_ENDPOINT__INIT;
  lb.host_identifier_case = ENVOY__CONFIG__ENDPOINT__V3__LB_ENDPOINT__HOST_IDENTIFIER_ENDPOINT;
  lb.endpoint = &endpoint;
  Envoy__Config__Endpoint__V3__LocalityLbEndpoints locality = ENVOY__CONFIG__ENDPOINT__V3__LOCALITY_LB_ENDPOINTS__INIT;
  locality.n_lb_endpoints = 1;
  locality.lb_endpoints = (Envoy__Config__Endpoint__V3__LbEndpoint *[]){&lb};
  Envoy__Config__Endpoint__V3__ClusterLoadAssignment assignment =
      ENVOY__CONFIG__ENDPOINT__V3__CLUSTER_LOAD_ASSIGNMENT__INIT;
  assignment.cluster_name = name;
  assignment.n_endpoints = 1;
  assignment.endpoints = (Envoy__Config__Endpoint__V3__LocalityLbEndpoints *[]){&locality};

  Google__Protobuf__Any any = GOOGLE__PROTOBUF__ANY__INIT;
  any.type_url = TYPE_TLS;
  any.value = pack_tls(host);
  Envoy__Config__Core__V3__TransportSocket transport = ENVOY__CONFIG__CORE__V3__TRANSPORT_SOCKET__INIT;
  transport.name = "envoy.transport_sockets.tls";
  transport.config_type_case = ENVOY__CONFIG__CORE__V3__TRANSPORT_SOCKET__CONFIG_TYPE_TYPED_CONFIG;
  transport.typed_config = &any;

  Envoy__Config__Cluster__V3__Cluster cluster = ENVOY__CONFIG__CLUSTER__V3__CLUSTER__INIT;
  cluster.name = name;
  cluster.connect_timeout = &timeout;
  cluster.cluster_discovery_type_case = ENVOY__CONFIG__CLUSTER__V3__CLUSTER__CLUSTER_DISCOVERY_TYPE_TYPE;
  cluster.type = ENVOY__CONFIG__CLUSTER__V3__CLUSTER__DISCOVERY_TYPE__LOGICAL_DNS;
  cluster.dns_lookup_family = ENVOY__CONFIG__CLUSTER__V3__CLUSTER__DNS_LOOKUP_FAMILY__V4_ONLY;
  cluster.circuit_breakers = &breakers;
  cluster.load_assignment = &assignment;
  cluster.transport_socket = &transport;
  egress_resource *resource = make(EGRESS_TYPE_CLUSTER, name, &cluster.base);
  free(any.value.data);
  return resource;
}

/* A chain with everything in it that is its own. */
typedef struct chain {
  char name[SAMPLE_NAME], chain_name[32], stat_prefix[32];
  char *server_name;
  Envoy__Config__Listener__V3__FilterChainMatch match;
  Google__Protobuf__Any any;
  Envoy__Config__Listener__V3__Filter filter, *filters;
  Envoy__Config__Listener__V3__FilterChain chain;
} chain;

static Envoy__Config__Listener__V3__FilterChain *fill_chain(chain *c, unsigned index) {
  sample_name(c->name, index);
  c->server_name = host_of(c->name);
  snprintf(c->chain_name, sizeof c->chain_name, "fc-%u", index);
  snprintf(c->stat_prefix, sizeof c->stat_prefix, "egress_%u", index);
  Envoy__Extensions__Filters__Network__TcpProxy__V3__TcpProxy proxy =
      ENVOY__EXTENSIONS__FILTERS__NETWORK__TCP_PROXY__V3__TCP_PROXY__INIT;
  proxy.stat_prefix = c->stat_prefix;
  proxy.cluster_specifier_case =
      ENVOY__EXTENSIONS__FILTERS__NETWORK__TCP_PROXY__V3__TCP_PROXY__CLUSTER_SPECIFIER_CLUSTER;
  proxy.cluster = c->name;
  google__protobuf__any__init(&c->any);
  c->any.type_url = TYPE_TCP_PROXY;
  c->any.value = pack(&proxy.base);
  envoy__config__listener__v3__filter__init(&c->filter);
  c->filter.name = "envoy.filters.network.tcp_proxy";
  c->filter.config_type_case = ENVOY__CONFIG__LISTENER__V3__FILTER__CONFIG_TYPE_TYPED_CONFIG;
  c->filter.typed_config = &c->any;
  c->filters = &c->filter;
  envoy__config__listener__v3__filter_chain_match__init(&c->match);
  c->match.n_server_names = 1;
  c->match.server_names = &c->server_name;
  envoy__config__listener__v3__filter_chain__init(&c->chain);
  c->chain.name = c->chain_name;
  c->chain.filter_chain_match = &c->match;
  c->chain.n_filters = 1;
  c->chain.filters = &c->filters;
  return &c->chain;
}

static egress_resource *make_listener(unsigned count) {
  chain *chains = array(count, sizeof *chains);
  Envoy__Config__Listener__V3__FilterChain **list = array(count, sizeof *list);
  for (unsigned i = 0; i < count; i++)
    list[i] = fill_chain(&chains[i], i);
  Envoy__Config__Core__V3__SocketAddress socket = ENVOY__CONFIG__CORE__V3__SOCKET_ADDRESS__INIT;
  socket.address = "127.0.0.1";
  socket.port_specifier_case = ENVOY__CONFIG__CORE__V3__SOCKET_ADDRESS__PORT_SPECIFIER_PORT_VALUE;
  socket.port_value = 15001;
  Envoy__Config__Core__V3__Address address = ENVOY__CONFIG__CORE__V3__ADDRESS__INIT;
  address.address_case = ENVOY__CONFIG__CORE__V3__ADDRESS__ADDRESS_SOCKET_ADDRESS;
  address.socket_address = &socket;
  Envoy__Config__Listener__V3__Listener listener = ENVOY__CONFIG__LISTENER__V3__LISTENER__INIT;
  listener.name = "egress";
  listener.address = &address;
  listener.n_filter_chains = count;
  listener.filter_chains = list;
  egress_resource *resource = make(EGRESS_TYPE_LISTENER, "egress", &listener.base);
  for (unsigned i = 0; i < count; i++)
    free(chains[i].any.value.data);
  free(list);
  free(chains);
  return resource;
}

static void put(egress_snapshot_builder *builder, egress_resource *resource) {
  must(egress_snapshot_builder_put(builder, resource) == 0, "put");
  egress_resource_unref(resource);
}

static egress_snapshot *build(egress_snapshot_builder *builder) {
  egress_snapshot *snap;
  must(egress_snapshot_builder_build(&snap, builder) == 0, "build");
  egress_snapshot_builder_free(builder);
  return snap;
}

egress_snapshot *sample_snapshot(unsigned count) {
  egress_snapshot_builder *builder;
  must(egress_snapshot_builder_new(&builder, NULL, NULL) == 0, "builder");
  for (unsigned i = 0; i < count; i++)
    put(builder, make_cluster(i, 0));
  put(builder, make_listener(count >= 10 ? count / 10 : 1));
  return build(builder);
}

egress_snapshot *sample_change(egress_snapshot *base, unsigned index, unsigned revision) {
  egress_snapshot_builder *builder;
  must(egress_snapshot_builder_new(&builder, base, NULL) == 0, "builder");
  put(builder, make_cluster(index, revision));
  return build(builder);
}
