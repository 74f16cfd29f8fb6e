#include "base/alloc.h"

#include <criterion/criterion.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

static size_t last_size;

static void *noting_resize(void *ptr, size_t size, void *user) {
  (void)user;
  last_size = size;
  return realloc(ptr, size);
}

static void noting_release(void *ptr, void *user) {
  cr_assert_not_null(ptr);
  (void)user;
  free(ptr);
}

static const egress_alloc noting = {noting_resize, noting_release, NULL};

Test(alloc, default_is_malloc) {
  cr_assert_eq(egress__alloc_or_default(&noting), &noting);
  const egress_alloc *alloc = egress__alloc_or_default(NULL);
  char *text = egress__strdup(alloc, "text");
  cr_assert_str_eq(text, "text");
  egress__free(alloc, text);
}

Test(alloc, size_is_never_0) {
  egress__free(&noting, egress__malloc(&noting, 0));
  cr_assert_eq(last_size, 1);
  egress__free(&noting, egress__resize(&noting, NULL, 0, 8));
  cr_assert_eq(last_size, 1);
}

Test(alloc, products_do_not_overflow) {
  last_size = 0;
  cr_assert_null(egress__calloc(&noting, SIZE_MAX / 2, 3));
  cr_assert_null(egress__resize(&noting, NULL, SIZE_MAX, 2));
  cr_assert_null(egress__strndup(&noting, "", SIZE_MAX));
  cr_assert_eq(last_size, 0, "the allocator is not asked");
}

Test(alloc, calloc_zeroes) {
  unsigned char *bytes = egress__calloc(&noting, 5, 3), zeroes[15] = {0};
  cr_assert_eq(memcmp(bytes, zeroes, 15), 0);
  egress__free(&noting, bytes);
  egress__free(&noting, NULL);
}

Test(alloc, strndup_ends_with_nul) {
  char *text = egress__strndup(&noting, "abcdef", 3);
  cr_assert_str_eq(text, "abc");
  egress__free(&noting, text);
}
