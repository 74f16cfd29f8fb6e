#include "compile/matcher.h"

#include <egress/error.h>
#include <xds/core/v3/cidr.pb-c.h>
#include <xds/core/v3/extension.pb-c.h>
#include <xds/type/matcher/v3/ip.pb-c.h>
#include <xds/type/matcher/v3/matcher.pb-c.h>
#include <xds/type/matcher/v3/regex.pb-c.h>
#include <xds/type/matcher/v3/string.pb-c.h>

#include "base/host.h"

egress__message *egress__xds_extension(egress__build *b, const char *name, egress__message *config) {
  egress__message *extension = EGRESS__MAKE(b, xds__core__v3__typed_extension_config);
  egress__set_text(b, extension, "name", name);
  egress__set_message(b, extension, "typed_config", config);
  return extension;
}

egress__message *egress__matcher_action(egress__build *b, egress__message *config) {
  egress__message *on_match = EGRESS__MAKE(b, xds__type__matcher__v3__matcher__on_match);
  egress__set_message(b, on_match, "action", egress__xds_extension(b, "verdict", config));
  return on_match;
}

egress__message *egress__matcher_nested(egress__build *b, egress__message *matcher) {
  egress__message *on_match = EGRESS__MAKE(b, xds__type__matcher__v3__matcher__on_match);
  egress__set_message(b, on_match, "matcher", matcher);
  return on_match;
}

egress__message *egress__cidr(egress__build *b, const ProtobufCMessageDescriptor *type, const egress__prefix *prefix) {
  char text[EGRESS__ADDR_TEXT];
  egress__message *range = egress__make(b, type);
  egress__set_text(b, range, "address_prefix", egress__build_printf(b, "%s", egress__addr_format(text, &prefix->addr)));
  egress__set_number(b, range, "prefix_len", prefix->bits);
  return range;
}

/* A predicate: the whole name matches `regex`. */
static egress__message *name_matches(egress__build *b, const egress__dialect *dialect, const char *regex) {
  egress__message *re = EGRESS__MAKE(b, xds__type__matcher__v3__regex_matcher);
  egress__set_message(b, re, "google_re2", EGRESS__MAKE(b, xds__type__matcher__v3__regex_matcher__google_re2));
  egress__set_text(b, re, "regex", egress__build_printf(b, "%s%s%s", dialect->regex_head, regex, dialect->regex_tail));
  egress__message *string = EGRESS__MAKE(b, xds__type__matcher__v3__string_matcher);
  egress__set_message(b, string, "safe_regex", re);
  egress__message *single = EGRESS__MAKE(b, xds__type__matcher__v3__matcher__matcher_list__predicate__single_predicate);
  egress__set_message(b, single, "input", dialect->name_input);
  egress__set_message(b, single, "value_match", string);
  egress__message *predicate = EGRESS__MAKE(b, xds__type__matcher__v3__matcher__matcher_list__predicate);
  egress__set_message(b, predicate, "single_predicate", single);
  return predicate;
}

static void add_field_matcher(egress__build *b, egress__message *list, egress__message *predicate,
                              egress__message *on_match) {
  egress__message *field = EGRESS__MAKE(b, xds__type__matcher__v3__matcher__matcher_list__field_matcher);
  egress__set_message(b, field, "predicate", predicate);
  egress__set_message(b, field, "on_match", on_match);
  egress__set_message(b, list, "matchers", field);
}

/* The list as OnMatch: expressions in order, then the rule that matches every name, or the refusal. */
static egress__message *list_answer(egress__build *b, const egress__dialect *dialect, const egress__list *list) {
  egress__message *last = dialect->none;
  size_t tried = list->count;
  if (tried != 0 && list->conds[tried - 1].regex == NULL)
    last = dialect->by_rule[list->conds[--tried].rule];
  if (tried == 0)
    return last;
  egress__message *expressions = EGRESS__MAKE(b, xds__type__matcher__v3__matcher__matcher_list);
  for (size_t i = 0; i < tried; i++)
    add_field_matcher(b, expressions, name_matches(b, dialect, list->conds[i].regex),
                      dialect->by_rule[list->conds[i].rule]);
  egress__message *matcher = EGRESS__MAKE(b, xds__type__matcher__v3__matcher);
  egress__set_message(b, matcher, "matcher_list", expressions);
  egress__set_message(b, matcher, "on_no_match", last);
  return egress__matcher_nested(b, matcher);
}

const uint32_t *egress__prefixes_around(egress__build *b, const egress_policy *policy) {
  uint32_t *around = egress__arena_array(&b->arena, policy->atom_prefix_count, sizeof *around);
  if (around == NULL) {
    b->rv = EGRESS_ENOMEM;
    return NULL;
  }
  /* Sorted: what covers a prefix stands before it, and covers all that stands between. */
  for (uint32_t i = 0; i < policy->atom_prefix_count; i++) {
    uint32_t outer = i;
    while (outer != 0 &&
           !egress__prefix_covers(&policy->atom_prefixes[outer - 1].prefix, &policy->atom_prefixes[i].prefix))
      outer = around[outer - 1];
    around[i] = outer;
  }
  return around;
}

