#include "compile/routes.h"

#include <stdlib.h>
#include <string.h>

#include <egress/error.h>
#include <envoy/config/core/v3/extension.pb-c.h>
#include <envoy/config/rbac/v3/rbac.pb-c.h>
#include <envoy/config/route/v3/route.pb-c.h>
#include <envoy/config/route/v3/route_components.pb-c.h>
#include <envoy/extensions/filters/http/rbac/v3/rbac.pb-c.h>
#include <envoy/extensions/matching/common_inputs/network/v3/network_inputs.pb-c.h>
#include <envoy/type/matcher/v3/http_inputs.pb-c.h>
#include <envoy/type/matcher/v3/regex.pb-c.h>
#include <envoy/type/matcher/v3/string.pb-c.h>

#include "base/vec.h"
#include "compile/explicit.h"
#include "compile/guard.h"
#include "compile/matcher.h"

enum { HTTP_PORT = 80, TLS_PORT = 443 };

/* An address as Envoy itself would read it: dotted decimal, or IPv6 in brackets (RFC 3986, IPv6address). */
#define OCTET "(25[0-5]|2[0-4][0-9]|1[0-9][0-9]|[1-9]?[0-9])"
#define IPV4 OCTET "(\\." OCTET "){3}"
#define H16 "[0-9a-fA-F]{1,4}"
#define LS32 "(" H16 ":" H16 "|" IPV4 ")"
#define IPV6 \
  "((" H16 ":){6}" LS32 "|::(" H16 ":){5}" LS32 "|(" H16 ")?::(" H16 ":){4}" LS32 "|((" H16 ":){0,1}" H16 ")?::(" H16 \
  ":){3}" LS32 "|((" H16 ":){0,2}" H16 ")?::(" H16 ":){2}" LS32 "|((" H16 ":){0,3}" H16 ")?::" H16 ":" LS32 "|((" H16 \
  ":){0,4}" H16 ")?::" LS32 "|((" H16 ":){0,5}" H16 ")?::" H16 "|((" H16 ":){0,6}" H16 ")?::)"
#define ADDRESS "(" IPV4 "|\\[" IPV6 "\\])"
/* A larger number makes the whole a name to Envoy, which it would resolve. */
#define PORT ":(6553[0-5]|655[0-2][0-9]|65[0-4][0-9]{2}|6[0-4][0-9]{3}|[0-5]?[0-9]{1,4})"
/* What only an address can look like; short, because Envoy bounds the expressions of routes (not those of matchers). */
#define LIKE_ADDRESS "([0-9.]+|\\[.*\\])(:[0-9]+)?"

typedef EGRESS__VEC(uint16_t) port_vec;

typedef struct writer {
  egress__build *b;
  const egress_policy *policy;
  egress__message *routes;         /* RouteConfiguration */
  egress__message *source_input;   /* Matcher input: the client's address */
  egress__message *name_input;     /* Matcher input: the authority */
  egress__message *const *answers; /* Matcher.OnMatch by rule */
  egress__message *none;           /* Matcher.OnMatch: refused */
  const uint32_t *around;
  egress__message *address_routes[2]; /* plain HTTP and CONNECT to an address; NULL: no rule has any */
  egress__message *rest;              /* virtual host "*" */
} writer;

/* Matcher.OnMatch: the RBAC filter allows or denies, in the name of a rule. */
static egress__message *answer(egress__build *b, const char *name, int deny) {
  egress__message *action = EGRESS__MAKE(b, envoy__config__rbac__v3__action);
  egress__set_text(b, action, "name", name);
  egress__set_number(b, action, "action",
                     deny ? ENVOY__CONFIG__RBAC__V3__RBAC__ACTION__DENY : ENVOY__CONFIG__RBAC__V3__RBAC__ACTION__ALLOW);
  return egress__matcher_action(b, action);
}

static egress__message **make_answers(egress__build *b, const egress_policy *policy) {
  egress__message **answers = egress__arena_array(&b->arena, policy->rule_count, sizeof *answers);
  if (answers == NULL)
    b->rv = EGRESS_ENOMEM;
  for (size_t i = 0; i < policy->rule_count && b->rv == 0; i++) {
    const egress__rule *rule = &policy->rules[i];
    answers[i] = answer(b, rule->name, rule->deny);
  }
  return answers;
}

/* RBACPerRoute with a matcher, or with rules: `how` is the field of RBAC. */
static egress__message *per_route(egress__build *b, const char *how, egress__message *what) {
  egress__message *filter = EGRESS__MAKE(b, envoy__extensions__filters__http__rbac__v3__rbac);
  egress__set_message(b, filter, how, what);
  egress__message *per = EGRESS__MAKE(b, envoy__extensions__filters__http__rbac__v3__rbacper_route);
  egress__set_message(b, per, "rbac", filter);
  return per;
}

