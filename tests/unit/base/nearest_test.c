#include "base/nearest.h"

#include <criterion/criterion.h>
#include <string.h>

static const char *const keys[] = {"name", "from", "to", "ports", "protocol", "reason", "owner"};

static const char *near(const char *word) {
  return egress__nearest(word, keys, sizeof keys / sizeof keys[0]);
}

Test(nearest, slips) {
  cr_assert_str_eq(near("nam"), "name");
  cr_assert_str_eq(near("naem"), "name");
  cr_assert_str_eq(near("port"), "ports");
  cr_assert_str_eq(near("portocol"), "protocol");
  cr_assert_str_eq(near("Owner"), "owner");
}

Test(nearest, other_words) {
  cr_assert_null(near("destination"));
  cr_assert_null(near("xyz"));
  cr_assert_null(near(""));
}

Test(nearest, any_length) {
  char word[5000];
  memset(word, 'n', sizeof word - 1);
  word[sizeof word - 1] = '\0';
  cr_assert_null(near(word));
}
