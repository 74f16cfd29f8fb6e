#include "support/envoy.h"

#include <regex.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <envoy/extensions/matching/common_inputs/network/v3/network_inputs.pb-c.h>
#include <envoy/type/matcher/v3/http_inputs.pb-c.h>
#include <xds/core/v3/cidr.pb-c.h>
#include <xds/core/v3/extension.pb-c.h>
#include <xds/type/matcher/v3/domain.pb-c.h>
#include <xds/type/matcher/v3/ip.pb-c.h>
#include <xds/type/matcher/v3/regex.pb-c.h>
#include <xds/type/matcher/v3/string.pb-c.h>

typedef Xds__Type__Matcher__V3__Matcher Matcher;
typedef Xds__Type__Matcher__V3__Matcher__OnMatch OnMatch;
typedef Xds__Type__Matcher__V3__Matcher__MatcherList__Predicate Predicate;
typedef Xds__Type__Matcher__V3__Matcher__MatcherList__Predicate__SinglePredicate SinglePredicate;
typedef Xds__Type__Matcher__V3__ServerNameMatcher ServerNameMatcher;
typedef Xds__Type__Matcher__V3__IPMatcher IPMatcher;
typedef Xds__Type__Matcher__V3__IPMatcher__IPRangeMatcher IPRangeMatcher;

/* RE2 as POSIX: what compiled policies use means the same in both, but for the flag at the front. */
static regex_t *compile_regex(const char *regex) {
  int flags = REG_EXTENDED | REG_NOSUB;
  if (strncmp(regex, "(?i)", 4) == 0) {
    flags |= REG_ICASE;
    regex += 4;
  }
  if (strstr(regex, "(?") != NULL)
    envoy_stop("expression %s: more than the model knows", regex);
  size_t size = strlen(regex) + sizeof "^()$";
  char *whole = malloc(size);
  regex_t *compiled = malloc(sizeof *compiled);
  snprintf(whole, size, "^(%s)$", regex);
  if (regcomp(compiled, whole, flags) != 0)
    envoy_stop("expression %s is none", regex);
  free(whole);
  return compiled;
}

int envoy_regex(envoy *e, const char *regex, const char *text) {
  regex_t *compiled = egress__map_get(e->regexes, regex, strlen(regex));
  if (compiled == NULL) {
    compiled = compile_regex(regex);
    if (egress__map_set(e->regexes, strdup(regex), strlen(regex), compiled) != 0)
      envoy_stop("out of memory");
  }
  return regexec(compiled, text, 0, NULL, 0) == 0;
}

void envoy_regexes_dispose(egress__map *regexes) {
  size_t cursor = 0;
  for (const egress__map_entry *entry; (entry = egress__map_next(regexes, &cursor)) != NULL;) {
    regfree(entry->value);
    free(entry->value);
    free((void *)(uintptr_t)entry->key);
  }
  egress__map_dispose(regexes);
}

static int is_a(const ProtobufCMessage *message, const ProtobufCMessageDescriptor *type) {
  return message->descriptor == type;
}

/* What an input gives for names. */
static const char *name_input(envoy *e, const Xds__Core__V3__TypedExtensionConfig *input, const envoy_connection *c) {
  const ProtobufCMessage *config = envoy_open(e, input->typed_config);
  if (is_a(config, &envoy__extensions__matching__common_inputs__network__v3__server_name_input__descriptor)) {
    if (c->http)
      envoy_stop("an explicit listener sees no server name");
    return c->name;
  }
  if (!is_a(config, &envoy__type__matcher__v3__http_request_header_match_input__descriptor) || !c->http)
    envoy_stop("input %s: unknown to the model, or not there", config->descriptor->name);
  const Envoy__Type__Matcher__V3__HttpRequestHeaderMatchInput *header =
      (const Envoy__Type__Matcher__V3__HttpRequestHeaderMatchInput *)config;
  if (strcmp(header->header_name, ":authority") != 0)
    envoy_stop("header %s: unknown to the model", header->header_name);
  return c->name;
}

