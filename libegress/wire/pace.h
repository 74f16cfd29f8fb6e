#ifndef EGRESS_WIRE_PACE_H
#define EGRESS_WIRE_PACE_H

#include <stdint.h>

/**
 * How fast a client's requests are taken: a bucket of `burst` of them, filled again with `per_second`. Both are 1 or
 * more. Whoever takes more is asked for the next later, and so held back by HTTP/2's flow control; nobody is ended for
 * it. `{0}` is a full bucket. Times are the loop's.
 */
typedef struct egress__pace {
  uint64_t full_us; /* when the bucket is full again */
} egress__pace;

typedef struct egress__pace_rate {
  uint32_t per_second, burst;
} egress__pace_rate;

/** A request has come. */
void egress__pace_take(egress__pace *pace, egress__pace_rate rate, uint64_t now_ms);

/** When the next may be asked for; not later than `now_ms`: at once. */
uint64_t egress__pace_next_ms(const egress__pace *pace, egress__pace_rate rate, uint64_t now_ms);

#endif
