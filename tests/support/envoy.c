#include "support/envoy.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <envoy/config/core/v3/base.pb-c.h>
#include <envoy/config/core/v3/config_source.pb-c.h>
#include <envoy/config/core/v3/extension.pb-c.h>
#include <envoy/config/listener/v3/listener_components.pb-c.h>
#include <envoy/config/route/v3/route_components.pb-c.h>
#include <envoy/extensions/filters/http/dynamic_forward_proxy/v3/dynamic_forward_proxy.pb-c.h>
#include <envoy/extensions/filters/http/rbac/v3/rbac.pb-c.h>
#include <envoy/extensions/filters/http/router/v3/router.pb-c.h>
#include <envoy/extensions/filters/network/direct_response/v3/config.pb-c.h>
#include <envoy/extensions/filters/network/http_connection_manager/v3/http_connection_manager.pb-c.h>
#include <envoy/extensions/filters/network/rbac/v3/rbac.pb-c.h>
#include <envoy/extensions/filters/network/sni_dynamic_forward_proxy/v3/sni_dynamic_forward_proxy.pb-c.h>
#include <envoy/extensions/filters/network/tcp_proxy/v3/tcp_proxy.pb-c.h>
#include <envoy/extensions/matching/common_inputs/network/v3/network_inputs.pb-c.h>
#include <envoy/extensions/rbac/matchers/upstream_ip_port/v3/upstream_ip_port_matcher.pb-c.h>
#include <envoy/type/matcher/v3/http_inputs.pb-c.h>
#include <envoy/type/matcher/v3/regex.pb-c.h>
#include <envoy/type/matcher/v3/string.pb-c.h>
#include <google/protobuf/any.pb-c.h>
#include <google/protobuf/struct.pb-c.h>
#include <google/protobuf/wrappers.pb-c.h>
#include <xds/type/matcher/v3/domain.pb-c.h>
#include <xds/type/matcher/v3/ip.pb-c.h>

#include "compile/common.h"

typedef Envoy__Config__Listener__V3__FilterChain FilterChain;
typedef Envoy__Config__Listener__V3__Listener Listener;
typedef Envoy__Config__Listener__V3__Filter Filter;
typedef Envoy__Config__Route__V3__RouteConfiguration RouteConfiguration;
typedef Envoy__Config__Route__V3__VirtualHost VirtualHost;
typedef Envoy__Config__Route__V3__Route Route;
typedef Envoy__Config__Route__V3__HeaderMatcher HeaderMatcher;
typedef Envoy__Extensions__Filters__Network__HttpConnectionManager__V3__HttpConnectionManager HttpConnectionManager;
typedef Envoy__Extensions__Filters__Http__Rbac__V3__RBAC HttpRbac;

void envoy_stop(const char *format, ...) {
  va_list args;
  va_start(args, format);
  fputs("Envoy's model: ", stderr);
  vfprintf(stderr, format, args);
  fputc('\n', stderr);
  va_end(args);
  abort();
}

/* Messages live in the model's arena. */

static void *take(void *user, size_t size) {
  void *room = egress__arena_get(user, size);
  if (room == NULL)
    envoy_stop("out of memory");
  return room;
}

static void leave(void *user, void *ptr) {
  (void)user;
  (void)ptr;
}

static ProtobufCMessage *unpack(envoy *e, const ProtobufCMessageDescriptor *type, const void *bytes, size_t size) {
  ProtobufCAllocator allocator = {take, leave, &e->arena};
  ProtobufCMessage *message = protobuf_c_message_unpack(type, &allocator, size, bytes);
  if (message == NULL)
    envoy_stop("bytes that are no %s", type->name);
  if (message->n_unknown_fields != 0)
    envoy_stop("%s has a field that Envoy does not know", type->name);
  return message;
}

