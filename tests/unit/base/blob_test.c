#include "base/blob.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

static size_t live;

static void *counting_resize(void *ptr, size_t size, void *user) {
  (void)user;
  live += ptr == NULL;
  return realloc(ptr, size);
}

static void counting_release(void *ptr, void *user) {
  (void)user;
  live--;
  free(ptr);
}

static const egress_alloc counting = {counting_resize, counting_release, NULL};

Test(blob, last_reference_frees) {
  egress__blob *blob = egress__blob_new(&counting, 3);
  cr_assert_eq(blob->size, 3);
  memcpy(blob->bytes, "abc", 3);
  cr_assert_eq(egress__blob_ref(blob), blob);
  egress__blob_unref(blob);
  cr_assert_eq(live, 1);
  egress__blob_unref(blob);
  cr_assert_eq(live, 0);
  egress__blob_unref(NULL);
}

Test(blob, sizes) {
  egress__blob *blob = egress__blob_new(&counting, 0);
  cr_assert_eq(blob->size, 0);
  egress__blob_unref(blob);
  cr_assert_null(egress__blob_new(&counting, SIZE_MAX));
  cr_assert_eq(live, 0);
}
