#ifndef EGRESS_PYTHON_DRIVER_H
#define EGRESS_PYTHON_DRIVER_H

#include <egress/server.h>

/*
 * A server on a uv loop of its own, which another event loop drives: it watches the loop's descriptor, and calls
 * egress_driver_run when that is readable, when the timeout is over, and after any call that may have given the loop
 * something to do. Thread: one at a time; the binding keeps the GIL in all of these calls, so the GIL is their lock.
 */
typedef struct egress_driver egress_driver;

/** As egress_server_new; EGRESS_ENOMEM also when the process is out of descriptors. */
int egress_driver_new(egress_driver **out, egress_cache *cache, const egress_server_options *options);

/** Closes first if nobody did, and waits for that. NULL is allowed. */
void egress_driver_free(egress_driver *driver);

/** ``user`` of the options that it was made with. */
void *egress_driver_user(const egress_driver *driver);

/** Borrowed from the driver. */
egress_server *egress_driver_server(const egress_driver *driver);

/** Readable when the loop has something to do. */
int egress_driver_fd(const egress_driver *driver);

/** Milliseconds until the loop has to run although the descriptor is quiet; -1: never; 0: now. */
int egress_driver_timeout_ms(egress_driver *driver);

/** Does what is there to be done, without waiting. */
void egress_driver_run(egress_driver *driver);

/** Starts to close; it is over when egress_driver_closed says so. Events can be taken until the driver is freed. */
void egress_driver_close(egress_driver *driver);
int egress_driver_closed(const egress_driver *driver);

#endif
