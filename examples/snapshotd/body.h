/* The body of `PUT /snapshot/<node>`: JSON to a snapshot. */
#ifndef SNAPSHOTD_BODY_H
#define SNAPSHOTD_BODY_H

#include "faults.h"

#include <egress/snapshot.h>

/* Reads all of it or nothing. 0; or -1 with every fault found; then none were found: no memory. */
int body_read(egress_snapshot **out, const char *text, size_t size, faults *found);

#endif
