#define _GNU_SOURCE /* SOCK_CLOEXEC */
#include "wire/peer.h"

#include <arpa/inet.h>
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

/* Both ends of a connection over loopback. */
static int client = -1, server = -1;

static void end(void) {
  close(client);
  close(server);
}

TestSuite(peer, .fini = end);

/* 0 when this machine has no such address. */
static int connect_to(struct sockaddr *at, socklen_t size) {
  int listening = socket(at->sa_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (listening < 0 || bind(listening, at, size) != 0 || listen(listening, 1) != 0) {
    close(listening);
    return 0;
  }
  getsockname(listening, at, &size);
  client = socket(at->sa_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
  cr_assert_eq(connect(client, at, size), 0);
  server = accept(listening, NULL, NULL);
  cr_assert_geq(server, 0);
  close(listening);
  return 1;
}

static const char *peer(void) {
  static char text[EGRESS__PEER_TEXT];
  memset(text, '?', sizeof text);
  cr_assert_eq(egress__peer_format(text, server), text);
  return text;
}

static struct sockaddr_in loopback(void) {
  return (struct sockaddr_in){.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
}

Test(peer, ipv4) {
  struct sockaddr_in at = loopback(), name;
  socklen_t size = sizeof name;
  char wanted[64];
  cr_assert(connect_to((struct sockaddr *)&at, sizeof at));
  getsockname(client, (struct sockaddr *)&name, &size);
  snprintf(wanted, sizeof wanted, "ipv4:127.0.0.1:%u", (unsigned)ntohs(name.sin_port));
  cr_assert_str_eq(peer(), wanted);
}

Test(peer, ipv6_has_brackets) {
  struct sockaddr_in6 at = {.sin6_family = AF_INET6, .sin6_addr = IN6ADDR_LOOPBACK_INIT}, name;
  socklen_t size = sizeof name;
  char wanted[64];
  if (!connect_to((struct sockaddr *)&at, sizeof at))
    cr_skip_test("this machine has no IPv6");
  getsockname(client, (struct sockaddr *)&name, &size);
  snprintf(wanted, sizeof wanted, "ipv6:[::1]:%u", (unsigned)ntohs(name.sin6_port));
  cr_assert_str_eq(peer(), wanted);
}

Test(peer, unix_has_no_name) {
  char folder[] = "/tmp/egress-peer-XXXXXX";
  struct sockaddr_un at = {.sun_family = AF_UNIX};
  cr_assert_not_null(mkdtemp(folder));
  snprintf(at.sun_path, sizeof at.sun_path, "%s/s", folder);
  cr_assert(connect_to((struct sockaddr *)&at, sizeof at));
  cr_assert_str_eq(peer(), "unix:");
  unlink(at.sun_path);
  rmdir(folder);
}

Test(peer, a_client_that_is_gone_has_none) {
  struct sockaddr_in at = loopback();
  cr_assert(connect_to((struct sockaddr *)&at, sizeof at));
  /* Nothing is waiting to be read, so the kernel forgets the connection with its reset. */
  const struct linger now = {.l_onoff = 1, .l_linger = 0};
  setsockopt(client, SOL_SOCKET, SO_LINGER, &now, sizeof now);
  close(client);
  client = -1;
  char byte;
  cr_assert_lt(recv(server, &byte, 1, 0), 0);
  cr_assert_str_eq(peer(), "");
}
