#include "wire/peer.h"

#include <arpa/inet.h>
#include <criterion/criterion.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>
#include <uv.h>

#include <grpc/grpc_posix.h>
#include <grpc/grpc_security.h>

#include "support/grpc_client.h"

enum { DEADLINE_S = 30 };

/* A server of gRPC that takes one call, and its client in a thread. */
static grpc_completion_queue *queue;
static grpc_server *grpc;
static grpc_call *call;
static grpc_call_details details;
static grpc_metadata_array metadata;
static char address[160];
static uv_thread_t thread;

static gpr_timespec deadline(void) {
  return gpr_time_add(gpr_now(GPR_CLOCK_REALTIME), gpr_time_from_seconds(DEADLINE_S, GPR_TIMESPAN));
}

static void wait_for(void *tag) {
  grpc_event event = grpc_completion_queue_next(queue, deadline(), NULL);
  cr_assert(event.type == GRPC_OP_COMPLETE && event.tag == tag);
}

static void begin(void) {
  grpc_init();
  queue = grpc_completion_queue_create_for_next(NULL);
  grpc = grpc_server_create(NULL, NULL);
  grpc_server_register_completion_queue(grpc, queue, NULL);
  grpc_call_details_init(&details);
  grpc_metadata_array_init(&metadata);
}

static void end(void) {
  if (call != NULL)
    grpc_call_unref(call);
  grpc_server_shutdown_and_notify(grpc, queue, &grpc);
  grpc_server_cancel_all_calls(grpc);
  wait_for(&grpc);
  grpc_server_destroy(grpc);
  grpc_call_details_destroy(&details);
  grpc_metadata_array_destroy(&metadata);
  grpc_completion_queue_shutdown(queue);
  cr_assert_eq(grpc_completion_queue_next(queue, deadline(), NULL).type, GRPC_QUEUE_SHUTDOWN);
  grpc_completion_queue_destroy(queue);
  grpc_shutdown();
}

TestSuite(peer, .init = begin, .fini = end);

static void run_client(void *user) {
  (void)user;
  client *c = client_open(address, NULL);
  client_status(c); /* that of a call which was cancelled */
  client_close(c);
}

static void start_client(void) {
  cr_assert_eq(uv_thread_create(&thread, run_client, NULL), 0);
}

static void ask_for_call(void) {
  cr_assert_eq(grpc_server_request_call(grpc, &call, &details, &metadata, queue, queue, &call), GRPC_CALL_OK);
}

static void end_client(void) {
  grpc_call_cancel(call, NULL);
  uv_thread_join(&thread);
}

static const char *peer(void) {
  static char text[EGRESS__PEER_TEXT];
  memset(text, '?', sizeof text);
  cr_assert_eq(egress__peer_format(text, call), text);
  return text;
}

/* ---- connections that gRPC accepts ---- */

/* 0 when this machine has no such address. */
static int listen_by_grpc(const char *host) {
  char any[32];
  snprintf(any, sizeof any, "%s:0", host);
  grpc_server_credentials *credentials = grpc_insecure_server_credentials_create();
  int port = grpc_server_add_http2_port(grpc, any, credentials);
  grpc_server_credentials_release(credentials);
  snprintf(address, sizeof address, "%s:%d", host, port);
  grpc_server_start(grpc);
  return port != 0;
}

/* A peer that is `start` and a port, which is not the server's. */
static void check_grpc_peer(const char *start) {
  start_client();
  ask_for_call();
  wait_for(&call);
  const char *text = peer();
  cr_assert_eq(strncmp(text, start, strlen(start)), 0, "%s", text);
  const char *port = text + strlen(start);
  cr_assert(atoi(port) > 0 && strspn(port, "0123456789") == strlen(port), "%s", text);
  cr_assert_str_neq(port, strrchr(address, ':') + 1);
  end_client();
}

Test(peer, ipv4_accepted_by_gRPC) {
  cr_assert(listen_by_grpc("127.0.0.1"));
  check_grpc_peer("ipv4:127.0.0.1:");
}

Test(peer, ipv6_accepted_by_gRPC_has_its_brackets) {
  if (!listen_by_grpc("[::1]"))
    cr_skip_test("this machine has no IPv6");
  check_grpc_peer("ipv6:[::1]:");
}

