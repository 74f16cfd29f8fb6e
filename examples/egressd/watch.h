/*
 * Says when a file has changed: written, replaced by a rename, or reached through a symbolic link that was swapped.
 *
 * The folder is watched, because a rename replaces the file that one could watch; and because that sees only the last
 * step of a path of links, the file is also looked at every WATCH_POLL_MS. The callback runs once the file has stayed
 * the same for WATCH_QUIET_MS.
 */
#ifndef EGRESSD_WATCH_H
#define EGRESSD_WATCH_H

#include <uv.h>

enum {
  WATCH_POLL_MS = 2000,
  /* An editor writes a file in less; a half-written policy could be wider than the whole one. */
  WATCH_QUIET_MS = 50
};

/* What tells one state of a file from another, compared as bytes (it has no padding); all zero: there is no file. */
typedef struct watch_mark {
  uint64_t device, inode, size;
  uv_timespec_t modified, changed;
} watch_mark;

typedef void (*watch_fn)(void *user);

typedef struct watch {
  uv_fs_event_t folder;
  uv_timer_t poll, quiet;
  const char *path;
  /* As the file was when it was last looked at, and when the callback last ran. */
  watch_mark seen, reported;
  watch_fn on_change;
  void *user;
} watch;

/*
 * Starts on `path`, borrowed until watch_stop; the caller reads the file after this call, so that no change is missed.
 * 0; or why the kernel cannot watch the folder, a negative UV_* code: the file is then only looked at now and then.
 */
int watch_start(watch *out, uv_loop_t *loop, const char *path, watch_fn on_change, void *user);

/* Reports the file as changed after the next quiet time, whether it is or not. */
void watch_force(watch *self);

/* Closes the handles; `self` must live until the loop has run once more. */
void watch_stop(watch *self);

#endif
