#ifndef EGRESS_WIRE_PACE_H
#define EGRESS_WIRE_PACE_H

#include <stdint.h>

/**
 * How fast the requests of a connection are taken, whichever of its streams they come on: a bucket of `burst` of them,
 * filled again with `per_second`. Both are 1 or more. Whoever takes more has to wait for a later place, and is so held
 * back by HTTP/2's flow control; nobody is ended for it. `{0}` is a full bucket. Times are the loop's.
 */
typedef struct egress__pace {
  uint64_t full_us; /* when the bucket is full again */
} egress__pace;

typedef struct egress__pace_rate {
  uint32_t per_second, burst;
} egress__pace_rate;

/** Takes the next place: a request may be dealt with when it is that late. `now_ms`: at once. */
uint64_t egress__pace_take(egress__pace *pace, egress__pace_rate rate, uint64_t now_ms);

/** A place that was taken is not needed. */
void egress__pace_give(egress__pace *pace, egress__pace_rate rate);

#endif
