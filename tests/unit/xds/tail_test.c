#include <criterion/criterion.h>

#include "xds/tail.h"

static void check(egress__xds_variant variant, const char *identifier, const char *expected, size_t size) {
  egress__response response;
  egress__tail_write(
      &response,
      &(egress__tail){.variant = variant, .version = "v", .type_url = "t/T", .identifier = identifier, .nonce = 10});
  cr_assert_eq(response.tail_size, size);
  cr_assert_arr_eq(response.tail, expected, size);
}

/* Fields version_info or system_version_info 1, type_url 4, nonce 5; control_plane 6, of delta 7, with identifier 1. */
Test(tail, is_the_end_of_a_response) {
  check(EGRESS__XDS_SOTW, "me",
        "\x0a\1v\x22\3t/T\x2a\2"
        "10\x32\4\x0a\2me",
        18);
  check(EGRESS__XDS_DELTA, "me",
        "\x0a\1v\x22\3t/T\x2a\2"
        "10\x3a\4\x0a\2me",
        18);
  check(EGRESS__XDS_SOTW, NULL,
        "\x0a\1v\x22\3t/T\x2a\2"
        "10",
        12);
}

static int is_nonce(uint64_t nonce, const char *text) {
  return egress__nonce_is(nonce, (egress__span){(const uint8_t *)text, strlen(text)});
}

Test(tail, c10_nonce_is_its_own_text_only) {
  cr_assert(is_nonce(10, "10"));
  cr_assert(is_nonce(UINT64_MAX, "18446744073709551615"));
  const char *others[] = {"", "1", "100", "010", " 10", "11", "ten"};
  for (size_t i = 0; i < sizeof others / sizeof others[0]; i++)
    cr_assert(!is_nonce(10, others[i]), "%s", others[i]);
}
