#ifndef EGRESS_XDS_CLIENT_STATUS_H
#define EGRESS_XDS_CLIENT_STATUS_H

#include "base/buf.h"
#include "base/protowire.h"
#include "xds/stream.h"

/* What the client status discovery service (CSDS) is asked, and what it says of a stream. */

enum {
  EGRESS__MATCHERS_MAX = 64, /* each is tried on every stream */
  EGRESS__CLIENT_STATUS_BYTES_MAX = 32 << 20
};

typedef enum egress__match {
  EGRESS__MATCH_ALL,
  EGRESS__MATCH_EXACT,
  EGRESS__MATCH_PREFIX,
  EGRESS__MATCH_SUFFIX,
  EGRESS__MATCH_CONTAINS
} egress__match;

/** Which nodes are meant, by their id. */
typedef struct egress__matcher {
  egress__match kind;
  int ignores_case; /* of ASCII */
  egress__span text;
} egress__matcher;

/** A ClientStatusRequest, read in place. */
typedef struct egress__status_request {
  egress__span node; /* who asks, not read yet; empty: it does not say */
  int is_bare;       /* without the resources themselves */
  size_t matcher_count;
  egress__matcher matchers[EGRESS__MATCHERS_MAX]; /* one of them has to match; none: all nodes */
} egress__status_request;

/** Returns 0 or, with `fault` filled, EGRESS_EWIRE, EGRESS_ELIMIT or EGRESS_EUNSUPPORTED. */
int egress__status_request_read(egress__status_request *out, const void *bytes, size_t size,
                                egress__stream_fault *fault);

/** 1 when the node is meant. */
int egress__status_request_means(const egress__status_request *request, const char *node_id);

/**
 * Adds a ClientConfig to a ClientStatusResponse: what the stream's client wants and has. `epoch_ms` is the Unix time
 * when the clock of streams was 0. The bytes of secrets are never written.
 *
 * Returns 0; EGRESS_ENOMEM; with `fault` filled EGRESS_ELIMIT.
 */
int egress__client_status_write(egress__buf *response, const egress__stream *stream, int is_bare, uint64_t epoch_ms,
                                egress__stream_fault *fault);

#endif
