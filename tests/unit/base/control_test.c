#include "base/control.h"

#include <criterion/criterion.h>

static void is_control(const char *text, size_t size, uint32_t expected) {
  uint32_t code = 0;
  cr_expect_eq(egress__control(text, &code), size, "%s", text);
  cr_expect_eq(code, expected, "U+%04X", (unsigned)code);
}

static void is_none(const char *text) {
  uint32_t code = 7;
  cr_expect_eq(egress__control(text, &code), 0, "%s", text);
  cr_expect_eq(code, 7, "it is set for a control character only");
}

Test(control, drives_a_terminal) {
  is_control("\x01", 1, 0x01);
  is_control("\x1b[2J", 1, 0x1b);
  is_control("\n", 1, 0x0a);
  is_control("\x7f", 1, 0x7f);
  is_control("\xc2\x80", 2, 0x80);
  is_control("\xc2\x9b"
             "2J",
             2, 0x9b);
  is_control("\xc2\x9f", 2, 0x9f);
}

Test(control, lines_and_direction) {
  is_control("\xe2\x80\xa8", 3, 0x2028);
  is_control("\xe2\x80\xa9", 3, 0x2029);
  is_control("\xe2\x80\xae", 3, 0x202e);
  is_control("\xe2\x81\xa6", 3, 0x2066);
  is_control("\xe2\x81\xa9", 3, 0x2069);
}

Test(control, neighbours) {
  is_none(" ");
  is_none("~");
  is_none("\xc2\xa0");
  is_none("\xc3\x9b");
  is_none("\xe2\x80\xa7");
  is_none("\xe2\x80\xaf");
  is_none("\xe2\x81\xa5");
  is_none("\xe2\x81\xaa");
  is_none("\xe2\x82\xac");
  is_none("\xe3\x80\xa8");
}

Test(control, cut_short) {
  is_none("\xc2");
  is_none("\xe2");
  is_none("\xe2\x80");
  is_none("\x9b");
}
