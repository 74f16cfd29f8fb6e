#include <criterion/criterion.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "resource/xdstp.h"

static egress__span span(const char *text) {
  return (egress__span){(const uint8_t *)text, strlen(text)};
}

/* Of a name in memory of its own size, so that a sanitizer sees who reads behind it. */
static const char *normal(const char *text) {
  static egress__xdstp_room room;
  static char out[EGRESS__XDSTP_MAX + 2];
  size_t size = strlen(text);
  char *name = malloc(size + 1);
  cr_assert(name != NULL);
  memcpy(name, text, size);
  egress__span made = egress__xdstp_normal(&room, (egress__span){(const uint8_t *)name, size});
  cr_assert(made.size <= size);
  memcpy(out, made.data, made.size);
  out[made.size] = '\0';
  free(name);
  return out;
}

#define NORMAL(expected, name) cr_assert_str_eq(normal(name), expected)

Test(xdstp, c69_parameters_are_sorted) {
  NORMAL("xdstp://a/T/foo?x=1&y=2", "xdstp://a/T/foo?y=2&x=1");
  NORMAL("xdstp://a/T/foo?a=9&a-b=1", "xdstp://a/T/foo?a-b=1&a=9"); /* by key: '-' comes before '=' */
  NORMAL("xdstp://a/T/foo?a=1&a=2&b", "xdstp://a/T/foo?b&a=2&a=1");
  NORMAL("xdstp://a/T/foo?a=x=y", "xdstp://a/T/foo?&&a=x=y&");
  NORMAL("xdstp://a/T/foo", "xdstp://a/T/foo?");
}

Test(xdstp, c69_directives_are_not_part_of_the_name) {
  NORMAL("xdstp://a/T/foo?x=1", "xdstp://a/T/foo?x=1#entry=bar,alt=xdstp://b/T/c");
  NORMAL("xdstp://a/T/foo", "xdstp://a/T/foo#?x=1");
}

Test(xdstp, c69_escapes_stand_only_where_they_are_needed) {
  NORMAL("xdstp://a/T/foo:80", "xdstp://a/T/f%6fo%3A80");
  NORMAL("xdstp://a/T/x%2Fy", "xdstp://a/T/x%2fy"); /* a slash in a name is no level */
  NORMAL("xdstp://a/T/%2A", "xdstp://a/T/%2a");
  NORMAL("xdstp://a/T/%3F%23%5B%5D%25%20%00%C3%A9%7F", "xdstp://a/T/%3f%23%5b%5d%25%20%00%c3%a9%7f");
  NORMAL("xdstp://a/T/x?k=a/b?c*&l=%26%3D", "xdstp://a/T/x?l=%26%3d&%6B=a%2fb%3fc%2a");
  NORMAL("xdstp://a/T/x%", "xdstp://a/T/x%");
  NORMAL("xdstp://a/T/x%4", "xdstp://a/T/x%4");
  NORMAL("xdstp://a/T/x%4gA", "xdstp://a/T/x%4g%41");
}

Test(xdstp, c83_other_names_are_any_text) {
  NORMAL("grpc/server?b=%5b&a=1#x", "grpc/server?b=%5b&a=1#x");
  NORMAL("xdstp:/a?b=1&a=1", "xdstp:/a?b=1&a=1");
  NORMAL("xdstp://", "xdstp://");
  NORMAL("", "");
}

Test(xdstp, c69_normal_form_is_its_own) {
  static const char *const names[] = {"xdstp://a/T/%41%2f%25%34%31?z=%2541&b=%26#f", "xdstp:///T/?=&=1", "xdstp://?#",
                                      "xdstp://%2a/%2A/*?*"};
  for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
    char once[EGRESS__XDSTP_MAX + 2];
    strcpy(once, normal(names[i]));
    NORMAL(once, once);
  }
}

Test(xdstp, names_with_too_much_are_left_as_they_are) {
  char many[EGRESS__XDSTP_MAX + 16] = "xdstp://a/T/x?";
  for (int i = 0; i < EGRESS__XDSTP_PARAMS_MAX; i++)
    strcat(many, i % 2 ? "a&" : "b&");
  cr_assert_eq(strncmp(normal(many), "xdstp://a/T/x?a&a&", 18), 0);
  strcat(many, "a");
  NORMAL(many, many);
  char longest[EGRESS__XDSTP_MAX + 2] = "xdstp://a/T/x?b&a&";
  memset(longest + strlen(longest), 'c', EGRESS__XDSTP_MAX - strlen(longest));
  cr_assert_eq(strncmp(normal(longest), "xdstp://a/T/x?a&b&", 18), 0);
  longest[EGRESS__XDSTP_MAX] = 'c';
  NORMAL(longest, longest);
}

static int is_glob(const char *name) {
  egress__glob glob;
  return egress__glob_read(&glob, span(name));
}

static int has(const char *glob_name, const char *name) {
  egress__glob glob;
  cr_assert(egress__glob_read(&glob, span(glob_name)));
  return egress__glob_has(&glob, span(name));
}

Test(xdstp, c70_what_a_glob_is) {
  cr_assert(is_glob("xdstp://a/T/*"));
  cr_assert(is_glob("xdstp:///T/foo/*?x=1"));
  cr_assert_not(is_glob("xdstp://a/*"), "a glob has a type");
  cr_assert_not(is_glob("xdstp://a/T/foo*"));
  cr_assert_not(is_glob("xdstp://a/T/foo/*/x"));
  cr_assert_not(is_glob("xdstp://a/T/foo?x=/*"));
  cr_assert_not(is_glob("xdstp://a/T/%2A"));
  cr_assert_not(is_glob("*"));
}

