/* Faults on purpose: tests/run.sh fails unless each is found by the very checks it relies on, Criterion or not. */
#include <criterion/criterion.h>

#include <stdlib.h>

static void *volatile lost;

Test(planted, leak) {
  lost = malloc(113);
  lost = NULL;
  cr_assert_null(lost);
}

Test(planted, read_past_the_end) {
  volatile size_t size = 113; /* so that no compiler sees it coming */
  volatile char *block = calloc(size, 1);
  cr_assert_not_null((void *)block);
  volatile char read = block[size];
  (void)read;
  free((void *)block);
}
