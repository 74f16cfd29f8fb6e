#include "base/fault.h"

#include <criterion/criterion.h>
#include <string.h>

#include <egress/error.h>

#include "base/document.h"

static const egress__node node = {.line = 3, .column = 7};

Test(fault, counts_errors_only) {
  egress_diag *diag = egress_diag_new(NULL);
  egress__faults faults = {.file = "p", .code = EGRESS_EPOLICY, .diag = diag};
  egress__remark(&faults, &node, "a %s", "warning");
  cr_assert_eq(faults.count, 0);
  egress__fault(&faults, &node, "an %s", "error");
  cr_assert_eq(faults.count, 1);
  cr_assert_eq(egress__fault_limit(&faults, &node, "at most %d", 3), EGRESS_ELIMIT);
  cr_assert_eq(faults.count, 2);
  cr_assert_str_eq(egress_diag_text(diag),
                   "p:3:7: warning: a warning\np:3:7: error: an error\np:3:7: error: at most 3\n");
  cr_assert_eq(egress_diag_code(diag, 1), EGRESS_EPOLICY);
  cr_assert_eq(egress_diag_code(diag, 2), EGRESS_ELIMIT);
  egress_diag_free(diag);
}

Test(fault, counts_without_a_list) {
  egress__faults faults = {.file = "p"};
  egress__fault(&faults, &node, "x");
  cr_assert_eq(faults.count, 1);
}

Test(fault, quotes_are_cut_between_characters) {
  char text[120], wanted[120];
  cr_assert_str_eq(egress__quoted("short").text, "short");
  memset(text, 'a', 80);
  text[80] = '\0';
  cr_assert_str_eq(egress__quoted(text).text, text, "80 bytes fit");
  strcpy(text + 79, "\303\274"); /* bytes 80 and 81 are one character */
  memcpy(wanted, text, 79);
  strcpy(wanted + 79, "...");
  cr_assert_str_eq(egress__quoted(text).text, wanted);
}

Test(fault, counts_past_those_worded) {
  egress_diag *diag = egress_diag_new(NULL);
  egress__faults faults = {.file = "p", .code = EGRESS_EPOLICY, .diag = diag};
  const size_t many = EGRESS__MAX_SHOWN_FAULTS + 500;
  for (size_t i = 0; i < many; i++)
    egress__fault(&faults, &node, "number %zu", i);
  cr_assert_eq(faults.count, many);
  cr_assert_eq(egress_diag_errors(diag), many);
  cr_assert_str_eq(egress_diag_message(diag, egress_diag_count(diag) - 1), "number 99");
  egress_diag_free(diag);
}
