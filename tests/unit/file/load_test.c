#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "policy/read.h"
#include "support/policies.h"
#include "support/reading.h"

static char folder[] = "/tmp/egress-load-XXXXXX";
static char path[64];

static void make_folder(void) {
  cr_assert_not_null(mkdtemp(folder));
  sprintf(path, "%s/policy.yaml", folder);
}

static void remove_folder(void) {
  unlink(path);
  rmdir(folder);
}

TestSuite(load, .init = make_folder, .fini = remove_folder);

static void write_file(const char *text, size_t size) {
  FILE *file = fopen(path, "wb");
  cr_assert_not_null(file);
  cr_assert_eq(fwrite(text, 1, size, file), size);
  cr_assert_eq(fclose(file), 0);
}

static void load_fails(const char *from, int code, const char *message) {
  egress_diag *diag = egress_diag_new(NULL);
  egress_policy *policy = NULL;
  cr_expect_eq(egress_policy_load(&policy, from, NULL, diag), code);
  cr_expect_str_eq(egress_diag_message(diag, 0), message);
  cr_expect_str_eq(egress_diag_file(diag, 0), from);
  cr_expect_eq(egress_diag_code(diag, 0), code);
  cr_expect_null(policy);
  egress_diag_free(diag);
  cr_expect_eq(egress_policy_load(&policy, from, NULL, NULL), code);
}

Test(load, as_parse) {
  egress_policy *policy = NULL;
  write_file(whole_policy, strlen(whole_policy));
  cr_assert_eq(egress_policy_load(&policy, path, NULL, NULL), 0);
  cr_assert_eq(egress_policy_rule_count(policy), 4);
  egress_policy_unref(policy);
}

Test(load, path_in_diagnostics) {
  write_file(HEAD "rule: []\n", strlen(HEAD "rule: []\n"));
  egress_diag *diag = egress_diag_new(NULL);
  egress_policy *policy = NULL;
  char wanted[256];
  cr_assert_eq(egress_policy_load(&policy, path, NULL, diag), EGRESS_EPOLICY);
  sprintf(wanted, "%s:2:1: error: unknown key `rule`; did you mean `rules`?\n", path);
  cr_assert_str_eq(egress_diag_text(diag), wanted);
  egress_diag_free(diag);
}

Test(load, empty_file) {
  write_file("", 0);
  load_fails(path, EGRESS_EPOLICY, "the text is empty; a policy starts with `version: egress/v1`");
}

Test(load, missing_file) {
  load_fails(path, EGRESS_EIO, "cannot be read: No such file or directory");
}

Test(load, what_is_no_file) {
  load_fails(folder, EGRESS_EIO, "is not a plain file");
  load_fails("/dev/zero", EGRESS_EIO, "is not a plain file");
  cr_assert_eq(mkfifo(path, 0600), 0);
  load_fails(path, EGRESS_EIO, "is not a plain file"); /* and does not wait for a writer */
}

Test(load, size_limit) {
  char *text = malloc((size_t)EGRESS__MAX_POLICY_BYTES + 1);
  memset(text, ' ', (size_t)EGRESS__MAX_POLICY_BYTES + 1);
  write_file(text, (size_t)EGRESS__MAX_POLICY_BYTES + 1);
  free(text);
  load_fails(path, EGRESS_ELIMIT, "a policy has at most 16777216 bytes");
  cr_assert_eq(truncate(path, (off_t)1 << 40), 0); /* a file that claims a terabyte is read no further */
  load_fails(path, EGRESS_ELIMIT, "a policy has at most 16777216 bytes");
}

Test(load, bad_arguments) {
  egress_policy *policy = NULL;
  egress_policy_options options = {.size = 1};
  cr_assert_eq(egress_policy_load(NULL, path, NULL, NULL), EGRESS_EINVAL);
  cr_assert_eq(egress_policy_load(&policy, NULL, NULL, NULL), EGRESS_EINVAL);
  cr_assert_eq(egress_policy_load(&policy, path, &options, NULL), EGRESS_EINVAL);
}
