#include "compile/matcher.h"

#include <envoy/extensions/matching/common_inputs/network/v3/network_inputs.pb-c.h>
#include <google/protobuf/wrappers.pb-c.h>
#include <xds/core/v3/cidr.pb-c.h>
#include <xds/core/v3/extension.pb-c.h>
#include <xds/type/matcher/v3/ip.pb-c.h>

#include "support/envoy.h"
#include "support/reading.h"

typedef Xds__Type__Matcher__V3__Matcher Matcher;

/* A tree for one policy, its parts, and the model that reads it. Answers are texts: the rule's name, or "-". */
typedef struct fixture {
  egress_policy *policy;
  egress__build b;
  egress__dialect dialect;
  egress__map regexes;
  envoy envoy;
} fixture;

static egress__message *text_answer(egress__build *b, const char *text) {
  egress__message *value = EGRESS__MAKE(b, google__protobuf__string_value);
  egress__set_text(b, value, "value", text);
  return egress__matcher_action(b, value);
}

static void fixture_init(fixture *f, const char *text) {
  *f = (fixture){.policy = read_policy(text)};
  egress__build_init(&f->b, egress__alloc_or_default(NULL));
  egress__map_init(&f->regexes, egress__alloc_or_default(NULL));
  envoy_init(&f->envoy, NULL, &f->regexes);
  egress__message **by_rule = egress__arena_array(&f->b.arena, f->policy->rule_count, sizeof *by_rule);
  for (size_t i = 0; i < f->policy->rule_count; i++)
    by_rule[i] = text_answer(&f->b, f->policy->rules[i].name);
  f->dialect = (egress__dialect){
      .name_input = egress__xds_extension(
          &f->b, "name",
          EGRESS__MAKE(&f->b, envoy__extensions__matching__common_inputs__network__v3__server_name_input)),
      .source_input = egress__xds_extension(
          &f->b, "source",
          EGRESS__MAKE(&f->b, envoy__extensions__matching__common_inputs__network__v3__source_ipinput)),
      .regex_head = "",
      .regex_tail = "",
      .by_rule = by_rule,
      .none = text_answer(&f->b, "-"),
      .around = egress__prefixes_around(&f->b, f->policy),
  };
}

static void fixture_dispose(fixture *f) {
  envoy_dispose(&f->envoy);
  envoy_regexes_dispose(&f->regexes);
  egress__build_dispose(&f->b);
  egress_policy_unref(f->policy);
}

/* What was built, from its bytes, checked. */
static const Matcher *reread(fixture *f, egress__message *matcher) {
  cr_assert_eq(f->b.rv, 0);
  const Matcher *read = envoy_reread(&f->envoy, matcher);
  envoy_check_matcher(&f->envoy, read);
  return read;
}

static const char *ask(fixture *f, const Matcher *matcher, const char *source, const char *name) {
  envoy_connection c = {.name = name};
  cr_assert_eq(egress__addr_parse(&c.source, source, strlen(source)), 0);
  const ProtobufCMessage *found = envoy_match(&f->envoy, matcher, &c);
  cr_assert_not_null(found, "%s from %s: no answer", name, source);
  return ((const Google__Protobuf__StringValue *)found)->value;
}

static void answers(fixture *f, const Matcher *matcher, const char *source, const char *name, const char *expected) {
  const char *got = ask(f, matcher, source, name);
  cr_expect_str_eq(got, expected, "%s from %s: %s", name, source, got);
}

/* The verdicts of the only class, as a Matcher. */
static const Matcher *only_class(fixture *f) {
  egress__classes classes;
  egress__verdicts verdicts;
  cr_assert_eq(egress__classes_make(&classes, f->policy, &f->b.arena), 0);
  cr_assert_eq(classes.count, 1);
  cr_assert_eq(egress__class_verdicts(&verdicts, classes.items[0], f->policy, EGRESS_PROTOCOL_TLS, 443, &f->b.arena),
               0);
  egress__message *on_match = egress__matcher_verdicts(&f->b, &f->dialect, f->policy, &verdicts);
  return reread(f, egress__matcher_valid_name(&f->b, &f->dialect, on_match));
}

#define NESTED \
  HEAD "sources:\n  ten: {cidrs: [10.0.0.0/8]}\n  one: {cidrs: [10.1.0.0/16, 10.3.0.0/16]}\n" \
       "  host: {cidrs: [10.1.2.3/32]}\n  six: {cidrs: ['2001:db8::/32']}\n  all: {cidrs: [0.0.0.0/0]}\n"

