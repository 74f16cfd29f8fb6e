#include <criterion/criterion.h>
#include <float.h>
#include <locale.h>
#include <math.h>
#include <string.h>

#include <egress/error.h>

#include "base/alloc.h"
#include "resource/json_writer.h"

static egress__json_writer writer(void) {
  egress__json_writer w = {.depth = 0};
  egress__buf_init(&w.text, egress__alloc_or_default(NULL));
  return w;
}

static void expect(egress__json_writer *w, const char *text) {
  cr_assert_eq(w->text.rv, 0);
  cr_assert_eq(w->text.size, strlen(text), "%.*s is not %s", (int)w->text.size, w->text.data, text);
  cr_assert_eq(memcmp(w->text.data, text, w->text.size), 0, "%.*s is not %s", (int)w->text.size, w->text.data, text);
  egress__buf_dispose(&w->text);
}

static egress__span span(const char *text) {
  return (egress__span){(const uint8_t *)text, strlen(text)};
}

Test(json_writer, indents) {
  egress__json_writer w = writer();
  egress__json_open(&w, '{');
  egress__json_key(&w, "none");
  egress__json_open(&w, '[');
  egress__json_close(&w, ']');
  egress__json_key(&w, "two");
  egress__json_open(&w, '[');
  egress__json_next(&w);
  egress__json_open(&w, '{');
  egress__json_close(&w, '}');
  egress__json_next(&w);
  egress__json_double(&w, 1);
  egress__json_close(&w, ']');
  egress__json_close(&w, '}');
  expect(&w, "{\n"
             "  \"none\": [],\n"
             "  \"two\": [\n"
             "    {},\n"
             "    1.0\n"
             "  ]\n"
             "}");
}

Test(json_writer, escapes_strings) {
  egress__json_writer w = writer();
  cr_assert_eq(egress__json_string(&w, (egress__span){(const uint8_t *)"\"\\/\b\f\n\r\t\0\x1f\x7f", 11}), 0);
  expect(&w, "\"\\\"\\\\/\\b\\f\\n\\r\\t\\u0000\\u001f\x7f\"");
  w = writer();
  cr_assert_eq(egress__json_string(&w, span("Z\xc3\xbcrich")), 0);
  expect(&w, "\"Z\xc3\xbcrich\"");
  w = writer();
  cr_assert_eq(egress__json_string(&w, (egress__span){NULL, 0}), 0);
  expect(&w, "\"\"");
}

Test(json_writer, refuses_what_is_not_utf8) {
  egress__json_writer w = writer();
  cr_assert_eq(egress__json_string(&w, span("a\xff")), EGRESS_EWIRE);
  cr_assert_eq(egress__json_string(&w, (egress__span){(const uint8_t *)"a\0\xc3", 3}), EGRESS_EWIRE);
  cr_assert_eq(egress__json_string_key(&w, span("\xed\xa0\x80")), EGRESS_EWIRE); /* half a surrogate pair */
  egress__buf_dispose(&w.text);
}

/* RFC 4648, section 10, and the two digits past the letters and numbers. */
Test(json_writer, base64) {
  const char *const cases[][2] = {{"", "\"\""},
                                  {"f", "\"Zg==\""},
                                  {"fo", "\"Zm8=\""},
                                  {"foo", "\"Zm9v\""},
                                  {"foob", "\"Zm9vYg==\""},
                                  {"fooba", "\"Zm9vYmE=\""},
                                  {"foobar", "\"Zm9vYmFy\""},
                                  {"\xfb\xff", "\"+/8=\""}};
  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
    egress__json_writer w = writer();
    egress__json_bytes(&w, span(cases[i][0]));
    expect(&w, cases[i][1]);
  }
}

static const struct {
  double value;
  const char *text;
} doubles[] = {{0, "0.0"},
               {-0.0, "-0.0"},
               {1, "1.0"},
               {-2.5, "-2.5"},
               {0.1, "0.1"},
               {0.3, "0.3"},
               {0.1 + 0.2, "0.30000000000000004"},
               {100, "100.0"},
               {1234567, "1234567.0"},
               {12345.678, "12345.678"},
               {0.0001, "0.0001"},
               {0.00012, "0.00012"},
               {0.00001, "1e-05"},
               {1e15, "1000000000000000.0"},
               {1e16, "1e+16"},
               {1.5e-7, "1.5e-07"},
               {5e-324, "5e-324"},
               {DBL_MAX, "1.7976931348623157e+308"},
               {INFINITY, "\"Infinity\""},
               {-INFINITY, "\"-Infinity\""},
               {NAN, "\"NaN\""}};

static void expect_doubles(void) {
  for (size_t i = 0; i < sizeof doubles / sizeof doubles[0]; i++) {
    egress__json_writer w = writer();
    egress__json_double(&w, doubles[i].value);
    expect(&w, doubles[i].text);
  }
}

Test(json_writer, doubles) {
  expect_doubles();
}

/* Where a comma is the decimal point. Not every machine has such a locale. */
Test(json_writer, doubles_in_any_locale) {
  if (setlocale(LC_NUMERIC, "de_DE.UTF-8") != NULL)
    expect_doubles();
}

Test(json_writer, floats) {
  const struct {
    float value;
    const char *text;
  } cases[] = {{0, "0.0"},
               {0.1f, "0.1"},
               {16777216, "16777216.0"},
               {0.3333333433f, "0.33333334"},
               {1e30f, "1e+30"},
               {-1.5f, "-1.5"},
               {FLT_MAX, "3.4028235e+38"},
               {NAN, "\"NaN\""},
               {-INFINITY, "\"-Infinity\""}};
  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
    egress__json_writer w = writer();
    egress__json_float(&w, cases[i].value);
    expect(&w, cases[i].text);
  }
}

/* 256 MiB, in steps of base64 from 12 MiB to 16. */
Test(json_writer, bounds_the_text) {
  egress__json_writer w = writer();
  egress__span bytes = {calloc(1, (size_t)12 << 20), (size_t)12 << 20};
  egress__json_open(&w, '[');
  for (int i = 0; i < 16; i++) {
    egress__json_next(&w);
    egress__json_bytes(&w, bytes);
    cr_assert_eq(w.text.rv, 0);
  }
  egress__json_next(&w);
  cr_assert_eq(w.text.rv, EGRESS_ELIMIT);
  size_t size = w.text.size;
  egress__json_bytes(&w, bytes);
  cr_assert_eq(w.text.size, size);
  free((void *)bytes.data);
  egress__buf_dispose(&w.text);
}
