#ifndef TESTS_BENCH_LOAD_OPTIONS_H
#define TESTS_BENCH_LOAD_OPTIONS_H

#include <netinet/in.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

enum { ROUNDS_MAX = 100 };

/* What xds_load is told on its command line; its head says what each is. */
typedef struct options {
  struct sockaddr_in address, control;
  pid_t pid;
  unsigned streams, per_connection, clusters, pushes, rounds, stall, settle_ms, timeout_s;
  size_t node_bytes;
  uint32_t window;
  int is_delta, is_nack;
} options;

/** Reads them; exits with a line on standard error when one is bad. */
void options_read(options *o, char **argv);

#endif