Test(matcher, answers_by_the_longest_source_range) {
  fixture f;
  fixture_init(&f, NESTED "deny:\n  - {name: d, to: [a.test], from: [one]}\nrules:\n  - {name: h, to: [a.test], from: "
                          "[host]}\n  - {name: t, to: [a.test], from: [ten, six]}\n");
  const Matcher *m = only_class(&f);
  answers(&f, m, "10.2.0.1", "a.test", "t");
  answers(&f, m, "10.1.0.1", "a.test", "d");
  answers(&f, m, "10.3.255.255", "a.test", "d");
  answers(&f, m, "10.1.2.3", "a.test", "d"); /* deny wins over what a longer range allows */
  answers(&f, m, "10.4.0.0", "a.test", "t");
  answers(&f, m, "11.0.0.0", "a.test", "-");
  answers(&f, m, "2001:db8::1", "a.test", "t");
  answers(&f, m, "2001:db9::1", "a.test", "-");
  fixture_dispose(&f);
}

/* How many ranges the IPMatcher behind the name check has. */
static size_t count_ranges(fixture *f, const Matcher *valid_name) {
  const Matcher *sources = valid_name->matcher_list->matchers[0]->on_match->matcher;
  const Xds__Type__Matcher__V3__IPMatcher *ranges =
      (const void *)envoy_open(&f->envoy, sources->matcher_tree->custom_match->typed_config);
  size_t count = 0;
  for (size_t i = 0; i < ranges->n_range_matchers; i++)
    count += ranges->range_matchers[i]->n_ranges;
  return count;
}

Test(matcher, a_longer_range_may_have_less) {
  fixture f;
  fixture_init(&f,
               NESTED "rules:\n  - {name: h, to: [a.test], from: [host]}\n  - {name: a, to: [a.test], from: [all]}\n"
                      "  - {name: other, to: [10.9.9.9], ports: [1], from: [one]}\n");
  const Matcher *m = only_class(&f);
  answers(&f, m, "10.1.2.3", "a.test", "h");
  answers(&f, m, "10.1.2.4", "a.test", "a"); /* an atom of its own that changes nothing here */
  answers(&f, m, "192.0.2.1", "a.test", "a");
  answers(&f, m, "2001:db8::1", "a.test", "-");
  cr_expect_eq(count_ranges(&f, m), 2, "0.0.0.0/0 and the host");
  fixture_dispose(&f);
}

Test(matcher, sources_that_decide_alike_need_no_ranges) {
  fixture f;
  fixture_init(&f, NESTED "rules:\n  - {name: r, to: [a.test]}\n  - {name: s, to: [a.test], from: [ten]}\n");
  egress__classes classes;
  egress__verdicts verdicts;
  cr_assert_eq(egress__classes_make(&classes, f.policy, &f.b.arena), 0);
  cr_assert_eq(egress__class_verdicts(&verdicts, classes.items[0], f.policy, EGRESS_PROTOCOL_TLS, 443, &f.b.arena), 0);
  const Xds__Type__Matcher__V3__Matcher__OnMatch *on_match =
      (void *)egress__matcher_verdicts(&f.b, &f.dialect, f.policy, &verdicts);
  cr_expect_eq(on_match->on_match_case, XDS__TYPE__MATCHER__V3__MATCHER__ON_MATCH__ON_MATCH_ACTION, "r comes first");
  fixture_dispose(&f);
}

Test(matcher, tries_expressions_in_the_order_of_the_rules) {
  fixture f;
  fixture_init(&f, HEAD "deny:\n  - {name: d, to: ['*x.test']}\nrules:\n  - {name: r, to: ['a*.test']}\n"
                        "  - {name: s, to: ['*b.test', '*c.test']}\n");
  const Matcher *m = only_class(&f);
  answers(&f, m, "192.0.2.1", "ax.test", "d");
  answers(&f, m, "192.0.2.1", "ab.test", "r");
  answers(&f, m, "192.0.2.1", "b.test", "s");
  answers(&f, m, "192.0.2.1", "c.test", "s");
  answers(&f, m, "192.0.2.1", "q.test", "-");
  answers(&f, m, "192.0.2.1", "a.b.test", "-"); /* a star takes no dot */
  fixture_dispose(&f);
}

Test(matcher, expressions_then_the_rule_that_takes_all) {
  fixture f;
  fixture_init(&f,
               HEAD "deny:\n  - {name: d, to: ['*x.test']}\nrules:\n  - {name: r, to: ['**.test']}\n  - {name: s, to: "
                    "['**.test']}\n");
  const Matcher *m = only_class(&f);
  answers(&f, m, "192.0.2.1", "ax.test", "d");
  answers(&f, m, "192.0.2.1", "a.x.test", "r");
  fixture_dispose(&f);
}

