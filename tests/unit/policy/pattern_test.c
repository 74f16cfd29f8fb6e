#include "policy/pattern.h"

#include <criterion/criterion.h>
#include <regex.h>
#include <stdio.h>
#include <string.h>

#include <egress/error.h>

#include "support/definition.h"

/* Everything is made on an arena that each test, a process of its own, leaves to the system. */
static egress__arena arena;

static int try_parse(egress__pattern *out, const char *text, const char **fault) {
  if (arena.alloc == NULL)
    egress__arena_init(&arena, egress__alloc_or_default(NULL));
  return egress__pattern_parse(out, &arena, text, strlen(text), fault);
}

static egress__pattern parse(const char *text) {
  egress__pattern pattern = {0};
  const char *fault = NULL;
  int rv = try_parse(&pattern, text, &fault);
  cr_assert_eq(rv, 0, "%s: %s", text, fault);
  return pattern;
}

static int matches(const char *pattern, const char *name) {
  egress__pattern parsed = parse(pattern);
  return egress__pattern_match(&parsed, name, strlen(name));
}

Test(pattern, depth) {
  cr_assert_not(matches("*.x.test", "x.test"));
  cr_assert(matches("*.x.test", "a.x.test"));
  cr_assert_not(matches("*.x.test", "a.b.x.test"));
  cr_assert_not(matches("**.x.test", "x.test"));
  cr_assert(matches("**.x.test", "a.x.test"));
  cr_assert(matches("**.x.test", "a.b.x.test"));
  cr_assert_not(matches("**.x.test", "ax.test"));
}

Test(pattern, stars_within_a_label) {
  cr_assert(matches("sub*.x", "sub.x"), "a star may stand for nothing");
  cr_assert(matches("sub*.x", "sub1.x"));
  cr_assert_not(matches("sub*.x", "sub.a.x"));
  cr_assert(matches("*x.io", "x.io"));
  cr_assert(matches("*x.io", "subx.io"));
  cr_assert_not(matches("*x.io", "a.x.io"));
  cr_assert(matches("a*b*c.io", "aXbYbZc.io"));
  cr_assert_not(matches("a*b*c.io", "acb.io"));
  cr_assert(matches("api.*.test", "api.eu.test"));
  cr_assert_not(matches("api.*.test", "api.eu.west.test"));
  cr_assert(matches("**.a*.test", "x.y.ab.test"));
  cr_assert_not(matches("**.a*.test", "ab.test"));
}

Test(pattern, stars_alone) {
  cr_assert(matches("*", "localhost"));
  cr_assert(matches("*", "a.b.c.test"));
  cr_assert(matches("**", "a.b.c.test"));
  egress__pattern star = parse("*");
  cr_assert_str_eq(star.text, "**");
  cr_assert_eq(star.kind, EGRESS__PATTERN_DEEP);
}

Test(pattern, canonical_form) {
  cr_assert_str_eq(parse("API.Example.COM.").text, "api.example.com");
  cr_assert_str_eq(parse("b\303\274cher.example").text, "xn--bcher-kva.example");
  cr_assert_str_eq(parse("**.b\303\234CHER.example").text, "**.xn--bcher-kva.example");
  cr_assert_eq(parse("a.b").kind, EGRESS__PATTERN_EXACT);
  cr_assert_eq(parse("a*.b").kind, EGRESS__PATTERN_GLOB);
  cr_assert_eq(parse("**.b").kind, EGRESS__PATTERN_DEEP);
}

Test(pattern, suffix) {
  static const char *const cases[][2] = {
      {"a.b.c", "a.b.c"}, {"*.b.c", "b.c"}, {"a*.b.c", "b.c"}, {"**.b.c", "b.c"}, {"x.*.c", "c"},
      {"x.*", ""},        {"**", ""},       {"**.*.c", "c"},   {"**.a*", ""},
  };
  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
    egress__pattern pattern = parse(cases[i][0]);
    cr_assert_str_eq(egress__pattern_suffix(&pattern), cases[i][1], "%s", cases[i][0]);
  }
}

Test(pattern, refused) {
  static const char *const texts[] = {
      "",    ".",     "a..b",    ".a",       "a b", "a/b",   "a.**.b",         "a**.b",
      "***", "**a.b", "**.**.b", "10.0.0.1", "a.1", "a.123", "caf*\303\251.x", "\357\274\212.x",
      "a@b", "a:443", "\377.x",  "[::1]",
  };
  for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
    egress__pattern pattern;
    const char *fault = NULL;
    cr_assert_eq(try_parse(&pattern, texts[i], &fault), EGRESS_EPOLICY, "%s", texts[i]);
    cr_assert_not_null(fault, "%s", texts[i]);
  }
}

