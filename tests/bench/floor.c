/*
 * What no server can go below: writes as many bytes to as many bare sockets as a push does, knows no protocol, and
 * reads the answers. Prints one line of JSON; CPU is that of the process which writes, kernel included.
 *
 *   floor [-n SOCKETS] [-b BYTES] [-a BYTES OF AN ANSWER] [-k PUSHES]
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "load/poll.h"
#include "load/process.h"

enum { AT_ONCE = 256 * 1024, PUSHES_MAX = 1000, BACKLOG = 4096, TURN_MS = 1000 };

typedef struct peer {
  source source;
  size_t to_read, to_write; /* bytes that are left of this push */
} peer;

static size_t sockets = 1000, bytes = 373000, answer = 110, pushes = 5;
static peer *peers;
static int epoll;
static size_t left; /* sockets that are not done with this push */
static uint8_t buffer[AT_ONCE];

static void must(int ok, const char *what) {
  if (ok)
    return;
  perror(what);
  exit(1);
}

static size_t least(size_t one, size_t two) {
  return one < two ? one : two;
}

static void write_some(peer *p) {
  while (p->to_write > 0) {
    ssize_t n = send(p->source.fd, buffer, least(p->to_write, sizeof buffer), MSG_NOSIGNAL);
    if (n < 0 && errno == EAGAIN)
      break;
    must(n > 0, "send");
    p->to_write -= (size_t)n;
  }
  poll_watch(epoll, &p->source, EPOLLIN | (p->to_write > 0 ? EPOLLOUT : 0));
}

/* ---- the child: reads a push, answers it, and so on until the other end is closed ---- */

static void on_push(source *s, uint32_t events) {
  peer *p = (peer *)s;
  (void)events;
  ssize_t n = recv(s->fd, buffer, sizeof buffer, 0);
  if (n < 0 && errno == EAGAIN)
    return;
  if (n <= 0) {
    close(s->fd);
    s->fd = -1;
    left--;
    return;
  }
  size_t taken = (size_t)n;
  if (taken < p->to_read) {
    p->to_read -= taken;
    return;
  }
  p->to_read += bytes - taken;
  p->to_write += answer;
  write_some(p);
}

static void read_all(const struct sockaddr_in *address) {
  epoll = epoll_create1(EPOLL_CLOEXEC);
  for (left = 0; left < sockets; left++) {
    peers[left] = (peer){.source = {.fd = poll_connect(address, 0), .on_ready = on_push}, .to_read = bytes};
    poll_watch(epoll, &peers[left].source, EPOLLIN);
  }
  while (left > 0)
    poll_turn(epoll, TURN_MS);
}

/* ---- the parent: writes, and reads the answers ---- */

static void on_answer(source *s, uint32_t events) {
  peer *p = (peer *)s;
  if (events & EPOLLOUT)
    write_some(p);
  if ((events & ~(uint32_t)EPOLLOUT) == 0)
    return;
  ssize_t n = recv(s->fd, buffer, sizeof buffer, 0);
  if (n < 0 && errno == EAGAIN)
    return;
  must(n > 0 && (size_t)n <= p->to_read, "an answer");
  p->to_read -= (size_t)n;
  left -= p->to_read == 0;
}

static void accept_all(int listener) {
  for (size_t i = 0; i < sockets; i++) {
    int fd = accept(listener, NULL, NULL);
    must(fd >= 0 && fcntl(fd, F_SETFL, O_NONBLOCK) == 0, "accept");
    peers[i] = (peer){.source = {.fd = fd, .on_ready = on_answer}};
    poll_watch(epoll, &peers[i].source, EPOLLIN);
  }
}

static void push(void) {
  left = sockets;
  for (size_t i = 0; i < sockets; i++) {
    peers[i].to_write = bytes;
    peers[i].to_read = answer;
    write_some(&peers[i]);
  }
  while (left > 0)
    poll_turn(epoll, TURN_MS);
}

static int compare(const void *a, const void *b) {
  double one = *(const double *)a, two = *(const double *)b;
  return (one > two) - (one < two);
}

static void report(double *cpu_ms) {
  qsort(cpu_ms, pushes, sizeof *cpu_ms, compare);
  printf("{\"sockets\": %zu, \"push_bytes\": %zu, \"push_cpu_ms\": %.2f, \"least_ms\": %.2f, \"most_ms\": %.2f}\n",
         sockets, bytes, cpu_ms[pushes / 2], cpu_ms[0], cpu_ms[pushes - 1]);
}

static void write_all(int listener) {
  double cpu_ms[PUSHES_MAX];
  epoll = epoll_create1(EPOLL_CLOEXEC);
  accept_all(listener);
  push(); /* lets the kernel's buffers grow */
  for (size_t i = 0; i < pushes; i++) {
    uint64_t before = process_cpu_ns(getpid());
    push();
    cpu_ms[i] = (double)(process_cpu_ns(getpid()) - before) / 1e6;
  }
  report(cpu_ms);
  for (size_t i = 0; i < sockets; i++)
    close(peers[i].source.fd);
}

static void read_options(int argc, char **argv) {
  for (int i = 1; i + 1 < argc; i += 2) {
    size_t *to = strcmp(argv[i], "-n") == 0   ? &sockets
                 : strcmp(argv[i], "-b") == 0 ? &bytes
                 : strcmp(argv[i], "-a") == 0 ? &answer
                 : strcmp(argv[i], "-k") == 0 ? &pushes
                                              : NULL;
    if (to == NULL || (*to = strtoul(argv[i + 1], NULL, 10)) == 0) {
      fprintf(stderr, "floor: %s %s: see the head of floor.c\n", argv[i], argv[i + 1]);
      exit(2);
    }
  }
  pushes = least(pushes, PUSHES_MAX);
}

int main(int argc, char **argv) {
  read_options(argc, argv);
  process_allow_many_files();
  struct sockaddr_in address = {.sin_family = AF_INET};
  socklen_t size = sizeof address;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), status;
  must(bind(listener, (const struct sockaddr *)&address, sizeof address) == 0 && listen(listener, BACKLOG) == 0 &&
           getsockname(listener, (struct sockaddr *)&address, &size) == 0,
       "listen");
  peers = calloc(sockets, sizeof *peers);
  must(peers != NULL, "memory");
  fflush(stdout);
  pid_t reader = fork();
  must(reader >= 0, "fork");
  if (reader == 0)
    read_all(&address);
  else
    write_all(listener);
  must(reader == 0 || (waitpid(reader, &status, 0) == reader && status == 0), "the reader");
  free(peers);
  return 0;
}
