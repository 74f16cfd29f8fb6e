#include "compile/sni.h"

#include <envoy/config/core/v3/address.pb-c.h>
#include <envoy/config/core/v3/base.pb-c.h>
#include <envoy/config/core/v3/config_source.pb-c.h>
#include <envoy/config/core/v3/extension.pb-c.h>
#include <envoy/config/listener/v3/listener_components.pb-c.h>
#include <envoy/extensions/filters/network/rbac/v3/rbac.pb-c.h>
#include <envoy/extensions/filters/network/sni_dynamic_forward_proxy/v3/sni_dynamic_forward_proxy.pb-c.h>
#include <envoy/extensions/filters/network/tcp_proxy/v3/tcp_proxy.pb-c.h>
#include <google/protobuf/any.pb-c.h>
#include <google/protobuf/duration.pb-c.h>

#include "support/compiling.h"
#include "support/envoy.h"

typedef Envoy__Config__Listener__V3__FilterChain FilterChain;

typedef struct fixture {
  egress_snapshot *snap;
  egress__map regexes;
  envoy envoy;
} fixture;

static void fixture_init(fixture *f, const char *text) {
  f->snap = compile_text(text);
  egress__map_init(&f->regexes, egress__alloc_or_default(NULL));
  envoy_init(&f->envoy, f->snap, &f->regexes);
}

static void fixture_dispose(fixture *f) {
  envoy_dispose(&f->envoy);
  envoy_regexes_dispose(&f->regexes);
  egress_snapshot_unref(f->snap);
}

#define PUBLIC "93.184.216.34"

/* The rule that decides, "" for none, and whether it lets the connection through. */
static void decides(fixture *f, const char *source, const char *name, egress_verdict verdict, const char *rule) {
  envoy_answer answer = envoy_tls(&f->envoy, source, name, PUBLIC);
  cr_expect_eq(answer.verdict, verdict, "%s from %s: %d by %s", name, source, (int)answer.verdict, answer.rule);
  cr_expect_str_eq(answer.rule, rule, "%s from %s: %s", name, source, answer.rule);
}

static const char policy[] = HEAD "sources: {a: {cidrs: [10.1.0.0/16]}}\n"
                                  "deny:\n  - {name: d, to: ['**.bad.test', z.test]}\nrules:\n"
                                  "  - {name: r, to: [x.test, '**.test'], from: [a]}\n"
                                  "  - {name: s, to: [z.test, '*.y.org']}\n"
                                  "  - {name: plain, to: [h.test], protocol: http}\n"
                                  "  - {name: other-port, to: [p.test], ports: [8443]}\n";

Test(sni, chooses_the_rule_that_decides) {
  fixture f;
  fixture_init(&f, policy);
  decides(&f, "10.1.0.1", "x.test", EGRESS_ALLOW, "r");
  decides(&f, "10.1.0.1", "X.Test", EGRESS_ALLOW, "r");
  decides(&f, "10.1.0.1", "a.b.c.test", EGRESS_ALLOW, "r");
  decides(&f, "10.2.0.1", "x.test", EGRESS_DENY, "");
  decides(&f, "10.1.0.1", "q.bad.test", EGRESS_DENY, "d");
  decides(&f, "10.1.0.1", "bad.test", EGRESS_ALLOW, "r");
  decides(&f, "10.2.0.1", "z.test", EGRESS_DENY, "d");
  decides(&f, "10.2.0.1", "a.y.org", EGRESS_ALLOW, "s");
  decides(&f, "10.2.0.1", "a.b.y.org", EGRESS_DENY, "");
  decides(&f, "10.2.0.1", "y.org", EGRESS_DENY, "");
  decides(&f, "10.2.0.1", "h.test", EGRESS_DENY, "");
  decides(&f, "10.2.0.1", "p.test", EGRESS_DENY, "");
  decides(&f, "10.2.0.1", "", EGRESS_DENY, "");
  decides(&f, "10.1.0.1", "a..test", EGRESS_DENY, "");
  fixture_dispose(&f);
}

static const FilterChain *chain_of(fixture *f, const char *name) {
  const FilterChain *chain = envoy_chain(f->envoy.sni, name);
  cr_assert_not_null(chain, "no chain %s", name);
  return chain;
}

Test(sni, one_chain_for_each_rule) {
  fixture f;
  fixture_init(&f, policy);
  cr_expect_eq(f.envoy.sni->n_filter_chains, 3, "none for rules without TLS at the port");
  chain_of(&f, "deny:d");
  chain_of(&f, "rule:r");
  chain_of(&f, "rule:s");
  fixture_dispose(&f);
}

