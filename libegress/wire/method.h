#ifndef EGRESS_WIRE_METHOD_H
#define EGRESS_WIRE_METHOD_H

#include <stddef.h>

#include "xds/stream.h"

/** What a client calls: a method of one of the services of API version 3. */
typedef struct egress__method {
  egress__xds_variant variant;
  const char *type_url; /* static; NULL: aggregated, any type */
  int is_unary;         /* Fetch…: one request, one response */
  const struct egress__service *service;
} egress__method;

/** `path` is HTTP/2's, such as "/envoy.service.cluster.v3.ClusterDiscoveryService/DeltaClusters". Returns 1; 0: none.
 */
int egress__method_find(egress__method *out, const char *path, size_t size);

/** Type of the `index`-th discovery service that has one; static; NULL past the end. */
const char *egress__method_type_url(size_t index);

#endif
