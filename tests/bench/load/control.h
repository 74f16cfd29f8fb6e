#ifndef TESTS_BENCH_LOAD_CONTROL_H
#define TESTS_BENCH_LOAD_CONTROL_H

#include <stddef.h>

#include "load/poll.h"

/* One GET of a server's control port. */
typedef struct control {
  source source;
  int epoll;
  char out[64];
  char in[1024];
  size_t size;
  int is_sent;
} control;

/** Begins one; the struct may have been used before. */
void control_get(control *c, int epoll, const struct sockaddr_in *address, const char *path);

/** 1 once it is answered, or the server hung up. */
int control_is_done(const control *c);

/** Copies what stands behind "KEY=" in the answer, up to white space; "" when it says no such thing. */
void control_value(const control *c, const char *key, char *out, size_t size);

#endif
