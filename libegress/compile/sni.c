#include "compile/sni.h"

#include <egress/error.h>
#include <envoy/config/core/v3/base.pb-c.h>
#include <envoy/config/core/v3/extension.pb-c.h>
#include <envoy/config/listener/v3/listener_components.pb-c.h>
#include <envoy/extensions/filters/listener/tls_inspector/v3/tls_inspector.pb-c.h>
#include <envoy/extensions/filters/network/direct_response/v3/config.pb-c.h>
#include <envoy/extensions/filters/network/rbac/v3/rbac.pb-c.h>
#include <envoy/extensions/filters/network/sni_dynamic_forward_proxy/v3/sni_dynamic_forward_proxy.pb-c.h>
#include <envoy/extensions/filters/network/tcp_proxy/v3/tcp_proxy.pb-c.h>
#include <envoy/extensions/matching/common_inputs/network/v3/network_inputs.pb-c.h>
#include <google/protobuf/struct.pb-c.h>
#include <google/protobuf/wrappers.pb-c.h>
#include <xds/type/matcher/v3/domain.pb-c.h>
#include <xds/type/matcher/v3/matcher.pb-c.h>

#include "compile/guard.h"
#include "compile/matcher.h"

enum {
  INSPECT_TIMEOUT_MS = 5 * 1000, /* a client that sends no ClientHello for so long is closed */
  MAX_EARLY_BYTES = 65536        /* of the client, held until the address guard has judged; a ClientHello fits */
};

/* Names no filter chain (those of rules have a colon): Envoy closes the connection and counts it in
 * `no_filter_chain_match`. */
static const char no_chain[] = "none";

/* One line for each connection, refused ones included: only the listener's own log sees those. */
static const egress__log_field log_fields[] = {
    {"time", "%START_TIME%"},
    {"listener", EGRESS_LISTENER_SNI},
    {"source", "%DOWNSTREAM_REMOTE_ADDRESS%"},
    {"name", "%REQUESTED_SERVER_NAME%"},
    {"verdict", "%METADATA(LISTENER_FILTER_CHAIN:egress:verdict)%"},
    {"rule", "%METADATA(LISTENER_FILTER_CHAIN:egress:rule)%"},
    {"upstream", "%UPSTREAM_HOST%"},
    {"bytes_received", "%BYTES_RECEIVED%"},
    {"bytes_sent", "%BYTES_SENT%"},
    {"duration_ms", "%DURATION%"},
    {"flags", "%RESPONSE_FLAGS%"},
    {"details", "%CONNECTION_TERMINATION_DETAILS%"},
    {NULL, NULL},
};

/* Matcher.OnMatch: the filter chain of that name. */
static egress__message *chain_answer(egress__build *b, const char *name) {
  egress__message *value = EGRESS__MAKE(b, google__protobuf__string_value);
  egress__set_text(b, value, "value", name);
  return egress__matcher_action(b, value);
}

static void add_metadata(egress__build *b, egress__message *chain, const char *rule, int deny) {
  egress__message *fields = EGRESS__MAKE(b, google__protobuf__struct);
  const char *const pairs[][2] = {{"rule", rule}, {"verdict", deny ? "deny" : "allow"}};
  for (size_t i = 0; i < sizeof pairs / sizeof pairs[0]; i++) {
    egress__message *value = EGRESS__MAKE(b, google__protobuf__value);
    egress__set_text(b, value, "string_value", pairs[i][1]);
    egress__set_entry(b, fields, "fields", pairs[i][0], value);
  }
  egress__message *metadata = EGRESS__MAKE(b, envoy__config__core__v3__metadata);
  egress__set_entry(b, metadata, "filter_metadata", "egress", fields);
  egress__set_message(b, chain, "metadata", metadata);
}

static void add_filter(egress__build *b, egress__message *chain, const char *name, const char *how,
                       egress__message *config) {
  egress__message *filter = EGRESS__MAKE(b, envoy__config__listener__v3__filter);
  egress__set_text(b, filter, "name", name);
  egress__set_message(b, filter, how, config);
  egress__set_message(b, chain, "filters", filter);
}

