#ifndef EGRESS_XDS_NODE_H
#define EGRESS_XDS_NODE_H

#include <egress/cache.h>

#include "base/protowire.h"
#include "xds/stream.h"

/* Field numbers of envoy.config.core.v3.Node, and of its Locality. */
enum {
  EGRESS__NODE_FIELD_ID = 1,
  EGRESS__NODE_FIELD_CLUSTER = 2,
  EGRESS__NODE_FIELD_LOCALITY = 4,
  EGRESS__NODE_FIELD_USER_AGENT_NAME = 6,
  EGRESS__NODE_FIELD_CLIENT_FEATURES = 10,
  EGRESS__LOCALITY_FIELD_REGION = 1,
  EGRESS__LOCALITY_FIELD_ZONE = 2,
  EGRESS__LOCALITY_FIELD_SUB_ZONE = 3
};

enum { EGRESS__NODE_TEXT_MAX = 255 /* each text of a node: names of groups, keys of logs */ };

/** What a client says that it can do (`client_features`); what is not here is of no interest. */
typedef enum egress__feature {
  EGRESS__FEATURE_TTL = 1,         /* it takes times to live */
  EGRESS__FEATURE_WRAPPED = 2,     /* in state of the world it takes a Resource where the message could stand */
  EGRESS__FEATURE_ALL_CLUSTERS = 4 /* it can be asked for the load of all clusters */
} egress__feature;

/** The texts of a node, those of egress_node. */
typedef enum egress__xds_node_text {
  EGRESS__XDS_NODE_ID,
  EGRESS__XDS_NODE_CLUSTER,
  EGRESS__XDS_NODE_REGION,
  EGRESS__XDS_NODE_ZONE,
  EGRESS__XDS_NODE_SUB_ZONE,
  EGRESS__XDS_NODE_USER_AGENT,
  EGRESS__XDS_NODE_TEXTS
} egress__xds_node_text;

/** A packed envoy.config.core.v3.Node, read in place: absent texts are empty. `{0}`: none. */
typedef struct egress__xds_node_read {
  egress__span texts[EGRESS__XDS_NODE_TEXTS];
  uint8_t features; /* egress__feature, added up */
} egress__xds_node_read;

/**
 * Reads a node, or more of one: parts of a message add up. Returns 0 or, with `fault` filled, EGRESS_EWIRE or
 * EGRESS_ELIMIT.
 */
int egress__xds_node_parse(egress__xds_node_read *out, egress__span bytes, egress__stream_fault *fault);

/** Who a client says it is, kept; `{0}`: it was not met yet. */
typedef struct egress__xds_node {
  char *texts;      /* one behind the other; NULL: not met */
  egress_node says; /* points into those */
  uint8_t features;
} egress__xds_node;

/** Keeps what was read. Returns 0 or EGRESS_ENOMEM: `out` is as it was. */
int egress__xds_node_keep(egress__xds_node *out, const egress__xds_node_read *read, const egress_alloc *alloc);

void egress__xds_node_dispose(egress__xds_node *node, const egress_alloc *alloc);

/** node.id and node.cluster; "" of one that was not met. */
const char *egress__xds_node_id(const egress__xds_node *node);
const char *egress__xds_node_cluster(const egress__xds_node *node);

#endif
