#include "base/blob.h"

#include <criterion/criterion.h>
#include <string.h>

#include "support/counted.h"

Test(blob, last_reference_frees) {
  egress__blob *blob = egress__blob_new(&counted, 3);
  cr_assert_eq(blob->size, 3);
  memcpy(blob->bytes, "abc", 3);
  cr_assert_eq(egress__blob_ref(blob), blob);
  egress__blob_unref(blob);
  cr_assert_eq(counted_live, 1);
  egress__blob_unref(blob);
  cr_assert_eq(counted_live, 0);
  egress__blob_unref(NULL);
}

Test(blob, sizes) {
  egress__blob *blob = egress__blob_new(&counted, 0);
  cr_assert_eq(blob->size, 0);
  egress__blob_unref(blob);
  cr_assert_null(egress__blob_new(&counted, SIZE_MAX));
  cr_assert_eq(counted_live, 0);
}