/* HeaderMatcher on the authority. */
static egress__message *authority(egress__build *b, egress__message *string) {
  egress__message *header = EGRESS__MAKE(b, envoy__config__route__v3__header_matcher);
  egress__set_text(b, header, "name", ":authority");
  egress__set_message(b, header, "string_match", string);
  return header;
}

static egress__message *authority_suffix(egress__build *b, const char *suffix) {
  egress__message *string = EGRESS__MAKE(b, envoy__type__matcher__v3__string_matcher);
  egress__set_text(b, string, "suffix", suffix);
  return authority(b, string);
}

static egress__message *authority_regex(egress__build *b, const char *expression) {
  egress__message *regex = EGRESS__MAKE(b, envoy__type__matcher__v3__regex_matcher);
  egress__set_text(b, regex, "regex", expression);
  egress__message *string = EGRESS__MAKE(b, envoy__type__matcher__v3__string_matcher);
  egress__set_message(b, string, "safe_regex", regex);
  return authority(b, string);
}

/* A route that forwards; `header` NULL: whatever the authority. */
static egress__message *forward(egress__build *b, const char *name, int connect, egress__message *header) {
  egress__message *match = EGRESS__MAKE(b, envoy__config__route__v3__route_match);
  egress__message *action = EGRESS__MAKE(b, envoy__config__route__v3__route_action);
  egress__set_text(b, action, "cluster", EGRESS_CLUSTER_FORWARD);
  egress__set_duration(b, action, "timeout", 0); /* a download or a tunnel may last */
  egress__message *upgrade = EGRESS__MAKE(b, envoy__config__route__v3__route_action__upgrade_config);
  egress__set_text(b, upgrade, "upgrade_type", "CONNECT");
  if (connect) {
    egress__set_message(b, match, "connect_matcher",
                        EGRESS__MAKE(b, envoy__config__route__v3__route_match__connect_matcher));
    egress__set_message(b, upgrade, "connect_config",
                        EGRESS__MAKE(b, envoy__config__route__v3__route_action__upgrade_config__connect_config));
  } else {
    egress__set_number(b, upgrade, "enabled", 0); /* else `Upgrade: connect` would make a tunnel of the request */
    egress__set_text(b, match, "prefix", "/");
  }
  egress__set_message(b, action, "upgrade_configs", upgrade);
  if (header != NULL)
    egress__set_message(b, match, "headers", header);
  egress__message *route = EGRESS__MAKE(b, envoy__config__route__v3__route);
  egress__set_text(b, route, "name", name);
  egress__set_message(b, route, "match", match);
  egress__set_message(b, route, "route", action);
  return route;
}

/* RBAC's matcher: lets through what is an address to Envoy too, so that nothing else is ever resolved. */
static egress__message *is_address(writer *w, int connect) {
  egress__dialect dialect = {
      .name_input = w->name_input,
      .regex_head = "",
      .regex_tail = connect ? PORT : "(" PORT ")?",
      .none = w->none,
  };
  return egress__matcher_regex(w->b, &dialect, ADDRESS, answer(w->b, EGRESS__NOT_A_RULE "address", 0));
}

/* The routes for requests that name an address: Envoy reads the address, then the filters behind judge it. */
static void make_address_routes(writer *w) {
  egress__build *b = w->b;
  for (int connect = 0; connect < 2; connect++) {
    unsigned spoken = connect ? EGRESS__SPOKEN_TCP : EGRESS__SPOKEN_TCP | EGRESS__SPOKEN_HTTP;
    egress__message *allowed = egress__allowed_addresses(b, w->policy, spoken);
    if (allowed == NULL)
      continue;
    egress__message *route = forward(b, connect ? EGRESS__ADDRESS_ROUTE "connect" : EGRESS__ADDRESS_ROUTE "http",
                                     connect, authority_regex(b, LIKE_ADDRESS));
    egress__set_entry(b, route, "typed_per_filter_config", EGRESS__FILTER_ALLOWLIST,
                      per_route(b, "matcher", is_address(w, connect)));
    egress__set_entry(b, route, "typed_per_filter_config", EGRESS__FILTER_GUARD,
                      per_route(b, "rules", egress__guard_of_addresses(b, w->policy, spoken)));
    egress__set_entry(b, route, "typed_per_filter_config", EGRESS__FILTER_ADDRESSES, per_route(b, "rules", allowed));
    w->address_routes[connect] = route;
  }
}

static void add_address_routes(writer *w, egress__message *host) {
  for (size_t i = 0; i < 2; i++)
    if (w->address_routes[i] != NULL)
      egress__set_message(w->b, host, "routes", w->address_routes[i]);
}

