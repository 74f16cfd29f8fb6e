#include "base/text.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include <egress/error.h>

Test(text, takes_what_a_buffer_holds) {
  egress__buf buf;
  egress_text *text = NULL;
  egress__buf_init(&buf, egress__alloc_or_default(NULL));
  egress__buf_add(&buf, "a\0b", 3);
  cr_assert_eq(egress__text_take(&text, &buf), 0);
  cr_assert_eq(buf.size, 0);
  cr_assert_null(buf.data);
  cr_assert_eq(egress_text_size(text), 3);
  cr_assert_eq(memcmp(egress_text_data(text), "a\0b", 4), 0);
  egress_text_free(text);
}

Test(text, empty) {
  egress__buf buf;
  egress_text *text = NULL;
  egress__buf_init(&buf, egress__alloc_or_default(NULL));
  cr_assert_eq(egress__text_take(&text, &buf), 0);
  cr_assert_eq(egress_text_size(text), 0);
  cr_assert_str_eq(egress_text_data(text), "");
  egress_text_free(text);
  egress_text_free(NULL);
  cr_assert_str_eq(egress_text_data(NULL), "");
  cr_assert_eq(egress_text_size(NULL), 0);
}

Test(text, failure_of_the_buffer) {
  egress__buf buf;
  egress_text *text = NULL;
  egress__buf_init(&buf, egress__alloc_or_default(NULL));
  buf.rv = EGRESS_ENOMEM;
  cr_assert_eq(egress__text_take(&text, &buf), EGRESS_ENOMEM);
  cr_assert_null(text);
  egress__buf_dispose(&buf);
}