static const egress__addr *address_input(envoy *e, const Xds__Core__V3__TypedExtensionConfig *input,
                                         const envoy_connection *c) {
  const ProtobufCMessage *config = envoy_open(e, input->typed_config);
  /* Behind an HTTP connection manager, the source may be one that X-Forwarded-For claims. */
  const ProtobufCMessageDescriptor *expected =
      c->http ? &envoy__extensions__matching__common_inputs__network__v3__direct_source_ipinput__descriptor
              : &envoy__extensions__matching__common_inputs__network__v3__source_ipinput__descriptor;
  if (!is_a(config, expected))
    envoy_stop("input %s is not the client's address", config->descriptor->name);
  return &c->source;
}

static int single_predicate(envoy *e, const SinglePredicate *single, const envoy_connection *c) {
  if (single->matcher_case !=
          XDS__TYPE__MATCHER__V3__MATCHER__MATCHER_LIST__PREDICATE__SINGLE_PREDICATE__MATCHER_VALUE_MATCH ||
      single->value_match->match_pattern_case != XDS__TYPE__MATCHER__V3__STRING_MATCHER__MATCH_PATTERN_SAFE_REGEX)
    envoy_stop("a predicate that the model does not know");
  const char *name = name_input(e, single->input, c);
  return name[0] != '\0' && envoy_regex(e, single->value_match->safe_regex->regex, name);
}

static int predicate_holds(envoy *e, const Predicate *predicate, const envoy_connection *c) {
  switch (predicate->match_type_case) {
  case XDS__TYPE__MATCHER__V3__MATCHER__MATCHER_LIST__PREDICATE__MATCH_TYPE_SINGLE_PREDICATE:
    return single_predicate(e, predicate->single_predicate, c);
  case XDS__TYPE__MATCHER__V3__MATCHER__MATCHER_LIST__PREDICATE__MATCH_TYPE_AND_MATCHER:
    for (size_t i = 0; i < predicate->and_matcher->n_predicate; i++)
      if (!predicate_holds(e, predicate->and_matcher->predicate[i], c))
        return 0;
    return 1;
  default:
    envoy_stop("a predicate that the model does not know");
  }
}

static const ProtobufCMessage *answer(envoy *e, const OnMatch *on_match, const envoy_connection *c) {
  if (on_match->on_match_case == XDS__TYPE__MATCHER__V3__MATCHER__ON_MATCH__ON_MATCH_ACTION)
    return envoy_open(e, on_match->action->typed_config);
  return envoy_match(e, on_match->matcher, c);
}

/* 1 when `domain` takes `name`, and how specific it is. */
static int domain_takes(const char *domain, const char *name, size_t *specific) {
  size_t size = strlen(name);
  *specific = strlen(domain);
  if (strncmp(domain, "*.", 2) != 0)
    return strcmp(domain, name) == 0;
  const char *suffix = domain + 1; /* with its dot; something must stand before it */
  return size > *specific - 1 && strcmp(name + size - strlen(suffix), suffix) == 0;
}

/* The entry that takes `name` and is the most specific one below `limit`; an exact one is above all suffixes. */
static const OnMatch *next_domain(const ServerNameMatcher *names, const char *name, size_t *limit) {
  const OnMatch *best = NULL;
  size_t best_rank = 0;
  for (size_t i = 0; i < names->n_domain_matchers; i++) {
    for (size_t j = 0; j < names->domain_matchers[i]->n_domains; j++) {
      const char *domain = names->domain_matchers[i]->domains[j];
      size_t specific;
      if (!domain_takes(domain, name, &specific))
        continue;
      size_t rank = domain[0] == '*' ? specific : SIZE_MAX - 1;
      if (rank < *limit && rank > best_rank) {
        best_rank = rank;
        best = names->domain_matchers[i]->on_match;
      }
    }
  }
  *limit = best_rank;
  return best;
}