static const ProtobufCMessageDescriptor *const known_types[] = {
    &envoy__config__core__v3__typed_extension_config__descriptor,
    &envoy__config__rbac__v3__action__descriptor,
    &envoy__config__route__v3__filter_config__descriptor,
    &envoy__extensions__filters__http__dynamic_forward_proxy__v3__filter_config__descriptor,
    &envoy__extensions__filters__http__rbac__v3__rbac__descriptor,
    &envoy__extensions__filters__http__rbac__v3__rbacper_route__descriptor,
    &envoy__extensions__filters__http__router__v3__router__descriptor,
    &envoy__extensions__filters__network__direct_response__v3__config__descriptor,
    &envoy__extensions__filters__network__http_connection_manager__v3__http_connection_manager__descriptor,
    &envoy__extensions__filters__network__rbac__v3__rbac__descriptor,
    &envoy__extensions__filters__network__sni_dynamic_forward_proxy__v3__filter_config__descriptor,
    &envoy__extensions__filters__network__tcp_proxy__v3__tcp_proxy__descriptor,
    &envoy__extensions__matching__common_inputs__network__v3__direct_source_ipinput__descriptor,
    &envoy__extensions__matching__common_inputs__network__v3__server_name_input__descriptor,
    &envoy__extensions__matching__common_inputs__network__v3__source_ipinput__descriptor,
    &envoy__extensions__rbac__matchers__upstream_ip_port__v3__upstream_ip_port_matcher__descriptor,
    &envoy__type__matcher__v3__http_request_header_match_input__descriptor,
    &google__protobuf__string_value__descriptor,
    &xds__type__matcher__v3__ipmatcher__descriptor,
    &xds__type__matcher__v3__server_name_matcher__descriptor,
};

static ProtobufCMessage *unpack_any(envoy *e, const Google__Protobuf__Any *any) {
  static const char head[] = "type.googleapis.com/";
  if (any == NULL || strncmp(any->type_url, head, sizeof head - 1) != 0)
    envoy_stop("an Any without a type");
  for (size_t i = 0; i < sizeof known_types / sizeof known_types[0]; i++)
    if (strcmp(any->type_url + sizeof head - 1, known_types[i]->name) == 0)
      return unpack(e, known_types[i], any->value.data, any->value.len);
  envoy_stop("%s: unknown to the model", any->type_url);
}

const ProtobufCMessage *envoy_open(envoy *e, const Google__Protobuf__Any *any) {
  ProtobufCMessage *message = egress__map_get(&e->opened, (const char *)&any, sizeof any);
  if (message != NULL)
    return message;
  message = unpack_any(e, any);
  const Google__Protobuf__Any **key = take(&e->arena, sizeof(void *));
  *key = any;
  if (egress__map_set(&e->opened, (const char *)key, sizeof *key, message) != 0)
    envoy_stop("out of memory");
  return message;
}

static const void *open_as(envoy *e, const Google__Protobuf__Any *any, const ProtobufCMessageDescriptor *type) {
  const ProtobufCMessage *message = envoy_open(e, any);
  if (message->descriptor != type)
    envoy_stop("%s where Envoy wants %s", message->descriptor->name, type->name);
  return message;
}

const void *envoy_resource(envoy *e, const char *type_url, const char *name, const ProtobufCMessageDescriptor *type) {
  const egress_resource *resource = egress_snapshot_find(e->snap, type_url, name);
  if (resource == NULL)
    return NULL;
  return unpack(e, type, egress_resource_bytes(resource), egress_resource_size(resource));
}

const void *envoy_reread(envoy *e, const ProtobufCMessage *message) {
  size_t size = protobuf_c_message_get_packed_size(message);
  uint8_t *bytes = take(&e->arena, size + 1);
  protobuf_c_message_pack(message, bytes);
  return unpack(e, message->descriptor, bytes, size);
}

/* Taking a configuration. */

static void check_new(egress__map *seen, const char *key, const char *what) {
  if (key[0] == '\0' || egress__map_get(seen, key, strlen(key)) != NULL)
    envoy_stop("%s \"%s\" is empty or there twice", what, key);
  if (egress__map_set(seen, key, strlen(key), seen) != 0)
    envoy_stop("out of memory");
}

static void check_chains(const Listener *listener) {
  egress__map seen = {.alloc = egress__alloc_or_default(NULL)};
  if (listener->n_filter_chains == 0)
    envoy_stop("Envoy takes no listener without filter chains");
  for (size_t i = 0; i < listener->n_filter_chains; i++)
    check_new(&seen, listener->filter_chains[i]->name, "filter chain");
  egress__map_dispose(&seen);
}

