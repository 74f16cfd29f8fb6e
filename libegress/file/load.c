#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <egress/error.h>
#include <egress/policy.h>

#include "base/alloc.h"
#include "base/buf.h"
#include "base/diag.h"
#include "base/options.h"
#include "policy/read.h"

static int io_fault(egress_diag *diag, const char *path) {
  return egress__diag_error(diag, EGRESS_EIO, (egress__place){.file = path}, "cannot be read: %s", strerror(errno));
}

/* Reads to the end, or one byte past the limit: the parser then says what the limit is. */
static int read_all(int fd, egress__buf *buf, const char *path, egress_diag *diag) {
  enum { STEP = 64 * 1024 };
  while (buf->size <= EGRESS__MAX_POLICY_BYTES) {
    char *to = egress__buf_reserve(buf, STEP);
    if (to == NULL)
      return EGRESS_ENOMEM;
    ssize_t got = read(fd, to, STEP);
    if (got < 0 && errno == EINTR)
      continue;
    if (got < 0)
      return io_fault(diag, path);
    if (got == 0)
      break;
    buf->size += (size_t)got;
  }
  return 0;
}

/* Without waiting, so that a pipe without a writer cannot hang the caller; only files can be read again later. */
static int open_plain(const char *path, egress_diag *diag, int *out) {
  int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  struct stat info;
  if (fd < 0)
    return io_fault(diag, path);
  if (fstat(fd, &info) == 0 && S_ISREG(info.st_mode)) {
    *out = fd;
    return 0;
  }
  close(fd);
  return egress__diag_error(diag, EGRESS_EIO, (egress__place){.file = path}, "is not a plain file");
}

int egress_policy_load(egress_policy **out, const char *path, const egress_policy_options *options, egress_diag *diag) {
  egress_policy_options own = EGRESS_POLICY_OPTIONS_INIT;
  if (out == NULL || path == NULL)
    return EGRESS_EINVAL;
  int fd = -1, rv = egress__options_take(&own, sizeof own, options, sizeof own);
  if (rv == 0)
    rv = open_plain(path, diag, &fd);
  if (rv != 0)
    return rv;
  egress__buf buf;
  egress__buf_init(&buf, egress__alloc_or_default(own.alloc));
  rv = read_all(fd, &buf, path, diag);
  close(fd);
  if (rv == 0)
    rv = egress_policy_parse(out, buf.data, buf.size, path, &own, diag);
  egress__buf_dispose(&buf);
  return rv;
}
