#define _GNU_SOURCE /* accept4 */
#include "wire/listener.h"

#include <assert.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <egress/error.h>

#include "base/diag.h"
#include "wire/tcp.h"
#include "wire/tls.h"

/*
 *           start               no descriptors left
 *   OPENED -------> ACCEPTING <----------------------> PAUSED        close: from anywhere
 *                               resume
 */

static const egress__place nowhere;
static const char unix_scheme[] = "unix:";

enum {
  /* Connections taken in one turn of the loop, so that a crowd does not keep the embedder waiting. */
  ACCEPT_PER_TURN = 64,
  /* Bytes that the kernel takes of a connection before it could send them: a response that all share would stand there
     once for each client that does not read, up to 4 MB of it. */
  UNSENT_MAX = 128 * 1024
};

/* ---- accepting ---- */

static void set_tcp_options(int fd) {
  int on = 1, unsent = UNSENT_MAX;
  setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on); /* ACKs and pushes are small and each is waited for */
  setsockopt(fd, IPPROTO_TCP, TCP_NOTSENT_LOWAT, &unsent, sizeof unsent);
}

static void hand_over(egress__listener *listener, int fd) {
  if (listener->port != 0)
    set_tcp_options(fd);
  egress__conn_open(listener->server, fd, &listener->entry);
}

/* Warns once, until everybody who waits has been let in. */
static void pause_for(egress__listener *listener, const char *why, const char *advice) {
  listener->is_paused = 1;
  if (!listener->has_warned)
    egress__server_log(listener->server, EGRESS_LOG_WARN, "no new connections for now: %s%s", why, advice);
  listener->has_warned = 1;
  egress__server_retry_accept(listener->server);
}

/* 0 when there is nothing more to take now. */
static int accept_one(egress__listener *listener) {
  int fd = accept4(listener->fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
  if (fd >= 0) {
    hand_over(listener, fd);
    return 1;
  }
  switch (errno) {
  case EMFILE:
  case ENFILE:
  case ENOBUFS:
  case ENOMEM:
    uv_poll_stop(&listener->poll);
    pause_for(listener, strerror(errno), "; raise the limit of open files (ulimit -n)");
    return 0;
  case EAGAIN:
    listener->has_warned = 0;
    return 0;
  default: /* this one client is gone already, see accept(2): the next may do */
    return 1;
  }
}

static void on_readable(uv_poll_t *poll, int status, int events) {
  (void)events;
  egress__listener *listener = poll->data;
  if (status < 0) { /* libuv has stopped to look */
    pause_for(listener, uv_strerror(status), "");
    return;
  }
  egress__server_enter(listener->server);
  for (size_t i = 0; i < ACCEPT_PER_TURN && accept_one(listener); i++)
    ;
  egress__server_leave(listener->server);
}

static void poll_for_clients(egress__listener *listener) {
  int rv = uv_poll_start(&listener->poll, UV_READABLE, on_readable);
  assert(rv == 0 && "the handle is neither closing nor another's");
  (void)rv;
}

void egress__listener_start(egress__listener *listener) {
  egress__server_hold_handle(listener->server);
  poll_for_clients(listener);
}

/* ---- opening ---- */

/* Where to listen: a path, or an endpoint where that is NULL. */
typedef struct target {
  const char *path;
  egress__endpoint endpoint;
} target;

static int parse(target *out, const char *address, const egress_listen_options *options, egress_diag *diag) {
  *out = (target){0};
  if (strncmp(address, unix_scheme, strlen(unix_scheme)) == 0) {
    out->path = address + strlen(unix_scheme);
    if (out->path[0] != '/')
      return egress__diag_error(diag, EGRESS_EADDR, nowhere, "\"%s\": a unix address is \"unix:/PATH\"", address);
    if (options->tls_cert != NULL)
      return egress__diag_error(diag, EGRESS_EINVAL, nowhere,
                                "a unix socket is served in plaintext, only its owner can connect; leave TLS out");
    return 0;
  }
  if (egress__endpoint_parse(&out->endpoint, address) != 0)
    return egress__diag_error(diag, EGRESS_EADDR, nowhere,
                              "\"%s\" is not an address: write \"127.0.0.1:18000\", \"[::1]:18000\" or \"unix:/PATH\"",
                              address);
  if (options->tls_cert == NULL && !options->insecure && !egress__addr_is_loopback(&out->endpoint.addr))
    return egress__diag_error(diag, EGRESS_EINVAL, nowhere,
                              "%s can be reached from other machines, and plaintext shows them the policy; give a "
                              "certificate, listen on 127.0.0.1, or set the option insecure",
                              address);
  return 0;
}

static int open_socket(egress__listener *listener, const target *at, egress_diag *diag) {
  int rv = at->path != NULL ? egress__unix_path_listen(&listener->fd, &listener->unix_path, at->path, diag)
                            : egress__tcp_listen(&listener->fd, &listener->port, &at->endpoint, diag);
  if (rv != 0)
    return rv;
  listener->poll.data = listener;
  rv = uv_poll_init(listener->server->loop, &listener->poll, listener->fd); /* leaves nothing behind when it fails */
  if (rv == 0)
    return 0;
  rv = egress__diag_error(diag, EGRESS_EADDR, nowhere, "the loop takes no more descriptors: %s", uv_strerror(rv));
  close(listener->fd);
  egress__unix_path_release(&listener->unix_path);
  return rv;
}

static egress_transport transport_of(const target *at, const egress_listen_options *options) {
  if (options->tls_cert != NULL)
    return options->tls_client_ca != NULL ? EGRESS_TRANSPORT_MUTUAL_TLS : EGRESS_TRANSPORT_TLS;
  return at->path != NULL ? EGRESS_TRANSPORT_UNIX : EGRESS_TRANSPORT_PLAINTEXT;
}

int egress__listener_open(egress__listener **out, egress_server *server, const char *address,
                          const egress_listen_options *options, egress_diag *diag) {
  target at;
  int rv = parse(&at, address, options, diag);
  if (rv != 0)
    return rv;
  egress__listener *listener = egress__calloc(server->alloc, 1, sizeof *listener);
  if (listener == NULL)
    return EGRESS_ENOMEM;
  listener->server = server;
  listener->entry =
      (egress__entry){.transport = transport_of(&at, options), .insecure_secrets = options->insecure_secrets};
  rv = egress__tls_context(&listener->entry.context, options, diag);
  if (rv == 0)
    rv = open_socket(listener, &at, diag);
  if (rv != 0)
    egress__listener_free(listener);
  else
    *out = listener;
  return rv;
}

void egress__listener_set_context(egress__listener *listener, SSL_CTX *context) {
  SSL_CTX_free(listener->entry.context); /* connections that began with it keep it */
  listener->entry.context = context;
}

/* ---- pausing ---- */

void egress__listener_resume(egress__listener *listener) {
  if (!listener->is_paused)
    return;
  listener->is_paused = 0;
  poll_for_clients(listener);
}

/* ---- closing ---- */

static void on_poll_closed(uv_handle_t *handle) {
  egress__listener *listener = handle->data;
  egress__server_release_handle(listener->server);
}

void egress__listener_close(egress__listener *listener) {
  uv_close((uv_handle_t *)&listener->poll, on_poll_closed);
  close(listener->fd);
  egress__unix_path_release(&listener->unix_path);
}

void egress__listener_free(egress__listener *listener) {
  SSL_CTX_free(listener->entry.context);
  egress__free(listener->server->alloc, listener);
}
