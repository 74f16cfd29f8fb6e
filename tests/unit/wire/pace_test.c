#include "wire/pace.h"

#include <criterion/criterion.h>

enum { NOW = 5000 };

/* Takes places at `now_ms` until the next is later, which is given back; returns how many. */
static int take_all(egress__pace *pace, egress__pace_rate rate, uint64_t now_ms) {
  int count = 0;
  while (egress__pace_take(pace, rate, now_ms) <= now_ms)
    count++;
  egress__pace_give(pace, rate);
  return count;
}

Test(pace, a_burst_passes_and_then_one_at_a_time) {
  egress__pace pace = {0};
  const egress__pace_rate rate = {.per_second = 10, .burst = 4};
  cr_assert_eq(take_all(&pace, rate, NOW), 4);
  cr_assert_eq(take_all(&pace, rate, NOW + 99), 0);
  cr_assert_eq(take_all(&pace, rate, NOW + 100), 1);
  cr_assert_eq(egress__pace_take(&pace, rate, NOW + 100), NOW + 200);
}

Test(pace, whoever_waits_has_a_place_of_its_own) {
  egress__pace pace = {0};
  const egress__pace_rate rate = {.per_second = 10, .burst = 1};
  cr_assert_eq(egress__pace_take(&pace, rate, NOW), NOW);
  for (uint64_t place = 1; place <= 5; place++)
    cr_assert_eq(egress__pace_take(&pace, rate, NOW + 10), NOW + 100 * place);
  egress__pace_give(&pace, rate); /* whichever it was: the row is shorter by one */
  cr_assert_eq(egress__pace_take(&pace, rate, NOW + 20), NOW + 500);
}

Test(pace, the_bucket_fills_again_up_to_the_burst) {
  egress__pace pace = {0};
  const egress__pace_rate rate = {.per_second = 10, .burst = 4};
  take_all(&pace, rate, NOW);
  cr_assert_eq(take_all(&pace, rate, NOW + 250), 2);
  cr_assert_eq(take_all(&pace, rate, NOW + 100000), 4, "no more after a long silence");
}

Test(pace, whoever_keeps_to_the_rate_never_waits) {
  egress__pace pace = {0};
  const egress__pace_rate rate = {.per_second = 100, .burst = 1};
  for (uint64_t now_ms = NOW; now_ms < NOW + 5000; now_ms += 10)
    cr_assert_eq(take_all(&pace, rate, now_ms), 1);
}

Test(pace, a_rate_below_a_millisecond_is_kept_on_average) {
  egress__pace pace = {0};
  const egress__pace_rate rate = {.per_second = 4000, .burst = 8};
  cr_assert_eq(take_all(&pace, rate, NOW), 8);
  int count = 0;
  for (uint64_t now_ms = NOW + 1; now_ms <= NOW + 1000; now_ms++)
    count += take_all(&pace, rate, now_ms);
  cr_assert_eq(count, 4000);
}

Test(pace, the_largest_rates_neither_overflow_nor_stop) {
  egress__pace pace = {0};
  const egress__pace_rate fast = {UINT32_MAX, UINT32_MAX}, slow = {1, UINT32_MAX};
  for (int i = 0; i < 100000; i++)
    cr_assert_eq(egress__pace_take(&pace, fast, NOW), NOW);
  pace = (egress__pace){0};
  for (int i = 0; i < 2; i++)
    cr_assert_eq(egress__pace_take(&pace, slow, NOW), NOW);
}
