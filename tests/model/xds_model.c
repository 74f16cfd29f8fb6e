/*
 * Random scripts against a model of what clients must hold. Prints its seed; EGRESS_SEED sets it. EGRESS_LONG=1 plays
 * three million steps. A script that fails is made as short as can be and printed.
 */
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "model/model.h"
#include "model/shrink.h"

#ifdef __SANITIZE_ADDRESS__ /* which makes it ten times as slow */
enum { STEPS = 200 * 1000 };
#else
enum { STEPS = 1000 * 1000 };
#endif
enum { STEPS_LONG = 3000 * 1000, SECONDS_A_SCRIPT = 60 };

/* Where the process that plays is; shared with the one that watches. */
typedef struct progress {
  uint64_t seed; /* of the script being played */
  size_t scripts, steps, responses;
} progress;

/* splitmix64: any seed is as good as any other. */
static uint64_t random_next(uint64_t *state) {
  uint64_t z = (*state += 0x9e3779b97f4a7c15U);
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9U;
  z = (z ^ (z >> 27)) * 0x94d049bb133111ebU;
  return z ^ (z >> 31);
}

static unsigned take_random(void *user, unsigned limit) {
  return (unsigned)((random_next(user) >> 32) % limit);
}

/* Some scripts are about few types or clients, so that more happens to each; in some, most is refused. */
typedef struct focus {
  unsigned first_type, types, first_client, clients, stubborn;
} focus;

static void narrow(step *s, const focus *f) {
  s->type = (uint8_t)((f->first_type + s->type % f->types) % TYPES);
  s->client = (uint8_t)((f->first_client + s->client % f->clients) % CLIENTS);
  for (size_t i = 0; i < s->edit_count; i++)
    s->edits[i].type = (uint8_t)((f->first_type + s->edits[i].type % f->types) % (TYPES - 1));
}

/* The script of a seed; every other is played with the other kind of globs. */
static size_t make_script(step steps[SCRIPT_MAX], uint64_t seed) {
  groups_name(seed & 1);
  choices from = {take_random, &seed};
  size_t count = 20 + take_random(&seed, SCRIPT_MAX - 20);
  focus f = {take_random(&seed, TYPES), 1 + take_random(&seed, TYPES), take_random(&seed, CLIENTS),
             1 + take_random(&seed, CLIENTS), take_random(&seed, 4) == 0};
  for (size_t i = 0; i < count; i++) {
    step_choose(&steps[i], &from);
    narrow(&steps[i], &f);
    if (f.stubborn && steps[i].kind == STEP_ANSWER && take_random(&seed, 4) != 0)
      steps[i].flags |= FLAG_REFUSE;
  }
  return count;
}

static _Noreturn void play(progress *p, uint64_t seed, size_t limit) {
  static step steps[SCRIPT_MAX];
  while (p->steps < limit) {
    p->seed = seed++;
    alarm(SECONDS_A_SCRIPT);
    size_t count = make_script(steps, p->seed);
    p->responses += model_run(steps, count, NULL);
    p->scripts++;
    p->steps += count;
  }
  exit(0);
}

static void report(uint64_t seed) {
  static step steps[SCRIPT_MAX];
  size_t count = make_script(steps, seed);
  fprintf(stderr, "the script of EGRESS_SEED=%llu failed\n", (unsigned long long)seed);
  if (!script_fails(steps, count)) {
    fprintf(stderr, "alone it does not: what fails depends on the scripts before\n");
    return;
  }
  size_t left = shrink(steps, count);
  fprintf(stderr, "%zu of its %zu steps are enough, with all clients connected to g first:\n", left, count);
  model_run(steps, left, stderr); /* ends the process */
}

int main(void) {
  const char *given = getenv("EGRESS_SEED"), *is_long = getenv("EGRESS_LONG");
  uint64_t seed = given != NULL ? strtoull(given, NULL, 10) : (uint64_t)time(NULL) << 20;
  size_t limit = is_long != NULL && strcmp(is_long, "1") == 0 ? STEPS_LONG : STEPS;
  progress *p = mmap(NULL, sizeof *p, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  assert(p != MAP_FAILED);
  printf("EGRESS_SEED=%llu\n", (unsigned long long)seed);
  fflush(stdout);
  pid_t pid = fork();
  assert(pid >= 0);
  if (pid == 0)
    play(p, seed, limit);
  int status;
  assert(waitpid(pid, &status, 0) == pid);
  printf("%zu scripts, %zu steps, %zu responses\n", p->scripts, p->steps, p->responses);
  if (status == 0)
    return 0;
  report(p->seed);
  return 1;
}
