#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <egress/error.h>
#include <envoy/config/endpoint/v3/endpoint.pb-c.h>

#include "resource/resource.h"

/* A ClusterLoadAssignment with the name "a". */
static const uint8_t bytes_a[] = {0x0a, 1, 'a'};

static egress_resource *make(const char *name) {
  egress_resource *r = NULL;
  cr_assert_eq(egress_resource_new(&r, EGRESS_TYPE_ENDPOINT, name, bytes_a, sizeof bytes_a, NULL), 0);
  return r;
}

static egress__field next(egress__span *rest, uint32_t number) {
  egress__field field;
  cr_assert_eq(egress__field_next(rest, &field), 1);
  cr_assert_eq(field.number, number);
  cr_assert_eq(field.type, EGRESS__WIRE_BYTES);
  return field;
}

static void expect_bytes(egress__span got, const void *expected, size_t size) {
  cr_assert_eq(got.size, size);
  cr_assert_eq(memcmp(got.data, expected, size), 0);
}

Test(resource, says_what_it_was_made_of) {
  egress_resource *r = make("a");
  cr_assert_str_eq(egress_resource_type_url(r), EGRESS_TYPE_ENDPOINT);
  cr_assert_str_eq(egress_resource_name(r), "a");
  expect_bytes((egress__span){egress_resource_bytes(r), egress_resource_size(r)}, bytes_a, sizeof bytes_a);
  cr_assert_eq(strspn(egress_resource_version(r), "0123456789abcdef"), 32);
  cr_assert_eq(strlen(egress_resource_version(r)), 32);
  egress_resource_unref(r);
}

/* A form as bytes; valid until the next call for the same one. */
static egress__span form(const egress_resource *r, egress__form wanted) {
  static uint8_t memory[EGRESS__FORM_COUNT][1024];
  uint8_t *to = memory[wanted];
  size_t size = egress__resource_form_size(r, wanted);
  cr_assert_leq(size, sizeof memory[wanted]);
  cr_assert_eq(egress__resource_put(to, r, wanted), to + size);
  return (egress__span){to, size};
}

static void expect_any(egress__span any) {
  expect_bytes(next(&any, 1).bytes, EGRESS_TYPE_ENDPOINT, strlen(EGRESS_TYPE_ENDPOINT));
  expect_bytes(next(&any, 2).bytes, bytes_a, sizeof bytes_a);
  cr_assert_eq(any.size, 0);
}

/* Name and version, which stand first in a Resource. */
static void expect_identity(egress__span *resource, const egress_resource *r) {
  expect_bytes(next(resource, 3).bytes, "a", 1);
  expect_bytes(next(resource, 1).bytes, egress_resource_version(r), 32);
}

/* Field numbers are those of discovery.proto. */
Test(resource, wire_forms) {
  egress_resource *r = make("a");
  egress__span delta = form(r, EGRESS__FORM_DELTA), sotw = form(r, EGRESS__FORM_SOTW);
  egress__span resource = next(&delta, 2).bytes;
  cr_assert_eq(delta.size, 0);
  expect_identity(&resource, r);
  expect_any(next(&resource, 2).bytes);
  cr_assert_eq(resource.size, 0);
  expect_any(next(&sotw, 2).bytes);
  cr_assert_eq(sotw.size, 0);
  egress_resource_unref(r);
}

Test(resource, without_a_time_to_live_the_forms_with_it_are_the_same) {
  egress_resource *r = make("a");
  egress__span sotw = form(r, EGRESS__FORM_SOTW), delta = form(r, EGRESS__FORM_DELTA);
  expect_bytes(form(r, EGRESS__FORM_SOTW_TTL), sotw.data, sotw.size);
  expect_bytes(form(r, EGRESS__FORM_DELTA_TTL), delta.data, delta.size);
  cr_assert_eq(form(r, EGRESS__FORM_HEARTBEAT).size, 0);
  cr_assert_eq(egress_resource_ttl_ms(r), 0);
  egress_resource_unref(r);
}

/* A google.protobuf.Duration: seconds 1, nanos 2. */
static const uint8_t ttl_2500[] = {0x08, 0x02, 0x10, 0x80, 0xca, 0xb5, 0xee, 0x01};

