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
#include <google/protobuf/any.pb-c.h>
#include <google/protobuf/duration.pb-c.h>
#include <google/protobuf/struct.pb-c.h>
#include <google/protobuf/wrappers.pb-c.h>

#include <criterion/criterion.h>
#include <string.h>

typedef Envoy__Extensions__Common__DynamicForwardProxy__V3__DnsCacheConfig DnsCacheConfig;
typedef Envoy__Extensions__Network__DnsResolver__Cares__V3__CaresDnsResolverConfig CaresDnsResolverConfig;

static egress__build b;

static void start(void) {
  egress__build_init(&b, egress__alloc_or_default(NULL));
}

static void finish(void) {
  egress__build_dispose(&b);
}

TestSuite(common, .init = start, .fini = finish);

static egress__endpoint endpoint(const char *text) {
  egress__endpoint out;
  cr_assert_eq(egress__endpoint_parse(&out, text), 0);
  return out;
}

static void is_address(const Envoy__Config__Core__V3__Address *address, const char *text, uint32_t port) {
  cr_assert_eq(address->address_case, ENVOY__CONFIG__CORE__V3__ADDRESS__ADDRESS_SOCKET_ADDRESS);
  cr_expect_str_eq(address->socket_address->address, text);
  cr_expect_eq(address->socket_address->port_specifier_case,
               ENVOY__CONFIG__CORE__V3__SOCKET_ADDRESS__PORT_SPECIFIER_PORT_VALUE);
  cr_expect_eq(address->socket_address->port_value, port);
}

Test(common, addresses) {
  egress__endpoint v4 = endpoint("0.0.0.0:3128"), v6 = endpoint("[2001:DB8:0::1]:65535");
  is_address((void *)egress__address(&b, &v4), "0.0.0.0", 3128);
  is_address((void *)egress__address(&b, &v6), "2001:db8::1", 65535);
}

Test(common, everything_comes_from_the_same_stream) {
  const Envoy__Config__Core__V3__ConfigSource *source = (void *)egress__ads(&b);
  cr_expect_eq(source->config_source_specifier_case,
               ENVOY__CONFIG__CORE__V3__CONFIG_SOURCE__CONFIG_SOURCE_SPECIFIER_ADS);
  cr_expect_eq(source->resource_api_version, ENVOY__CONFIG__CORE__V3__API_VERSION__V3);
}

static CaresDnsResolverConfig *resolver_of(const DnsCacheConfig *cache) {
  const Google__Protobuf__Any *any = cache->typed_dns_resolver_config->typed_config;
  return envoy__extensions__network__dns_resolver__cares__v3__cares_dns_resolver_config__unpack(NULL, any->value.len,
                                                                                                any->value.data);
}

Test(common, resolver) {
  egress__compile_plan plan = {0};
  CaresDnsResolverConfig *resolver = resolver_of((void *)egress__dns_cache(&b, &plan));
  cr_expect_eq(resolver->n_resolvers, 0, "the machine's own");
  cr_expect(resolver->dns_resolver_options->no_default_search_domain, "`a.test` must not become `a.test.corp`");
  envoy__extensions__network__dns_resolver__cares__v3__cares_dns_resolver_config__free_unpacked(resolver, NULL);
  plan.dns_resolver = endpoint("127.0.0.53:5353");
  resolver = resolver_of((void *)egress__dns_cache(&b, &plan));
  cr_assert_eq(resolver->n_resolvers, 1);
  is_address(resolver->resolvers[0], "127.0.0.53", 5353);
  envoy__extensions__network__dns_resolver__cares__v3__cares_dns_resolver_config__free_unpacked(resolver, NULL);
}

/* Two of one name that differ are an error to Envoy. */
Test(common, the_cluster_has_the_same_dns_cache) {
  egress__compile_plan plan = {.dns_resolver = endpoint("127.0.0.53:53")};
  const Envoy__Config__Cluster__V3__Cluster *cluster = (void *)egress__forward_cluster(&b, &plan);
  cr_expect_str_eq(cluster->name, EGRESS_CLUSTER_FORWARD);
  cr_expect_eq(cluster->lb_policy, ENVOY__CONFIG__CLUSTER__V3__CLUSTER__LB_POLICY__CLUSTER_PROVIDED);
  const Google__Protobuf__Any *any = cluster->cluster_type->typed_config;
  Envoy__Extensions__Clusters__DynamicForwardProxy__V3__ClusterConfig *config =
      envoy__extensions__clusters__dynamic_forward_proxy__v3__cluster_config__unpack(NULL, any->value.len,
                                                                                     any->value.data);
  egress__span of_cluster = egress__build_pack(&b, &config->dns_cache_config->base);
  egress__span of_filters = egress__build_pack(&b, egress__dns_cache(&b, &plan));
  cr_assert_eq(of_cluster.size, of_filters.size);
  cr_expect_eq(memcmp(of_cluster.data, of_filters.data, of_filters.size), 0);
  const DnsCacheConfig *cache = config->dns_cache_config;
  cr_expect_leq(cache->dns_min_refresh_rate->seconds, cache->dns_refresh_rate->seconds);
  cr_expect_leq(cache->dns_refresh_rate->seconds, cache->host_ttl->seconds);
  cr_expect_gt(cache->max_hosts->value, 0);
  envoy__extensions__clusters__dynamic_forward_proxy__v3__cluster_config__free_unpacked(config, NULL);
}

Test(common, access_log_is_json) {
  egress__compile_plan plan = {.access_log = "/var/log/egress.log"};
  static const egress__log_field fields[] = {{"name", "%REQ(:AUTHORITY)%"}, {"fixed", "text"}, {NULL, NULL}};
  const Envoy__Config__Accesslog__V3__AccessLog *log = (void *)egress__access_log(&b, &plan, fields);
  const Google__Protobuf__Any *any = log->typed_config;
  Envoy__Extensions__AccessLoggers__File__V3__FileAccessLog *file =
      envoy__extensions__access_loggers__file__v3__file_access_log__unpack(NULL, any->value.len, any->value.data);
  cr_expect_str_eq(file->path, "/var/log/egress.log");
  cr_assert_eq(file->log_format->format_case, ENVOY__CONFIG__CORE__V3__SUBSTITUTION_FORMAT_STRING__FORMAT_JSON_FORMAT);
  const Google__Protobuf__Struct *line = file->log_format->json_format;
  cr_assert_eq(line->n_fields, 2);
  for (size_t i = 0; i < 2; i++) {
    cr_expect_str_eq(line->fields[i]->key, fields[i].name);
    cr_expect_str_eq(line->fields[i]->value->string_value, fields[i].command);
  }
  envoy__extensions__access_loggers__file__v3__file_access_log__free_unpacked(file, NULL);
}

Test(common, listener) {
  egress__endpoint at = endpoint("[::1]:8443");
  const Envoy__Config__Listener__V3__Listener *listener = (void *)egress__listener(&b, "name", &at);
  cr_expect_str_eq(listener->name, "name");
  cr_expect_str_eq(listener->stat_prefix, "name", "statistics keep their name when the address changes");
  is_address(listener->address, "::1", 8443);
  cr_expect_eq(listener->n_filter_chains, 0);
  cr_expect_eq(listener->traffic_direction, ENVOY__CONFIG__CORE__V3__TRAFFIC_DIRECTION__OUTBOUND);
}
