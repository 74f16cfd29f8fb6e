#include "load/control.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static void end(control *c) {
  close(c->source.fd);
  c->source.fd = -1;
}

static void on_ready(source *s, uint32_t events) {
  control *c = (control *)s;
  if (!c->is_sent && (events & EPOLLOUT)) {
    c->is_sent = 1;
    if (send(s->fd, c->out, strlen(c->out), MSG_NOSIGNAL) < 0)
      end(c);
    else
      poll_watch(c->epoll, s, EPOLLIN);
    return;
  }
  ssize_t taken = recv(s->fd, c->in + c->size, sizeof c->in - 1 - c->size, 0);
  if (taken < 0 && errno == EAGAIN)
    return;
  if (taken <= 0)
    end(c);
  else
    c->size += (size_t)taken;
}

void control_get(control *c, int epoll, const struct sockaddr_in *address, const char *path) {
  memset(c, 0, sizeof *c);
  c->epoll = epoll;
  c->source = (source){.fd = poll_connect(address, 0), .on_ready = on_ready};
  snprintf(c->out, sizeof c->out, "GET %s HTTP/1.0\r\n\r\n", path);
  poll_watch(epoll, &c->source, EPOLLOUT);
}

int control_is_done(const control *c) {
  return c->source.fd < 0;
}

void control_value(const control *c, const char *key, char *out, size_t size) {
  char wanted[32];
  snprintf(wanted, sizeof wanted, "%s=", key);
  const char *body = strstr(c->in, "\r\n\r\n"), *found = body == NULL ? NULL : strstr(body, wanted);
  size_t n = found == NULL ? 0 : strcspn(found + strlen(wanted), " \r\n");
  snprintf(out, size, "%.*s", (int)n, found == NULL ? "" : found + strlen(wanted));
}
