#define _GNU_SOURCE /* SOCK_CLOEXEC */
#include "wire/tcp.h"

#include <errno.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <egress/error.h>

#include "base/diag.h"

static const egress__place nowhere;

static socklen_t to_sockaddr(struct sockaddr_storage *out, const egress__endpoint *endpoint) {
  memset(out, 0, sizeof *out);
  if (endpoint->addr.family == 4) {
    struct sockaddr_in *in = (struct sockaddr_in *)out;
    in->sin_family = AF_INET;
    in->sin_port = htons(endpoint->port);
    memcpy(&in->sin_addr, endpoint->addr.bytes, 4);
    return sizeof *in;
  }
  struct sockaddr_in6 *in6 = (struct sockaddr_in6 *)out;
  in6->sin6_family = AF_INET6;
  in6->sin6_port = htons(endpoint->port);
  memcpy(&in6->sin6_addr, endpoint->addr.bytes, 16);
  return sizeof *in6;
}

int egress__tcp_fault(const egress__endpoint *endpoint, int error, egress_diag *diag) {
  char text[EGRESS__ADDR_TEXT];
  egress__addr_format(text, &endpoint->addr);
  switch (error) {
  case EADDRINUSE:
    return egress__diag_error(diag, EGRESS_EADDRINUSE, nowhere,
                              "another program listens on %s port %u; end it, or choose another port (0: any free one)",
                              text, (unsigned)endpoint->port);
  case EACCES:
    return egress__diag_error(diag, EGRESS_EADDR, nowhere,
                              "%s port %u: this process may not listen there; choose a port above 1023", text,
                              (unsigned)endpoint->port);
  case EADDRNOTAVAIL:
    return egress__diag_error(diag, EGRESS_EADDR, nowhere, "%s is not an address of this machine", text);
  default:
    return egress__diag_error(diag, EGRESS_EADDR, nowhere, "%s port %u: %s", text, (unsigned)endpoint->port,
                              strerror(error));
  }
}

static int open_socket(const egress__endpoint *endpoint) {
  struct sockaddr_storage name;
  socklen_t size = to_sockaddr(&name, endpoint);
  int on = 1;
  int fd = socket(name.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (fd < 0)
    return -1;
  /* REUSEADDR: connections of a server that has just ended do not keep the port. V6ONLY: `[::]` is what it says. */
  if (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) == 0 &&
      (name.ss_family != AF_INET6 || setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof on) == 0) &&
      bind(fd, (const struct sockaddr *)&name, size) == 0 && listen(fd, SOMAXCONN) == 0)
    return fd;
  int error = errno;
  close(fd);
  errno = error;
  return -1;
}

int egress__tcp_listen(int *out_fd, uint16_t *out_port, const egress__endpoint *endpoint, egress_diag *diag) {
  int fd = open_socket(endpoint);
  if (fd < 0)
    return egress__tcp_fault(endpoint, errno, diag);
  struct sockaddr_storage name;
  socklen_t size = sizeof name;
  if (getsockname(fd, (struct sockaddr *)&name, &size) != 0) {
    int error = errno;
    close(fd);
    return egress__tcp_fault(endpoint, error, diag);
  }
  *out_port = ntohs(name.ss_family == AF_INET ? ((struct sockaddr_in *)&name)->sin_port
                                              : ((struct sockaddr_in6 *)&name)->sin6_port);
  *out_fd = fd;
  return 0;
}