static void check_virtual_hosts(const RouteConfiguration *routes) {
  egress__map names = {.alloc = egress__alloc_or_default(NULL)}, domains = {.alloc = egress__alloc_or_default(NULL)};
  for (size_t i = 0; i < routes->n_virtual_hosts; i++) {
    const VirtualHost *host = routes->virtual_hosts[i];
    check_new(&names, host->name, "virtual host");
    if (host->n_domains == 0)
      envoy_stop("virtual host %s has no domain", host->name);
    for (size_t j = 0; j < host->n_domains; j++) {
      check_new(&domains, host->domains[j], "domain");
      if (strchr(host->domains[j] + 1, '*') != NULL)
        envoy_stop("domain %s: a star may stand in front only", host->domains[j]);
    }
  }
  egress__map_dispose(&names);
  egress__map_dispose(&domains);
}

static void check_route_matchers(envoy *e, const Route *route) {
  for (size_t i = 0; i < route->n_typed_per_filter_config; i++) {
    const ProtobufCMessage *config = envoy_open(e, route->typed_per_filter_config[i]->value);
    if (config->descriptor != &envoy__extensions__filters__http__rbac__v3__rbacper_route__descriptor)
      continue;
    const HttpRbac *rbac = ((const Envoy__Extensions__Filters__Http__Rbac__V3__RBACPerRoute *)config)->rbac;
    if (rbac != NULL && rbac->matcher != NULL)
      envoy_check_matcher(e, rbac->matcher);
  }
}

void envoy_init(envoy *e, const egress_snapshot *snap, egress__map *regexes) {
  *e = (envoy){.snap = snap, .regexes = regexes};
  egress__arena_init(&e->arena, egress__alloc_or_default(NULL));
  egress__map_init(&e->opened, egress__alloc_or_default(NULL));
  e->sni =
      envoy_resource(e, EGRESS_TYPE_LISTENER, EGRESS_LISTENER_SNI, &envoy__config__listener__v3__listener__descriptor);
  e->explicit = envoy_resource(e, EGRESS_TYPE_LISTENER, EGRESS_LISTENER_EXPLICIT,
                               &envoy__config__listener__v3__listener__descriptor);
  e->routes = envoy_resource(e, EGRESS_TYPE_ROUTE, EGRESS_ROUTE_HTTP,
                             &envoy__config__route__v3__route_configuration__descriptor);
  if (e->sni != NULL) {
    check_chains(e->sni);
    envoy_check_matcher(e, e->sni->filter_chain_matcher);
  }
  if (e->explicit != NULL)
    check_chains(e->explicit);
  if (e->routes == NULL)
    return;
  check_virtual_hosts(e->routes);
  for (size_t i = 0; i < e->routes->n_virtual_hosts; i++)
    for (size_t j = 0; j < e->routes->virtual_hosts[i]->n_routes; j++)
      check_route_matchers(e, e->routes->virtual_hosts[i]->routes[j]);
}

void envoy_dispose(envoy *e) {
  egress__map_dispose(&e->opened);
  egress__arena_dispose(&e->arena);
}

/* What both listeners do. */

static egress__addr read_addr(const char *text) {
  egress__addr addr = {0};
  if (text != NULL && egress__addr_parse(&addr, text, strlen(text)) != 0)
    envoy_stop("%s is no address", text);
  return addr;
}

static envoy_answer refused(const char *filter, const char *rule) {
  return (envoy_answer){.verdict = EGRESS_DENY, .filter = filter, .rule = rule};
}

static char *lower(envoy *e, const char *text) {
  char *out = egress__arena_strndup(&e->arena, text, strlen(text));
  for (char *c = out; *c != '\0'; c++)
    *c = (char)(*c >= 'A' && *c <= 'Z' ? *c + 'a' - 'A' : *c);
  return out;
}

/* Rules of a filter behind the one that resolves. */
static int judge(envoy *e, const Envoy__Config__Rbac__V3__RBAC *rules, const char *filter, const envoy_connection *c,
                 envoy_answer *answer) {
  const char *by;
  if (envoy_rbac(e, rules, c, &by)) {
    if (rules->action == ENVOY__CONFIG__RBAC__V3__RBAC__ACTION__ALLOW)
      answer->rule = by;
    else if (c->upstream.family == 0 && rules->n_policies != 0)
      answer->verdict = EGRESS_ALLOW_IF_ADDRESS;
    return 1;
  }
  *answer = refused(filter, by);
  return 0;
}

/* TLS. */

const FilterChain *envoy_chain(const Listener *listener, const char *name) {
  for (size_t i = 0; i < listener->n_filter_chains; i++)
    if (strcmp(listener->filter_chains[i]->name, name) == 0)
      return listener->filter_chains[i];
  return NULL;
}

