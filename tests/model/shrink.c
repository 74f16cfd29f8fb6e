#include "model/shrink.h"

#include <fcntl.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "model/model.h"

enum { SECONDS_MAX = 3 }; /* a script takes milliseconds; what takes longer hangs, which is a failure, too */

static _Noreturn void play_silently(const step *steps, size_t count) {
  int null = open("/dev/null", O_WRONLY);
  assert(null >= 0 && dup2(null, STDERR_FILENO) >= 0);
  alarm(SECONDS_MAX);
  model_run(steps, count, NULL);
  _exit(0);
}

int script_fails(const step *steps, size_t count) {
  pid_t pid = fork();
  assert(pid >= 0);
  if (pid == 0)
    play_silently(steps, count);
  int status;
  assert(waitpid(pid, &status, 0) == pid);
  return status != 0;
}

/* Leaves out each run of `size` steps that is not needed; returns how many are left. */
static size_t leave_out(step *steps, size_t count, size_t size) {
  step shorter[SCRIPT_MAX];
  for (size_t at = 0; at < count;) {
    size_t cut = size < count - at ? size : count - at;
    memcpy(shorter, steps, at * sizeof *steps);
    memcpy(shorter + at, steps + at + cut, (count - at - cut) * sizeof *steps);
    if (script_fails(shorter, count - cut)) {
      count -= cut;
      memcpy(steps, shorter, count * sizeof *steps);
    } else {
      at += cut;
    }
  }
  return count;
}

/* Returns how many steps became simpler. */
static size_t simplify(step *steps, size_t count) {
  size_t found = 0;
  for (size_t i = 0; i < count; i++) {
    step original = steps[i], simpler;
    for (size_t index = 0; step_simplify(&simpler, &original, index);) {
      steps[i] = simpler;
      if (script_fails(steps, count)) {
        original = simpler;
        found++;
      } else {
        index++;
      }
    }
    steps[i] = original;
  }
  return found;
}

size_t shrink(step *steps, size_t count) {
  for (;;) {
    size_t before = count;
    for (size_t size = count / 2; size >= 1; size /= 2)
      count = leave_out(steps, count, size);
    if (simplify(steps, count) == 0 && count == before)
      return count;
  }
}
