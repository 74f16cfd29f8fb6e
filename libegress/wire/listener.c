#define _GNU_SOURCE /* accept4 */
#include "wire/listener.h"

#include <assert.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <grpc/grpc_posix.h>
#include <grpc/grpc_security.h>

#include <egress/error.h>

#include "base/diag.h"
#include "wire/tcp.h"

/*
 *           start               no descriptors left
 *   OPENED -------> ACCEPTING <----------------------> PAUSED        close: from anywhere
 *                               resume
 *
 * Plaintext: while PAUSED clients wait in the kernel's queue. TLS: gRPC 1.51 gives up a socket on which accept has
 * failed, but does not close it; so its gate is shut down, which does, and lives until its streams have ended, while
 * `resume` opens the address anew behind another gate.
 */

static const egress__place nowhere;
static const char unix_scheme[] = "unix:";

/* Connections taken in one turn of the loop, so that a crowd does not keep the embedder waiting. */
enum { ACCEPT_PER_TURN = 64 };

/* ---- accepting ---- */

/* gRPC owns the descriptor from here on. */
static void hand_over(egress__listener *listener, int fd) {
  int on = 1;
  if (listener->port != 0) /* ACKs and pushes are small and each is waited for */
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  grpc_server_credentials *credentials = grpc_insecure_server_credentials_create();
  grpc_server_add_channel_from_fd(listener->gate->grpc, fd, credentials);
  grpc_server_credentials_release(credentials);
}

/* Warns once, until everybody who waits has been let in. */
static void pause_for(egress__listener *listener, int error) {
  listener->is_paused = 1;
  if (!listener->has_warned)
    egress__server_log(listener->server, EGRESS_LOG_WARN,
                       "no new connections for now: %s; raise the limit of open files (ulimit -n)", strerror(error));
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
    pause_for(listener, errno);
    return 0;
  case EAGAIN:
    listener->has_warned = 0;
    return 0;
  default: /* this one client is gone already, see accept(2): the next may do */
    return 1;
  }
}

static void on_readable(uv_poll_t *poll, int status, int events) {
  (void)status;
  (void)events;
  egress__listener *listener = poll->data;
  for (size_t i = 0; i < ACCEPT_PER_TURN; i++)
    if (!accept_one(listener))
      return;
}

static void poll_for_clients(egress__listener *listener) {
  int rv = uv_poll_start(&listener->poll, UV_READABLE, on_readable);
  assert(rv == 0 && "the handle is neither closing nor another's");
  (void)rv;
}

void egress__listener_start(egress__listener *listener) {
  if (!listener->gate->is_started)
    egress__gate_start(listener->gate);
  if (listener->fd < 0)
    return;
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

/* Listens on the listener's endpoint behind a gate of its own. */
static int open_tls(egress__listener *listener, egress_diag *diag) {
  egress__gate *gate = egress__gate_new(listener->server);
  if (gate == NULL)
    return EGRESS_ENOMEM;
  int rv = egress__tls_listen(&listener->port, gate, &listener->endpoint, &listener->tls, diag);
  if (rv != 0) {
    egress__gate_free(gate);
    return rv;
  }
  gate->transport = listener->tls.client_ca != NULL ? EGRESS_TRANSPORT_MUTUAL_TLS : EGRESS_TRANSPORT_TLS;
  gate->insecure_secrets = listener->insecure_secrets;
  listener->gate = gate;
  return 0;
}

/* The one that serves others like it, or a new one; NULL when out of memory. */
static egress__gate *plain_gate(const egress__listener *listener, egress_transport transport) {
  egress_server *server = listener->server;
  for (egress__gate *gate = server->gates; gate != NULL; gate = gate->next)
    if (gate->transport == transport && gate->insecure_secrets == listener->insecure_secrets)
      return gate;
  egress__gate *gate = egress__gate_new(server);
  if (gate == NULL)
    return NULL;
  gate->transport = transport;
  gate->insecure_secrets = listener->insecure_secrets;
  return gate;
}

static int open_plain(egress__listener *listener, const target *at, egress_diag *diag) {
  egress_server *server = listener->server;
  egress__gate *gate = plain_gate(listener, at->path != NULL ? EGRESS_TRANSPORT_UNIX : EGRESS_TRANSPORT_PLAINTEXT);
  if (gate == NULL)
    return EGRESS_ENOMEM;
  int rv = at->path != NULL ? egress__unix_path_listen(&listener->fd, &listener->unix_path, at->path, diag)
                            : egress__tcp_listen(&listener->fd, &listener->port, &at->endpoint, diag);
  if (rv != 0)
    goto fail;
  listener->poll.data = listener;
  rv = uv_poll_init(server->loop, &listener->poll, listener->fd); /* leaves nothing behind when it fails */
  if (rv != 0) {
    rv = egress__diag_error(diag, EGRESS_EADDR, nowhere, "the loop takes no more descriptors: %s", uv_strerror(rv));
    close(listener->fd);
    egress__unix_path_release(&listener->unix_path);
    goto fail;
  }
  listener->gate = gate;
  return 0;
fail:
  if (!gate->is_started)
    egress__gate_free(gate);
  return rv;
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
  listener->fd = -1;
  listener->endpoint = at.endpoint;
  listener->insecure_secrets = options->insecure_secrets;
  rv = egress__tls_copy(&listener->tls, server->alloc, options);
  if (rv == 0)
    rv = listener->tls.cert != NULL ? open_tls(listener, diag) : open_plain(listener, &at, diag);
  if (rv != 0) {
    egress__listener_free(listener);
    return rv;
  }
  *out = listener;
  return 0;
}

/* ---- another certificate ---- */

int egress__listener_set_tls(egress__listener *listener, const egress_listen_options *options) {
  egress__tls tls;
  int rv = egress__tls_copy(&tls, listener->server->alloc, options);
  if (rv != 0)
    return rv;
  egress__tls_dispose(&listener->tls, listener->server->alloc);
  listener->tls = tls;
  if (listener->gate != NULL)
    egress__tls_feed_put(listener->gate->feed, &tls);
  return 0;
}

/* ---- pausing ---- */

void egress__listener_distrust(egress__listener *listener) {
  if (listener->fd >= 0 || listener->gate == NULL)
    return;
  egress__gate_shutdown(listener->gate);
  listener->gate = NULL;
  listener->endpoint.port = listener->port; /* clients know this one */
  pause_for(listener, EMFILE);
}

void egress__listener_resume(egress__listener *listener) {
  if (!listener->is_paused)
    return;
  if (listener->fd >= 0) {
    poll_for_clients(listener);
  } else if (open_tls(listener, NULL) == 0) {
    egress__gate_start(listener->gate);
    listener->has_warned = 0;
  } else { /* the old socket is still open, or descriptors are still short */
    egress__server_retry_accept(listener->server);
    return;
  }
  listener->is_paused = 0;
}

/* ---- closing ---- */

static void on_poll_closed(uv_handle_t *handle) {
  egress__listener *listener = handle->data;
  egress__server_release_handle(listener->server);
}

void egress__listener_close(egress__listener *listener) {
  if (listener->fd < 0)
    return; /* gRPC's: its gate closes it */
  uv_close((uv_handle_t *)&listener->poll, on_poll_closed);
  close(listener->fd);
  egress__unix_path_release(&listener->unix_path);
}

void egress__listener_free(egress__listener *listener) {
  egress__tls_dispose(&listener->tls, listener->server->alloc);
  egress__free(listener->server->alloc, listener);
}