Test(sni, adding_a_host_changes_no_chain) {
  fixture f, g;
  fixture_init(&f, HEAD "rules:\n  - {name: r, to: [a.test]}\n");
  fixture_init(&g, HEAD "rules:\n  - {name: r, to: [a.test, '**.b.test'], reason: x, owner: y}\n");
  const ProtobufCMessage *one = &chain_of(&f, "rule:r")->base, *other = &chain_of(&g, "rule:r")->base;
  size_t size = protobuf_c_message_get_packed_size(one);
  cr_assert_eq(protobuf_c_message_get_packed_size(other), size);
  uint8_t *a = malloc(size), *b = malloc(size);
  protobuf_c_message_pack(one, a);
  protobuf_c_message_pack(other, b);
  cr_expect_eq(memcmp(a, b, size), 0);
  free(a);
  free(b);
  fixture_dispose(&f);
  fixture_dispose(&g);
}

Test(sni, a_rule_behind_others_keeps_its_chain) {
  fixture f;
  fixture_init(&f, HEAD "rules:\n  - {name: all, to: ['**']}\n  - {name: r, to: [a.test]}\n");
  chain_of(&f, "rule:r"); /* its connections have not lost their permission */
  decides(&f, "10.1.0.1", "a.test", EGRESS_ALLOW, "all");
  fixture_dispose(&f);
}

#define KEEP HEAD "defaults: {revoke: keep}\n"

/* The listener of `text` after `before`, which is freed. */
static void fixture_follow(fixture *f, const char *text) {
  egress_snapshot *before = f->snap;
  f->snap = compile_after(before, text);
  egress_snapshot_unref(before);
  envoy_dispose(&f->envoy);
  envoy_init(&f->envoy, f->snap, &f->regexes);
}

/* The bytes of a chain: Envoy knows by them that it is the same, and goes on with its connections. */
static uint8_t *chain_bytes(fixture *f, const char *name, size_t *size) {
  const ProtobufCMessage *chain = &chain_of(f, name)->base;
  *size = protobuf_c_message_get_packed_size(chain);
  uint8_t *bytes = malloc(*size);
  protobuf_c_message_pack(chain, bytes);
  return bytes;
}

/* How often the listener selects or has the chain of this name. */
static size_t mentions(const fixture *f, const char *how, const char *name) {
  char what[128];
  egress_text *json;
  size_t count = 0;
  snprintf(what, sizeof what, "\"%s\": \"%s\"", how, name);
  cr_assert_eq(egress_resource_json(&json, egress_snapshot_find(f->snap, EGRESS_TYPE_LISTENER, EGRESS_LISTENER_SNI)),
               0);
  for (const char *at = egress_text_data(json); (at = strstr(at, what)) != NULL; at++)
    count++;
  egress_text_free(json);
  return count;
}

/* `later` takes rule r's permission under `revoke: keep`: its chain stays as it is, and nothing selects it. */
static void check_kept(const char *later) {
  fixture f;
  fixture_init(&f, KEEP "rules:\n  - {name: r, to: [a.test, '**.b.test']}\n  - {name: s, to: [c.test]}\n");
  cr_assert_gt(mentions(&f, "value", "rule:r"), 0, "the way in that must be closed");
  size_t size, now_size;
  uint8_t *bytes = chain_bytes(&f, "rule:r", &size);
  fixture_follow(&f, later);
  cr_expect_eq(mentions(&f, "name", "rule:r"), 1, "%s", later);
  cr_expect_eq(mentions(&f, "value", "rule:r"), 0, "%s", later);
  uint8_t *now = chain_bytes(&f, "rule:r", &now_size);
  cr_expect(now_size == size && memcmp(now, bytes, size) == 0, "%s", later);
  decides(&f, "10.1.0.1", "a.test", EGRESS_DENY, "");
  decides(&f, "10.1.0.1", "x.b.test", EGRESS_DENY, "");
  fixture_dispose(&f);
  free(now);
  free(bytes);
}

Test(sni, a_chain_that_revoke_keep_keeps_is_the_same_and_nothing_gets_there) {
  check_kept(KEEP);
  check_kept(KEEP "rules:\n  - {name: s, to: [c.test]}\n");
  check_kept(KEEP "rules:\n  - {name: r, to: [a.test, '**.b.test'], ports: [8443]}\n");
  check_kept(KEEP "rules:\n  - {name: r, to: [10.0.0.0/8], ports: [443]}\n");
  check_kept(KEEP "rules:\n  - {name: r, to: [a.test], protocol: http}\n");
  check_kept(KEEP "deny:\n  - {name: r, to: [y.test]}\n");
}

