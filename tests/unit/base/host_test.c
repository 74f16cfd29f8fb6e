#include "base/host.h"

#include <criterion/criterion.h>
#include <regex.h>
#include <stdio.h>
#include <string.h>

#include <egress/error.h>

static const char *normal(const char *name) {
  static char out[EGRESS__HOST_MAX + 1];
  size_t size = egress__host_normalise(out, name, strlen(name));
  if (size == 0)
    return NULL;
  cr_assert_eq(size, strlen(out));
  return out;
}

Test(host, lower_case) {
  cr_assert_str_eq(normal("API.Example.COM"), "api.example.com");
  cr_assert_str_eq(normal("_a-1.b_c"), "_a-1.b_c");
  cr_assert_str_eq(normal("localhost"), "localhost");
  cr_assert_str_eq(normal("1.2.3.4a"), "1.2.3.4a");
}

Test(host, not_valid) {
  static const char *const names[] = {"",          ".",   "a.",  "a..b", ".a",
                                      "a b",       "a\n", "1",   "a.1",  "1.2.3.4",
                                      "b\303\274", "a:1", "[a]", "a*b",  "127.0.0.1:80@a.b"};
  for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
    cr_assert_null(normal(names[i]), "%s", names[i]);
  char out[EGRESS__HOST_MAX + 1];
  cr_assert_eq(egress__host_normalise(out, "a\0b", 3), 0);
}

/* `labels` labels of `size` letters. */
static const char *labels_of(size_t count, size_t size) {
  static char text[600];
  char *at = text;
  for (size_t i = 0; i < count; i++) {
    if (i != 0)
      *at++ = '.';
    memset(at, 'a', size);
    at += size;
  }
  *at = '\0';
  return text;
}

Test(host, lengths) {
  cr_assert_not_null(normal(labels_of(1, 63)));
  cr_assert_null(normal(labels_of(1, 64)));
  cr_assert_not_null(normal(labels_of(127, 1)), "253 bytes");
  cr_assert_null(normal(labels_of(128, 1)), "255 bytes");
  char text[256];
  sprintf(text, "%s.a", labels_of(126, 1));
  cr_assert_not_null(normal(text));
  sprintf(text, "%s.aa", labels_of(126, 1));
  cr_assert_null(normal(text), "254 bytes");
}

/* What Envoy is told must be the same rule. The last two differ only by length, which the third expression bounds. */
Test(host, regexes_say_the_same) {
  static const char *const names[] = {"a",       "a.b", "1.a",  "a.1", "1",       "1.2.3.4", "a.1a", "a.1-",
                                      "a.",      ".a",  "a..b", "a b", "",        "-",       "_._",  "a.b1",
                                      "12.a.34", "*",   "a.*",  "a:1", "a.b\xff", "x"};
  static const char *const expressions[] = {EGRESS__HOST_REGEX_LABELS, EGRESS__HOST_REGEX_LAST_LABEL};
  for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
    int all = 1;
    for (size_t j = 0; j < 2; j++) {
      char whole[128];
      regex_t regex;
      snprintf(whole, sizeof whole, "^(%s)$", expressions[j]);
      cr_assert_eq(regcomp(&regex, whole, REG_EXTENDED | REG_NOSUB), 0);
      all &= regexec(&regex, names[i], 0, NULL, 0) == 0;
      regfree(&regex);
    }
    cr_assert_eq(all, normal(names[i]) != NULL, "%s", names[i]);
  }
}

static egress__arena arena;

static int canonical(const char *text, char **out, const char **fault) {
  if (arena.alloc == NULL)
    egress__arena_init(&arena, egress__alloc_or_default(NULL));
  return egress__host_canonical(out, &arena, text, strlen(text), fault);
}

Test(host, canonical) {
  static const char *const cases[][2] = {
      {"API.Example.COM.", "api.example.com"},
      {"b\303\234cher.example", "xn--bcher-kva.example"},
      {"fa\303\237.de", "xn--fa-hia.de"}, /* not `fass`: nontransitional */
      {"*.B\303\274cher.example", "*.xn--bcher-kva.example"},
      {"**.x", "**.x"},
      {"XN--BCHER-KVA.example", "xn--bcher-kva.example"},
      {"a..", "a."}, /* one dot only; the pattern's own check refuses the rest */
  };
  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
    char *out = NULL;
    const char *fault = NULL;
    cr_assert_eq(canonical(cases[i][0], &out, &fault), 0, "%s: %s", cases[i][0], fault);
    cr_assert_str_eq(out, cases[i][1]);
  }
}

Test(host, no_canonical_form) {
  static const char *const texts[] = {
      "b\303\274*.example",     /* a star among international letters */
      "\377.example",           /* not UTF-8 */
      "\357\274\212.example",   /* U+FF0A, which IDNA maps to a star */
      "a\342\200\213b\314.test" /* half a character */
  };
  for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
    char *out = NULL;
    const char *fault = NULL;
    cr_assert_eq(canonical(texts[i], &out, &fault), EGRESS_EPOLICY, "case %zu", i);
    cr_assert_not_null(fault);
    cr_assert_null(out);
  }
}