/* The matcher of a class, for authorities that end in `tail` (an expression). */
static egress__message *class_matcher(writer *w, const egress__verdicts *verdicts, const char *tail) {
  egress__dialect dialect = {
      .name_input = w->name_input,
      .source_input = w->source_input,
      .regex_head = "(?i)", /* Envoy finds the virtual host by the name in lower case, but matches it as it came */
      .regex_tail = tail,
      .by_rule = w->answers,
      .none = w->none,
      .around = w->around,
  };
  egress__message *verdict = egress__matcher_verdicts(w->b, &dialect, w->policy, verdicts);
  return egress__matcher_valid_name(w->b, &dialect, verdict);
}

/* The route of one protocol, with its verdicts; `bare`: for authorities without a port. */
static egress__message *class_route(writer *w, const egress__verdicts *verdicts, int connect, uint16_t port, int bare) {
  egress__build *b = w->b;
  const char *tail = bare ? "" : egress__build_printf(b, ":%u", port);
  if (!bare && !connect && port == HTTP_PORT)
    tail = "(:80)?"; /* both forms find the same virtual host */
  /* CONNECT always says the port; Envoy would otherwise take a default that nobody judged. */
  egress__message *header = connect ? authority_suffix(b, egress__build_printf(b, ":%u", port)) : NULL;
  egress__message *route = forward(b, connect ? "connect" : "http", connect, header);
  egress__set_entry(b, route, "typed_per_filter_config", EGRESS__FILTER_ALLOWLIST,
                    per_route(b, "matcher", class_matcher(w, verdicts, tail)));
  return route;
}

/* Adds that route to `host`, if any rule speaks of the class there. */
static void add_class_route(writer *w, egress__message *host, const egress__class *class, int32_t protocol,
                            uint16_t port, int bare) {
  egress__build *b = w->b;
  egress__verdicts verdicts;
  if (b->rv == 0)
    b->rv = egress__class_verdicts(&verdicts, class, w->policy, protocol, port, &b->scratch);
  if (b->rv == 0 && verdicts.any)
    egress__set_message(b, host, "routes", class_route(w, &verdicts, protocol == EGRESS_PROTOCOL_TLS, port, bare));
  egress__arena_dispose(&b->scratch);
}

/* Returns 1 when the class has the root, whose names without a port belong to the virtual host "*". */
static int add_domains(writer *w, egress__message *host, const egress__class *class, uint16_t port) {
  int root = 0;
  for (size_t i = 0; i < class->member_count && w->b->rv == 0; i++) {
    const char *text = class->members[i]->text;
    const char *star = !class->below ? "" : text[0] == '\0' ? "*" : "*.";
    egress__set_text(w->b, host, "domains", egress__build_printf(w->b, "%s%s:%u", star, text, port));
    if (text[0] == '\0')
      root = 1;
    else if (port == HTTP_PORT)
      egress__set_text(w->b, host, "domains", egress__build_printf(w->b, "%s%s", star, text));
  }
  return root;
}

static void add_virtual_host(writer *w, const egress__class *class, uint16_t port) {
  egress__build *b = w->b;
  egress__message *host = EGRESS__MAKE(b, envoy__config__route__v3__virtual_host);
  const char *first = class->members[0]->text;
  const char *star = !class->below ? "" : first[0] == '\0' ? "**" : "**.";
  egress__set_text(b, host, "name", egress__build_printf(b, "%s%s:%u", star, first, port));
  int root = add_domains(w, host, class, port);
  if (root)
    add_address_routes(w, host); /* "*:port" takes addresses as well */
  add_class_route(w, host, class, EGRESS_PROTOCOL_TLS, port, 0);
  add_class_route(w, host, class, EGRESS_PROTOCOL_HTTP, port, 0);
  if (root && port == HTTP_PORT)
    add_class_route(w, w->rest, class, EGRESS_PROTOCOL_HTTP, port, 1);
  egress__set_message(b, w->routes, "virtual_hosts", host);
}

static int add_port(const egress_alloc *alloc, port_vec *ports, uint16_t port) {
  if (EGRESS__VEC_GROW(alloc, ports) != 0)
    return EGRESS_ENOMEM;
  ports->items[ports->count++] = port;
  return 0;
}

/* Every port that the rule allows. A deny entry may have all ports and matters only where others allow, but for the
 * usual ports, where a refusal shall name it. */
