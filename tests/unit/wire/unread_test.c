#include "wire/unread.h"

#include <criterion/criterion.h>

#include <egress/error.h>

#include "support/counted.h"

static egress__unread unread;

static void init(void) {
  egress__unread_init(&unread, &counted);
}

static void dispose(void) {
  egress__unread_dispose(&unread);
  cr_assert_eq(counted_live, 0);
}

TestSuite(unread, .init = init, .fini = dispose);

static egress__unread_body *add(egress__blob *blob) {
  egress__unread_body *body;
  cr_assert_eq(egress__unread_add(&body, &unread, blob), 0);
  return body;
}

Test(unread, what_many_are_sent_counts_once) {
  egress__blob *one = egress__blob_new(&counted, 100), *other = egress__blob_new(&counted, 7);
  egress__unread_body *a = add(one), *b = add(one), *c = add(other);
  cr_assert_eq(unread.bytes, 107);
  egress__unread_remove(&unread, a);
  cr_assert_eq(unread.bytes, 107, "another has not read it");
  egress__unread_remove(&unread, b);
  cr_assert_eq(unread.bytes, 7);
  egress__unread_remove(&unread, NULL);
  egress__unread_remove(&unread, c);
  cr_assert_eq(unread.bytes, 0);
  egress__blob_unref(one);
  egress__blob_unref(other);
}

Test(unread, a_body_lives_as_long_as_it_counts) {
  egress__blob *blob = egress__blob_new(&counted, 50);
  egress__unread_body *body = add(blob);
  egress__blob_unref(blob); /* gRPC's, too: it may be quicker than we are told */
  egress__blob *next = egress__blob_new(&counted, 50);
  cr_assert_neq(next, blob);
  egress__unread_body *other = add(next);
  cr_assert_neq(other, body);
  cr_assert_eq(unread.bytes, 100);
  egress__unread_remove(&unread, other);
  egress__unread_remove(&unread, body);
  egress__blob_unref(next);
}

Test(unread, without_memory_nothing_is_counted) {
  egress__blob *blob = egress__blob_new(&counted, 50);
  egress__unread_body *body = NULL;
  for (size_t need = 0; body == NULL; need++) {
    counted_left = need;
    int rv = egress__unread_add(&body, &unread, blob);
    cr_assert_eq(rv, body != NULL ? 0 : EGRESS_ENOMEM);
    cr_assert_eq(unread.bytes, body != NULL ? 50 : 0);
    cr_assert(need > 0 || body == NULL, "it needs memory");
  }
  counted_left = SIZE_MAX;
  egress__unread_remove(&unread, body);
  egress__blob_unref(blob);
}
