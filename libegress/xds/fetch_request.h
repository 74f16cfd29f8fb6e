#ifndef EGRESS_XDS_FETCH_REQUEST_H
#define EGRESS_XDS_FETCH_REQUEST_H

#include <egress/diag.h>

#include "base/buf.h"
#include "base/protowire.h"

/* What a request in JSON may cost. */
enum {
  EGRESS__FETCH_BYTES_MAX = 4 << 20, /* as a request on a stream, unless its server says otherwise */
  EGRESS__FETCH_VALUES_MAX = 1 << 18 /* 16 MiB; all names that a request may have, and the longest list of extensions */
};

/**
 * Adds a DiscoveryRequest in proto3 JSON to `out`, packed, but only what is used of it: version_info, resource_names,
 * type_url, and what is read of a node (xds/node.h).
 *
 * Returns 0, EGRESS_ESYNTAX, EGRESS_ERESOURCE, EGRESS_ELIMIT or EGRESS_ENOMEM.
 */
int egress__fetch_request_read(egress__buf *out, const char *text, size_t size, egress_diag *diag);

/** Cuts it in two: its version_info, which may be empty; and who asks for what, in the same bytes each time. */
void egress__fetch_request_cut(egress__span packed, egress__span *version, egress__span *rest);

#endif