/* What the access log says. */
static const char *rule_of_chain(const FilterChain *chain) {
  const Envoy__Config__Core__V3__Metadata *metadata = chain->metadata;
  if (metadata == NULL || metadata->n_filter_metadata != 1 || strcmp(metadata->filter_metadata[0]->key, "egress") != 0)
    envoy_stop("chain %s has no metadata of ours", chain->name);
  const Google__Protobuf__Struct *fields = metadata->filter_metadata[0]->value;
  for (size_t i = 0; i < fields->n_fields; i++)
    if (strcmp(fields->fields[i]->key, "rule") == 0)
      return fields->fields[i]->value->string_value;
  envoy_stop("chain %s does not say its rule", chain->name);
}

static const Envoy__Config__Rbac__V3__RBAC *network_rules(envoy *e, const Filter *filter) {
  if (filter->config_type_case != ENVOY__CONFIG__LISTENER__V3__FILTER__CONFIG_TYPE_CONFIG_DISCOVERY)
    envoy_stop("filter %s is not discovered", filter->name);
  const Envoy__Config__Core__V3__TypedExtensionConfig *found = envoy_resource(
      e, EGRESS__TYPE_EXTENSION, filter->name, &envoy__config__core__v3__typed_extension_config__descriptor);
  if (found == NULL)
    envoy_stop("filter %s is not in the snapshot", filter->name);
  const Envoy__Extensions__Filters__Network__Rbac__V3__RBAC *rbac =
      open_as(e, found->typed_config, &envoy__extensions__filters__network__rbac__v3__rbac__descriptor);
  if (rbac->rules == NULL || rbac->matcher != NULL)
    envoy_stop("filter %s has no rules", filter->name);
  return rbac->rules;
}

/* 1 when the connection goes on to the next filter. */
static int pass_network(envoy *e, const Filter *filter, envoy_connection *c, egress__addr resolved,
                        envoy_answer *answer) {
  if (filter->config_type_case != ENVOY__CONFIG__LISTENER__V3__FILTER__CONFIG_TYPE_TYPED_CONFIG)
    return judge(e, network_rules(e, filter), filter->name, c, answer);
  const ProtobufCMessage *config = envoy_open(e, filter->typed_config);
  if (config->descriptor == &envoy__extensions__filters__network__direct_response__v3__config__descriptor) {
    answer->filter = filter->name;
    return 0;
  }
  if (config->descriptor == &envoy__extensions__filters__network__tcp_proxy__v3__tcp_proxy__descriptor) {
    if (answer->verdict == EGRESS_DENY)
      answer->verdict = EGRESS_ALLOW;
    return 0;
  }
  const Envoy__Extensions__Filters__Network__SniDynamicForwardProxy__V3__FilterConfig *resolve =
      open_as(e, filter->typed_config,
              &envoy__extensions__filters__network__sni_dynamic_forward_proxy__v3__filter_config__descriptor);
  c->upstream = resolved;
  c->upstream_port = (uint16_t)resolve->port_value;
  return 1;
}

envoy_answer envoy_tls(envoy *e, const char *source, const char *server_name, const char *resolved) {
  const char *name = server_name == NULL ? "" : lower(e, server_name);
  envoy_connection c = {.source = read_addr(source), .name = name};
  const ProtobufCMessage *action = envoy_match(e, e->sni->filter_chain_matcher, &c);
  if (action == NULL || action->descriptor != &google__protobuf__string_value__descriptor)
    envoy_stop("%s: no answer", name);
  const FilterChain *chain = envoy_chain(e->sni, ((const Google__Protobuf__StringValue *)action)->value);
  if (chain == NULL)
    return refused("", "");
  envoy_answer answer = {.verdict = EGRESS_DENY, .filter = "", .rule = rule_of_chain(chain)};
  for (size_t i = 0; i < chain->n_filters; i++)
    if (!pass_network(e, chain->filters[i], &c, read_addr(resolved), &answer))
      break;
  answer.dialled = c.upstream;
  answer.dialled_port = c.upstream_port;
  return answer;
}

/* HTTP. */

/* How well a domain takes a host: 0 not at all, 1 it is "*", more for longer suffixes, most for the host itself. */
static size_t domain_rank(const char *domain, const char *host) {
  size_t size = strlen(domain), host_size = strlen(host);
  if (domain[0] != '*')
    return strcmp(domain, host) == 0 ? SIZE_MAX : 0;
  if (size == 1)
    return 1;
  /* Something must stand for the star. */
  return host_size >= size && strcmp(host + host_size - (size - 1), domain + 1) == 0 ? size : 0;
}

