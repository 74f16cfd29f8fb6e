#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <egress/error.h>

#include "resource/alias.h"

#define COUNT(list) (sizeof(list) / sizeof(list)[0])

static egress_resource *make(void) {
  egress_resource *r = NULL;
  cr_assert_eq(egress_resource_new(&r, EGRESS_TYPE_ENDPOINT, "a",
                                   "\x0a\x01"
                                   "a",
                                   3, NULL),
               0);
  return r;
}

static egress_resource *with(const egress_resource *of, const char *const *aliases, size_t count) {
  egress_resource *r = NULL;
  cr_assert_eq(egress_resource_with_aliases(&r, of, aliases, count, NULL), 0);
  return r;
}

static egress__span next(egress__span *rest, uint32_t number) {
  egress__field field;
  cr_assert_eq(egress__field_next(rest, &field), 1);
  cr_assert_eq(field.number, number);
  return field.bytes;
}

static void expect_text(egress__span got, const char *expected) {
  cr_assert_eq(got.size, strlen(expected));
  cr_assert_eq(memcmp(got.data, expected, got.size), 0);
}

/* A form as bytes; valid until the next call. */
static egress__span form(const egress_resource *r, egress__form wanted) {
  static uint8_t memory[1024];
  size_t size = egress__resource_form_size(r, wanted);
  cr_assert_leq(size, sizeof memory);
  cr_assert_eq(egress__resource_put(memory, r, wanted), memory + size);
  return (egress__span){memory, size};
}

/* What stands first in a Resource of delta: name, version and aliases. Field numbers are those of discovery.proto. */
static egress__span expect_head(egress__span entry, const egress_resource *r) {
  egress__span resource = next(&entry, 2);
  cr_assert_eq(entry.size, 0);
  expect_text(next(&resource, 3), "a");
  expect_text(next(&resource, 1), egress_resource_version(r));
  expect_text(next(&resource, 4), "x");
  expect_text(next(&resource, 4), "y");
  return resource;
}

Test(alias, c73_delta_is_told_all_aliases_and_state_of_the_world_none) {
  static const char *const aliases[] = {"y", "x"};
  egress_resource *plain = make(), *r = with(plain, aliases, COUNT(aliases));
  egress__span rest = expect_head(form(r, EGRESS__FORM_DELTA), r);
  next(&rest, 2);
  cr_assert_eq(rest.size, 0);
  uint8_t sotw[256];
  egress__span of_plain = form(plain, EGRESS__FORM_SOTW);
  cr_assert_leq(of_plain.size, sizeof sotw);
  memcpy(sotw, of_plain.data, of_plain.size);
  egress__span of_r = form(r, EGRESS__FORM_SOTW);
  cr_assert_eq(of_r.size, of_plain.size);
  cr_assert_eq(memcmp(of_r.data, sotw, of_r.size), 0);
  egress_resource_unref(r);
  egress_resource_unref(plain);
}

Test(alias, c73_aliases_and_time_to_live_leave_each_other_alone) {
  static const char *const aliases[] = {"x", "y"};
  egress_resource *plain = make(), *first = with(plain, aliases, COUNT(aliases)), *r, *other, *both;
  cr_assert_eq(egress_resource_with_ttl(&r, first, 2500, NULL), 0);
  egress__span rest = expect_head(form(r, EGRESS__FORM_DELTA_TTL), r);
  next(&rest, 6);
  next(&rest, 2);
  rest = expect_head(form(r, EGRESS__FORM_DELTA), r);
  next(&rest, 2);
  rest = expect_head(form(r, EGRESS__FORM_HEARTBEAT), r);
  next(&rest, 6);
  cr_assert_eq(rest.size, 0);
  cr_assert_eq(egress_resource_with_ttl(&other, plain, 2500, NULL), 0);
  both = with(other, aliases, COUNT(aliases));
  cr_assert_str_eq(egress_resource_version(both), egress_resource_version(r));
  egress_resource_unref(both);
  egress_resource_unref(other);
  egress_resource_unref(r);
  egress_resource_unref(first);
  egress_resource_unref(plain);
}

