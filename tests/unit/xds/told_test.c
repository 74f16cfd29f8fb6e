#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#include "xds/told.h"

static egress__told told;

static void begin(void) {
  egress__told_init(&told, egress__alloc_or_default(NULL));
}
static void end(void) {
  egress__told_dispose(&told);
}
TestSuite(told, .init = begin, .fini = end);

static egress__told_who asker(const char *type_url, const char *text) {
  return (egress__told_who){type_url, {(const uint8_t *)text, strlen(text)}};
}

static int is_as(const char *version, const char *content) {
  egress__told_who who = asker("t", "n");
  return egress__told_is(&told, &who, version, content);
}

static void set_as(const char *version, const char *content) {
  egress__told_who who = asker("t", "n");
  cr_assert_eq(egress__told_set(&told, &who, version, content), 0);
}

/* The version is the content. */
static int is(const char *type_url, const char *text, const char *version) {
  egress__told_who who = asker(type_url, text);
  return egress__told_is(&told, &who, version, version);
}

static void set(const char *type_url, const char *text, const char *version) {
  egress__told_who who = asker(type_url, text);
  cr_assert_eq(egress__told_set(&told, &who, version, version), 0);
}

Test(told, c81_what_was_told_last_counts) {
  cr_assert_not(is("t", "n", "1"));
  set("t", "n", "1");
  cr_assert(is("t", "n", "1"));
  set("t", "n", "2");
  cr_assert_not(is("t", "n", "1"));
  cr_assert(is("t", "n", "2"));
}

Test(told, each_asks_for_itself) {
  set("t", "n", "1");
  set("t", "m", "2");
  set("u", "n", "3");
  set("t", "", "4");
  cr_assert(is("t", "n", "1") && is("t", "m", "2") && is("u", "n", "3") && is("t", "", "4"));
}

Test(told, c25_a_version_of_several_contents_says_nothing) {
  set_as("v1", "a");
  set_as("v1", "a");
  cr_assert(is_as("v1", "a"));
  cr_assert_not(is_as("v1", "b"));
  set_as("v1", "b");
  cr_assert_not(is_as("v1", "b"));
  set_as("v1", "b");
  cr_assert_not(is_as("v1", "b"));
  set_as("v2", "b");
  cr_assert(is_as("v2", "b"));
  cr_assert_not(is_as("v1", "b"));
}

Test(told, there_is_an_end_to_it) {
  char name[16];
  for (int i = 0; i <= EGRESS__TOLD_MAX; i++) {
    snprintf(name, sizeof name, "%d", i);
    set("t", name, "1");
    cr_assert(is("t", name, "1"));
    cr_assert_leq(told.map.count, (size_t)EGRESS__TOLD_MAX);
  }
  cr_assert_not(is("t", "0", "1"));
}
