#ifndef EGRESS_WIRE_UNIX_PATH_H
#define EGRESS_WIRE_UNIX_PATH_H

#include <sys/un.h>

#include <egress/diag.h>

#include "base/alloc.h"

/**
 * The path of a unix socket, held by at most one server at a time: whoever has the lock on the file `PATH.lock` beside
 * it. `{0}` holds none.
 */
typedef struct egress__unix_path {
  struct sockaddr_un name;
  int lock_fd; /* valid while the path is held */
  int is_held;
} egress__unix_path;

/**
 * Listens on `path`: a nonblocking socket, in `*out_fd`, that only this user can connect to (mode 0600). A socket that
 * nobody serves any more is replaced, anything else is left alone.
 *
 * Returns 0; EGRESS_EADDR; EGRESS_EADDRINUSE: another server has it.
 */
int egress__unix_path_listen(int *out_fd, egress__unix_path *out, const char *path, egress_diag *diag);

/** Removes the socket and the lock; the caller has closed the descriptor. */
void egress__unix_path_release(egress__unix_path *held);

#endif