/* Resolves the server name, asks the guard about the address, and only then dials. */
static void add_forwarding(egress__build *b, egress__message *chain, const egress__compile_plan *plan,
                           const char *rule) {
  egress__message *resolve =
      EGRESS__MAKE(b, envoy__extensions__filters__network__sni_dynamic_forward_proxy__v3__filter_config);
  egress__set_message(b, resolve, "dns_cache_config", egress__dns_cache(b, plan));
  egress__set_number(b, resolve, "port_value", plan->sni_port);
  egress__set_number(b, resolve, "save_upstream_address", 1);
  add_filter(b, chain, "envoy.filters.network.sni_dynamic_forward_proxy", "typed_config", resolve);

  egress__message *guard = EGRESS__MAKE(b, envoy__config__core__v3__extension_config_source);
  egress__set_message(b, guard, "config_source", egress__ads(b));
  egress__set_text(b, guard, "type_urls", "type.googleapis.com/envoy.extensions.filters.network.rbac.v3.RBAC");
  add_filter(b, chain, EGRESS__GUARD_NAME, "config_discovery", guard);

  egress__message *proxy = EGRESS__MAKE(b, envoy__extensions__filters__network__tcp_proxy__v3__tcp_proxy);
  egress__set_text(b, proxy, "stat_prefix", rule);
  egress__set_text(b, proxy, "cluster", EGRESS_CLUSTER_FORWARD);
  egress__set_number(b, proxy, "upstream_connect_mode",
                     ENVOY__EXTENSIONS__FILTERS__NETWORK__TCP_PROXY__V3__UPSTREAM_CONNECT_MODE__ON_DOWNSTREAM_DATA);
  egress__set_number(b, proxy, "max_early_data_bytes", MAX_EARLY_BYTES);
  add_filter(b, chain, "envoy.filters.network.tcp_proxy", "typed_config", proxy);
}

static egress__message *allow_chain(egress__build *b, const egress__compile_plan *plan, const char *rule,
                                    const char *name) {
  egress__message *chain = EGRESS__MAKE(b, envoy__config__listener__v3__filter_chain);
  egress__set_text(b, chain, "name", name);
  add_metadata(b, chain, rule, 0);
  add_forwarding(b, chain, plan, rule);
  return chain;
}

/* Closes the connection. */
static egress__message *closing_chain(egress__build *b, const char *name) {
  egress__message *chain = EGRESS__MAKE(b, envoy__config__listener__v3__filter_chain);
  egress__set_text(b, chain, "name", name);
  add_filter(b, chain, "envoy.filters.network.direct_response", "typed_config",
             EGRESS__MAKE(b, envoy__extensions__filters__network__direct_response__v3__config));
  return chain;
}

static egress__message *deny_chain(egress__build *b, const char *rule, const char *name) {
  egress__message *chain = closing_chain(b, name);
  add_metadata(b, chain, rule, 1);
  return chain;
}

static egress__dialect make_dialect(egress__build *b, const egress_policy *policy, const char *const *chains) {
  egress__message **by_rule = egress__arena_array(&b->arena, policy->rule_count, sizeof(egress__message *));
  if (by_rule == NULL)
    b->rv = EGRESS_ENOMEM;
  for (size_t i = 0; i < policy->rule_count && b->rv == 0; i++)
    by_rule[i] = chain_answer(b, chains[i]);
  return (egress__dialect){
      .name_input = egress__xds_extension(
          b, "server_name",
          EGRESS__MAKE(b, envoy__extensions__matching__common_inputs__network__v3__server_name_input)),
      .source_input = egress__xds_extension(
          b, "source", EGRESS__MAKE(b, envoy__extensions__matching__common_inputs__network__v3__source_ipinput)),
      .regex_head = "",
      .regex_tail = "",
      .by_rule = by_rule,
      .none = chain_answer(b, no_chain),
      .around = egress__prefixes_around(b, policy),
  };
}

typedef struct tree_writer {
  egress__build *b;
  const egress_policy *policy;
  const egress__dialect *dialect;
  uint8_t *used;          /* by rule: some connection may end in it */
  egress__message *names; /* ServerNameMatcher: the trie */
  egress__message *rest;  /* Matcher.OnMatch: for names that the trie does not have */
  int some;               /* the trie has an entry */
} tree_writer;

static void mark_used(tree_writer *w, const egress__verdicts *verdicts) {
  for (uint32_t atom = 0; atom < (verdicts->alike ? 1 : w->policy->atom_count); atom++)
    for (size_t i = 0; i < verdicts->by_atom[atom].count; i++)
      w->used[verdicts->by_atom[atom].conds[i].rule] = 1;
}

/* The names of a class, or the suffixes of a class of what is below them, with their answer. */
static void add_class(tree_writer *w, const egress__class *class, const egress__verdicts *verdicts) {
  egress__build *b = w->b;
  mark_used(w, verdicts);
  egress__message *answer = egress__matcher_verdicts(b, w->dialect, w->policy, verdicts);
  egress__message *domains = EGRESS__MAKE(b, xds__type__matcher__v3__server_name_matcher__domain_matcher);
  int listed = 0;
  for (size_t i = 0; i < class->member_count; i++) {
    const char *text = class->members[i]->text;
    if (text[0] == '\0') {
      w->rest = answer; /* what is below the root is the rest */
      continue;
    }
    egress__set_text(b, domains, "domains", class->below ? egress__build_printf(b, "*.%s", text) : text);
    listed = 1;
  }
  if (!listed)
    return;
  egress__set_message(b, domains, "on_match", answer);
  egress__set_message(b, w->names, "domain_matchers", domains);
  w->some = 1;
}

