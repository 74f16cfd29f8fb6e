#ifndef EGRESS_WIRE_LISTENER_H
#define EGRESS_WIRE_LISTENER_H

#include "base/addr.h"
#include "wire/conn.h"
#include "wire/unix_path.h"

/** One address listened on. While no descriptors are left, clients wait in the kernel's queue. */
typedef struct egress__listener {
  struct egress__listener *next;
  egress_server *server;
  egress__entry entry;
  uint16_t port;  /* 0: unix */
  int is_paused;  /* no descriptors were left */
  int has_warned; /* of that, since it last kept up */
  int fd;
  uv_poll_t poll;
  egress__unix_path unix_path;
} egress__listener;

/**
 * Opens `address`; nothing is accepted before egress__listener_start.
 *
 * Returns 0 or a code of egress_server_listen, with what is wrong in `diag`.
 */
int egress__listener_open(egress__listener **out, egress_server *server, const char *address,
                          const egress_listen_options *options, egress_diag *diag);

void egress__listener_start(egress__listener *listener);

/** Clients that connect from here on are served by `context`, which is taken over, instead of the listener's. */
void egress__listener_set_context(egress__listener *listener, SSL_CTX *context);

/** Accepts again, if it had to stop. */
void egress__listener_resume(egress__listener *listener);

/** Stops listening and gives the address back; the rest goes with egress__listener_free. */
void egress__listener_close(egress__listener *listener);

/** Frees a closed one, once libuv has let go of it. */
void egress__listener_free(egress__listener *listener);

#endif