/* The list that counts for addresses just outside of prefix `index`. */
static const egress__list *list_around(const egress__dialect *dialect, const egress_policy *policy,
                                       const egress__verdicts *verdicts, size_t index) {
  uint32_t outer = dialect->around[index];
  return &verdicts->by_atom[outer == 0 ? 0 : policy->atom_prefixes[outer - 1].atom];
}

/* An IPMatcher with the prefixes at which the answer changes; prefixes of one atom stand together. */
static egress__message *source_ranges(egress__build *b, const egress__dialect *dialect, const egress_policy *policy,
                                      const egress__verdicts *verdicts) {
  egress__message **by_atom = egress__arena_array(&b->scratch, policy->atom_count, sizeof *by_atom);
  egress__message *matcher = EGRESS__MAKE(b, xds__type__matcher__v3__ipmatcher);
  if (by_atom == NULL && b->rv == 0)
    b->rv = EGRESS_ENOMEM;
  size_t changes = 0;
  for (size_t i = 0; i < policy->atom_prefix_count && b->rv == 0; i++) {
    const egress__atom_prefix *entry = &policy->atom_prefixes[i];
    const egress__list *list = &verdicts->by_atom[entry->atom];
    if (egress__list_equal(list, list_around(dialect, policy, verdicts, i)))
      continue;
    changes++;
    egress__message *ranges = by_atom[entry->atom];
    if (ranges == NULL) {
      ranges = by_atom[entry->atom] = EGRESS__MAKE(b, xds__type__matcher__v3__ipmatcher__iprange_matcher);
      egress__set_message(b, ranges, "on_match", list_answer(b, dialect, list));
      egress__set_message(b, matcher, "range_matchers", ranges);
    }
    egress__set_message(b, ranges, "ranges", egress__cidr(b, &xds__core__v3__cidr_range__descriptor, &entry->prefix));
  }
  return changes == 0 ? NULL : matcher;
}

egress__message *egress__matcher_verdicts(egress__build *b, const egress__dialect *dialect, const egress_policy *policy,
                                          const egress__verdicts *verdicts) {
  egress__message *elsewhere = list_answer(b, dialect, &verdicts->by_atom[0]);
  egress__message *ranges = verdicts->alike ? NULL : source_ranges(b, dialect, policy, verdicts);
  if (ranges == NULL)
    return elsewhere;
  egress__message *tree = EGRESS__MAKE(b, xds__type__matcher__v3__matcher__matcher_tree);
  egress__set_message(b, tree, "input", dialect->source_input);
  egress__set_message(b, tree, "custom_match", egress__xds_extension(b, "sources", ranges));
  egress__message *matcher = EGRESS__MAKE(b, xds__type__matcher__v3__matcher);
  egress__set_message(b, matcher, "matcher_tree", tree);
  egress__set_message(b, matcher, "on_no_match", elsewhere);
  return egress__matcher_nested(b, matcher);
}

/* The Matcher with one question. */
static egress__message *one_question(egress__build *b, const egress__dialect *dialect, egress__message *predicate,
                                     egress__message *then) {
  egress__message *list = EGRESS__MAKE(b, xds__type__matcher__v3__matcher__matcher_list);
  add_field_matcher(b, list, predicate, then);
  egress__message *matcher = EGRESS__MAKE(b, xds__type__matcher__v3__matcher);
  egress__set_message(b, matcher, "matcher_list", list);
  egress__set_message(b, matcher, "on_no_match", dialect->none);
  return matcher;
}

egress__message *egress__matcher_regex(egress__build *b, const egress__dialect *dialect, const char *regex,
                                       egress__message *then) {
  return one_question(b, dialect, name_matches(b, dialect, regex), then);
}

egress__message *egress__matcher_valid_name(egress__build *b, const egress__dialect *dialect, egress__message *then) {
  static const char *const rules[] = {EGRESS__HOST_REGEX_LABELS, EGRESS__HOST_REGEX_LAST_LABEL,
                                      EGRESS__HOST_REGEX_LENGTH};
  egress__message *all = EGRESS__MAKE(b, xds__type__matcher__v3__matcher__matcher_list__predicate__predicate_list);
  for (size_t i = 0; i < sizeof rules / sizeof rules[0]; i++)
    egress__set_message(b, all, "predicate", name_matches(b, dialect, rules[i]));
  egress__message *predicate = EGRESS__MAKE(b, xds__type__matcher__v3__matcher__matcher_list__predicate);
  egress__set_message(b, predicate, "and_matcher", all);
  return one_question(b, dialect, predicate, then);
}
