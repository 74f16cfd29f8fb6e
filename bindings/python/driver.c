#include "driver.h"

#include <stdlib.h>

#include <egress/error.h>
#include <uv.h>

/* Bounds how long a garbage collector may stand still for a server that nobody closed. */
enum { FORCED_CLOSE_MS = 5000 };

struct egress_driver {
  uv_loop_t loop;
  egress_server *server;
  void *user;
  int closing;
  int closed;
};

static void on_closed(egress_server *server, void *user) {
  egress_driver *driver = user;
  (void)server;
  driver->closed = 1;
}

int egress_driver_new(egress_driver **out, egress_cache *cache, const egress_server_options *options) {
  egress_driver *driver = calloc(1, sizeof *driver);
  if (driver == NULL)
    return EGRESS_ENOMEM;
  if (uv_loop_init(&driver->loop) != 0) {
    free(driver);
    return EGRESS_ENOMEM;
  }
  int rv = egress_server_new(&driver->server, &driver->loop, cache, options);
  if (rv != 0) {
    uv_run(&driver->loop, UV_RUN_DEFAULT); /* lets go of handles that were on their way */
    uv_loop_close(&driver->loop);
    free(driver);
    return rv;
  }
  driver->user = options != NULL ? options->user : NULL;
  *out = driver;
  return 0;
}

static void on_deadline(uv_timer_t *timer) {
  *(int *)timer->data = 1;
}

static void close_now(egress_driver *driver) {
  uv_timer_t timer;
  int late = 0;
  egress_driver_close(driver);
  uv_timer_init(&driver->loop, &timer);
  timer.data = &late;
  uv_update_time(&driver->loop);
  uv_timer_start(&timer, on_deadline, FORCED_CLOSE_MS, 0);
  while (!driver->closed && !late)
    uv_run(&driver->loop, UV_RUN_ONCE);
  uv_close((uv_handle_t *)&timer, NULL);
  uv_run(&driver->loop, UV_RUN_NOWAIT); /* ends the closing of the timer, which lies on this stack */
}

void egress_driver_free(egress_driver *driver) {
  if (driver == NULL)
    return;
  if (!driver->closed)
    close_now(driver);
  if (!driver->closed)
    return; /* something still uses the loop: memory that leaks is better than memory used after it was freed */
  egress_server_free(driver->server);
  uv_run(&driver->loop, UV_RUN_DEFAULT);
  uv_loop_close(&driver->loop);
  free(driver);
}

void *egress_driver_user(const egress_driver *driver) {
  return driver->user;
}

egress_server *egress_driver_server(const egress_driver *driver) {
  return driver->server;
}

int egress_driver_fd(const egress_driver *driver) {
  return uv_backend_fd(&driver->loop);
}

int egress_driver_timeout_ms(egress_driver *driver) {
  if (!uv_loop_alive(&driver->loop))
    return -1; /* uv_backend_timeout would say 0 for ever */
  uv_update_time(&driver->loop);
  return uv_backend_timeout(&driver->loop);
}

void egress_driver_run(egress_driver *driver) {
  uv_run(&driver->loop, UV_RUN_NOWAIT);
}

void egress_driver_close(egress_driver *driver) {
  if (driver->closing)
    return;
  driver->closing = 1;
  egress_server_close(driver->server, on_closed, driver);
}

int egress_driver_closed(const egress_driver *driver) {
  return driver->closed;
}
