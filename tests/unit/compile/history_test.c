#include <criterion/criterion.h>

#include <stdio.h>
#include <string.h>

#include <egress/egress.h>

#define RULES(text) "version: egress/v1\nrules:\n" text
static const char wide[] = RULES("  - {name: a, to: [x.test, y.test]}\n  - {name: b, to: [z.test]}\n");
static const char narrow[] = RULES("  - {name: a, to: [x.test]}\n  - {name: b, to: [z.test]}\n");
static const char without_b[] = RULES("  - {name: a, to: [x.test]}\n");

#define KEEP "version: egress/v1\ndefaults: {revoke: keep}\n"
static const char keep_narrow[] = KEEP "rules:\n  - {name: a, to: [x.test]}\n  - {name: b, to: [z.test]}\n";
static const char keep_without_b[] = KEEP "rules:\n  - {name: a, to: [x.test]}\n";
static const char keep_none[] = KEEP;

static egress_snapshot *compile(const char *text, const egress_snapshot *previous, const char *history) {
  egress_policy *policy;
  egress_snapshot *snap;
  egress_compile_options options = EGRESS_COMPILE_OPTIONS_INIT;
  options.sni_address = "127.0.0.1:8443";
  options.previous = previous;
  options.history = history;
  cr_assert_eq(egress_policy_parse(&policy, text, strlen(text), NULL, NULL, NULL), 0);
  cr_assert_eq(egress_compile(&snap, policy, &options, NULL), 0);
  egress_policy_unref(policy);
  return snap;
}

static const char *version(const egress_snapshot *snap) {
  return egress_snapshot_type_version(snap, EGRESS_TYPE_LISTENER);
}

static egress_text *history_of(const egress_snapshot *snap) {
  egress_text *text;
  cr_assert_eq(egress_compile_history(&text, snap), 0);
  return text;
}

/* What a new process compiles with the history is what the old one compiles. */
static void check_same(const char *first, const char *second, const char *third) {
  egress_snapshot *one = compile(first, NULL, NULL);
  egress_snapshot *two = compile(second, one, NULL);
  egress_text *history = history_of(two);
  egress_snapshot *old_process = compile(third, two, NULL);
  egress_snapshot *new_process = compile(third, NULL, egress_text_data(history));
  cr_expect_str_eq(version(new_process), version(old_process));
  egress_text *old_history = history_of(old_process), *new_history = history_of(new_process);
  cr_expect_str_eq(egress_text_data(new_history), egress_text_data(old_history));
  egress_text_free(old_history);
  egress_text_free(new_history);
  egress_text_free(history);
  egress_snapshot_unref(old_process);
  egress_snapshot_unref(new_process);
  egress_snapshot_unref(two);
  egress_snapshot_unref(one);
}

Test(history, takes_the_place_of_previous) {
  check_same(wide, narrow, narrow);
  check_same(wide, narrow, wide);
  check_same(wide, wide, narrow);
  check_same(narrow, without_b, narrow); /* b comes back: its name was retired */
}

Test(history, remembers_what_is_kept) {
  check_same(wide, keep_without_b, keep_without_b);
  check_same(wide, keep_without_b, keep_none);
  check_same(wide, keep_without_b, keep_narrow);
  check_same(wide, keep_without_b, wide);
  check_same(wide, keep_narrow, keep_narrow);
  check_same(wide, keep_narrow, narrow); /* a was narrowed before: it ends only now */
}

Test(history, has_a_line_for_all_that_is_kept) {
  egress_snapshot *one = compile(wide, NULL, NULL), *two = compile(keep_without_b, one, NULL);
  egress_text *history = history_of(two);
  cr_expect_not_null(strstr(egress_text_data(history), "\nchain a rule:a\nstale a\nkept b rule:b\nretired b\n"), "%s",
                     egress_text_data(history));
  egress_text_free(history);
  egress_snapshot_unref(two);
  egress_snapshot_unref(one);
}

Test(history, an_unchanged_policy_keeps_its_bytes_over_a_restart) {
  egress_snapshot *one = compile(wide, NULL, NULL);
  egress_snapshot *two = compile(narrow, one, NULL);
  egress_text *history = history_of(two);
  egress_snapshot *again = compile(narrow, NULL, egress_text_data(history));
  cr_expect_str_eq(version(again), version(two));
  egress_snapshot *forgetful = compile(narrow, NULL, NULL);
  cr_expect_str_neq(version(forgetful), version(two));
  egress_snapshot_unref(forgetful);
  egress_snapshot_unref(again);
  egress_text_free(history);
  egress_snapshot_unref(two);
  egress_snapshot_unref(one);
}