const VirtualHost *envoy_virtual_host(const envoy *e, const char *authority) {
  const VirtualHost *best = NULL;
  size_t best_rank = 0;
  char host[512];
  snprintf(host, sizeof host, "%s", authority);
  for (char *c = host; *c != '\0'; c++)
    *c = (char)(*c >= 'A' && *c <= 'Z' ? *c + 'a' - 'A' : *c);
  for (size_t i = 0; i < e->routes->n_virtual_hosts; i++) {
    for (size_t j = 0; j < e->routes->virtual_hosts[i]->n_domains; j++) {
      size_t rank = domain_rank(e->routes->virtual_hosts[i]->domains[j], host);
      if (rank > best_rank) {
        best = e->routes->virtual_hosts[i];
        best_rank = rank;
      }
    }
  }
  return best;
}

static int route_header_matches(envoy *e, const HeaderMatcher *header, const char *authority) {
  if (strcmp(header->name, ":authority") != 0 || header->invert_match ||
      header->header_match_specifier_case !=
          ENVOY__CONFIG__ROUTE__V3__HEADER_MATCHER__HEADER_MATCH_SPECIFIER_STRING_MATCH)
    envoy_stop("a route's header matcher that the model does not know");
  const Envoy__Type__Matcher__V3__StringMatcher *string = header->string_match;
  if (string->match_pattern_case == ENVOY__TYPE__MATCHER__V3__STRING_MATCHER__MATCH_PATTERN_SAFE_REGEX)
    return envoy_regex(e, string->safe_regex->regex, authority);
  if (string->match_pattern_case != ENVOY__TYPE__MATCHER__V3__STRING_MATCHER__MATCH_PATTERN_SUFFIX)
    envoy_stop("a route's header matcher that the model does not know");
  size_t size = strlen(string->suffix), all = strlen(authority);
  return all >= size && strcmp(authority + all - size, string->suffix) == 0;
}

static int route_matches(envoy *e, const Route *route, int connect, const char *authority) {
  switch (route->match->path_specifier_case) {
  case ENVOY__CONFIG__ROUTE__V3__ROUTE_MATCH__PATH_SPECIFIER_CONNECT_MATCHER:
    if (!connect)
      return 0;
    break;
  case ENVOY__CONFIG__ROUTE__V3__ROUTE_MATCH__PATH_SPECIFIER_PREFIX:
    if (connect || strcmp(route->match->prefix, "/") != 0)
      return 0;
    break;
  default:
    envoy_stop("route %s: a match that the model does not know", route->name);
  }
  for (size_t i = 0; i < route->match->n_headers; i++)
    if (!route_header_matches(e, route->match->headers[i], authority))
      return 0;
  return 1;
}

static const Route *find_route(envoy *e, const VirtualHost *host, int connect, const char *authority) {
  for (size_t i = 0; host != NULL && i < host->n_routes; i++)
    if (route_matches(e, host->routes[i], connect, authority))
      return host->routes[i];
  return NULL;
}

/* What the route says for a filter: the most specific of route, virtual host, route configuration. */
static const ProtobufCMessage *per_filter(envoy *e, const VirtualHost *host, const Route *route, const char *filter) {
  if (route == NULL)
    return NULL;
  for (size_t i = 0; i < route->n_typed_per_filter_config; i++)
    if (strcmp(route->typed_per_filter_config[i]->key, filter) == 0)
      return envoy_open(e, route->typed_per_filter_config[i]->value);
  for (size_t i = 0; i < host->n_typed_per_filter_config; i++)
    if (strcmp(host->typed_per_filter_config[i]->key, filter) == 0)
      return envoy_open(e, host->typed_per_filter_config[i]->value);
  for (size_t i = 0; i < e->routes->n_typed_per_filter_config; i++)
    if (strcmp(e->routes->typed_per_filter_config[i]->key, filter) == 0)
      return envoy_open(e, e->routes->typed_per_filter_config[i]->value);
  return NULL;
}