static const ProtobufCMessage *match_name(envoy *e, const ServerNameMatcher *names, const char *name,
                                          const envoy_connection *c) {
  size_t limit = SIZE_MAX;
  const ProtobufCMessage *found = NULL;
  for (const OnMatch *at; found == NULL && name[0] != '\0' && (at = next_domain(names, name, &limit)) != NULL;)
    found = answer(e, at, c);
  return found;
}

static egress__prefix read_range(const Xds__Core__V3__CidrRange *range) {
  egress__prefix prefix;
  char text[EGRESS__PREFIX_TEXT];
  snprintf(text, sizeof text, "%s/%u", range->address_prefix, range->prefix_len == NULL ? 0 : range->prefix_len->value);
  if (egress__prefix_parse(&prefix, text, strlen(text)) != EGRESS__PREFIX_OK)
    envoy_stop("range %s is none", text);
  return prefix;
}

/* The range that has `addr` and is the longest one below `limit`. */
static const OnMatch *next_range(const IPMatcher *ranges, const egress__addr *addr, int *limit) {
  const OnMatch *best = NULL;
  int bits = -1;
  for (size_t i = 0; i < ranges->n_range_matchers; i++) {
    const IPRangeMatcher *at = ranges->range_matchers[i];
    for (size_t j = 0; j < at->n_ranges; j++) {
      egress__prefix prefix = read_range(at->ranges[j]);
      if (!egress__prefix_has(&prefix, addr) || prefix.bits >= *limit || prefix.bits <= bits)
        continue;
      bits = prefix.bits;
      best = at->on_match;
    }
  }
  *limit = bits;
  return best;
}

static const ProtobufCMessage *match_address(envoy *e, const IPMatcher *ranges, const egress__addr *addr,
                                             const envoy_connection *c) {
  int limit = 129;
  const ProtobufCMessage *found = NULL;
  for (const OnMatch *at; found == NULL && (at = next_range(ranges, addr, &limit)) != NULL;)
    found = answer(e, at, c);
  return found;
}

static const ProtobufCMessage *custom_match(envoy *e, const Matcher *matcher) {
  if (matcher->matcher_tree->tree_type_case != XDS__TYPE__MATCHER__V3__MATCHER__MATCHER_TREE__TREE_TYPE_CUSTOM_MATCH)
    envoy_stop("a tree that the model does not know");
  return envoy_open(e, matcher->matcher_tree->custom_match->typed_config);
}

static const ProtobufCMessage *match_tree(envoy *e, const Matcher *matcher, const envoy_connection *c) {
  const ProtobufCMessage *custom = custom_match(e, matcher);
  const Xds__Core__V3__TypedExtensionConfig *input = matcher->matcher_tree->input;
  if (is_a(custom, &xds__type__matcher__v3__server_name_matcher__descriptor))
    return match_name(e, (const ServerNameMatcher *)custom, name_input(e, input, c), c);
  return match_address(e, (const IPMatcher *)custom, address_input(e, input, c), c);
}

const ProtobufCMessage *envoy_match(envoy *e, const Matcher *matcher, const envoy_connection *c) {
  const ProtobufCMessage *found = NULL;
  if (matcher->matcher_type_case == XDS__TYPE__MATCHER__V3__MATCHER__MATCHER_TYPE_MATCHER_TREE) {
    found = match_tree(e, matcher, c);
  } else {
    for (size_t i = 0; found == NULL && i < matcher->matcher_list->n_matchers; i++)
      if (predicate_holds(e, matcher->matcher_list->matchers[i]->predicate, c))
        found = answer(e, matcher->matcher_list->matchers[i]->on_match, c);
  }
  return found != NULL || matcher->on_no_match == NULL ? found : answer(e, matcher->on_no_match, c);
}

/* What Envoy rejects, takes and never matches, or would fall back from. */

