#include "compile/explicit.h"

#include <envoy/config/accesslog/v3/accesslog.pb-c.h>
#include <envoy/config/core/v3/base.pb-c.h>
#include <envoy/config/core/v3/protocol.pb-c.h>
#include <envoy/config/core/v3/substitution_format_string.pb-c.h>
#include <envoy/config/listener/v3/listener_components.pb-c.h>
#include <envoy/extensions/access_loggers/filters/cel/v3/cel.pb-c.h>
#include <envoy/extensions/filters/http/dynamic_forward_proxy/v3/dynamic_forward_proxy.pb-c.h>
#include <envoy/extensions/filters/http/rbac/v3/rbac.pb-c.h>
#include <envoy/extensions/filters/http/router/v3/router.pb-c.h>
#include <envoy/extensions/filters/network/http_connection_manager/v3/http_connection_manager.pb-c.h>

#include "compile/guard.h"

/* Where Envoy's RBAC filters leave what the last of them decided. */
#define RBAC_METADATA(key) "%DYNAMIC_METADATA(envoy.filters.http.rbac:" key ")%"

static const egress__log_field log_fields[] = {
    {"time", "%START_TIME%"},
    {"listener", EGRESS_LISTENER_EXPLICIT},
    {"source", "%DOWNSTREAM_DIRECT_REMOTE_ADDRESS%"},
    {"method", "%REQ(:METHOD)%"},
    {"name", "%REQ(:AUTHORITY)%"},
    {"verdict", RBAC_METADATA("enforced_engine_result")},
    {"rule", RBAC_METADATA("enforced_effective_policy_id")},
    {"status", "%RESPONSE_CODE%"},
    {"upstream", "%UPSTREAM_HOST%"},
    {"bytes_received", "%BYTES_RECEIVED%"},
    {"bytes_sent", "%BYTES_SENT%"},
    {"duration_ms", "%DURATION%"},
    {"flags", "%RESPONSE_FLAGS%"},
    {"details", "%RESPONSE_CODE_DETAILS%"},
    {NULL, NULL},
};

/* What a refused client reads, by what refused it: the first that fits. */
typedef struct refusal {
  const char *details; /* how the details of the response start */
  const char *route;   /* how the name of the route starts */
  const char *body;
} refusal;

/* An RBAC filter refused; behind it stands the name of what decided, and a bracket. */
#define DECIDED_BY "rbac_access_denied_matched_policy["

#define WHO "%DOWNSTREAM_DIRECT_REMOTE_ADDRESS_WITHOUT_PORT%"
#define WHAT "%REQ(:AUTHORITY)%"
#define NO_RULE \
  "egress: no rule of the egress policy lets " WHO " reach " WHAT ". If you need it, ask the owners of the policy " \
  "for a rule with this host and port."
static const refusal refusals[] = {
    {DECIDED_BY EGRESS__NOT_A_RULE "special-use-address", "",
     "egress: " WHAT
     " is allowed by name but resolves to a private or other special-use address. If that is meant, ask "
     "the owners of the egress policy to add the address to allow_private."},
    {DECIDED_BY EGRESS__NOT_A_RULE, "", NO_RULE},
    /* Envoy's word for it; on other routes it is the name of a deny entry. */
    {DECIDED_BY "none]", EGRESS__ADDRESS_ROUTE, NO_RULE},
    {DECIDED_BY, "",
     "egress: the egress policy denies " WHAT " to " WHO ". If you need it, ask the owners of the policy to lift "
     "that."},
    {"upgrade_failed", "",
     "egress: this proxy passes no Upgrade in a plain HTTP request. For WebSocket and the like, open a "
     "tunnel (CONNECT host:port) and speak inside it."},
};

/* AccessLogFilter: refused like that. What an RBAC filter leaves as metadata is not there yet when the body is made;
 * the details of the response are. */
static egress__message *refused_by(egress__build *b, const refusal *of) {
  const char *route =
      of->route[0] == '\0' ? "" : egress__build_printf(b, " && xds.route_name.startsWith('%s')", of->route);
  egress__message *cel = EGRESS__MAKE(b, envoy__extensions__access_loggers__filters__cel__v3__expression_filter);
  egress__set_text(b, cel, "expression",
                   egress__build_printf(b, "response.code_details.startsWith('%s')%s", of->details, route));
  egress__message *extension = EGRESS__MAKE(b, envoy__config__accesslog__v3__extension_filter);
  egress__set_text(b, extension, "name", "envoy.access_loggers.extension_filters.cel");
  egress__set_message(b, extension, "typed_config", cel);
  egress__message *filter = EGRESS__MAKE(b, envoy__config__accesslog__v3__access_log_filter);
  egress__set_message(b, filter, "extension_filter", extension);
  return filter;
}

static egress__message *local_replies(egress__build *b, const egress__compile_plan *plan) {
  egress__message *config =
      EGRESS__MAKE(b, envoy__extensions__filters__network__http_connection_manager__v3__local_reply_config);
  for (size_t i = 0; i < sizeof refusals / sizeof refusals[0]; i++) {
    egress__message *text = EGRESS__MAKE(b, envoy__config__core__v3__data_source);
    egress__set_text(
        b, text, "inline_string",
        egress__build_printf(b, "%s%s\n", refusals[i].body, plan->name_rules ? " (%RESPONSE_CODE_DETAILS%)" : ""));
    egress__message *format = EGRESS__MAKE(b, envoy__config__core__v3__substitution_format_string);
    egress__set_message(b, format, "text_format_source", text);
    egress__set_text(b, format, "content_type", "text/plain; charset=utf-8");
    egress__message *mapper =
        EGRESS__MAKE(b, envoy__extensions__filters__network__http_connection_manager__v3__response_mapper);
    egress__set_message(b, mapper, "filter", refused_by(b, &refusals[i]));
    egress__set_message(b, mapper, "body_format_override", format);
    egress__set_message(b, config, "mappers", mapper);
  }
  return config;
}