Test(xdstp, c70_what_a_glob_of_another_kind_is) {
  cr_assert(is_glob("foo/*"));
  cr_assert(is_glob("foo/bar/*"));
  cr_assert(is_glob("/*"));
  cr_assert(is_glob("//*"));
  cr_assert(is_glob("foo?x/*"));
  cr_assert_not(is_glob("foo*"));
  cr_assert_not(is_glob("foo/*/x"));
  cr_assert_not(is_glob("foo/*?x=1"));
  cr_assert_not(is_glob("foo/**"));
  cr_assert_not(is_glob(""));
}

Test(xdstp, c70_a_glob_of_another_kind_stands_for_all_that_begins_so) {
  cr_assert(has("foo/*", "foo/bar"));
  cr_assert(has("foo/*", "foo/bar/baz"));
  cr_assert(has("foo/*", "foo/bar?x=1"), "all of it is text");
  cr_assert(has("foo/*", "foo/?"));
  cr_assert(has("foo/*", "foo//"));
  cr_assert(has("foo/*", "foo/*"), "of an error");
  cr_assert(has("/*", "/a"));
  cr_assert_not(has("foo/*", "foo"));
  cr_assert_not(has("foo/*", "foo/"));
  cr_assert_not(has("foo/*", "foobar/x"));
  cr_assert_not(has("/*", "a/b"));
  cr_assert_not(has("xdstp:/*", "xdstp://a/T/x"), "the new kind has its own");
}

Test(xdstp, c70_what_a_glob_stands_for) {
  cr_assert(has("xdstp://a/T/foo/*", "xdstp://a/T/foo/bar"));
  cr_assert(has("xdstp://a/T/foo/*", "xdstp://a/T/foo/bar/baz"));
  cr_assert(has("xdstp://a/T/foo/*", "xdstp://a/T/foo/*"), "of an error");
  cr_assert(has("xdstp://a/T/*", "xdstp://a/T/foo"));
  cr_assert_not(has("xdstp://a/T/foo/*", "xdstp://a/T/foo"));
  cr_assert_not(has("xdstp://a/T/foo/*", "xdstp://a/T/foo/"));
  cr_assert_not(has("xdstp://a/T/foo/*", "xdstp://a/T/foobar/x"));
  cr_assert_not(has("xdstp://a/T/foo/*", "xdstp://b/T/foo/x"));
}

Test(xdstp, c71_a_glob_has_just_its_parameters) {
  cr_assert(has("xdstp://a/T/foo/*?x=1", "xdstp://a/T/foo/bar?x=1"));
  cr_assert_not(has("xdstp://a/T/foo/*?x=1", "xdstp://a/T/foo/bar"));
  cr_assert_not(has("xdstp://a/T/foo/*", "xdstp://a/T/foo/bar?x=1"));
  cr_assert_not(has("xdstp://a/T/foo/*?x=1", "xdstp://a/T/foo/bar?x=1&y=2"));
  cr_assert_not(has("xdstp://a/T/foo/*?x=1", "xdstp://a/T/foo/bar?x=2"));
  cr_assert_not(has("xdstp://a/T/foo/*?x=1", "xdstp://a/T/foo/?x=1"));
}

/* "GLOB GLOB " */
static const char *above(const char *name) {
  static char out[64 * 1024];
  egress__globs_above walk = {.name = span(name)};
  egress__xdstp_room room;
  out[0] = '\0';
  for (egress__span glob; (glob = egress__globs_above_next(&walk, &room)).size > 0;) {
    size_t used = strlen(out);
    egress__glob read;
    cr_assert(egress__glob_read(&read, glob));
    cr_assert(egress__glob_has(&read, span(name)));
    snprintf(out + used, sizeof out - used, "%.*s ", (int)glob.size, (const char *)glob.data);
  }
  return out;
}

Test(xdstp, c70_all_globs_above_a_name) {
  cr_assert_str_eq(above("xdstp://a/T/b/c/d?x=/1"), "xdstp://a/T/*?x=/1 xdstp://a/T/b/*?x=/1 xdstp://a/T/b/c/*?x=/1 ");
  cr_assert_str_eq(above("xdstp://a/T/b/"), "xdstp://a/T/* ");
  cr_assert_str_eq(above("xdstp://a/T/"), "");
  cr_assert_str_eq(above("xdstp://a/T"), "");
  cr_assert_str_eq(above("xdstp://a"), "");
  cr_assert_str_eq(above("a/b/c"), "a/* a/b/* ");
  cr_assert_str_eq(above("/a?b/c"), "/* /a?b/* ");
  cr_assert_str_eq(above("//"), "/* ");
  cr_assert_str_eq(above("a/"), "");
  cr_assert_str_eq(above("a"), "");
}

static void check_depth(const char *root) {
  char name[256];
  strcpy(name, root);
  for (int i = 0; i < EGRESS__GLOB_DEPTH_MAX - 1; i++)
    strcat(name, "/x");
  strcat(name, "/*");
  cr_assert(is_glob(name));
  strcpy(name + strlen(name) - 1, "x/*");
  cr_assert_not(is_glob(name));
  size_t globs = 0;
  for (const char *at = above(name); (at = strchr(at, ' ')) != NULL; at++)
    globs++;
  cr_assert_eq(globs, EGRESS__GLOB_DEPTH_MAX);
}

Test(xdstp, c70_globs_have_a_greatest_depth) {
  check_depth("xdstp://a/T");
  check_depth("a");
}