static int add_ports(const egress_alloc *alloc, port_vec *ports, const egress__rule *rule, int32_t protocol) {
  const egress__ports *of = &rule->ports[protocol];
  int rv = 0;
  for (size_t i = 0; i < of->count && rv == 0; i++) {
    const egress__port_range *range = &of->ranges[i];
    for (unsigned port = range->low; (!rule->deny || range->low == range->high) && port <= range->high && rv == 0;
         port++)
      rv = add_port(alloc, ports, (uint16_t)port);
  }
  if (rv == 0 && egress__ports_have(of, HTTP_PORT))
    rv = add_port(alloc, ports, HTTP_PORT);
  if (rv == 0 && egress__ports_have(of, TLS_PORT))
    rv = add_port(alloc, ports, TLS_PORT);
  return rv;
}

static int compare_ports(const void *a, const void *b) {
  return (int)*(const uint16_t *)a - (int)*(const uint16_t *)b;
}

/* Every port that a rule names for the class, and 80 and 443 where a rule has all ports. */
static int class_ports(const egress_alloc *alloc, port_vec *ports, const egress_policy *policy,
                       const egress__class *class) {
  int rv = 0;
  ports->count = 0;
  for (size_t i = 0; i < class->cond_count && rv == 0; i++) {
    const egress__rule *rule = &policy->rules[class->conds[i].rule];
    rv = add_ports(alloc, ports, rule, EGRESS_PROTOCOL_TLS);
    if (rv == 0)
      rv = add_ports(alloc, ports, rule, EGRESS_PROTOCOL_HTTP);
  }
  if (rv == 0 && ports->count != 0)
    qsort(ports->items, ports->count, sizeof *ports->items, compare_ports);
  return rv;
}

static void add_classes(writer *w, const egress__classes *classes) {
  const egress_alloc *alloc = w->b->arena.alloc;
  port_vec ports = {0};
  for (size_t i = 0; i < classes->count && w->b->rv == 0; i++) {
    int rv = class_ports(alloc, &ports, w->policy, classes->items[i]);
    if (rv != 0)
      w->b->rv = rv;
    for (size_t j = 0; j < ports.count && w->b->rv == 0; j++)
      if (j == 0 || ports.items[j] != ports.items[j - 1])
        add_virtual_host(w, classes->items[i], ports.items[j]);
  }
  EGRESS__VEC_FREE(alloc, &ports);
}

/* What holds for every route that does not say otherwise: the guard judges, and nothing else is asked of an address. */
static void set_defaults(writer *w) {
  egress__build *b = w->b;
  egress__message *off = EGRESS__MAKE(b, envoy__config__route__v3__filter_config);
  egress__set_number(b, off, "disabled", 1);
  egress__set_entry(
      b, w->routes, "typed_per_filter_config", EGRESS__FILTER_GUARD,
      per_route(b, "rules", egress__guard_of_names(b, w->policy, EGRESS__SPOKEN_TLS | EGRESS__SPOKEN_HTTP)));
  egress__set_entry(b, w->routes, "typed_per_filter_config", EGRESS__FILTER_ADDRESSES, off);
}

/* Envoy tells the destination who asked, and how; it must not. The first of them holds the client's address. */
static void remove_headers(writer *w) {
  static const char *const added[] = {"x-envoy-external-address", "x-envoy-internal", "x-forwarded-proto"};
  for (size_t i = 0; i < sizeof added / sizeof added[0]; i++)
    egress__set_text(w->b, w->routes, "request_headers_to_remove", added[i]);
}

egress__message *egress__routes(egress__build *b, const egress_policy *policy, const egress__classes *classes) {
  egress__message *header = EGRESS__MAKE(b, envoy__type__matcher__v3__http_request_header_match_input);
  egress__set_text(b, header, "header_name", ":authority");
  writer w = {
      .b = b,
      .policy = policy,
      .routes = EGRESS__MAKE(b, envoy__config__route__v3__route_configuration),
      .source_input = egress__xds_extension(
          b, "source", EGRESS__MAKE(b, envoy__extensions__matching__common_inputs__network__v3__direct_source_ipinput)),
      .name_input = egress__xds_extension(b, "authority", header),
      .answers = make_answers(b, policy),
      .none = answer(b, EGRESS__NO_RULE, 1),
      .around = egress__prefixes_around(b, policy),
      .rest = EGRESS__MAKE(b, envoy__config__route__v3__virtual_host),
  };
  egress__set_text(b, w.routes, "name", EGRESS_ROUTE_HTTP);
  egress__set_text(b, w.rest, "name", "rest");
  egress__set_text(b, w.rest, "domains", "*");
  set_defaults(&w);
  remove_headers(&w);
  make_address_routes(&w);
  add_address_routes(&w, w.rest);
  add_classes(&w, classes);
  egress__set_message(b, w.routes, "virtual_hosts", w.rest);
  return w.routes;
}
