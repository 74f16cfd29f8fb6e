#include "wire/tcp.h"

#include <criterion/criterion.h>
#include <fcntl.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <egress/error.h>

static egress__endpoint endpoint(const char *text) {
  egress__endpoint out;
  cr_assert_eq(egress__endpoint_parse(&out, text), 0);
  return out;
}

Test(tcp, the_kernel_picks_a_port) {
  int fd = -1;
  uint16_t port = 0;
  egress__endpoint any = endpoint("127.0.0.1:0");
  cr_assert_eq(egress__tcp_listen(&fd, &port, &any, NULL), 0);
  cr_assert_neq(port, 0);
  cr_assert(fcntl(fd, F_GETFD) & FD_CLOEXEC);
  cr_assert(fcntl(fd, F_GETFL) & O_NONBLOCK);
  close(fd);
}

Test(tcp, an_address_in_use_says_what_to_do) {
  int fd = -1, other = -1;
  uint16_t port = 0, other_port = 0;
  egress_diag *diag = egress_diag_new(NULL);
  egress__endpoint at = endpoint("127.0.0.1:0");
  cr_assert_eq(egress__tcp_listen(&fd, &port, &at, diag), 0);
  at.port = port;
  cr_assert_eq(egress__tcp_listen(&other, &other_port, &at, diag), EGRESS_EADDRINUSE);
  cr_assert(other == -1 && other_port == 0, "out is written on success only");
  cr_assert_not_null(strstr(egress_diag_text(diag), "choose another port"));
  close(fd);
  cr_assert_eq(egress__tcp_listen(&other, &other_port, &at, diag), 0, "it is free at once");
  close(other);
  egress_diag_free(diag);
}

Test(tcp, an_address_of_another_machine) {
  int fd;
  uint16_t port;
  egress_diag *diag = egress_diag_new(NULL);
  egress__endpoint far = endpoint("192.0.2.1:0"); /* TEST-NET-1 */
  cr_assert_eq(egress__tcp_listen(&fd, &port, &far, diag), EGRESS_EADDR);
  cr_assert_not_null(strstr(egress_diag_text(diag), "192.0.2.1 is not an address of this machine"));
  egress_diag_free(diag);
}
