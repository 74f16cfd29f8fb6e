#include "wire/peer.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <sys/socket.h>

const char *egress__peer_format(char out[EGRESS__PEER_TEXT], int fd) {
  struct sockaddr_storage name;
  socklen_t size = sizeof name;
  char text[INET6_ADDRSTRLEN];
  out[0] = '\0';
  if (getpeername(fd, (struct sockaddr *)&name, &size) != 0)
    return out;
  if (name.ss_family == AF_INET) {
    const struct sockaddr_in *in = (const struct sockaddr_in *)&name;
    inet_ntop(AF_INET, &in->sin_addr, text, sizeof text);
    snprintf(out, EGRESS__PEER_TEXT, "ipv4:%s:%u", text, (unsigned)ntohs(in->sin_port));
  } else if (name.ss_family == AF_INET6) {
    const struct sockaddr_in6 *in6 = (const struct sockaddr_in6 *)&name;
    inet_ntop(AF_INET6, &in6->sin6_addr, text, sizeof text);
    snprintf(out, EGRESS__PEER_TEXT, "ipv6:[%s]:%u", text, (unsigned)ntohs(in6->sin6_port));
  } else if (name.ss_family == AF_UNIX) {
    snprintf(out, EGRESS__PEER_TEXT, "unix:"); /* the client's end of it has no name */
  }
  return out;
}
