#ifndef TESTS_UNIT_RESOURCE_PRINT_H
#define TESTS_UNIT_RESOURCE_PRINT_H

#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#include <egress/error.h>
#include <egress/resource.h>

/* The code of printing a message; what it printed, if anything, must be `json` behind its `@type`. */
static int print(const char *type, const void *bytes, size_t size, const char *json) {
  char url[256];
  snprintf(url, sizeof url, "type.googleapis.com/%s", type);
  egress_resource *r;
  egress_text *text = NULL;
  cr_assert_eq(egress_resource_new(&r, url, "name", bytes, size, NULL), 0);
  int rv = egress_resource_json(&text, r);
  cr_assert_eq(text != NULL, rv == 0);
  if (rv == 0) {
    char head[300];
    size_t head_size = (size_t)snprintf(head, sizeof head, "{\n  \"@type\": \"%s\"", url);
    const char *data = egress_text_data(text);
    cr_assert_eq(strlen(data), egress_text_size(text));
    cr_assert_eq(strncmp(data, head, head_size), 0, "%s", data);
    cr_assert_str_eq(data + head_size, json);
  }
  egress_text_free(text);
  egress_resource_unref(r);
  return rv;
}

/* `bytes` is a literal, which may hold NULs. `members` is what stands in the object behind `@type`. */
#define EXPECT_JSON(type, bytes, members) cr_assert_eq(print((type), "" bytes, sizeof(bytes) - 1, members "\n}"), 0)
#define EXPECT_CODE(type, bytes, code) cr_assert_eq(print((type), "" bytes, sizeof(bytes) - 1, ""), (code))

/* What stands under "value": the form of a well-known type. */
#define EXPECT_VALUE(type, bytes, value) EXPECT_JSON(type, bytes, ",\n  \"value\": " value)

#endif