Test(matcher, refuses_what_is_no_host_name) {
  fixture f;
  fixture_init(&f, HEAD "rules:\n  - {name: r, to: ['**']}\n");
  const Matcher *m = only_class(&f);
  char longest[300] = "";
  while (strlen(longest) < 248)
    strcat(longest, "a.");
  strcat(longest, "a.com"); /* 253 bytes */
  cr_assert_eq(strlen(longest), 253);
  static const char *const good[] = {"a", "a.test", "a_-.test", "xn--bcher-kva.example", "1.2.3.4a", "0.a", "-.-"};
  for (size_t i = 0; i < sizeof good / sizeof good[0]; i++)
    answers(&f, m, "192.0.2.1", good[i], "r");
  answers(&f, m, "192.0.2.1", longest, "r");
  strcat(longest, "m");
  answers(&f, m, "192.0.2.1", longest, "-");
  static const char *const bad[] = {"",        ".",        "a.",    ".a.test",  "a..test", "a b.test", "a\xc3\xa4.test",
                                    "1.2.3.4", "a.1",      "a:443", "a@b.test", "[::1]",   "a/b.test", "a.test\n",
                                    "*.test",  "a%00.test"};
  for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
    answers(&f, m, "192.0.2.1", bad[i], "-");
  char label[70];
  memset(label, 'a', 64);
  strcpy(label + 63, ".test");
  answers(&f, m, "192.0.2.1", label, "r");
  strcpy(label + 63, "a.test");
  answers(&f, m, "192.0.2.1", label, "-");
  fixture_dispose(&f);
}

Test(matcher, fits_expressions_to_what_the_input_gives) {
  fixture f;
  fixture_init(&f, HEAD "rules:\n  - {name: r, to: ['a*.test']}\n");
  f.dialect.regex_head = "(?i)";
  f.dialect.regex_tail = ":443";
  const Matcher *m = only_class(&f);
  answers(&f, m, "192.0.2.1", "AB.tesT:443", "r");
  answers(&f, m, "192.0.2.1", "ab.test", "-");
  answers(&f, m, "192.0.2.1", "ab.test:4430", "-");
  answers(&f, m, "192.0.2.1", "ab.test:443:443", "-");
  answers(&f, m, "192.0.2.1", "12:443", "-");
  fixture_dispose(&f);
}

Test(matcher, one_expression) {
  fixture f;
  fixture_init(&f, HEAD);
  const Matcher *m = reread(&f, egress__matcher_regex(&f.b, &f.dialect, "a+|b", text_answer(&f.b, "yes")));
  answers(&f, m, "192.0.2.1", "aa", "yes");
  answers(&f, m, "192.0.2.1", "b", "yes");
  answers(&f, m, "192.0.2.1", "ab", "-");
  fixture_dispose(&f);
}

Test(matcher, knows_the_range_around_each_range) {
  fixture f;
  fixture_init(&f,
               NESTED "rules:\n  - {name: h, to: [a.test], from: [host]}\n  - {name: t, to: [a.test], from: [ten]}\n"
                      "  - {name: o, to: [a.test], from: [one]}\n  - {name: s, to: [a.test], from: [six]}\n");
  const uint32_t *around = f.dialect.around;
  static const struct {
    const char *range, *outer;
  } expected[] = {{"10.0.0.0/8", NULL},
                  {"10.1.0.0/16", "10.0.0.0/8"},
                  {"10.1.2.3/32", "10.1.0.0/16"},
                  {"10.3.0.0/16", "10.0.0.0/8"},
                  {"2001:db8::/32", NULL}};
  cr_assert_eq(f.policy->atom_prefix_count, 5);
  for (size_t i = 0; i < 5; i++) {
    char text[EGRESS__PREFIX_TEXT];
    cr_assert_str_eq(egress__prefix_format(text, &f.policy->atom_prefixes[i].prefix), expected[i].range);
    if (expected[i].outer == NULL)
      cr_expect_eq(around[i], 0);
    else
      cr_expect_str_eq(egress__prefix_format(text, &f.policy->atom_prefixes[around[i] - 1].prefix), expected[i].outer);
  }
  fixture_dispose(&f);
}

Test(matcher, writes_ranges_of_both_families) {
  fixture f;
  fixture_init(&f, HEAD);
  static const char *const texts[] = {"0.0.0.0/0", "10.1.2.3/32", "2001:db8::/33", "::/0"};
  for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
    egress__prefix prefix;
    cr_assert_eq(egress__prefix_parse(&prefix, texts[i], strlen(texts[i])), EGRESS__PREFIX_OK);
    const Xds__Core__V3__CidrRange *range = (void *)egress__cidr(&f.b, &xds__core__v3__cidr_range__descriptor, &prefix);
    char got[64];
    snprintf(got, sizeof got, "%s/%u", range->address_prefix, range->prefix_len->value); /* 0 is said, not left out */
    cr_expect_str_eq(got, texts[i]);
  }
  fixture_dispose(&f);
}
