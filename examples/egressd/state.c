#include "state.h"
#include "text_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { STATE_MAX_BYTES = 64 << 20 /* a policy has at most 16 MiB, and the names of its rules come on top */ };

int state_read(char **out, const char *path) {
  char *text = text_file_read(path, STATE_MAX_BYTES);
  if (text == NULL && errno != ENOENT)
    return errno;
  *out = text;
  return 0;
}

static int write_all(int fd, const char *text, size_t size) {
  while (size > 0) {
    ssize_t wrote = write(fd, text, size);
    if (wrote < 0 && errno == EINTR)
      continue;
    if (wrote < 0)
      return errno;
    text += wrote;
    size -= (size_t)wrote;
  }
  return fsync(fd) == 0 ? 0 : errno;
}

/* A rename lasts when its folder is on the disk, too. */
static int sync_folder(const char *path) {
  const char *slash = strrchr(path, '/');
  char *folder = slash == NULL ? strdup(".") : strndup(path, slash == path ? 1 : (size_t)(slash - path));
  int fd = folder == NULL ? -1 : open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  int cause = fd < 0 || fsync(fd) != 0 ? errno : 0;
  if (fd >= 0)
    close(fd);
  free(folder);
  return cause;
}

int state_write(const char *path, const char *text) {
  size_t room = strlen(path) + sizeof ".new";
  char *fresh = malloc(room);
  if (fresh == NULL)
    return ENOMEM;
  snprintf(fresh, room, "%s.new", path);
  unlink(fresh); /* left by a daemon that was killed, or laid there by somebody else */
  /* Mode 0600: it holds the policy. */
  int fd = open(fresh, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
  int cause = fd < 0 ? errno : write_all(fd, text, strlen(text));
  if (fd >= 0)
    close(fd);
  if (cause == 0 && rename(fresh, path) != 0)
    cause = errno;
  if (cause == 0)
    cause = sync_folder(path);
  free(fresh);
  return cause;
}
