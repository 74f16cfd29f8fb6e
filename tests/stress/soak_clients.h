#ifndef TESTS_STRESS_SOAK_CLIENTS_H
#define TESTS_STRESS_SOAK_CLIENTS_H

#include <stdint.h>

/* The clients of soak_stress, a process of its own, and what it and the server tell each other through two pipes. */

enum { SOAK_CLUSTERS = 60, SOAK_DEADLINE_S = 120 };

/** From the server: nothing changes until you answer; what there is now. */
typedef struct soak_state {
  uint64_t hashes[SOAK_CLUSTERS]; /* XXH64 of each cluster */
  int is_last;
} soak_state;

/** From the clients: every stream was told exactly that. What they did until now: */
typedef struct soak_answer {
  unsigned long lives, cut, finished, moved, stalled, responses, refused;
} soak_answer;

/** Lives so many lives at a time on the server at `port`, until it is told the last state. Returns the exit status. */
int soak_clients_run(unsigned port, unsigned streams, unsigned seed, int states, int answers);

#endif
