#include "watch.h"

#include <libgen.h>
#include <stdlib.h>
#include <string.h>

static watch_mark mark_of(const char *path) {
  uv_fs_t request;
  watch_mark mark;
  memset(&mark, 0, sizeof mark);
  if (uv_fs_stat(NULL, &request, path, NULL) == 0) {
    mark.device = request.statbuf.st_dev;
    mark.inode = request.statbuf.st_ino;
    mark.size = request.statbuf.st_size;
    mark.modified = request.statbuf.st_mtim;
    mark.changed = request.statbuf.st_ctim;
  }
  uv_fs_req_cleanup(&request);
  return mark;
}

static int same(const watch_mark *a, const watch_mark *b) {
  return memcmp(a, b, sizeof *a) == 0;
}

static void on_quiet(uv_timer_t *timer);

/* Waits a quiet time for a file that differs from what was reported; other files of the folder change nothing. */
static void look(watch *self) {
  if (uv_is_active((uv_handle_t *)&self->quiet))
    return;
  self->seen = mark_of(self->path);
  if (!same(&self->seen, &self->reported))
    uv_timer_start(&self->quiet, on_quiet, WATCH_QUIET_MS, 0);
}

static void on_quiet(uv_timer_t *timer) {
  watch *self = timer->data;
  watch_mark now = mark_of(self->path);
  int quiet = same(&now, &self->seen);
  self->seen = now;
  if (!quiet) {
    uv_timer_start(&self->quiet, on_quiet, WATCH_QUIET_MS, 0);
    return;
  }
  self->reported = now;
  self->on_change(self->user);
}

static void on_folder(uv_fs_event_t *folder, const char *name, int events, int status) {
  (void)name; /* a swapped link has another name than the file */
  (void)events;
  (void)status; /* an event that could not be read is as good as one */
  look(folder->data);
}

static void on_poll(uv_timer_t *timer) {
  look(timer->data);
}

static int watch_folder(watch *self) {
  char *copy = strdup(self->path); /* dirname writes into it */
  if (copy == NULL)
    return UV_ENOMEM;
  int rv = uv_fs_event_start(&self->folder, on_folder, dirname(copy), 0);
  free(copy);
  return rv;
}

int watch_start(watch *out, uv_loop_t *loop, const char *path, watch_fn on_change, void *user) {
  out->path = path;
  out->on_change = on_change;
  out->user = user;
  out->reported = out->seen = mark_of(path);
  uv_fs_event_init(loop, &out->folder);
  uv_timer_init(loop, &out->poll);
  uv_timer_init(loop, &out->quiet);
  out->folder.data = out->poll.data = out->quiet.data = out;
  uv_timer_start(&out->poll, on_poll, WATCH_POLL_MS, WATCH_POLL_MS);
  return watch_folder(out);
}

void watch_force(watch *self) {
  memset(&self->reported, 0xff, sizeof self->reported); /* like no file */
  look(self);
}

void watch_stop(watch *self) {
  uv_close((uv_handle_t *)&self->folder, NULL);
  uv_close((uv_handle_t *)&self->poll, NULL);
  uv_close((uv_handle_t *)&self->quiet, NULL);
}
