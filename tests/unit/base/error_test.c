#include <criterion/criterion.h>
#include <egress/error.h>
#include <egress/version.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

/* Numbers are a promise: they are written out here a second time. */
Test(error, codes) {
  static const struct {
    int code, number;
    const char *name;
  } codes[] = {
#define CODE(name, number) {name, number, #name}
      CODE(EGRESS_OK, 0),       CODE(EGRESS_ENOMEM, -1),        CODE(EGRESS_EINVAL, -2),
      CODE(EGRESS_EABI, -3),    CODE(EGRESS_ESYNTAX, -4),       CODE(EGRESS_EPOLICY, -5),
      CODE(EGRESS_EIO, -6),     CODE(EGRESS_ELIMIT, -7),        CODE(EGRESS_EWIRE, -8),
      CODE(EGRESS_EPROTO, -9),  CODE(EGRESS_EADDR, -10),        CODE(EGRESS_EADDRINUSE, -11),
      CODE(EGRESS_ETLS, -12),   CODE(EGRESS_EUNSUPPORTED, -13), CODE(EGRESS_ENOENT, -14),
      CODE(EGRESS_ESTATE, -15), CODE(EGRESS_ERESOURCE, -16),    CODE(EGRESS_EDENIED, -17),
      CODE(EGRESS_ECLASH, -18),
  };
  const size_t count = sizeof codes / sizeof codes[0];
  for (size_t i = 0; i < count; i++) {
    cr_assert_eq(codes[i].code, codes[i].number);
    cr_assert_str_eq(egress_code_name(codes[i].code), codes[i].name);
    cr_assert_gt(strlen(egress_strerror(codes[i].code)), 0);
    for (size_t j = 0; j < i; j++)
      cr_assert_str_neq(egress_strerror(codes[i].code), egress_strerror(codes[j].code));
  }
  static const int unknown[] = {1, -19, INT_MAX, INT_MIN};
  for (size_t i = 0; i < 4; i++) {
    cr_assert_str_eq(egress_code_name(unknown[i]), "EGRESS_EUNKNOWN");
    cr_assert_not_null(egress_strerror(unknown[i]));
  }
}

Test(error, version) {
  cr_assert_str_eq(egress_version(), EGRESS_VERSION);
}
