#include "base/buf.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include <egress/error.h>

static void *limited_resize(void *ptr, size_t size, void *user) {
  return size > *(size_t *)user ? NULL : realloc(ptr, size);
}

static void limited_release(void *ptr, void *user) {
  (void)user;
  free(ptr);
}

Test(buf, adds) {
  egress__buf buf;
  egress__buf_init(&buf, egress__alloc_or_default(NULL));
  egress__buf_add(&buf, NULL, 0);
  egress__buf_str(&buf, "");
  cr_assert_eq(buf.size, 0);
  egress__buf_str(&buf, "ab");
  egress__buf_char(&buf, 'c');
  egress__buf_add(&buf, "\0d", 2);
  egress__buf_printf(&buf, "%d%s", 42, "e");
  cr_assert_eq(buf.size, 8);
  cr_assert_eq(memcmp(buf.data, "abc\0d42e", 8), 0);
  egress__buf_dispose(&buf);
  cr_assert_eq(buf.size, 0);
  egress__buf_dispose(&buf);
}

Test(buf, reserve) {
  egress__buf buf;
  egress__buf_init(&buf, egress__alloc_or_default(NULL));
  char *to = egress__buf_reserve(&buf, 1000);
  memset(to, 'x', 1000);
  cr_assert_eq(buf.size, 0);
  buf.size += 1000;
  cr_assert_eq(egress__buf_reserve(&buf, 0), buf.data + 1000);
  egress__buf_dispose(&buf);
}

Test(buf, first_failure_stays) {
  size_t limit = 64;
  const egress_alloc alloc = {limited_resize, limited_release, &limit};
  egress__buf buf;
  egress__buf_init(&buf, &alloc);
  egress__buf_str(&buf, "fits");
  limit = 0;
  for (int i = 0; i < 100; i++)
    egress__buf_char(&buf, 'x');
  cr_assert_eq(buf.rv, EGRESS_ENOMEM);
  size_t size = buf.size;
  limit = 1 << 20;
  egress__buf_str(&buf, "later");
  egress__buf_printf(&buf, "%d", 1);
  cr_assert_null(egress__buf_reserve(&buf, 1));
  cr_assert_eq(buf.size, size, "nothing is written behind a failure");
  egress__buf_dispose(&buf);
  cr_assert_eq(buf.rv, 0);
}

Test(buf, sizes_do_not_overflow) {
  egress__buf buf;
  egress__buf_init(&buf, egress__alloc_or_default(NULL));
  egress__buf_str(&buf, "x");
  cr_assert_null(egress__buf_reserve(&buf, SIZE_MAX));
  cr_assert_eq(buf.rv, EGRESS_ENOMEM);
  egress__buf_dispose(&buf);
}
