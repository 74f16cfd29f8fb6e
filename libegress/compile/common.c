#include "compile/common.h"

#include <envoy/config/accesslog/v3/accesslog.pb-c.h>
#include <envoy/config/cluster/v3/cluster.pb-c.h>
#include <envoy/config/core/v3/address.pb-c.h>
#include <envoy/config/core/v3/config_source.pb-c.h>
#include <envoy/config/core/v3/extension.pb-c.h>
#include <envoy/config/core/v3/resolver.pb-c.h>
#include <envoy/config/core/v3/substitution_format_string.pb-c.h>
#include <envoy/config/listener/v3/listener.pb-c.h>
#include <envoy/extensions/access_loggers/file/v3/file.pb-c.h>
#include <envoy/extensions/clusters/dynamic_forward_proxy/v3/cluster.pb-c.h>
#include <envoy/extensions/common/dynamic_forward_proxy/v3/dns_cache.pb-c.h>
#include <envoy/extensions/network/dns_resolver/cares/v3/cares_dns_resolver.pb-c.h>
#include <google/protobuf/struct.pb-c.h>

enum {
  DNS_TTL_MS = 300 * 1000,       /* a name nobody asks for is forgotten after this */
  DNS_REFRESH_MS = 60 * 1000,    /* names in use are asked again, as their TTL says, this often by default */
  DNS_MIN_REFRESH_MS = 5 * 1000, /* and never more often */
  DNS_MAX_HOSTS = 16384,         /* names resolved at a time; bounds Envoy's memory against wildcard rules */
  CONNECT_TIMEOUT_MS = 5 * 1000
};

egress__message *egress__address(egress__build *b, const egress__endpoint *endpoint) {
  char text[EGRESS__ADDR_TEXT];
  egress__message *socket = EGRESS__MAKE(b, envoy__config__core__v3__socket_address);
  egress__set_text(b, socket, "address", egress__build_printf(b, "%s", egress__addr_format(text, &endpoint->addr)));
  egress__set_number(b, socket, "port_value", endpoint->port);
  egress__message *address = EGRESS__MAKE(b, envoy__config__core__v3__address);
  egress__set_message(b, address, "socket_address", socket);
  return address;
}

egress__message *egress__ads(egress__build *b) {
  egress__message *source = EGRESS__MAKE(b, envoy__config__core__v3__config_source);
  egress__set_message(b, source, "ads", EGRESS__MAKE(b, envoy__config__core__v3__aggregated_config_source));
  egress__set_number(b, source, "resource_api_version", ENVOY__CONFIG__CORE__V3__API_VERSION__V3);
  return source;
}

static egress__message *resolver(egress__build *b, const egress__compile_plan *plan) {
  egress__message *options = EGRESS__MAKE(b, envoy__config__core__v3__dns_resolver_options);
  egress__set_number(b, options, "no_default_search_domain", 1);
  egress__message *cares =
      EGRESS__MAKE(b, envoy__extensions__network__dns_resolver__cares__v3__cares_dns_resolver_config);
  egress__set_message(b, cares, "dns_resolver_options", options);
  if (plan->dns_resolver.port != 0)
    egress__set_message(b, cares, "resolvers", egress__address(b, &plan->dns_resolver));
  egress__message *extension = EGRESS__MAKE(b, envoy__config__core__v3__typed_extension_config);
  egress__set_text(b, extension, "name", "envoy.network.dns_resolver.cares");
  egress__set_message(b, extension, "typed_config", cares);
  return extension;
}

egress__message *egress__dns_cache(egress__build *b, const egress__compile_plan *plan) {
  egress__message *cache = EGRESS__MAKE(b, envoy__extensions__common__dynamic_forward_proxy__v3__dns_cache_config);
  egress__set_text(b, cache, "name", "egress_dns");
  egress__set_number(b, cache, "dns_lookup_family",
                     ENVOY__CONFIG__CLUSTER__V3__CLUSTER__DNS_LOOKUP_FAMILY__V4_PREFERRED);
  egress__set_duration(b, cache, "host_ttl", DNS_TTL_MS);
  egress__set_duration(b, cache, "dns_refresh_rate", DNS_REFRESH_MS);
  egress__set_duration(b, cache, "dns_min_refresh_rate", DNS_MIN_REFRESH_MS);
  egress__set_number(b, cache, "max_hosts", DNS_MAX_HOSTS);
  egress__set_message(b, cache, "typed_dns_resolver_config", resolver(b, plan));
  return cache;
}

egress__message *egress__access_log(egress__build *b, const egress__compile_plan *plan,
                                    const egress__log_field *fields) {
  egress__message *line = EGRESS__MAKE(b, google__protobuf__struct);
  for (; fields->name != NULL; fields++) {
    egress__message *value = EGRESS__MAKE(b, google__protobuf__value);
    egress__set_text(b, value, "string_value", fields->command);
    egress__set_entry(b, line, "fields", fields->name, value);
  }
  egress__message *format = EGRESS__MAKE(b, envoy__config__core__v3__substitution_format_string);
  egress__set_message(b, format, "json_format", line);
  egress__message *file = EGRESS__MAKE(b, envoy__extensions__access_loggers__file__v3__file_access_log);
  egress__set_text(b, file, "path", plan->access_log);
  egress__set_message(b, file, "log_format", format);
  egress__message *log = EGRESS__MAKE(b, envoy__config__accesslog__v3__access_log);
  egress__set_text(b, log, "name", "envoy.access_loggers.file");
  egress__set_message(b, log, "typed_config", file);
  return log;
}

egress__message *egress__listener(egress__build *b, const char *name, const egress__endpoint *endpoint) {
  egress__message *listener = EGRESS__MAKE(b, envoy__config__listener__v3__listener);
  egress__set_text(b, listener, "name", name);
  egress__set_text(b, listener, "stat_prefix", name);
  egress__set_message(b, listener, "address", egress__address(b, endpoint));
  egress__set_number(b, listener, "traffic_direction", ENVOY__CONFIG__CORE__V3__TRAFFIC_DIRECTION__OUTBOUND);
  return listener;
}

egress__message *egress__forward_cluster(egress__build *b, const egress__compile_plan *plan) {
  egress__message *config = EGRESS__MAKE(b, envoy__extensions__clusters__dynamic_forward_proxy__v3__cluster_config);
  egress__set_message(b, config, "dns_cache_config", egress__dns_cache(b, plan));
  egress__message *type = EGRESS__MAKE(b, envoy__config__cluster__v3__cluster__custom_cluster_type);
  egress__set_text(b, type, "name", "envoy.clusters.dynamic_forward_proxy");
  egress__set_message(b, type, "typed_config", config);
  egress__message *cluster = EGRESS__MAKE(b, envoy__config__cluster__v3__cluster);
  egress__set_text(b, cluster, "name", EGRESS_CLUSTER_FORWARD);
  egress__set_number(b, cluster, "lb_policy", ENVOY__CONFIG__CLUSTER__V3__CLUSTER__LB_POLICY__CLUSTER_PROVIDED);
  egress__set_duration(b, cluster, "connect_timeout", CONNECT_TIMEOUT_MS);
  egress__set_message(b, cluster, "cluster_type", type);
  return cluster;
}
