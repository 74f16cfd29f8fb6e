/*
 * That a script which fails is made short. In the place of the model stands one that fails for a simple reason: a
 * resource of "h" gets the value 7, and some time after that client 1 refuses.
 */
#include <stdio.h>
#include <stdlib.h>

#include "model/model.h"
#include "model/shrink.h"

enum { STEPS = 300, SCRIPTS = 8, FATAL = 7 };

static int is_fatal_set(const step *s) {
  for (size_t i = 0; s->kind == STEP_SET && s->group == 1 && i < s->edit_count; i++)
    if (s->edits[i].value == FATAL)
      return 1;
  return 0;
}

static int is_refusal(const step *s) {
  return s->kind == STEP_ANSWER && s->client == 1 && s->flags & FLAG_REFUSE;
}

size_t model_run(const step *steps, size_t count, FILE *trace) {
  (void)trace;
  int is_set = 0;
  for (size_t i = 0; i < count; i++) {
    if (is_set && is_refusal(&steps[i]))
      abort();
    is_set |= is_fatal_set(&steps[i]);
  }
  return 0;
}

static void must(int ok, const char *what) {
  if (ok)
    return;
  fprintf(stderr, "shrink: %s\n", what);
  exit(1);
}

static unsigned take_random(void *user, unsigned limit) {
  (void)user;
  return (unsigned)rand() % limit;
}

/* Random steps, with the two that matter far apart. */
static void make_script(step steps[STEPS]) {
  choices from = {take_random, NULL};
  for (size_t i = 0; i < STEPS; i++)
    step_choose(&steps[i], &from);
  steps[20] = (step){.kind = STEP_SET,
                     .group = 1,
                     .flags = FLAG_FRESH,
                     .edit_count = 3,
                     .edits = {{0, 1, 2}, {1, 1, FATAL}, {2, 0, 3}}};
  steps[270] = (step){.kind = STEP_ANSWER, .client = 1, .names = 0x15, .part = 3, .flags = FLAG_REFUSE | FLAG_CHANGE};
}

int main(void) {
  static step steps[STEPS];
  for (unsigned seed = 1; seed <= SCRIPTS; seed++) {
    srand(seed);
    make_script(steps);
    must(script_fails(steps, STEPS), "the script does not fail");
    size_t left = shrink(steps, STEPS);
    must(script_fails(steps, left), "what is left does not fail");
    must(left == 2, "more than two steps are left");
    must(is_fatal_set(&steps[0]) && steps[0].edit_count == 1, "more than one edit is left");
    must(steps[0].flags == 0 && steps[1].flags == FLAG_REFUSE, "flags are left that do not matter");
    must(steps[1].names == 0 && steps[1].part == 0, "names are left that do not matter");
  }
  return 0;
}