/* `size` bytes: labels of 63 letters and a last one. */
static const char *long_name(char *out, const char *head, size_t size) {
  size_t at = strlen(strcpy(out, head));
  for (size_t label = 0; at < size; at++, label++)
    out[at] = label % 64 == 63 ? '.' : 'a';
  out[at] = '\0';
  return out;
}

Test(pattern, length) {
  char text[600];
  const char *fault;
  egress__pattern pattern;
  cr_assert_eq(try_parse(&pattern, long_name(text, "", 253), &fault), 0);
  cr_assert_eq(try_parse(&pattern, long_name(text, "", 254), &fault), EGRESS_EPOLICY);
  cr_assert_eq(try_parse(&pattern, long_name(text, "**.", 254), &fault), 0, "`a.` and 251 bytes are a name");
  cr_assert_eq(try_parse(&pattern, long_name(text, "**.", 255), &fault), EGRESS_EPOLICY, "no name is that long");
  cr_assert_eq(try_parse(&pattern, long_name(text, "*.", 253), &fault), 0);
  cr_assert_eq(try_parse(&pattern, long_name(text, "*.", 254), &fault), EGRESS_EPOLICY);
  memset(text, 'a', 64);
  strcpy(text + 64, ".test");
  cr_assert_eq(try_parse(&pattern, text, &fault), EGRESS_EPOLICY, "a label has at most 63 bytes");
  cr_assert_eq(try_parse(&pattern, text + 1, &fault), 0);
}

/* ---- Against the definition, over every short name of a tiny alphabet. ---- */

enum { MOST_NAMES = 3000, MOST_PATTERNS = 500, WORDS = MOST_NAMES / 64 + 1 };

static char names[MOST_NAMES][12];
static size_t name_count;
static egress__pattern patterns[MOST_PATTERNS];
static uint64_t matched[MOST_PATTERNS][WORDS];
static size_t pattern_count;

static void make_names(void) {
  static const char *const labels[] = {"a",   "b",   "aa",  "ab",  "ba",  "bb",  "aaa",
                                       "aab", "aba", "abb", "baa", "bab", "bba", "bbb"};
  enum { LABELS = sizeof labels / sizeof labels[0] };
  for (size_t i = 0; i < LABELS; i++) {
    strcpy(names[name_count++], labels[i]);
    for (size_t j = 0; j < LABELS; j++) {
      sprintf(names[name_count++], "%s.%s", labels[i], labels[j]);
      for (size_t k = 0; k < LABELS; k++)
        sprintf(names[name_count++], "%s.%s.%s", labels[i], labels[j], labels[k]);
    }
  }
}

static void add_pattern(const char *text) {
  egress__pattern *pattern = &patterns[pattern_count];
  *pattern = parse(text);
  for (size_t i = 0; i < name_count; i++)
    if (egress__pattern_match(pattern, names[i], strlen(names[i])))
      matched[pattern_count][i / 64] |= UINT64_C(1) << i % 64;
  pattern_count++;
}

static void make_patterns(void) {
  static const char *const labels[] = {"a", "ab", "*", "a*", "*a", "a*b"};
  enum { LABELS = sizeof labels / sizeof labels[0] };
  char text[32];
  add_pattern("**");
  for (size_t i = 0; i < LABELS; i++) {
    if (strcmp(labels[i], "*") != 0)
      add_pattern(labels[i]);
    sprintf(text, "**.%s", labels[i]);
    add_pattern(text);
    for (size_t j = 0; j < LABELS; j++) {
      sprintf(text, "**.%s.%s", labels[i], labels[j]);
      add_pattern(text + 3);
      add_pattern(text);
      for (size_t k = 0; k < LABELS; k++) {
        sprintf(text, "%s.%s.%s", labels[i], labels[j], labels[k]);
        add_pattern(text);
      }
    }
  }
}

static int has(size_t pattern, size_t name) {
  return (int)(matched[pattern][name / 64] >> name % 64 & 1);
}

TestSuite(definition, .timeout = 60);

Test(definition, match) {
  make_names();
  make_patterns();
  for (size_t p = 0; p < pattern_count; p++)
    for (size_t n = 0; n < name_count; n++)
      cr_assert_eq(has(p, n), definition_matches(patterns[p].text, names[n]), "%s on %s", patterns[p].text, names[n]);
}