Test(resource, c62_a_time_to_live_is_part_of_the_wrapper_only) {
  egress_resource *lasting = make("a"), *r;
  cr_assert_eq(egress_resource_with_ttl(&r, lasting, 2500, NULL), 0);
  cr_assert_eq(egress_resource_ttl_ms(r), 2500);
  cr_assert_str_eq(egress_resource_type_url(r), EGRESS_TYPE_ENDPOINT);
  cr_assert_str_eq(egress_resource_name(r), "a");
  expect_bytes((egress__span){egress_resource_bytes(r), egress_resource_size(r)}, bytes_a, sizeof bytes_a);

  egress__span sotw = form(lasting, EGRESS__FORM_SOTW);
  expect_bytes(form(r, EGRESS__FORM_SOTW), sotw.data, sotw.size);

  egress__span with = form(r, EGRESS__FORM_DELTA_TTL), resource = next(&with, 2).bytes, whole = resource;
  expect_identity(&resource, r);
  expect_bytes(next(&resource, 6).bytes, ttl_2500, sizeof ttl_2500);
  expect_any(next(&resource, 2).bytes);
  cr_assert_eq(resource.size + with.size, 0);

  egress__span without = form(r, EGRESS__FORM_DELTA);
  resource = next(&without, 2).bytes;
  expect_identity(&resource, r);
  expect_any(next(&resource, 2).bytes);
  cr_assert_eq(resource.size + without.size, 0);

  static const char wrapper[] = "type.googleapis.com/envoy.service.discovery.v3.Resource";
  egress__span wrapped = form(r, EGRESS__FORM_SOTW_TTL), any = next(&wrapped, 2).bytes;
  expect_bytes(next(&any, 1).bytes, wrapper, strlen(wrapper));
  expect_bytes(next(&any, 2).bytes, whole.data, whole.size);
  cr_assert_eq(any.size + wrapped.size, 0);
  egress_resource_unref(r);
  egress_resource_unref(lasting);
}

Test(resource, c63_a_heartbeat_has_name_version_and_ttl) {
  egress_resource *lasting = make("a"), *r;
  cr_assert_eq(egress_resource_with_ttl(&r, lasting, 2500, NULL), 0);
  egress__span beat = form(r, EGRESS__FORM_HEARTBEAT), resource = next(&beat, 2).bytes;
  expect_identity(&resource, r);
  expect_bytes(next(&resource, 6).bytes, ttl_2500, sizeof ttl_2500);
  cr_assert_eq(resource.size + beat.size, 0);
  egress_resource_unref(r);
  egress_resource_unref(lasting);
}

Test(resource, c62_a_time_to_live_counts_for_the_version) {
  egress_resource *lasting = make("a"), *two, *three, *lasts_again;
  cr_assert_eq(egress_resource_with_ttl(&two, lasting, 2000, NULL), 0);
  cr_assert_eq(egress_resource_with_ttl(&three, two, 3000, NULL), 0);
  cr_assert_eq(egress_resource_with_ttl(&lasts_again, three, 0, NULL), 0);
  cr_assert_str_neq(egress_resource_version(two), egress_resource_version(lasting));
  cr_assert_str_neq(egress_resource_version(two), egress_resource_version(three));
  cr_assert_str_eq(egress_resource_version(lasts_again), egress_resource_version(lasting));
  egress_resource_unref(lasts_again);
  egress_resource_unref(three);
  egress_resource_unref(two);
  egress_resource_unref(lasting);
}

Test(resource, times_to_live_that_cannot_be) {
  egress_resource *r = make("a"), *out = NULL;
  cr_assert_eq(egress_resource_with_ttl(&out, r, 999, NULL), EGRESS_EINVAL);
  cr_assert_eq(egress_resource_with_ttl(&out, NULL, 1000, NULL), EGRESS_EINVAL);
  cr_assert_eq(egress_resource_with_ttl(NULL, r, 1000, NULL), EGRESS_EINVAL);
  cr_assert_null(out);
  cr_assert_eq(egress_resource_ttl_ms(NULL), 0);
  cr_assert_eq(egress_resource_with_ttl(&out, r, UINT32_MAX, NULL), 0);
  cr_assert_eq(egress_resource_ttl_ms(out), UINT32_MAX);
  egress_resource_unref(out);
  egress_resource_unref(r);
}

