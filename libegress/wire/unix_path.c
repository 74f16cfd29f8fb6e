#define _GNU_SOURCE /* flock, SOCK_CLOEXEC */
#include "wire/unix_path.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <egress/error.h>

#include "base/diag.h"

static const egress__place nowhere;

enum {
  LOCK_PATH = sizeof(((struct sockaddr_un *)0)->sun_path) + sizeof ".lock",
  /* A lock file that is removed between open and flock, by a server that goes, is opened again. */
  LOCK_TRIES = 8
};

static void lock_path(char out[LOCK_PATH], const egress__unix_path *at) {
  snprintf(out, LOCK_PATH, "%s.lock", at->name.sun_path);
}

/* 1 when `fd` is what `path` names now. */
static int is_same_file(int fd, const char *path) {
  struct stat here, there;
  return fstat(fd, &here) == 0 && stat(path, &there) == 0 && here.st_dev == there.st_dev && here.st_ino == there.st_ino;
}

static int try_lock(egress__unix_path *at, const char *path, egress_diag *diag) {
  int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
  if (fd < 0)
    return egress__diag_error(diag, EGRESS_EADDR, nowhere, "lock file %s: %s", path, strerror(errno));
  if (flock(fd, LOCK_EX | LOCK_NB) != 0) {
    int error = errno;
    close(fd);
    if (error != EWOULDBLOCK)
      return egress__diag_error(diag, EGRESS_EADDR, nowhere, "lock file %s: %s", path, strerror(error));
    return egress__diag_error(diag, EGRESS_EADDRINUSE, nowhere,
                              "another server listens on %s; end it, or choose another path", at->name.sun_path);
  }
  if (!is_same_file(fd, path)) {
    close(fd);
    return 1;
  }
  at->lock_fd = fd;
  return 0;
}

static int take_lock(egress__unix_path *at, egress_diag *diag) {
  char path[LOCK_PATH];
  lock_path(path, at);
  for (size_t i = 0; i < LOCK_TRIES; i++) {
    int rv = try_lock(at, path, diag);
    if (rv <= 0)
      return rv;
  }
  return egress__diag_error(diag, EGRESS_EADDR, nowhere, "lock file %s is replaced again and again", path);
}

static void drop_lock(egress__unix_path *at) {
  char path[LOCK_PATH];
  lock_path(path, at);
  unlink(path); /* before the lock goes: the next server then makes its own file */
  close(at->lock_fd);
}

/* 1 when somebody answers, though not by our lock; 0 when nobody does; -1: cannot tell, see errno. */
static int is_served(const egress__unix_path *at) {
  int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (fd < 0)
    return -1;
  int rv = connect(fd, (const struct sockaddr *)&at->name, sizeof at->name);
  int error = errno;
  close(fd);
  if (rv == 0 || error == EAGAIN) /* EAGAIN: so many wait that there is no room for more */
    return 1;
  errno = error;
  return error == ECONNREFUSED ? 0 : -1;
}

/* Removes what a server left behind that did not end well. */
static int clear_stale(const egress__unix_path *at, egress_diag *diag) {
  const char *path = at->name.sun_path;
  struct stat info;
  if (lstat(path, &info) != 0)
    return 0; /* nothing there, or bind will say what is wrong */
  if (!S_ISSOCK(info.st_mode))
    return egress__diag_error(diag, EGRESS_EADDR, nowhere, "%s exists and is not a socket; choose another path", path);
  int served = is_served(at);
  if (served == 1)
    return egress__diag_error(diag, EGRESS_EADDRINUSE, nowhere,
                              "another program listens on %s; end it, or choose another path", path);
  if (served != 0 || unlink(path) != 0)
    return egress__diag_error(diag, EGRESS_EADDR, nowhere, "%s: %s", path, strerror(errno));
  return 0;
}

static int bind_and_listen(int *out_fd, const egress__unix_path *at, egress_diag *diag) {
  int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (fd < 0)
    return egress__diag_error(diag, EGRESS_EADDR, nowhere, "%s: %s", at->name.sun_path, strerror(errno));
  /* The mode set here is the one that bind gives the file: there is no moment at which others could connect. */
  if (fchmod(fd, 0600) != 0 || bind(fd, (const struct sockaddr *)&at->name, sizeof at->name) != 0 ||
      listen(fd, SOMAXCONN) != 0) {
    int error = errno;
    close(fd);
    return egress__diag_error(diag, EGRESS_EADDR, nowhere, "%s: %s", at->name.sun_path, strerror(error));
  }
  *out_fd = fd;
  return 0;
}

int egress__unix_path_listen(int *out_fd, egress__unix_path *out, const char *path, egress_diag *diag) {
  egress__unix_path at = {.name.sun_family = AF_UNIX};
  if (strlen(path) >= sizeof at.name.sun_path)
    return egress__diag_error(diag, EGRESS_EADDR, nowhere,
                              "the path of a unix socket has at most %zu bytes, this has %zu",
                              sizeof at.name.sun_path - 1, strlen(path));
  snprintf(at.name.sun_path, sizeof at.name.sun_path, "%s", path);
  int rv = take_lock(&at, diag);
  if (rv != 0)
    return rv;
  rv = clear_stale(&at, diag);
  if (rv == 0)
    rv = bind_and_listen(out_fd, &at, diag);
  if (rv != 0) {
    drop_lock(&at);
    return rv;
  }
  at.is_held = 1;
  *out = at;
  return 0;
}

void egress__unix_path_release(egress__unix_path *held) {
  if (!held->is_held)
    return;
  unlink(held->name.sun_path);
  drop_lock(held);
  held->is_held = 0;
}