Test(alias, c73_aliases_count_for_the_version_in_any_order) {
  static const char *const one[] = {"x", "xdstp://h/T/i?b=1&a=2"}, *const two[] = {"xdstp://h/T/%69?a=2&b=1#d", "x"};
  egress_resource *plain = make(), *a = with(plain, one, 2), *b = with(plain, two, 2), *fewer = with(a, one, 1),
                  *none = with(a, NULL, 0);
  cr_assert_str_eq(egress_resource_version(a), egress_resource_version(b));
  cr_assert_str_neq(egress_resource_version(a), egress_resource_version(fewer));
  cr_assert_str_neq(egress_resource_version(fewer), egress_resource_version(plain));
  cr_assert_str_eq(egress_resource_version(none), egress_resource_version(plain));
  cr_assert_eq(egress_resource_alias_count(b), 2);
  cr_assert_str_eq(egress_resource_alias(b, 0), "x");
  cr_assert_str_eq(egress_resource_alias(b, 1), "xdstp://h/T/i?a=2&b=1");
  cr_assert_null(egress_resource_alias(b, 2));
  cr_assert_eq(egress_resource_alias_count(NULL), 0);
  egress_resource *all[] = {none, fewer, b, a, plain};
  for (size_t i = 0; i < COUNT(all); i++)
    egress_resource_unref(all[i]);
}

static int refuse(const egress_resource *of, const char *const *aliases, size_t count) {
  egress_resource *out = NULL;
  int rv = egress_resource_with_aliases(&out, of, aliases, count, NULL);
  cr_assert_null(out);
  return rv;
}

Test(alias, aliases_that_cannot_be) {
  static const char *const twins[] = {"x", "y", "x"}, *const none[] = {""}, *const star[] = {"*"},
                           *const null[] = {NULL}, *const bad[] = {"\xff"},
                           *const same[] = {"xdstp://h/T/i", "xdstp://h/T/%69"};
  static const char *many[4097];
  char text[4097][8], *longer = calloc(1, 4098);
  egress_resource *r = make(), *error;
  cr_assert_eq(refuse(r, twins, 3), EGRESS_EINVAL);
  cr_assert_eq(refuse(r, same, 2), EGRESS_EINVAL);
  cr_assert_eq(refuse(r, none, 1), EGRESS_EINVAL);
  cr_assert_eq(refuse(r, star, 1), EGRESS_EINVAL);
  cr_assert_eq(refuse(r, null, 1), EGRESS_EINVAL);
  cr_assert_eq(refuse(r, bad, 1), EGRESS_EINVAL);
  cr_assert_eq(refuse(r, NULL, 1), EGRESS_EINVAL);
  cr_assert_eq(refuse(NULL, twins, 2), EGRESS_EINVAL);
  memset(longer, 'x', 4097);
  cr_assert_eq(refuse(r, (const char *const[]){longer}, 1), EGRESS_EINVAL);
  for (size_t i = 0; i < COUNT(many); i++)
    snprintf(text[i], sizeof text[i], "%zu", i), many[i] = text[i];
  cr_assert_eq(refuse(r, many, 4097), EGRESS_ELIMIT);
  egress_resource_unref(with(r, many, 4096));
  cr_assert_eq(egress_resource_new_error(&error, EGRESS_TYPE_ENDPOINT, "a", 5, "why", NULL), 0);
  cr_assert_eq(refuse(error, twins, 2), EGRESS_EINVAL);
  egress_resource_unref(error);
  egress_resource_unref(r);
  free(longer);
}

Test(alias, an_item_of_an_index_holds_what_it_is_an_alias_of) {
  static const char *const aliases[] = {"x", "y"};
  egress_resource *plain = make(), *r = with(plain, aliases, 2);
  egress_resource *item = egress__alias_new(r, 1, egress__resource_alloc(r));
  egress_resource_unref(plain);
  egress_resource_unref(r);
  cr_assert_str_eq(egress_resource_name(item), "y");
  cr_assert_str_eq(egress_resource_name(egress__alias_target(item)), "a");
  egress_resource_unref(item);
}

Test(alias, c73_absence_is_an_entry_with_name_and_alias_alone) {
  egress_resource *plain = make();
  egress_resource *absent = egress__resource_new_absent("t", "r/h", egress__resource_alloc(plain));
  egress__span entry = form(absent, EGRESS__FORM_DELTA), resource = next(&entry, 2);
  cr_assert_eq(entry.size, 0);
  expect_text(next(&resource, 3), "r/h");
  expect_text(next(&resource, 4), "r/h");
  cr_assert_eq(resource.size, 0);
  cr_assert_eq(form(absent, EGRESS__FORM_HEARTBEAT).size, 0);
  egress_resource_unref(absent);
  egress_resource_unref(plain);
}