/* ---- connections that were accepted here ---- */

static int listen_here(const struct sockaddr *at, socklen_t size) {
  int fd = socket(at->sa_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (fd >= 0 && bind(fd, at, size) == 0 && listen(fd, 1) == 0)
    return fd;
  close(fd);
  return -1;
}

/* Takes the client's connection and hands it to gRPC. `*name` is the client. Returns the descriptor. */
static int take_client(int listening, struct sockaddr *name, socklen_t size) {
  grpc_server_start(grpc);
  start_client();
  struct pollfd waiting = {.fd = listening, .events = POLLIN};
  cr_assert_eq(poll(&waiting, 1, DEADLINE_S * 1000), 1);
  int fd = accept4(listening, name, &size, SOCK_NONBLOCK | SOCK_CLOEXEC);
  cr_assert_geq(fd, 0);
  close(listening);
  grpc_server_credentials *credentials = grpc_insecure_server_credentials_create();
  grpc_server_add_channel_from_fd(grpc, fd, credentials);
  grpc_server_credentials_release(credentials);
  ask_for_call();
  wait_for(&call);
  return fd;
}

static int listen_on_loopback(void) {
  struct sockaddr_in at = {.sin_family = AF_INET};
  socklen_t size = sizeof at;
  at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  int fd = listen_here((struct sockaddr *)&at, size);
  cr_assert_geq(fd, 0);
  getsockname(fd, (struct sockaddr *)&at, &size);
  snprintf(address, sizeof address, "127.0.0.1:%u", (unsigned)ntohs(at.sin_port));
  return fd;
}

Test(peer, ipv4_accepted_here) {
  struct sockaddr_in name;
  char wanted[64];
  take_client(listen_on_loopback(), (struct sockaddr *)&name, sizeof name);
  snprintf(wanted, sizeof wanted, "ipv4:127.0.0.1:%u", (unsigned)ntohs(name.sin_port));
  cr_assert_str_eq(peer(), wanted);
  end_client();
}

Test(peer, ipv6_accepted_here) {
  struct sockaddr_in6 at = {.sin6_family = AF_INET6, .sin6_addr = IN6ADDR_LOOPBACK_INIT}, name;
  socklen_t size = sizeof at;
  char wanted[64];
  int fd = listen_here((struct sockaddr *)&at, size);
  if (fd < 0)
    cr_skip_test("this machine has no IPv6");
  getsockname(fd, (struct sockaddr *)&at, &size);
  snprintf(address, sizeof address, "[::1]:%u", (unsigned)ntohs(at.sin6_port));
  take_client(fd, (struct sockaddr *)&name, sizeof name);
  snprintf(wanted, sizeof wanted, "ipv6:[::1]:%u", (unsigned)ntohs(name.sin6_port));
  cr_assert_str_eq(peer(), wanted);
  end_client();
}

Test(peer, unix_accepted_here) {
  char folder[] = "/tmp/egress-peer-XXXXXX";
  struct sockaddr_un at = {.sun_family = AF_UNIX}, name;
  cr_assert_not_null(mkdtemp(folder));
  snprintf(at.sun_path, sizeof at.sun_path, "%s/s", folder);
  snprintf(address, sizeof address, "unix:%s", at.sun_path);
  take_client(listen_here((struct sockaddr *)&at, sizeof at), (struct sockaddr *)&name, sizeof name);
  cr_assert_str_eq(peer(), "unix:");
  end_client();
  unlink(at.sun_path);
  rmdir(folder);
}

Test(peer, a_client_that_is_gone_has_none) {
  struct sockaddr_in name;
  int fd = take_client(listen_on_loopback(), (struct sockaddr *)&name, sizeof name);
  end_client();
  uint64_t end_ms = uv_hrtime() / 1000000 + DEADLINE_S * 1000;
  socklen_t size = sizeof name;
  while (getpeername(fd, (struct sockaddr *)&name, &size) == 0) {
    cr_assert_lt(uv_hrtime() / 1000000, end_ms, "gRPC keeps the connection");
    grpc_completion_queue_next(queue, gpr_inf_past(GPR_CLOCK_REALTIME), NULL); /* lets it work */
  }
  cr_assert_str_eq(peer(), "");
}
