#ifndef TESTS_BENCH_LOAD_POLL_H
#define TESTS_BENCH_LOAD_POLL_H

#include <netinet/in.h>
#include <stdint.h>
#include <sys/epoll.h>

/* Descriptors that are waited for together. Nothing may be freed by a callback: the same turn may still name it. */
typedef struct source source;

struct source {
  int fd;          /* -1: none */
  uint32_t events; /* that are waited for */
  void (*on_ready)(source *s, uint32_t events);
};

/** Waits for `events` from now on, whatever was waited for before; 0: for nothing but the end. */
void poll_watch(int epoll, source *s, uint32_t events);

/** Calls back whoever is ready; waits up to `ms` for the first. */
void poll_turn(int epoll, int ms);

/** Begins to connect, without blocking. `receive_buffer`: the kernel's, 0 for its choice. Exits when that fails. */
int poll_connect(const struct sockaddr_in *to, int receive_buffer);

uint64_t poll_now_ns(void);

#endif
