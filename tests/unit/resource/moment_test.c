#include "resource/moment.h"

#include <criterion/criterion.h>

static void is_day(int64_t day, int64_t year, unsigned month, unsigned day_of_month) {
  egress__date date = egress__date_of(day);
  cr_expect_eq(date.year, year);
  cr_expect_eq(date.month, month);
  cr_expect_eq(date.day, day_of_month);
  cr_expect_eq(egress__day_of((egress__date){year, month, day_of_month}), day);
}

Test(moment, days) {
  is_day(0, 1970, 1, 1);
  is_day(-1, 1969, 12, 31);
  is_day(59, 1970, 3, 1);
  is_day(11016, 2000, 2, 29); /* 30 years with 7 leap days, and 59 days */
  is_day(11017, 2000, 3, 1);
  is_day(-719162, 1, 1, 1);
  is_day(2932896, 9999, 12, 31);
}

Test(moment, every_day_of_two_eras) {
  for (int64_t day = -719162; day < -719162 + 2 * 146097; day++)
    cr_assert_eq(egress__day_of(egress__date_of(day)), day);
}

Test(moment, bounds) {
  cr_expect(egress__moment_is_duration((egress__moment){315576000000, 999999999}));
  cr_expect_not(egress__moment_is_duration((egress__moment){315576000001, 0}));
  cr_expect(egress__moment_is_duration((egress__moment){-315576000000, -999999999}));
  cr_expect_not(egress__moment_is_duration((egress__moment){-315576000001, 0}));
  cr_expect_not(egress__moment_is_duration((egress__moment){1, -1}));
  cr_expect_not(egress__moment_is_duration((egress__moment){-1, 1}));
  cr_expect(egress__moment_is_duration((egress__moment){0, -1}));
  cr_expect_not(egress__moment_is_duration((egress__moment){0, 1000000000}));
  cr_expect(egress__moment_is_timestamp((egress__moment){-62135596800, 0}));
  cr_expect_not(egress__moment_is_timestamp((egress__moment){-62135596801, 0}));
  cr_expect(egress__moment_is_timestamp((egress__moment){253402300799, 999999999}));
  cr_expect_not(egress__moment_is_timestamp((egress__moment){253402300800, 0}));
  cr_expect_not(egress__moment_is_timestamp((egress__moment){0, -1}));
}
