#include "compile/explicit.h"

#include <envoy/config/accesslog/v3/accesslog.pb-c.h>
#include <envoy/config/core/v3/base.pb-c.h>
#include <envoy/config/core/v3/config_source.pb-c.h>
#include <envoy/config/core/v3/protocol.pb-c.h>
#include <envoy/config/core/v3/substitution_format_string.pb-c.h>
#include <envoy/config/listener/v3/listener_components.pb-c.h>
#include <envoy/extensions/access_loggers/filters/cel/v3/cel.pb-c.h>
#include <envoy/extensions/filters/http/dynamic_forward_proxy/v3/dynamic_forward_proxy.pb-c.h>
#include <envoy/extensions/filters/http/rbac/v3/rbac.pb-c.h>
#include <envoy/extensions/filters/network/http_connection_manager/v3/http_connection_manager.pb-c.h>
#include <google/protobuf/any.pb-c.h>
#include <google/protobuf/wrappers.pb-c.h>

#include "support/compiling.h"
#include "support/envoy.h"

typedef Envoy__Extensions__Filters__Network__HttpConnectionManager__V3__HttpConnectionManager Manager;

typedef struct fixture {
  egress_snapshot *snap;
  egress__map regexes;
  envoy envoy;
  const Manager *manager;
} fixture;

static void fixture_init(fixture *f, uint32_t flags) {
  egress_policy *policy = read_policy(HEAD);
  egress_compile_options options = both_listeners();
  options.flags = flags;
  f->snap = compile_with(policy, &options);
  egress_policy_unref(policy);
  egress__map_init(&f->regexes, egress__alloc_or_default(NULL));
  envoy_init(&f->envoy, f->snap, &f->regexes);
  cr_assert_eq(f->envoy.explicit->n_filter_chains, 1);
  cr_assert_eq(f->envoy.explicit->filter_chains[0]->n_filters, 1);
  f->manager = (const void *)envoy_open(&f->envoy, f->envoy.explicit->filter_chains[0]->filters[0]->typed_config);
}

static void fixture_dispose(fixture *f) {
  envoy_dispose(&f->envoy);
  envoy_regexes_dispose(&f->regexes);
  egress_snapshot_unref(f->snap);
}

Test(explicit, does_not_depend_on_the_policy) {
  static const char *const policies[] = {
      HEAD, HEAD "rules:\n  - {name: r, to: ['**', 192.0.2.1], ports: [1, 2, 3]}\n",
      HEAD "defaults: {deny_private_ips: false, no_sni: address, revoke: keep}\ndeny:\n  - {name: d, to: [x.test]}\n"};
  egress_snapshot *first = compile_text(policies[0]);
  for (size_t i = 1; i < sizeof policies / sizeof policies[0]; i++) {
    egress_snapshot *other = compile_text(policies[i]);
    cr_expect_str_eq(
        egress_resource_version(egress_snapshot_find(first, EGRESS_TYPE_LISTENER, EGRESS_LISTENER_EXPLICIT)),
        egress_resource_version(egress_snapshot_find(other, EGRESS_TYPE_LISTENER, EGRESS_LISTENER_EXPLICIT)));
    cr_expect_str_eq(egress_snapshot_type_version(first, EGRESS_TYPE_CLUSTER),
                     egress_snapshot_type_version(other, EGRESS_TYPE_CLUSTER));
    egress_snapshot_unref(other);
  }
  egress_snapshot_unref(first);
}

static const ProtobufCMessage *filter_config(fixture *f, size_t index, const char *name) {
  cr_assert_str_eq(f->manager->http_filters[index]->name, name);
  return envoy_open(&f->envoy, f->manager->http_filters[index]->typed_config);
}

/* Refuses all where no route says otherwise. */
static void is_closed(fixture *f, size_t index, const char *name) {
  const Envoy__Extensions__Filters__Http__Rbac__V3__RBAC *rbac = (const void *)filter_config(f, index, name);
  cr_assert_eq(rbac->base.descriptor, &envoy__extensions__filters__http__rbac__v3__rbac__descriptor);
  cr_assert_not_null(rbac->rules, "%s without rules enforces nothing", name);
  cr_expect_null(rbac->matcher);
  egress__addr somebody = {4, {192, 0, 2, 1}};
  const char *decided_by;
  cr_expect_not(envoy_rbac(&f->envoy, rbac->rules, &(envoy_connection){.source = somebody, .name = "a.test", .http = 1},
                           &decided_by));
  cr_expect_str_eq(decided_by, "~no-rule");
}

Test(explicit, judges_names_before_and_addresses_after_they_are_resolved) {
  fixture f;
  fixture_init(&f, 0);
  cr_assert_eq(f.manager->n_http_filters, 5);
  is_closed(&f, 0, "allowlist");
  const Envoy__Extensions__Filters__Http__DynamicForwardProxy__V3__FilterConfig *resolve =
      (const void *)filter_config(&f, 1, "envoy.filters.http.dynamic_forward_proxy");
  cr_expect(resolve->save_upstream_address, "else the filters behind have no address");
  is_closed(&f, 2, "guard");
  is_closed(&f, 3, "addresses");
  filter_config(&f, 4, "envoy.filters.http.router");
  for (size_t i = 0; i < f.manager->n_http_filters; i++)
    cr_expect_not(f.manager->http_filters[i]->is_optional || f.manager->http_filters[i]->disabled);
  fixture_dispose(&f);
}

