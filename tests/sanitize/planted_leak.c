/* Leaks on purpose: tests/run.sh fails unless the check of the sanitizer runs finds this, Criterion or not. */
#include <criterion/criterion.h>

#include <stdlib.h>

static void *volatile lost;

Test(planted, leak) {
  lost = malloc(113);
  lost = NULL;
  cr_assert_null(lost);
}