Test(resource, version_depends_on_type_name_and_bytes_alone) {
  const struct {
    const char *type_url, *name;
    const void *bytes;
    size_t size;
  } cases[] = {{EGRESS_TYPE_ENDPOINT, "a", bytes_a, 3},
               {EGRESS_TYPE_CLUSTER, "a", bytes_a, 3},
               {EGRESS_TYPE_ENDPOINT, "b", bytes_a, 3},
               {EGRESS_TYPE_ENDPOINT, "a",
                "\x0a\x01"
                "b",
                3},
               {EGRESS_TYPE_ENDPOINT, "a", NULL, 0},
               {"t", "tt", NULL, 0}, /* the border between type and name counts */
               {"tt", "t", NULL, 0}};
  enum { COUNT = sizeof cases / sizeof cases[0] };
  char versions[COUNT][33];
  for (size_t i = 0; i < COUNT; i++) {
    for (int again = 0; again < 2; again++) {
      egress_resource *r;
      cr_assert_eq(egress_resource_new(&r, cases[i].type_url, cases[i].name, cases[i].bytes, cases[i].size, NULL), 0);
      if (again)
        cr_assert_str_eq(versions[i], egress_resource_version(r));
      strcpy(versions[i], egress_resource_version(r));
      egress_resource_unref(r);
    }
    for (size_t j = 0; j < i; j++)
      cr_assert_str_neq(versions[i], versions[j], "%zu and %zu", i, j);
  }
}

Test(resource, hash_is_the_version) {
  egress_resource *r = make("a");
  uint64_t hash[2];
  char text[33];
  egress__resource_hash(r, hash);
  snprintf(text, sizeof text, "%016llx%016llx", (unsigned long long)hash[1], (unsigned long long)hash[0]);
  cr_assert_str_eq(text, egress_resource_version(r));
  egress_resource_unref(r);
}

Test(resource, packs_a_struct_as_the_same_resource) {
  Envoy__Config__Endpoint__V3__ClusterLoadAssignment message =
      ENVOY__CONFIG__ENDPOINT__V3__CLUSTER_LOAD_ASSIGNMENT__INIT;
  message.cluster_name = (char[]){"a"};
  egress_resource *packed, *raw = make("a");
  cr_assert_eq(egress__resource_pack(&packed, EGRESS_TYPE_ENDPOINT, "a", &message.base, NULL), 0);
  cr_assert_str_eq(egress_resource_version(packed), egress_resource_version(raw));
  egress__span entry = form(packed, EGRESS__FORM_DELTA);
  uint8_t copy[1024];
  memcpy(copy, entry.data, entry.size);
  expect_bytes(form(raw, EGRESS__FORM_DELTA), copy, entry.size);
  egress_resource_unref(packed);
  egress_resource_unref(raw);
}

Test(resource, packs_an_empty_struct) {
  Envoy__Config__Endpoint__V3__ClusterLoadAssignment message =
      ENVOY__CONFIG__ENDPOINT__V3__CLUSTER_LOAD_ASSIGNMENT__INIT;
  egress_resource *r;
  cr_assert_eq(egress__resource_pack(&r, EGRESS_TYPE_ENDPOINT, "a", &message.base, NULL), 0);
  cr_assert_eq(egress_resource_size(r), 0);
  egress_resource_unref(r);
}

static int make_with(const char *type_url, const char *name, const void *bytes, size_t size) {
  egress_resource *r = (egress_resource *)&r;
  int rv = egress_resource_new(&r, type_url, name, bytes, size, NULL);
  if (rv == 0)
    egress_resource_unref(r);
  else
    cr_assert_eq((void *)r, (void *)&r, "out was written");
  return rv;
}