static void check_on_match(envoy *e, const OnMatch *on_match) {
  if (on_match == NULL || on_match->keep_matching)
    envoy_stop("a way through the tree ends in no answer");
  switch (on_match->on_match_case) {
  case XDS__TYPE__MATCHER__V3__MATCHER__ON_MATCH__ON_MATCH_ACTION:
    if (on_match->action->name[0] == '\0')
      envoy_stop("an action has no name");
    envoy_open(e, on_match->action->typed_config);
    return;
  case XDS__TYPE__MATCHER__V3__MATCHER__ON_MATCH__ON_MATCH_MATCHER:
    envoy_check_matcher(e, on_match->matcher);
    return;
  default:
    envoy_stop("an OnMatch is empty");
  }
}

static void check_new(egress__map *seen, const char *key, const char *what) {
  if (egress__map_get(seen, key, strlen(key)) != NULL)
    envoy_stop("%s %s is there twice", what, key);
  if (egress__map_set(seen, key, strlen(key), seen) != 0)
    envoy_stop("out of memory");
}

static void check_domain(const char *domain) {
  const char *name = strncmp(domain, "*.", 2) == 0 ? domain + 2 : domain;
  if (name[0] == '\0' || strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789-_.") != strlen(name))
    envoy_stop("domain %s never matches", domain);
}

static void check_names(envoy *e, const ServerNameMatcher *names) {
  egress__map seen = {.alloc = egress__alloc_or_default(NULL)};
  if (names->n_domain_matchers == 0)
    envoy_stop("a ServerNameMatcher is empty");
  for (size_t i = 0; i < names->n_domain_matchers; i++) {
    if (names->domain_matchers[i]->n_domains == 0)
      envoy_stop("a DomainMatcher is empty");
    for (size_t j = 0; j < names->domain_matchers[i]->n_domains; j++) {
      check_domain(names->domain_matchers[i]->domains[j]);
      check_new(&seen, names->domain_matchers[i]->domains[j], "domain");
    }
    check_on_match(e, names->domain_matchers[i]->on_match);
  }
  egress__map_dispose(&seen);
}

static void check_ranges(envoy *e, const IPMatcher *ranges) {
  egress__map seen = {.alloc = egress__alloc_or_default(NULL)};
  if (ranges->n_range_matchers == 0)
    envoy_stop("an IPMatcher is empty");
  for (size_t i = 0; i < ranges->n_range_matchers; i++) {
    const IPRangeMatcher *at = ranges->range_matchers[i];
    if (at->n_ranges == 0)
      envoy_stop("an IPRangeMatcher is empty");
    for (size_t j = 0; j < at->n_ranges; j++) {
      egress__prefix prefix = read_range(at->ranges[j]); /* says if host bits are set */
      char *text = egress__arena_get(&e->arena, EGRESS__PREFIX_TEXT);
      check_new(&seen, egress__prefix_format(text, &prefix), "range");
    }
    check_on_match(e, at->on_match);
  }
  egress__map_dispose(&seen);
}

void envoy_check_matcher(envoy *e, const Matcher *matcher) {
  check_on_match(e, matcher->on_no_match);
  if (matcher->matcher_type_case == XDS__TYPE__MATCHER__V3__MATCHER__MATCHER_TYPE_MATCHER_TREE) {
    const ProtobufCMessage *custom = custom_match(e, matcher);
    if (is_a(custom, &xds__type__matcher__v3__server_name_matcher__descriptor))
      check_names(e, (const ServerNameMatcher *)custom);
    else
      check_ranges(e, (const IPMatcher *)custom);
    return;
  }
  if (matcher->matcher_type_case != XDS__TYPE__MATCHER__V3__MATCHER__MATCHER_TYPE_MATCHER_LIST ||
      matcher->matcher_list->n_matchers == 0)
    envoy_stop("a Matcher is empty");
  for (size_t i = 0; i < matcher->matcher_list->n_matchers; i++)
    check_on_match(e, matcher->matcher_list->matchers[i]->on_match);
}