Test(history, a_policy_narrowed_while_nothing_ran_ends_connections) {
  egress_snapshot *before = compile(wide, NULL, NULL);
  egress_text *history = history_of(before);
  egress_snapshot *after = compile(narrow, NULL, egress_text_data(history));
  egress_text *json;
  cr_assert_eq(egress_resource_json(&json, egress_snapshot_at(after, EGRESS_TYPE_LISTENER, 0)), 0);
  cr_expect_not_null(strstr(egress_text_data(json), "\"rule:a@"));
  cr_expect_null(strstr(egress_text_data(json), "\"rule:a\""));
  cr_expect_not_null(strstr(egress_text_data(json), "\"rule:b\""));
  egress_text_free(json);
  egress_snapshot_unref(after);
  egress_text_free(history);
  egress_snapshot_unref(before);
}

/* Compiles against `history`, which must be refused at `line`. */
static void check_refused(const char *history, uint32_t line) {
  egress_policy *policy;
  egress_snapshot *snap = NULL;
  egress_diag *diag = egress_diag_new(NULL);
  egress_compile_options options = EGRESS_COMPILE_OPTIONS_INIT;
  options.sni_address = "127.0.0.1:8443";
  options.history = history;
  cr_assert_eq(egress_policy_parse(&policy, wide, strlen(wide), NULL, NULL, NULL), 0);
  cr_expect_eq(egress_compile(&snap, policy, &options, diag), EGRESS_EINVAL, "%s", history);
  cr_expect_null(snap);
  cr_assert_gt(egress_diag_count(diag), 0);
  size_t last = egress_diag_count(diag) - 1;
  cr_expect_str_eq(egress_diag_file(diag, last), "history");
  cr_expect_eq(egress_diag_line(diag, last), line, "%s: %u", egress_diag_message(diag, last),
               egress_diag_line(diag, last));
  egress_policy_unref(policy);
  egress_diag_free(diag);
}

Test(history, what_is_none_is_refused) {
  char text[1024];
  check_refused("", 0);
  check_refused("egress-history 2\n", 1);
  check_refused("egress-history 1\nstep x\n", 2);
  check_refused("egress-history 1\npolicy 3\nab", 2);
  check_refused("egress-history 1\npolicy x\n", 2);
  check_refused("egress-history 1\npolicy 18446744073709551617\nx", 2);
  check_refused("egress-history 1\npolicy 2\n{}", 2);
  snprintf(text, sizeof text, "egress-history 1\nwhat is this\npolicy %zu\n%s", strlen(wide), wide);
  check_refused(text, 2);
  snprintf(text, sizeof text, "egress-history 1\nstep x\nchain c rule:c\npolicy %zu\n%s", strlen(wide), wide);
  check_refused(text, 3);
  snprintf(text, sizeof text, "egress-history 1\nchain a\npolicy %zu\n%s", strlen(wide), wide);
  check_refused(text, 2);
  snprintf(text, sizeof text, "egress-history 1\nchain a rule:a\npolicy %zu\n%s", strlen(wide), wide);
  check_refused(text, 3); /* b has no chain */
}

/* `none` is what refused connections get: a rule with a chain of that name would let everything through. */
Test(history, a_chain_that_its_rule_cannot_have_is_refused) {
  static const char *const chains[] = {"none",
                                       "idle",
                                       "rule:b",
                                       "deny:a",
                                       "rule:",
                                       "rule:a@",
                                       "rule:a@1234567",
                                       "rule:a@123456789",
                                       "rule:a@1234567g",
                                       "rule:a@1234567A",
                                       "rule:a 1234567",
                                       "rule:aa",
                                       "rule:a@\xff\xff\xff\xff\xff\xff\xff\xff"};
  char text[1024];
  for (size_t i = 0; i < sizeof chains / sizeof chains[0]; i++) {
    snprintf(text, sizeof text, "egress-history 1\nstep x\nchain a %s\nchain b rule:b\npolicy %zu\n%s", chains[i],
             strlen(wide), wide);
    check_refused(text, 3);
  }
  snprintf(text, sizeof text, "egress-history 1\nstep x\nchain a rule:a@0123abcd\nchain b rule:b\npolicy %zu\n%s",
           strlen(wide), wide);
  egress_snapshot_unref(compile(wide, NULL, text));
}

