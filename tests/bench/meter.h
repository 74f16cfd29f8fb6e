#ifndef TESTS_BENCH_METER_H
#define TESTS_BENCH_METER_H

#include <malloc.h>
#include <stdlib.h>
#include <time.h>

#include <egress/alloc.h>

/* A running sum of what the library holds. */
typedef struct meter {
  size_t now, peak;
} meter;

static inline void meter_count(meter *m, size_t more, size_t less) {
  m->now += more;
  m->now -= less;
  if (m->now > m->peak)
    m->peak = m->now;
}

static inline void *meter_resize(void *ptr, size_t size, void *user) {
  size_t before = ptr == NULL ? 0 : malloc_usable_size(ptr);
  void *moved = realloc(ptr, size);
  if (moved != NULL)
    meter_count(user, malloc_usable_size(moved), before);
  return moved;
}

static inline void meter_release(void *ptr, void *user) {
  meter_count(user, 0, malloc_usable_size(ptr));
  free(ptr);
}

static inline egress_alloc meter_alloc(meter *m) {
  return (egress_alloc){meter_resize, meter_release, m};
}

/* Time on a processor: a busy machine does not change it much. */
static inline double now_ms(void) {
  struct timespec time;
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time);
  return (double)time.tv_sec * 1e3 + (double)time.tv_nsec / 1e6;
}

#endif
