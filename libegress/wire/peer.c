#include "wire/peer.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include <grpc/support/alloc.h>

/*
 * Of a connection that we accepted, gRPC knows no more than its descriptor ("fd:17"), so the kernel is asked. Should
 * the client be gone and the number be another's by now, that one's address is said: good enough for people, never
 * used to decide.
 */
static const char *of_descriptor(char out[EGRESS__PEER_TEXT], int fd) {
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

/* gRPC writes the brackets of an IPv6 address as %5B and %5D. */
static void copy_unescaped(char out[EGRESS__PEER_TEXT], const char *text) {
  size_t n = 0;
  for (; *text != '\0' && n < EGRESS__PEER_TEXT - 1; text++) {
    if (strncmp(text, "%5B", 3) == 0 || strncmp(text, "%5D", 3) == 0) {
      out[n++] = text[2] == 'B' ? '[' : ']';
      text += 2;
    } else {
      out[n++] = *text;
    }
  }
  out[n] = '\0';
}

const char *egress__peer_format(char out[EGRESS__PEER_TEXT], grpc_call *call) {
  char *text = grpc_call_get_peer(call);
  if (strncmp(text, "fd:", 3) == 0)
    of_descriptor(out, atoi(text + 3));
  else if (strcmp(text, "unknown") == 0) /* gRPC's word once the connection is gone */
    out[0] = '\0';
  else
    copy_unescaped(out, text);
  gpr_free(text);
  return out;
}
