#include "support/policies.h"
#include "support/reading.h"

Test(policy, whole) {
  egress_policy *policy = read_policy(whole_policy);
  cr_assert_eq(egress_policy_rule_count(policy), 4);
  cr_assert_str_eq(egress_policy_rule_name(policy, 2), "builds");
  cr_assert_eq(egress_policy_destination_count(policy), WHOLE_POLICY_HOSTS);
  egress_policy_unref(policy);
}

Test(policy, references) {
  egress_policy *policy = read_policy(whole_policy);
  cr_assert_eq(egress_policy_ref(policy), policy);
  egress_policy_unref(policy);
  cr_assert_eq(egress_policy_rule_count(policy), 4, "one reference is left");
  egress_policy_unref(policy);
  egress_policy_unref(NULL);
  cr_assert_null(egress_policy_ref(NULL));
}

Test(policy, text_is_not_kept) {
  char *text = strdup(whole_policy);
  egress_policy *policy = NULL;
  cr_assert_eq(egress_policy_parse(&policy, text, strlen(text), NULL, NULL, NULL), 0);
  memset(text, 'x', strlen(text));
  free(text);
  cr_assert_str_eq(egress_policy_rule_name(policy, 0), "no-paste");
  egress_policy_unref(policy);
}

Test(policy, text_without_nul) {
  static const char text[] = {'v', 'e', 'r', 's', 'i', 'o', 'n', ':', ' ', 'e', 'g', 'r', 'e', 's', 's', '/', 'v', '1'};
  egress_policy *policy = NULL;
  cr_assert_eq(egress_policy_parse(&policy, text, sizeof text, NULL, NULL, NULL), 0);
  egress_policy_unref(policy);
}

Test(policy, bad_arguments) {
  egress_policy *policy = NULL;
  struct {
    egress_policy_options options;
    int more;
  } newer = {.options = EGRESS_POLICY_OPTIONS_INIT, .more = 1};
  cr_assert_eq(egress_policy_parse(NULL, "", 0, NULL, NULL, NULL), EGRESS_EINVAL);
  cr_assert_eq(egress_policy_parse(&policy, NULL, 0, NULL, NULL, NULL), EGRESS_EINVAL);
  newer.options.size = sizeof newer;
  cr_assert_eq(egress_policy_parse(&policy, HEAD, strlen(HEAD), NULL, &newer.options, NULL), EGRESS_EABI);
  newer.options.size = 4;
  cr_assert_eq(egress_policy_parse(&policy, HEAD, strlen(HEAD), NULL, &newer.options, NULL), EGRESS_EINVAL);
  cr_assert_null(policy);
}

Test(policy, name_in_diagnostics) {
  egress_diag *diag = egress_diag_new(NULL);
  egress_policy *policy = NULL;
  cr_assert_eq(egress_policy_parse(&policy, "", 0, NULL, NULL, diag), EGRESS_EPOLICY);
  cr_assert_str_eq(egress_diag_file(diag, 0), "policy");
  egress_diag_free(diag);
}
