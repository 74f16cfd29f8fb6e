#ifndef TESTS_BENCH_LOAD_PROCESS_H
#define TESTS_BENCH_LOAD_PROCESS_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* What another process of the same user has taken. */

/** Time on processors of all its threads, also of those that have ended. */
uint64_t process_cpu_ns(pid_t pid);

/** A line of /proc/PID/status in KB: "VmRSS", resident now; "VmHWM", at most so far. */
size_t process_memory_kb(pid_t pid, const char *line);

/** As many open files as may be. */
void process_allow_many_files(void);

#endif