/* Matcher.OnMatch: exact names and suffixes first, then the rest. */
static egress__message *name_tree(egress__build *b, const egress__compile_plan *plan, const egress_policy *policy,
                                  const egress__classes *classes, const egress__dialect *dialect, uint8_t *used) {
  tree_writer w = {
      b, policy, dialect, used, EGRESS__MAKE(b, xds__type__matcher__v3__server_name_matcher), dialect->none, 0};
  for (size_t i = 0; i < classes->count && b->rv == 0; i++) {
    egress__verdicts verdicts;
    b->rv =
        egress__class_verdicts(&verdicts, classes->items[i], policy, EGRESS_PROTOCOL_TLS, plan->sni_port, &b->scratch);
    if (b->rv == 0 && verdicts.any)
      add_class(&w, classes->items[i], &verdicts);
    egress__arena_dispose(&b->scratch);
  }
  if (!w.some)
    return w.rest;
  egress__message *tree = EGRESS__MAKE(b, xds__type__matcher__v3__matcher__matcher_tree);
  egress__set_message(b, tree, "input", dialect->name_input);
  egress__set_message(b, tree, "custom_match", egress__xds_extension(b, "names", w.names));
  egress__message *matcher = EGRESS__MAKE(b, xds__type__matcher__v3__matcher);
  egress__set_message(b, matcher, "matcher_tree", tree);
  egress__set_message(b, matcher, "on_no_match", w.rest);
  return egress__matcher_nested(b, matcher);
}

/* An allow rule that could let TLS connections through has its chain even when rules before it take them all: the
 * connections that it let in before still have their permission. Behind the rules' chains stand those that outlived
 * theirs; nothing but the matcher selects a chain, and it does not name them. */
static void add_chains(egress__build *b, egress__message *listener, const egress__compile_plan *plan,
                       const egress__lineage *lineage, const uint8_t *used) {
  const egress_policy *policy = lineage->policy;
  int some = 0;
  for (size_t i = 0; i < policy->rule_count && b->rv == 0; i++) {
    const char *rule = policy->rules[i].name, *name = lineage->chains[i];
    if (!used[i] && !egress__lineage_has_chain(lineage, i, plan->sni_port))
      continue;
    egress__set_message(b, listener, "filter_chains",
                        policy->rules[i].deny ? deny_chain(b, rule, name) : allow_chain(b, plan, rule, name));
    some = 1;
  }
  for (size_t i = 0; i < lineage->kept.count && b->rv == 0; i++) {
    const egress__kept_chain *kept = &lineage->kept.items[i];
    egress__set_message(b, listener, "filter_chains", allow_chain(b, plan, kept->rule, kept->chain));
    some = 1;
  }
  if (!some) /* Envoy takes no listener without a filter chain; nothing ever selects this one */
    egress__set_message(b, listener, "filter_chains", closing_chain(b, "idle"));
}

egress__message *egress__sni_listener(egress__build *b, const egress__compile_plan *plan,
                                      const egress__lineage *lineage, const egress__classes *classes) {
  const egress_policy *policy = lineage->policy;
  uint8_t *used = egress__arena_get(&b->arena, policy->rule_count);
  if (used == NULL) {
    b->rv = EGRESS_ENOMEM;
    return NULL;
  }
  egress__dialect dialect = make_dialect(b, policy, lineage->chains);
  egress__message *tree = name_tree(b, plan, policy, classes, &dialect, used);

  egress__message *listener = egress__listener(b, EGRESS_LISTENER_SNI, &plan->sni_address);
  egress__message *inspector = EGRESS__MAKE(b, envoy__config__listener__v3__listener_filter);
  egress__set_text(b, inspector, "name", "envoy.filters.listener.tls_inspector");
  egress__set_message(b, inspector, "typed_config",
                      EGRESS__MAKE(b, envoy__extensions__filters__listener__tls_inspector__v3__tls_inspector));
  egress__set_message(b, listener, "listener_filters", inspector);
  egress__set_duration(b, listener, "listener_filters_timeout", INSPECT_TIMEOUT_MS);
  egress__set_message(b, listener, "access_log", egress__access_log(b, plan, log_fields));
  egress__set_message(b, listener, "filter_chain_matcher", egress__matcher_valid_name(b, &dialect, tree));
  add_chains(b, listener, plan, lineage, used);
  return listener;
}

egress__message *egress__sni_guard(egress__build *b, const egress_policy *policy) {
  egress__message *rbac = EGRESS__MAKE(b, envoy__extensions__filters__network__rbac__v3__rbac);
  egress__set_text(b, rbac, "stat_prefix", "egress_guard.");
  egress__set_message(b, rbac, "rules", egress__guard_of_names(b, policy, EGRESS__SPOKEN_TLS));
  egress__message *extension = EGRESS__MAKE(b, envoy__config__core__v3__typed_extension_config);
  egress__set_text(b, extension, "name", EGRESS__GUARD_NAME);
  egress__set_message(b, extension, "typed_config", rbac);
  return extension;
}
