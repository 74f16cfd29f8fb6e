#include "resource/moment.h"

/* The bounds that the API itself gives. */
static const int64_t max_duration = 315576000000;
static const int64_t min_timestamp = -62135596800, max_timestamp = 253402300799;

int egress__moment_is_duration(egress__moment m) {
  return m.seconds >= -max_duration && m.seconds <= max_duration && m.nanos > -EGRESS__NANOS &&
         m.nanos < EGRESS__NANOS && !(m.seconds < 0 && m.nanos > 0) && !(m.seconds > 0 && m.nanos < 0);
}

int egress__moment_is_timestamp(egress__moment m) {
  return m.seconds >= min_timestamp && m.seconds <= max_timestamp && m.nanos >= 0 && m.nanos < EGRESS__NANOS;
}

/* Years are counted from March, so that the leap day is the last of a year, in eras of 400 years. */
enum { ERA_DAYS = 146097, DAYS_TO_1970 = 719468 /* from 0000-03-01 */ };

egress__date egress__date_of(int64_t day) {
  day += DAYS_TO_1970;
  int64_t era = (day >= 0 ? day : day - (ERA_DAYS - 1)) / ERA_DAYS;
  unsigned in_era = (unsigned)(day - era * ERA_DAYS);
  unsigned year = (in_era - in_era / 1460 + in_era / 36524 - in_era / 146096) / 365;
  unsigned in_year = in_era - (365 * year + year / 4 - year / 100);
  unsigned month = (5 * in_year + 2) / 153; /* from March */
  egress__date d = {.year = era * 400 + year, .month = month < 10 ? month + 3 : month - 9};
  d.day = in_year - (153 * month + 2) / 5 + 1;
  d.year += d.month <= 2;
  return d;
}

int64_t egress__day_of(egress__date date) {
  int64_t from_march = date.year - (date.month <= 2);
  int64_t era = (from_march >= 0 ? from_march : from_march - 399) / 400;
  unsigned year = (unsigned)(from_march - era * 400);
  unsigned month = date.month > 2 ? date.month - 3 : date.month + 9;
  unsigned in_year = (153 * month + 2) / 5 + date.day - 1;
  unsigned in_era = year * 365 + year / 4 - year / 100 + in_year;
  return era * ERA_DAYS + in_era - DAYS_TO_1970;
}
