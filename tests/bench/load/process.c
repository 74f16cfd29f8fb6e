#include "load/process.h"

#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

uint64_t process_cpu_ns(pid_t pid) {
  clockid_t clock;
  struct timespec time = {0, 0};
  if (clock_getcpuclockid(pid, &clock) == 0)
    clock_gettime(clock, &time);
  return (uint64_t)time.tv_sec * 1000000000U + (uint64_t)time.tv_nsec;
}

size_t process_memory_kb(pid_t pid, const char *line) {
  char path[64], text[256];
  size_t kb = 0, size = strlen(line);
  snprintf(path, sizeof path, "/proc/%d/status", (int)pid);
  FILE *file = fopen(path, "re");
  while (file != NULL && fgets(text, sizeof text, file) != NULL)
    if (strncmp(text, line, size) == 0 && text[size] == ':')
      sscanf(text + size + 1, "%zu", &kb);
  if (file != NULL)
    fclose(file);
  return kb;
}

void process_allow_many_files(void) {
  struct rlimit limit;
  getrlimit(RLIMIT_NOFILE, &limit);
  limit.rlim_cur = limit.rlim_max;
  setrlimit(RLIMIT_NOFILE, &limit);
}
