#include "load/poll.h"

#include <errno.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <time.h>

enum { EVENTS = 512 };

void poll_watch(int epoll, source *s, uint32_t events) {
  struct epoll_event event = {.events = events | EPOLLRDHUP, .data.ptr = s};
  if (s->events == event.events)
    return;
  int rv = epoll_ctl(epoll, s->events == 0 ? EPOLL_CTL_ADD : EPOLL_CTL_MOD, s->fd, &event);
  s->events = event.events;
  if (rv != 0) {
    perror("epoll_ctl");
    exit(1);
  }
}

void poll_turn(int epoll, int ms) {
  static struct epoll_event events[EVENTS];
  int count = epoll_wait(epoll, events, EVENTS, ms);
  for (int i = 0; i < count; i++) {
    source *s = events[i].data.ptr;
    if (s->fd >= 0)
      s->on_ready(s, events[i].events);
  }
}

int poll_connect(const struct sockaddr_in *to, int receive_buffer) {
  int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0), yes = 1;
  if (receive_buffer > 0)
    setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &receive_buffer, sizeof receive_buffer);
  setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
  if (fd < 0 || (connect(fd, (const struct sockaddr *)to, sizeof *to) != 0 && errno != EINPROGRESS)) {
    perror("connect");
    exit(1);
  }
  return fd;
}

uint64_t poll_now_ns(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (uint64_t)now.tv_sec * 1000000000U + (uint64_t)now.tv_nsec;
}
