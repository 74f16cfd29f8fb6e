#ifndef TESTS_SUPPORT_READING_H
#define TESTS_SUPPORT_READING_H

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <egress/error.h>
#include <egress/policy.h>

/* What tests of the policy room say about a text. */

#define HEAD "version: egress/v1\n" /* line 1 of most texts */

/** Reads `text`, which must be without error; the caller owns the policy. */
static inline egress_policy *read_policy(const char *text) {
  egress_diag *diag = egress_diag_new(NULL);
  egress_policy *policy = NULL;
  int rv = egress_policy_parse(&policy, text, strlen(text), "p", NULL, diag);
  cr_assert_eq(rv, 0, "%s\n%s", egress_code_name(rv), egress_diag_text(diag));
  egress_diag_free(diag);
  return policy;
}

/** Reads `size` bytes, which must be refused with `code` and exactly these diagnostics, a line each. */
static inline void refuses_bytes(const char *text, size_t size, int code, const char *diagnostics) {
  egress_diag *diag = egress_diag_new(NULL);
  egress_policy *policy = NULL;
  int rv = egress_policy_parse(&policy, text, size, "p", NULL, diag);
  cr_expect_str_eq(egress_diag_text(diag), diagnostics, "%.500s\ngot:\n%swanted:\n%s", text, egress_diag_text(diag),
                   diagnostics);
  cr_expect_eq(rv, code, "%.500s\ngot %s", text, egress_code_name(rv));
  cr_expect_null(policy);
  egress_diag_free(diag);
  rv = egress_policy_parse(&policy, text, size, NULL, NULL, NULL);
  cr_expect_eq(rv, code, "without a diag: %s", egress_code_name(rv));
}

static inline void refuses(const char *text, const char *diagnostics) {
  refuses_bytes(text, strlen(text), EGRESS_EPOLICY, diagnostics);
}

/** Reads `text`, which must be accepted with exactly these warnings. */
static inline void accepts(const char *text, const char *diagnostics) {
  egress_diag *diag = egress_diag_new(NULL);
  egress_policy *policy = NULL;
  int rv = egress_policy_parse(&policy, text, strlen(text), "p", NULL, diag);
  cr_expect_str_eq(egress_diag_text(diag), diagnostics, "%.500s\ngot:\n%swanted:\n%s", text, egress_diag_text(diag),
                   diagnostics);
  cr_expect_eq(rv, 0, "%.500s\ngot %s", text, egress_code_name(rv));
  egress_diag_free(diag);
  egress_policy_unref(policy);
}

#endif
