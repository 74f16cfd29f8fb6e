#include "wire/pace.h"

enum { US_PER_MS = 1000, US_PER_SECOND = 1000 * 1000 };

/* What one request takes of the bucket. */
static uint64_t cost_us(egress__pace_rate rate) {
  return rate.per_second < US_PER_SECOND ? US_PER_SECOND / rate.per_second : 1;
}

/* When the next place is. */
static uint64_t next_ms(const egress__pace *pace, egress__pace_rate rate, uint64_t now_ms) {
  uint64_t spare_us = (rate.burst - 1) * cost_us(rate); /* below 2^32 seconds */
  if (pace->full_us <= now_ms * US_PER_MS + spare_us)
    return now_ms;
  return (pace->full_us - spare_us + US_PER_MS - 1) / US_PER_MS;
}

uint64_t egress__pace_take(egress__pace *pace, egress__pace_rate rate, uint64_t now_ms) {
  uint64_t now_us = now_ms * US_PER_MS, place_ms = next_ms(pace, rate, now_ms);
  pace->full_us = (pace->full_us > now_us ? pace->full_us : now_us) + cost_us(rate);
  return place_ms;
}

void egress__pace_give(egress__pace *pace, egress__pace_rate rate) {
  pace->full_us -= cost_us(rate);
}
