#include "text_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* Reads to the end, one byte past `max_bytes` at most. Returns how many bytes, or -1. */
static ssize_t read_all(int fd, char *text, size_t max_bytes) {
  size_t size = 0;
  while (size <= max_bytes) {
    ssize_t got = read(fd, text + size, max_bytes + 1 - size);
    if (got < 0 && errno == EINTR)
      continue;
    if (got < 0)
      return -1;
    if (got == 0)
      break;
    size += (size_t)got;
  }
  return (ssize_t)size;
}

static char *read_open(int fd, size_t max_bytes) {
  struct stat info;
  if (fstat(fd, &info) != 0)
    return NULL;
  if (!S_ISREG(info.st_mode))
    return errno = EINVAL, NULL;
  size_t room = (size_t)info.st_size < max_bytes ? (size_t)info.st_size : max_bytes;
  char *text = malloc(room + 2);
  if (text == NULL)
    return NULL;
  ssize_t size = read_all(fd, text, room);
  if (size >= 0 && (size_t)size > room)
    errno = EFBIG, size = -1; /* longer than allowed, or growing */
  if (size >= 0 && memchr(text, '\0', (size_t)size) != NULL)
    errno = EINVAL, size = -1;
  if (size < 0) {
    int cause = errno;
    explicit_bzero(text, room + 2); /* may be of a private key */
    free(text);
    return errno = cause, NULL;
  }
  text[size] = '\0';
  return text;
}

char *text_file_read(const char *path, size_t max_bytes) {
  int fd = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
  if (fd < 0)
    return NULL;
  char *text = read_open(fd, max_bytes);
  int cause = errno;
  close(fd);
  errno = cause;
  return text;
}