Test(sni, a_rule_that_comes_back_has_a_chain_beside_the_kept_one) {
  fixture f;
  fixture_init(&f, KEEP "rules:\n  - {name: r, to: [a.test]}\n");
  fixture_follow(&f, KEEP);
  fixture_follow(&f, KEEP "rules:\n  - {name: r, to: [b.test]}\n");
  cr_expect_eq(f.envoy.sni->n_filter_chains, 2);
  cr_expect_eq(mentions(&f, "value", "rule:r"), 0);
  decides(&f, "10.1.0.1", "b.test", EGRESS_ALLOW, "r");
  decides(&f, "10.1.0.1", "a.test", EGRESS_DENY, "");
  fixture_follow(&f, HEAD "rules:\n  - {name: r, to: [b.test]}\n");
  cr_expect_eq(f.envoy.sni->n_filter_chains, 1, "not with drain");
  fixture_dispose(&f);
}

Test(sni, rules_may_have_the_names_that_envoy_and_we_use) {
  fixture f;
  fixture_init(&f, HEAD "deny:\n  - {name: deny, to: [d.test]}\nrules:\n  - {name: none, to: [a.test]}\n"
                        "  - {name: idle, to: [b.test]}\n  - {name: any, to: [c.test]}\n");
  decides(&f, "10.1.0.1", "a.test", EGRESS_ALLOW, "none");
  decides(&f, "10.1.0.1", "b.test", EGRESS_ALLOW, "idle");
  decides(&f, "10.1.0.1", "c.test", EGRESS_ALLOW, "any");
  decides(&f, "10.1.0.1", "d.test", EGRESS_DENY, "deny");
  decides(&f, "10.1.0.1", "e.test", EGRESS_DENY, "");
  decides(&f, "10.1.0.1", "", EGRESS_DENY, "");
  fixture_dispose(&f);
}

Test(sni, an_empty_policy_has_a_chain_that_nothing_selects) {
  fixture f;
  fixture_init(&f, HEAD);
  cr_assert_eq(f.envoy.sni->n_filter_chains, 1);
  const FilterChain *idle = f.envoy.sni->filter_chains[0];
  cr_assert_eq(idle->n_filters, 1);
  cr_expect_str_eq(idle->filters[0]->name, "envoy.filters.network.direct_response");
  decides(&f, "10.1.0.1", "a.test", EGRESS_DENY, "");
  fixture_dispose(&f);
}

Test(sni, a_denied_connection_is_answered_and_dials_nothing) {
  fixture f;
  fixture_init(&f, policy);
  const FilterChain *deny = chain_of(&f, "deny:d");
  cr_assert_eq(deny->n_filters, 1);
  cr_expect_str_eq(deny->filters[0]->name, "envoy.filters.network.direct_response");
  fixture_dispose(&f);
}

Test(sni, an_allowed_connection_is_resolved_then_guarded_then_dialled) {
  fixture f;
  fixture_init(&f, policy);
  const FilterChain *chain = chain_of(&f, "rule:r");
  cr_assert_eq(chain->n_filters, 3);
  const Envoy__Extensions__Filters__Network__SniDynamicForwardProxy__V3__FilterConfig *resolve =
      (const void *)envoy_open(&f.envoy, chain->filters[0]->typed_config);
  cr_expect_eq(resolve->port_value, 443);
  cr_expect(resolve->save_upstream_address, "else the guard has no address and lets all through");
  const Envoy__Config__Core__V3__ExtensionConfigSource *guard = chain->filters[1]->config_discovery;
  cr_expect_str_eq(chain->filters[1]->name, EGRESS__GUARD_NAME);
  cr_expect_null(guard->default_config);
  cr_expect_not(guard->apply_default_config_without_warming);
  cr_assert_eq(guard->n_type_urls, 1);
  cr_expect_str_eq(guard->type_urls[0], "type.googleapis.com/envoy.extensions.filters.network.rbac.v3.RBAC");
  const Envoy__Extensions__Filters__Network__TcpProxy__V3__TcpProxy *proxy =
      (const void *)envoy_open(&f.envoy, chain->filters[2]->typed_config);
  cr_expect_str_eq(proxy->cluster, EGRESS_CLUSTER_FORWARD);
  cr_expect_eq(proxy->upstream_connect_mode,
               ENVOY__EXTENSIONS__FILTERS__NETWORK__TCP_PROXY__V3__UPSTREAM_CONNECT_MODE__ON_DOWNSTREAM_DATA,
               "else the connection is dialled before the guard has judged");
  fixture_dispose(&f);
}

