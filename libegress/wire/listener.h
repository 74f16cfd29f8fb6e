#ifndef EGRESS_WIRE_LISTENER_H
#define EGRESS_WIRE_LISTENER_H

#include "base/addr.h"
#include "wire/gate.h"
#include "wire/tls.h"
#include "wire/unix_path.h"

/**
 * One address listened on. With TLS gRPC listens; in plaintext we do and hand it the connections, because its listener
 * stops for good once a descriptor could not be had.
 */
typedef struct egress__listener {
  struct egress__listener *next;
  egress_server *server;
  egress__gate *gate; /* NULL: gRPC's listener failed, and there is no new one yet */
  uint16_t port;      /* 0: unix */
  int is_paused;      /* no descriptors were left */
  int has_warned;     /* of that, since it last kept up */
  /* Plaintext. */
  int fd; /* -1: TLS */
  uv_poll_t poll;
  egress__unix_path unix_path;
  /* TLS: what it takes to listen again. */
  egress__endpoint endpoint;
  egress__tls tls;
  uint32_t insecure_secrets;
} egress__listener;

/**
 * Opens `address`; nothing is accepted before egress__listener_start.
 *
 * Returns 0 or a code of egress_server_listen, with what is wrong in `diag`.
 */
int egress__listener_open(egress__listener **out, egress_server *server, const char *address,
                          const egress_listen_options *options, egress_diag *diag);

void egress__listener_start(egress__listener *listener);

/**
 * Shows clients that connect from here on another certificate, and holds them to other authorities. The options were
 * checked, and have authorities if the listener has.
 *
 * Returns 0 or EGRESS_ENOMEM, then it is as before.
 */
int egress__listener_set_tls(egress__listener *listener, const egress_listen_options *options);

/** gRPC has failed to accept somewhere: if it listens here, it must be made to listen anew. */
void egress__listener_distrust(egress__listener *listener);

/** Accepts again, if it had to stop. */
void egress__listener_resume(egress__listener *listener);

/** Stops listening and gives the address back; the rest goes with egress__listener_free. */
void egress__listener_close(egress__listener *listener);

/** Frees a closed one, once libuv has let go of it. */
void egress__listener_free(egress__listener *listener);

#endif