Test(resource, refuses_bad_type_urls_and_names) {
  static char longest[4098];
  memset(longest, 'n', 4097);
  cr_assert_eq(make_with(NULL, "n", NULL, 0), EGRESS_EINVAL);
  cr_assert_eq(make_with("t", NULL, NULL, 0), EGRESS_EINVAL);
  cr_assert_eq(make_with("", "n", NULL, 0), EGRESS_EINVAL);
  cr_assert_eq(make_with("t", "", NULL, 0), EGRESS_EINVAL);
  cr_assert_eq(make_with("t\xff", "n", NULL, 0), EGRESS_EINVAL);
  cr_assert_eq(make_with("t", "n\xc3", NULL, 0), EGRESS_EINVAL);
  cr_assert_eq(make_with("t", longest, NULL, 0), EGRESS_EINVAL);
  cr_assert_eq(make_with("t", longest + 1, NULL, 0), 0);
  cr_assert_eq(make_with(longest + 4097 - 256, "n", NULL, 0), EGRESS_EINVAL);
  cr_assert_eq(make_with(longest + 4097 - 255, "n", NULL, 0), 0);
  cr_assert_eq(make_with("t", "n", NULL, 1), EGRESS_EINVAL);
  cr_assert_eq(egress_resource_new(NULL, "t", "n", NULL, 0, NULL), EGRESS_EINVAL);
}

Test(resource, refuses_bytes_that_are_no_protobuf) {
  cr_assert_eq(make_with("t", "n",
                         "\x0a\x02"
                         "a",
                         3),
               EGRESS_EWIRE);
  cr_assert_eq(make_with("t", "n", "\x0b", 1), EGRESS_EWIRE); /* a group */
  cr_assert_eq(make_with("t", "n", "\x08", 1), EGRESS_EWIRE);
  cr_assert_eq(make_with("t", "n", "\x08\x01", 2), 0);
}

/* One field of 64 MiB less its head fits; one byte more does not. */
Test(resource, bounds_the_message) {
  const size_t limit = (size_t)64 << 20, head = 5;
  uint8_t *bytes = calloc(1, limit + 1);
  cr_assert_neq(bytes, NULL);
  egress__put_bytes_head(bytes, 1, limit - head);
  cr_assert_eq(make_with("t", "n", bytes, limit), 0);
  egress__put_bytes_head(bytes, 1, limit + 1 - head);
  cr_assert_eq(make_with("t", "n", bytes, limit + 1), EGRESS_ELIMIT);
  free(bytes);
}

Test(resource, references_and_null) {
  egress_resource *r = make("a");
  cr_assert_eq(egress_resource_ref(r), r);
  egress_resource_unref(r);
  cr_assert_str_eq(egress_resource_name(r), "a");
  egress_resource_unref(r);
  cr_assert_eq(egress_resource_ref(NULL), NULL);
  egress_resource_unref(NULL);
}

Test(resource, c65_an_error_is_name_and_status) {
  egress_resource *e;
  cr_assert_eq(egress_resource_new_error(&e, EGRESS_TYPE_ENDPOINT, "a", 14, "later", NULL), 0);
  cr_assert_eq(egress_resource_error(e), 14);
  cr_assert_str_eq(egress_resource_error_text(e), "later");
  cr_assert_str_eq(egress_resource_type_url(e), EGRESS_TYPE_ENDPOINT);
  cr_assert_str_eq(egress_resource_name(e), "a");
  cr_assert_eq(egress_resource_size(e), 0);
  static const uint8_t error[] = {0x0a, 3, 0x0a, 1,   'a',            /* resource_name 1: name 1 */
                                  0x12, 9, 0x08, 14,                  /* error_detail 2: code 1 */
                                  0x12, 5, 'l',  'a', 't', 'e', 'r'}; /* message 2 */
  for (int i = EGRESS__FORM_SOTW; i <= EGRESS__FORM_DELTA_TTL; i++) {
    egress__span entry = form(e, (egress__form)i);
    expect_bytes(next(&entry, i <= EGRESS__FORM_SOTW_TTL ? 7 : 9).bytes, error, sizeof error);
    cr_assert_eq(entry.size, 0);
  }
  cr_assert_eq(form(e, EGRESS__FORM_HEARTBEAT).size, 0);
  egress_resource_unref(e);
}