Test(explicit, passes_requests_as_they_came) {
  fixture f;
  fixture_init(&f, 0);
  const Manager *m = f.manager;
  cr_expect(m->use_remote_address->value, "X-Forwarded-For is not believed");
  cr_expect(m->skip_xff_append, "and nobody is told who asked");
  cr_expect_not(m->generate_request_id->value);
  cr_expect_not(m->normalize_path->value);
  cr_expect_eq(m->strip_port_mode_case, 0, "the port is part of what is judged");
  cr_expect_not(m->strip_matching_host_port);
  cr_assert_eq(m->n_upgrade_configs, 1);
  cr_expect_str_eq(m->upgrade_configs[0]->upgrade_type, "CONNECT");
  cr_expect(m->http2_protocol_options->allow_connect);
  cr_assert_str_eq(m->rds->route_config_name, EGRESS_ROUTE_HTTP);
  cr_expect_eq(m->rds->config_source->config_source_specifier_case,
               ENVOY__CONFIG__CORE__V3__CONFIG_SOURCE__CONFIG_SOURCE_SPECIFIER_ADS);
  cr_expect_eq(m->n_access_log, 1);
  fixture_dispose(&f);
}

/* Reads `head` and a quoted text at `*at`, and says whether `value` starts with that text. */
static int starts_with(const char **at, const char *head, const char *value) {
  cr_assert_eq(strncmp(*at, head, strlen(head)), 0, "%s", *at);
  const char *prefix = *at + strlen(head);
  size_t size = strcspn(prefix, "'");
  cr_assert_eq(strncmp(prefix + size, "')", 2), 0, "%s", prefix);
  *at = prefix + size + 2;
  return strncmp(value, prefix, size) == 0;
}

/* What a client reads when Envoy refuses with these details on that route: of the mappers, the first that fits. */
static const char *body_for(fixture *f, const char *details, const char *route) {
  const Envoy__Extensions__Filters__Network__HttpConnectionManager__V3__LocalReplyConfig *replies =
      f->manager->local_reply_config;
  for (size_t i = 0; i < replies->n_mappers; i++) {
    const Google__Protobuf__Any *any = replies->mappers[i]->filter->extension_filter->typed_config;
    Envoy__Extensions__AccessLoggers__Filters__Cel__V3__ExpressionFilter *filter =
        envoy__extensions__access_loggers__filters__cel__v3__expression_filter__unpack(NULL, any->value.len,
                                                                                       any->value.data);
    const char *at = filter->expression;
    int fits = starts_with(&at, "response.code_details.startsWith('", details);
    if (*at != '\0')
      fits = starts_with(&at, " && xds.route_name.startsWith('", route) && fits;
    cr_assert_str_eq(at, "");
    envoy__extensions__access_loggers__filters__cel__v3__expression_filter__free_unpacked(filter, NULL);
    if (fits)
      return replies->mappers[i]->body_format_override->text_format_source->inline_string;
  }
  return NULL;
}

static int refuses_on(fixture *f, const char *route, const char *decided_by, const char *words) {
  char details[256];
  snprintf(details, sizeof details, "rbac_access_denied_matched_policy[%s]", decided_by);
  const char *body = body_for(f, details, route);
  cr_assert_not_null(body, "%s", details);
  return strstr(body, words) != NULL;
}

static int refuses_with(fixture *f, const char *decided_by, const char *words) {
  return refuses_on(f, "http", decided_by, words);
}

Test(explicit, a_refusal_says_why) {
  fixture f;
  fixture_init(&f, 0);
  cr_expect(refuses_with(&f, "~no-rule", "no rule of the egress policy"));
  cr_expect(refuses_with(&f, "~v4-mapped-address", "no rule of the egress policy"));
  cr_expect(refuses_with(&f, "~special-use-address", "special-use address"));
  cr_expect(refuses_with(&f, "no-paste", "the egress policy denies"));
  cr_expect(refuses_with(&f, "none-such", "the egress policy denies"));
  cr_expect(refuses_with(&f, "none", "the egress policy denies"), "a deny entry of that name");
  cr_expect(refuses_on(&f, "connect", "none", "the egress policy denies"));
  cr_expect(refuses_on(&f, "address-http", "none", "no rule of the egress policy"), "Envoy's word for it");
  cr_expect(refuses_on(&f, "address-connect", "none", "no rule of the egress policy"));
  cr_expect(refuses_on(&f, "address-connect", "000001:none", "the egress policy denies"));
  cr_expect(refuses_with(&f, "special-use-address", "the egress policy denies"), "a deny entry of that name");
  const char *upgrade = body_for(&f, "upgrade_failed", "http");
  cr_assert_not_null(upgrade);
  cr_expect_not_null(strstr(upgrade, "CONNECT host:port"), "what to do instead");
  cr_expect_null(body_for(&f, "route_not_found", "http"), "Envoy's own replies stay as they are");
  cr_expect_null(body_for(&f, "dns_resolution_failure", "http"));
  fixture_dispose(&f);
}

Test(explicit, names_rules_only_if_asked_to) {
  fixture f;
  fixture_init(&f, 0);
  cr_expect_not(refuses_with(&f, "no-paste", "CODE_DETAILS"));
  fixture_dispose(&f);
  fixture_init(&f, EGRESS_COMPILE_NAME_RULES);
  cr_expect(refuses_with(&f, "no-paste", "%RESPONSE_CODE_DETAILS%"));
  fixture_dispose(&f);
}
