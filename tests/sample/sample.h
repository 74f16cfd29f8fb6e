#ifndef TESTS_SAMPLE_SAMPLE_H
#define TESTS_SAMPLE_SAMPLE_H

#include <egress/egress.h>

/*
 * A configuration of a given size to serve: clusters of about 310 bytes, "egress|443||svc-000000.partner.example.com"
 * and on, and one listener "egress" with a filter chain for every tenth of them. Programs of the tests only: any
 * failure ends the process.
 */

/** `count` clusters and the listener; the caller owns one reference. */
egress_snapshot *sample_snapshot(unsigned count);

/** `base` with cluster `index` changed to `revision`; `base` itself stays; the caller owns one reference. */
egress_snapshot *sample_change(egress_snapshot *base, unsigned index, unsigned revision);

enum { SAMPLE_NAME = 64 };

/** The name of cluster `index`; returns `out`. */
const char *sample_name(char out[SAMPLE_NAME], unsigned index);

#endif