Test(definition, meets_and_covers) {
  make_names();
  make_patterns();
  for (size_t p = 0; p < pattern_count; p++) {
    for (size_t q = 0; q < pattern_count; q++) {
      uint64_t both = 0, outside = 0;
      for (size_t w = 0; w < WORDS; w++) {
        both |= matched[p][w] & matched[q][w];
        outside |= matched[q][w] & ~matched[p][w];
      }
      /* These names are enough to tell: `meets` is exact on them, `covers` may only be too careful. */
      cr_assert_eq(egress__pattern_meets(&patterns[p], &patterns[q]), both != 0, "%s and %s", patterns[p].text,
                   patterns[q].text);
      if (egress__pattern_covers(&patterns[p], &patterns[q]))
        cr_assert_eq(outside, 0, "%s does not cover %s", patterns[p].text, patterns[q].text);
    }
  }
}

Test(definition, covers_what_compile_relies_on) {
  egress__pattern deep = parse("**.x.test"), one = parse("*.x.test"), inner = parse("**.a.x.test"),
                  exact = parse("a.x.test"), all = parse("**"), apex = parse("x.test");
  cr_assert(egress__pattern_covers(&deep, &one));
  cr_assert(egress__pattern_covers(&deep, &inner));
  cr_assert(egress__pattern_covers(&deep, &exact));
  cr_assert(egress__pattern_covers(&one, &exact));
  cr_assert(egress__pattern_covers(&all, &deep));
  cr_assert(egress__pattern_covers(&all, &apex));
  cr_assert(egress__pattern_covers(&deep, &deep));
  cr_assert_not(egress__pattern_covers(&one, &deep));
  cr_assert_not(egress__pattern_covers(&deep, &apex));
  cr_assert_not(egress__pattern_covers(&deep, &all));
}

/* 1 when `name` is strictly below `suffix`. */
static int is_below(const char *name, const char *suffix) {
  size_t size = strlen(name), suffix_size = strlen(suffix);
  if (suffix_size == 0)
    return 1;
  return size > suffix_size && name[size - suffix_size - 1] == '.' && strcmp(name + size - suffix_size, suffix) == 0;
}

Test(definition, below) {
  static const char *const suffixes[] = {"", "a", "b", "ab", "aa", "a.a", "ab.a", "b.b", "a.ab", "bb.b"};
  make_names();
  make_patterns();
  for (size_t p = 0; p < pattern_count; p++) {
    for (size_t s = 0; s < sizeof suffixes / sizeof suffixes[0]; s++) {
      size_t below = 0, hits = 0, size = strlen(suffixes[s]);
      for (size_t n = 0; n < name_count; n++) {
        below += (size_t)is_below(names[n], suffixes[s]);
        hits += (size_t)(is_below(names[n], suffixes[s]) && has(p, n));
      }
      cr_assert_eq(egress__pattern_meets_below(&patterns[p], suffixes[s], size), hits != 0, "%s below `%s`",
                   patterns[p].text, suffixes[s]);
      if (egress__pattern_covers_below(&patterns[p], suffixes[s], size))
        cr_assert_eq(hits, below, "%s covers not all below `%s`", patterns[p].text, suffixes[s]);
      if (patterns[p].kind == EGRESS__PATTERN_DEEP && strchr(patterns[p].text + 2, '*') == NULL && hits == below)
        cr_assert(egress__pattern_covers_below(&patterns[p], suffixes[s], size), "%s covers all below `%s`",
                  patterns[p].text, suffixes[s]);
    }
  }
}

Test(definition, regex) {
  make_names();
  make_patterns();
  for (size_t p = 0; p < pattern_count; p++) {
    egress__buf buf;
    regex_t regex;
    egress__buf_init(&buf, egress__alloc_or_default(NULL));
    egress__buf_str(&buf, "^(");
    egress__pattern_regex(&buf, &patterns[p]);
    egress__buf_str(&buf, ")$");
    egress__buf_char(&buf, '\0');
    cr_assert_eq(regcomp(&regex, buf.data, REG_EXTENDED | REG_NOSUB), 0, "%s", buf.data);
    for (size_t n = 0; n < name_count; n += 7)
      cr_assert_eq(regexec(&regex, names[n], 0, NULL, 0) == 0, has(p, n), "%s on %s", buf.data, names[n]);
    regfree(&regex);
    egress__buf_dispose(&buf);
  }
}