static int judge_by_matcher(envoy *e, const HttpRbac *rbac, const char *filter, const envoy_connection *c,
                            envoy_answer *answer) {
  const ProtobufCMessage *found = envoy_match(e, rbac->matcher, c);
  if (found == NULL || found->descriptor != &envoy__config__rbac__v3__action__descriptor)
    envoy_stop("%s: no answer", c->name);
  const Envoy__Config__Rbac__V3__Action *action = (const Envoy__Config__Rbac__V3__Action *)found;
  if (action->action == ENVOY__CONFIG__RBAC__V3__RBAC__ACTION__DENY) {
    *answer = refused(filter, action->name);
    return 0;
  }
  answer->rule = action->name;
  return 1;
}

static int pass_rbac(envoy *e, const HttpRbac *rbac, const char *filter, const ProtobufCMessage *own,
                     const envoy_connection *c, envoy_answer *answer) {
  if (own != NULL && own->descriptor == &envoy__config__route__v3__filter_config__descriptor) {
    const Envoy__Config__Route__V3__FilterConfig *switched = (const Envoy__Config__Route__V3__FilterConfig *)own;
    if (!switched->disabled || switched->config != NULL)
      envoy_stop("filter %s: a FilterConfig that the model does not know", filter);
    return 1;
  }
  if (own != NULL) {
    if (own->descriptor != &envoy__extensions__filters__http__rbac__v3__rbacper_route__descriptor)
      envoy_stop("filter %s: %s in a route", filter, own->descriptor->name);
    rbac = ((const Envoy__Extensions__Filters__Http__Rbac__V3__RBACPerRoute *)own)->rbac;
  }
  if (rbac == NULL || (rbac->rules == NULL && rbac->matcher == NULL))
    return 1; /* Envoy: nothing to enforce */
  if (rbac->rules != NULL)
    return judge(e, rbac->rules, filter, c, answer);
  return judge_by_matcher(e, rbac, filter, c, answer);
}

/* The address that an authority leads to. */
static void resolve(envoy_connection *c, const char *resolved) {
  char host[512];
  snprintf(host, sizeof host, "%s", c->name);
  char *colon = strrchr(host, ':');
  c->upstream = read_addr(resolved);
  c->upstream_port = 80;
  if (colon != NULL && strchr(colon, ']') == NULL) {
    long port = strtol(colon + 1, NULL, 10);
    if (colon[1] == '\0' || port > UINT16_MAX)
      return; /* Envoy asks for the whole as a name */
    *colon = '\0';
    c->upstream_port = (uint16_t)port;
  }
  size_t size = strlen(host), bracket = size > 2 && host[0] == '[' && host[size - 1] == ']';
  egress__addr literal;
  if (egress__addr_parse(&literal, host + bracket, size - 2 * bracket) == 0)
    c->upstream = literal;
}

static const HttpConnectionManager *manager(envoy *e) {
  const FilterChain *chain = e->explicit->filter_chains[0];
  const HttpConnectionManager *found =
      open_as(e, chain->filters[0]->typed_config,
              &envoy__extensions__filters__network__http_connection_manager__v3__http_connection_manager__descriptor);
  if (found->use_remote_address == NULL || !found->use_remote_address->value)
    envoy_stop("X-Forwarded-For would be believed");
  return found;
}

envoy_answer envoy_http(envoy *e, const char *source, int connect, const char *authority, const char *resolved) {
  envoy_connection c = {.source = read_addr(source), .name = authority, .http = 1, .connect = connect};
  const HttpConnectionManager *http = manager(e);
  const VirtualHost *host = envoy_virtual_host(e, authority);
  const Route *route = find_route(e, host, connect, authority);
  envoy_answer answer = {.verdict = EGRESS_ALLOW, .rule = "", .filter = ""};
  for (size_t i = 0; i < http->n_http_filters; i++) {
    const char *name = http->http_filters[i]->name;
    const ProtobufCMessage *config = envoy_open(e, http->http_filters[i]->typed_config);
    if (config->descriptor == &envoy__extensions__filters__http__dynamic_forward_proxy__v3__filter_config__descriptor) {
      resolve(&c, resolved);
    } else if (config->descriptor == &envoy__extensions__filters__http__rbac__v3__rbac__descriptor) {
      if (!pass_rbac(e, (const HttpRbac *)config, name, per_filter(e, host, route, name), &c, &answer))
        return answer;
    }
  }
  if (route == NULL)
    envoy_stop("%s: no filter refused what has no route", authority);
  answer.dialled = c.upstream;
  answer.dialled_port = c.upstream_port;
  return answer;
}