Test(sni, the_guard_holds_for_what_a_rule_allows) {
  fixture f;
  fixture_init(&f, HEAD "deny:\n  - {name: d, to: [192.0.2.0/24]}\nrules:\n  - {name: r, to: [a.test]}\n");
  envoy_answer answer = envoy_tls(&f.envoy, "10.1.0.1", "a.test", "127.0.0.1");
  cr_expect_eq(answer.verdict, EGRESS_DENY);
  cr_expect_str_eq(answer.filter, EGRESS__GUARD_NAME);
  cr_expect_str_eq(answer.rule, "~special-use-address");
  answer = envoy_tls(&f.envoy, "10.1.0.1", "a.test", "192.0.2.1");
  cr_expect_eq(answer.verdict, EGRESS_DENY);
  cr_expect_str_eq(answer.rule, "d");
  answer = envoy_tls(&f.envoy, "10.1.0.1", "a.test", PUBLIC);
  cr_expect_eq(answer.verdict, EGRESS_ALLOW);
  cr_expect_eq(answer.dialled_port, 443);
  fixture_dispose(&f);
}

Test(sni, a_new_guard_touches_no_listener) {
  egress_snapshot *one = compile_text(HEAD "rules:\n  - {name: r, to: [a.test]}\n");
  egress_snapshot *other =
      compile_text(HEAD "defaults: {allow_private: [10.0.0.0/8]}\nrules:\n  - {name: r, to: [a.test]}\n");
  cr_expect_str_eq(egress_snapshot_type_version(one, EGRESS_TYPE_LISTENER),
                   egress_snapshot_type_version(other, EGRESS_TYPE_LISTENER));
  cr_expect_str_neq(egress_snapshot_type_version(one, EGRESS__TYPE_EXTENSION),
                    egress_snapshot_type_version(other, EGRESS__TYPE_EXTENSION));
  egress_snapshot_unref(one);
  egress_snapshot_unref(other);
}

Test(sni, listens_and_inspects) {
  fixture f;
  fixture_init(&f, policy);
  const Envoy__Config__Listener__V3__Listener *listener = f.envoy.sni;
  cr_expect_str_eq(listener->name, EGRESS_LISTENER_SNI);
  cr_expect_str_eq(listener->address->socket_address->address, "127.0.0.1");
  cr_expect_eq(listener->address->socket_address->port_value, 8443);
  cr_assert_eq(listener->n_listener_filters, 1);
  cr_expect_str_eq(listener->listener_filters[0]->name, "envoy.filters.listener.tls_inspector");
  cr_expect_not(listener->continue_on_listener_filters_timeout, "what says nothing is closed");
  cr_expect_gt(listener->listener_filters_timeout->seconds, 0);
  cr_expect_eq(listener->n_access_log, 1, "refused connections are seen only there");
  cr_expect_null(listener->default_filter_chain, "it would take what matches nothing");
  for (size_t i = 0; i < listener->n_filter_chains; i++)
    cr_expect_null(listener->filter_chains[i]->filter_chain_match);
  fixture_dispose(&f);
}

Test(sni, dials_the_port_of_the_options) {
  egress_policy *p =
      read_policy(HEAD "rules:\n  - {name: r, to: [a.test], ports: [8443, 444]}\n  - {name: s, to: [b.test]}\n");
  egress_compile_options options = both_listeners();
  options.sni_port = 8443;
  egress_snapshot *snap = compile_with(p, &options);
  egress__map regexes;
  egress__map_init(&regexes, egress__alloc_or_default(NULL));
  envoy e;
  envoy_init(&e, snap, &regexes);
  envoy_answer answer = envoy_tls(&e, "10.1.0.1", "a.test", PUBLIC);
  cr_expect_eq(answer.verdict, EGRESS_ALLOW);
  cr_expect_eq(answer.dialled_port, 8443);
  cr_expect_eq(envoy_tls(&e, "10.1.0.1", "b.test", PUBLIC).verdict, EGRESS_DENY);
  envoy_dispose(&e);
  envoy_regexes_dispose(&regexes);
  egress_snapshot_unref(snap);
  egress_policy_unref(p);
}
