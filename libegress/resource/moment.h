#ifndef EGRESS_RESOURCE_MOMENT_H
#define EGRESS_RESOURCE_MOMENT_H

#include <stdint.h>

enum { EGRESS__NANOS = 1000000000 };

/** What Duration and Timestamp say: seconds (field 1) and nanoseconds (field 2). */
typedef struct egress__moment {
  int64_t seconds;
  int32_t nanos;
} egress__moment;

/** 1 within ten thousand years, with both parts of one sign. */
int egress__moment_is_duration(egress__moment m);

/** 1 within the years 1 to 9999, with nanoseconds that are not negative. */
int egress__moment_is_timestamp(egress__moment m);

/** A day of the Gregorian calendar. */
typedef struct egress__date {
  int64_t year;
  unsigned month, day; /* from 1 */
} egress__date;

/* Days count from 1970-01-01. */
egress__date egress__date_of(int64_t day);
int64_t egress__day_of(egress__date date);

#endif
