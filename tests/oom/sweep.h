#ifndef TESTS_OOM_SWEEP_H
#define TESTS_OOM_SWEEP_H

#undef NDEBUG /* here an assertion is the test */
#include <assert.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

#include <egress/alloc.h>
#include <egress/error.h>

/*
 * Runs a scenario once to count its allocations, then again with each of them failing: once only, and from there on.
 * The scenario must answer EGRESS_ENOMEM, unless it could do without, and leave no block behind.
 */

typedef struct sweep {
  egress_alloc alloc; /* for the scenario */
  atomic_size_t calls, live;
  size_t fail_at; /* number of the call that fails, from 1; 0: none */
  int keep_failing;
} sweep;

/** Returns 0 or a code; `user` is what `sweep_run` was given. */
typedef int (*sweep_scenario)(const egress_alloc *alloc, void *user);

static inline void *sweep_resize(void *ptr, size_t size, void *user) {
  sweep *s = user;
  size_t call = atomic_fetch_add(&s->calls, 1) + 1;
  if (s->fail_at != 0 && (call == s->fail_at || (s->keep_failing && call > s->fail_at)))
    return NULL;
  void *moved = realloc(ptr, size);
  if (moved == NULL)
    abort();
  if (ptr == NULL)
    atomic_fetch_add(&s->live, 1);
  return moved;
}

static inline void sweep_release(void *ptr, void *user) {
  sweep *s = user;
  atomic_fetch_sub(&s->live, 1);
  free(ptr);
}

/* One run; aborts with a line that says which when it breaks the contract. */
static inline int sweep_once(const char *name, sweep_scenario scenario, void *user, size_t fail_at, int keep_failing,
                             size_t *calls) {
  sweep s = {.fail_at = fail_at, .keep_failing = keep_failing};
  s.alloc = (egress_alloc){sweep_resize, sweep_release, &s};
  int rv = scenario(&s.alloc, user);
  *calls = atomic_load(&s.calls);
  size_t live = atomic_load(&s.live);
  int expected = rv == 0 || (fail_at != 0 && rv == EGRESS_ENOMEM);
  if (live == 0 && expected)
    return rv;
  fprintf(stderr, "%s: allocation %zu failing%s: returned %s, %zu blocks left\n", name, fail_at,
          keep_failing ? " and all behind it" : "", egress_code_name(rv), live);
  abort();
}

/** Sweeps and prints one line. */
static inline void sweep_run(const char *name, sweep_scenario scenario, void *user) {
  size_t calls, failed = 0, ignored;
  if (sweep_once(name, scenario, user, 0, 0, &calls) != 0)
    abort();
  for (size_t n = 1; n <= calls; n++) {
    failed += sweep_once(name, scenario, user, n, 0, &ignored) != 0;
    if (sweep_once(name, scenario, user, n, 1, &ignored) == 0 && n == 1) {
      fprintf(stderr, "%s: succeeds without memory\n", name);
      abort();
    }
  }
  printf("%s: %zu allocations, %zu of them fatal\n", name, calls, failed);
}

#endif