Test(resource, c66_not_found_is_a_removed_name_in_delta) {
  egress_resource *e;
  cr_assert_eq(egress_resource_new_error(&e, EGRESS_TYPE_ENDPOINT, "a", 5, "", NULL), 0);
  egress__span delta = form(e, EGRESS__FORM_DELTA), sotw = form(e, EGRESS__FORM_SOTW);
  next(&delta, 9);
  expect_bytes(next(&delta, 6).bytes, "a", 1);
  cr_assert_eq(delta.size, 0);
  next(&sotw, 7);
  cr_assert_eq(sotw.size, 0);
  egress_resource_unref(e);
}

Test(resource, an_errors_version_depends_on_all_of_it) {
  static const struct {
    const char *type_url, *name;
    int32_t code;
    const char *text;
  } cases[] = {{"t", "a", 5, "x"}, {"u", "a", 5, "x"}, {"t", "b", 5, "x"}, {"t", "a", 6, "x"}, {"t", "a", 5, "y"}};
  enum { COUNT = sizeof cases / sizeof cases[0] };
  char versions[COUNT][33];
  for (size_t i = 0; i < COUNT; i++) {
    egress_resource *e;
    for (int again = 0; again < 2; again++) {
      cr_assert_eq(egress_resource_new_error(&e, cases[i].type_url, cases[i].name, cases[i].code, cases[i].text, NULL),
                   0);
      if (again)
        cr_assert_str_eq(versions[i], egress_resource_version(e));
      strcpy(versions[i], egress_resource_version(e));
      egress_resource_unref(e);
    }
    for (size_t j = 0; j < i; j++)
      cr_assert_str_neq(versions[i], versions[j], "%zu and %zu", i, j);
  }
}

Test(resource, c68_errors_that_cannot_be) {
  char longest[4098];
  memset(longest, 'x', sizeof longest);
  longest[4097] = '\0';
  egress_resource *e = NULL, *other = NULL;
  cr_assert_eq(egress_resource_new_error(NULL, "t", "a", 5, "", NULL), EGRESS_EINVAL);
  cr_assert_eq(egress_resource_new_error(&e, NULL, "a", 5, "", NULL), EGRESS_EINVAL);
  cr_assert_eq(egress_resource_new_error(&e, "", "a", 5, "", NULL), EGRESS_EINVAL);
  cr_assert_eq(egress_resource_new_error(&e, "t", NULL, 5, "", NULL), EGRESS_EINVAL);
  cr_assert_eq(egress_resource_new_error(&e, "t", "", 5, "", NULL), EGRESS_EINVAL);
  cr_assert_eq(egress_resource_new_error(&e, "t", "*", 5, "", NULL), EGRESS_EINVAL);
  cr_assert_eq(egress_resource_new_error(&e, "t", "a", 0, "", NULL), EGRESS_EINVAL);
  cr_assert_eq(egress_resource_new_error(&e, "t", "a", 17, "", NULL), EGRESS_EINVAL);
  cr_assert_eq(egress_resource_new_error(&e, "t", "a", 5, NULL, NULL), EGRESS_EINVAL);
  cr_assert_eq(egress_resource_new_error(&e, "t", "a", 5, "\xff", NULL), EGRESS_EINVAL);
  cr_assert_eq(egress_resource_new_error(&e, "t", "a", 5, longest, NULL), EGRESS_EINVAL);
  cr_assert_eq(egress_resource_new_error(&e, "t", longest, 5, "", NULL), EGRESS_EINVAL);
  cr_assert_null(e);
  longest[4096] = '\0';
  cr_assert_eq(egress_resource_new_error(&e, "t", longest, 16, longest, NULL), 0);
  cr_assert_str_eq(egress_resource_error_text(e), longest);
  cr_assert_eq(egress_resource_with_ttl(&other, e, 2000, NULL), EGRESS_EINVAL);
  egress_text *text = NULL;
  cr_assert_eq(egress_resource_json(&text, e), EGRESS_ENOENT);
  cr_assert_eq(egress_resource_error(NULL), 0);
  cr_assert_str_eq(egress_resource_error_text(NULL), "");
  egress_resource_unref(e);
}