#define CHAINS "egress-history 1\nstep x\nchain a rule:a\nchain b rule:b\n"

/* Line 5 is wrong; or only what it means together with the rest, which is seen at the end, in line 6 or later. */
Test(history, a_kept_chain_that_cannot_be_is_refused) {
  static const char *const faults[] = {"kept c",        "kept c none", "kept c idle", "kept c rule:d",
                                       "kept c deny:c", "kept  rule:", "kept rule:c", "kept \xff rule:\xff",
                                       "stale",         "stale c",     "stale a b"};
  char text[1024];
  for (size_t i = 0; i < sizeof faults / sizeof faults[0]; i++) {
    snprintf(text, sizeof text, CHAINS "%s\npolicy %zu\n%s", faults[i], strlen(wide), wide);
    check_refused(text, 5);
  }
  snprintf(text, sizeof text, CHAINS "kept a rule:a\npolicy %zu\n%s", strlen(wide), wide);
  check_refused(text, 6); /* new connections would get to it */
  snprintf(text, sizeof text, CHAINS "kept c rule:c\nkept c rule:c\npolicy %zu\n%s", strlen(wide), wide);
  check_refused(text, 6);
  snprintf(text, sizeof text,
           CHAINS "stale a\nkept c rule:c\nkept c rule:c@0123abcd\nkept a rule:a@0123abcd\n"
                  "policy %zu\n%s",
           strlen(wide), wide);
  egress_snapshot_unref(compile(wide, NULL, text));
}

Test(history, more_kept_chains_than_there_can_be_are_refused) {
  enum { MOST = 1000 };
  static char text[64 * MOST];
  size_t used = (size_t)snprintf(text, sizeof text, CHAINS);
  for (int i = 0; i <= MOST; i++)
    used += (size_t)snprintf(text + used, sizeof text - used, "kept c%d rule:c%d\n", i, i);
  snprintf(text + used, sizeof text - used, "policy %zu\n%s", strlen(wide), wide);
  check_refused(text, 4 + MOST + 1);
}

/* A snapshot that has all resources of a compiled one, and no history. */
static egress_snapshot *rebuilt(egress_snapshot *compiled) {
  egress_snapshot_builder *builder;
  egress_snapshot *snap;
  cr_assert_eq(egress_snapshot_builder_new(&builder, compiled, NULL), 0);
  cr_assert_eq(egress_snapshot_builder_build(&snap, builder), 0);
  egress_snapshot_builder_free(builder);
  return snap;
}

Test(history, is_of_compiled_snapshots_only) {
  egress_snapshot *compiled = compile(wide, NULL, NULL), *snap = rebuilt(compiled);
  egress_text *text = NULL;
  cr_expect_eq(egress_compile_history(&text, snap), EGRESS_EINVAL);
  cr_expect_eq(egress_compile_history(&text, NULL), EGRESS_EINVAL);
  cr_expect_null(text);
  egress_snapshot_unref(snap);
  egress_snapshot_unref(compiled);
}

Test(history, a_previous_snapshot_without_one_is_refused) {
  egress_snapshot *compiled = compile(wide, NULL, NULL), *snap = rebuilt(compiled), *out = NULL;
  egress_text *history = history_of(compiled);
  egress_policy *policy;
  egress_diag *diag = egress_diag_new(NULL);
  egress_compile_options options = EGRESS_COMPILE_OPTIONS_INIT;
  options.sni_address = "127.0.0.1:8443";
  options.previous = snap;
  options.history = egress_text_data(history);
  cr_assert_eq(egress_policy_parse(&policy, narrow, strlen(narrow), NULL, NULL, NULL), 0);
  cr_expect_eq(egress_compile(&out, policy, &options, diag), EGRESS_EINVAL);
  cr_expect_null(out);
  cr_expect_not_null(strstr(egress_diag_text(diag), "previous"));
  egress_policy_unref(policy);
  egress_diag_free(diag);
  egress_text_free(history);
  egress_snapshot_unref(snap);
  egress_snapshot_unref(compiled);
}
