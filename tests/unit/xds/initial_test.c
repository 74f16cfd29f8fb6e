#include <criterion/criterion.h>

#include "support/xds.h"

#include "xds/initial.h"

static egress__budget budget;
static egress__initial *initial;
static int calls; /* of the allocator */

/* Nobody may count on memory that is clean. */
static void *dirty_resize(void *ptr, size_t size, void *user) {
  (void)user;
  calls++;
  return ptr != NULL ? realloc(ptr, size) : memset(malloc(size), 'x', size);
}

static void dirty_release(void *ptr, void *user) {
  (void)user;
  free(ptr);
}

static const egress_alloc dirty = {dirty_resize, dirty_release, NULL};

static void begin(void) {
  calls = 0;
  budget = (egress__budget){.max_bytes = 10000};
  initial = NULL;
}
static void end(void) {
  egress__initial_free(initial);
  cr_assert_eq(budget.bytes, 0);
}
TestSuite(initial, .init = begin, .fini = end);

/* Reads a request of bytes; they need not live any longer. */
static int make_of(const uint8_t *bytes, size_t size) {
  uint8_t *copy = malloc(size);
  memcpy(copy, bytes, size);
  egress__request request;
  egress__stream_fault fault;
  cr_assert_eq(egress__request_read(&request, EGRESS__XDS_DELTA, NULL, copy, size, &fault), 0);
  int rv = egress__initial_new(&initial, &dirty, &budget, &request);
  free(copy);
  return rv;
}

/* "a=1 b=2" */
static int make(const char *words) {
  static uint8_t bytes[XDS_REQUEST];
  return make_of(bytes, xds_encode(bytes, EGRESS__XDS_DELTA, &(xds_request){.type = 'C', .initial = words}));
}

static void forget(const char *name) {
  egress__initial_forget(initial, (egress__span){(const uint8_t *)name, strlen(name)});
}

Test(initial, a_client_that_holds_nothing_has_none) {
  initial = (egress__initial *)&budget;
  cr_assert_eq(make(NULL), 0);
  cr_assert_null(initial);
  cr_assert_eq(egress__initial_has(initial, "a", "1"), 0);
  forget("a");
  egress__initial_forget_all(initial);
}

Test(initial, has_what_the_client_said_and_no_other_version) {
  cr_assert_eq(make("a=1 bb=22 c="), 0);
  cr_assert(egress__initial_has(initial, "a", "1"));
  cr_assert(egress__initial_has(initial, "bb", "22"));
  cr_assert(egress__initial_has(initial, "c", ""));
  cr_assert_not(egress__initial_has(initial, "a", "2"));
  cr_assert_not(egress__initial_has(initial, "a", "11"));
  cr_assert_not(egress__initial_has(initial, "bb", "2"));
  cr_assert_not(egress__initial_has(initial, "b", "22"));
}

Test(initial, said_twice_the_last_counts) { /* as in any map of protobuf */
  cr_assert_eq(make("a=1 b=1 a=2"), 0);
  cr_assert(egress__initial_has(initial, "a", "2"));
  cr_assert_not(egress__initial_has(initial, "a", "1"));
  cr_assert_eq(initial->versions.count, 2);
}

Test(initial, entry_may_be_empty) {
  uint8_t bytes[XDS_TEXT];
  uint8_t *to = egress__put_bytes(xds_put_text(bytes, 2, EGRESS_TYPE_CLUSTER), 5, "", 0);
  cr_assert_eq(make_of(bytes, (size_t)(to - bytes)), 0);
  cr_assert(egress__initial_has(initial, "", ""));
}

Test(initial, what_is_asked_for_again_may_be_forgotten) {
  cr_assert_eq(make("a=1 b=1"), 0);
  forget("a");
  forget("unknown");
  cr_assert_not(egress__initial_has(initial, "a", "1"));
  cr_assert_null(egress__map_get(&initial->versions, "a", 1));
  cr_assert(egress__initial_has(initial, "b", "1"));
}

Test(initial, when_many_are_asked_for_only_names_are_left) {
  cr_assert_eq(make("a=1 b=1"), 0);
  egress__initial_forget_all(initial);
  cr_assert_not(egress__initial_has(initial, "a", "1"));
  cr_assert_not_null(egress__map_get(&initial->versions, "a", 1)); /* to say that it is gone */
  cr_assert_eq(initial->versions.count, 2);
}

Test(initial, counts_what_it_takes) {
  cr_assert_eq(make("a=1 bb=22"), 0);
  size_t two = budget.bytes;
  egress__initial_free(initial);
  cr_assert_eq(budget.bytes, 0);
  cr_assert_eq(make("a=1 bb=22 ccc=333"), 0);
  cr_assert_eq(budget.bytes, two + 8); /* both texts and their ends; the table has room */
}

Test(initial, too_large_is_refused_and_takes_nothing) {
  char words[XDS_TEXT] = "";
  for (int i = 0; i < 100; i++)
    sprintf(words + strlen(words), " name-%d=%d", i, i);
  cr_assert_eq(make(words), 0);
  size_t needed = budget.bytes;
  egress__initial_free(initial);
  for (budget.max_bytes = 0; budget.max_bytes < needed; budget.max_bytes += 16) {
    initial = NULL;
    cr_assert_eq(make(words), EGRESS_ELIMIT);
    cr_assert_eq(budget.refused, EGRESS__BUDGET_BYTES);
    cr_assert_null(initial);
    cr_assert_eq(budget.bytes, 0);
  }
  budget.max_bytes = needed;
  cr_assert_eq(make(words), 0);
}

Test(initial, nothing_is_copied_of_texts_that_are_too_large) {
  budget.max_bytes = 99;
  cr_assert_eq(make("a=1 b=2 c=3 d=4 e=5 f=6 g=7 h=8 i=9"), EGRESS_ELIMIT);
  cr_assert_eq(calls, 0);
}