static void add_http_filter(egress__build *b, egress__message *manager, const char *name, egress__message *config) {
  egress__message *filter =
      EGRESS__MAKE(b, envoy__extensions__filters__network__http_connection_manager__v3__http_filter);
  egress__set_text(b, filter, "name", name);
  egress__set_message(b, filter, "typed_config", config);
  egress__set_message(b, manager, "http_filters", filter);
}

/* An RBAC filter that refuses everything where no route says otherwise. */
static void add_closed_rbac(egress__build *b, egress__message *manager, const char *name) {
  egress__message *filter = EGRESS__MAKE(b, envoy__extensions__filters__http__rbac__v3__rbac);
  egress__set_message(b, filter, "rules", egress__guard_closed(b));
  add_http_filter(b, manager, name, filter);
}

static void add_filters(egress__build *b, egress__message *manager, const egress__compile_plan *plan) {
  egress__message *resolve =
      EGRESS__MAKE(b, envoy__extensions__filters__http__dynamic_forward_proxy__v3__filter_config);
  egress__set_message(b, resolve, "dns_cache_config", egress__dns_cache(b, plan));
  egress__set_number(b, resolve, "save_upstream_address", 1); /* for the guard */
  egress__message *router = EGRESS__MAKE(b, envoy__extensions__filters__http__router__v3__router);
  egress__set_number(b, router, "suppress_envoy_headers", 1);
  add_closed_rbac(b, manager, EGRESS__FILTER_ALLOWLIST);
  add_http_filter(b, manager, "envoy.filters.http.dynamic_forward_proxy", resolve);
  add_closed_rbac(b, manager, EGRESS__FILTER_GUARD);
  add_closed_rbac(b, manager, EGRESS__FILTER_ADDRESSES);
  add_http_filter(b, manager, "envoy.filters.http.router", router);
}

/* The request passes as it came: no path is rewritten, and no header tells the destination who asked. Some that do are
 * added whatever is set here; the routes remove them. */
static void pass_through(egress__build *b, egress__message *manager) {
  egress__set_number(b, manager, "use_remote_address", 1); /* else X-Forwarded-For could claim another source */
  egress__set_number(b, manager, "skip_xff_append", 1);
  egress__set_number(b, manager, "generate_request_id", 0);
  egress__set_number(b, manager, "normalize_path", 0);
  egress__set_number(
      b, manager, "server_header_transformation",
      ENVOY__EXTENSIONS__FILTERS__NETWORK__HTTP_CONNECTION_MANAGER__V3__HTTP_CONNECTION_MANAGER__SERVER_HEADER_TRANSFORMATION__PASS_THROUGH);
}

static void add_connect(egress__build *b, egress__message *manager) {
  egress__message *http2 = EGRESS__MAKE(b, envoy__config__core__v3__http2_protocol_options);
  egress__set_number(b, http2, "allow_connect", 1);
  egress__set_message(b, manager, "http2_protocol_options", http2);
  egress__message *upgrade = EGRESS__MAKE(
      b, envoy__extensions__filters__network__http_connection_manager__v3__http_connection_manager__upgrade_config);
  egress__set_text(b, upgrade, "upgrade_type", "CONNECT");
  egress__set_message(b, manager, "upgrade_configs", upgrade);
}

egress__message *egress__explicit_listener(egress__build *b, const egress__compile_plan *plan) {
  egress__message *manager =
      EGRESS__MAKE(b, envoy__extensions__filters__network__http_connection_manager__v3__http_connection_manager);
  egress__set_text(b, manager, "stat_prefix", EGRESS_LISTENER_EXPLICIT);
  pass_through(b, manager);
  add_connect(b, manager);
  add_filters(b, manager, plan);
  egress__set_message(b, manager, "local_reply_config", local_replies(b, plan));
  egress__set_message(b, manager, "access_log", egress__access_log(b, plan, log_fields));
  egress__message *rds = EGRESS__MAKE(b, envoy__extensions__filters__network__http_connection_manager__v3__rds);
  egress__set_text(b, rds, "route_config_name", EGRESS_ROUTE_HTTP);
  egress__set_message(b, rds, "config_source", egress__ads(b));
  egress__set_message(b, manager, "rds", rds);

  egress__message *filter = EGRESS__MAKE(b, envoy__config__listener__v3__filter);
  egress__set_text(b, filter, "name", "envoy.filters.network.http_connection_manager");
  egress__set_message(b, filter, "typed_config", manager);
  egress__message *chain = EGRESS__MAKE(b, envoy__config__listener__v3__filter_chain);
  egress__set_text(b, chain, "name", "proxy");
  egress__set_message(b, chain, "filters", filter);
  egress__message *listener = egress__listener(b, EGRESS_LISTENER_EXPLICIT, &plan->explicit_address);
  egress__set_message(b, listener, "filter_chains", chain);
  return listener;
}
