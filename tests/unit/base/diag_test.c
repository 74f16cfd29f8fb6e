#include "base/diag.h"

#include <criterion/criterion.h>
#include <string.h>

#include <egress/error.h>

static egress_diag *diag;

static void init(void) {
  diag = egress_diag_new(NULL);
}

static void dispose(void) {
  egress_diag_free(diag);
}

TestSuite(diag, .init = init, .fini = dispose);

static const egress__place place = {"p.yaml", 3, 7};

Test(diag, items) {
  cr_assert_eq(egress__diag_error(diag, EGRESS_EPOLICY, place, "bad %s", "thing"), EGRESS_EPOLICY);
  egress__diag_warn(diag, (egress__place){.file = "q"}, "odd");
  egress__diag_error(diag, EGRESS_EADDR, (egress__place){0}, "no place");
  cr_assert_eq(egress_diag_count(diag), 3);
  cr_assert_eq(egress_diag_errors(diag), 2);
  cr_assert_eq(egress_diag_severity(diag, 0), EGRESS_ERROR);
  cr_assert_eq(egress_diag_severity(diag, 1), EGRESS_WARNING);
  cr_assert_eq(egress_diag_code(diag, 0), EGRESS_EPOLICY);
  cr_assert_eq(egress_diag_line(diag, 0), 3);
  cr_assert_eq(egress_diag_column(diag, 0), 7);
  cr_assert_str_eq(egress_diag_message(diag, 0), "bad thing");
  cr_assert_str_eq(egress_diag_text(diag), "p.yaml:3:7: error: bad thing\nq: warning: odd\nerror: no place\n");
}

Test(diag, past_the_end) {
  cr_assert_eq(egress_diag_severity(diag, 0), 0);
  cr_assert_eq(egress_diag_code(diag, 0), 0);
  cr_assert_str_eq(egress_diag_file(diag, 0), "");
  cr_assert_str_eq(egress_diag_message(diag, 99), "");
  cr_assert_str_eq(egress_diag_text(diag), "");
}

Test(diag, keeps_100_and_counts_all) {
  for (int i = 0; i < 150; i++)
    egress__diag_error(diag, EGRESS_EPOLICY, place, "%d", i);
  cr_assert_eq(egress_diag_count(diag), 100);
  cr_assert_eq(egress_diag_errors(diag), 150);
  const char *text = egress_diag_text(diag);
  cr_assert_str_eq(text + strlen(text) - strlen("error: 99\n50 more not shown\n"), "error: 99\n50 more not shown\n");
  egress_diag_clear(diag);
  cr_assert_eq(egress_diag_count(diag) + egress_diag_errors(diag), 0);
  cr_assert_str_eq(egress_diag_text(diag), "");
}

Test(diag, control_bytes_are_shown) {
  egress__diag_error(diag, EGRESS_EPOLICY, place, "a\x1b[31m\n\x7f\303\274");
  cr_assert_str_eq(egress_diag_message(diag, 0), "a\\x1b[31m\\x0a\\x7f\303\274");
}

Test(diag, control_characters_of_more_bytes_are_shown) {
  egress__diag_error(diag, EGRESS_EPOLICY, (egress__place){.file = "\xc2\x9b.yaml"},
                     "a\xc2\x9b"
                     "31m\xe2\x80\xae \xe2\x82\xac");
  cr_assert_str_eq(egress_diag_message(diag, 0), "a\\xc2\\x9b31m\\xe2\\x80\\xae \xe2\x82\xac");
  cr_assert_str_eq(egress_diag_file(diag, 0), "\\xc2\\x9b.yaml");
}

static void at_place(uint32_t line, uint32_t column, const char *message) {
  egress__diag_warn(diag, (egress__place){"p", line, column}, "%s", message);
}

Test(diag, sorted_by_place_from_an_item_on) {
  at_place(9, 9, "of another text");
  at_place(2, 103, "c");
  at_place(2, 18, "b");
  at_place(3, 1, "d");
  at_place(2, 18, "b, too");
  at_place(1, 200, "a");
  egress__diag_sort(diag, 1);
  cr_assert_str_eq(egress_diag_text(diag), "p:9:9: warning: of another text\np:1:200: warning: a\n"
                                           "p:2:18: warning: b\np:2:18: warning: b, too\n"
                                           "p:2:103: warning: c\np:3:1: warning: d\n");
}

Test(diag, nothing_to_sort) {
  egress__diag_sort(NULL, 0);
  egress__diag_sort(diag, 0);
  at_place(1, 1, "a");
  egress__diag_sort(diag, 0);
  egress__diag_sort(diag, 1);
  cr_assert_eq(egress_diag_count(diag), 1);
}

Test(diag, long_messages_stay_utf8) {
  char text[1200];
  memset(text, 'a', sizeof text);
  memcpy(text + 1022, "\303\274\303\274", 5); /* bytes 1023 and 1024 are one character, and 1023 are kept */
  egress__diag_error(diag, EGRESS_EPOLICY, place, "%s", text);
  text[1022] = '\0';
  cr_assert_str_eq(egress_diag_message(diag, 0), text);
}

Test(diag, no_list_reads_as_an_empty_one) {
  cr_expect_eq(egress_diag_count(NULL), 0);
  cr_expect_eq(egress_diag_errors(NULL), 0);
  cr_expect_eq(egress_diag_severity(NULL, 0), 0);
  cr_expect_eq(egress_diag_line(NULL, 0), 0);
  cr_expect_str_eq(egress_diag_message(NULL, 0), "");
  cr_expect_str_eq(egress_diag_text(NULL), "");
  egress_diag_clear(NULL);
}

Test(diag, no_list) {
  cr_assert_eq(egress__diag_error(NULL, EGRESS_EIO, place, "x"), EGRESS_EIO);
  egress__diag_warn(NULL, place, "x");
  egress_diag_free(NULL);
}
