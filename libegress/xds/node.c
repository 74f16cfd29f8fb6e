#include "xds/node.h"

#include <string.h>

#include <egress/error.h>

#include "base/alloc.h"
#include "xds/request.h"

/* What a field is to us, by its number: a text, or another of these. */
enum { LOCALITY = EGRESS__XDS_NODE_TEXTS, FEATURE, IGNORED };

static int role_in_node(uint32_t number) {
  switch (number) {
  case EGRESS__NODE_FIELD_ID:
    return EGRESS__XDS_NODE_ID;
  case EGRESS__NODE_FIELD_CLUSTER:
    return EGRESS__XDS_NODE_CLUSTER;
  case EGRESS__NODE_FIELD_LOCALITY:
    return LOCALITY;
  case EGRESS__NODE_FIELD_USER_AGENT_NAME:
    return EGRESS__XDS_NODE_USER_AGENT;
  case EGRESS__NODE_FIELD_CLIENT_FEATURES:
    return FEATURE;
  default:
    return IGNORED;
  }
}

static int role_in_locality(uint32_t number) {
  switch (number) {
  case EGRESS__LOCALITY_FIELD_REGION:
    return EGRESS__XDS_NODE_REGION;
  case EGRESS__LOCALITY_FIELD_ZONE:
    return EGRESS__XDS_NODE_ZONE;
  case EGRESS__LOCALITY_FIELD_SUB_ZONE:
    return EGRESS__XDS_NODE_SUB_ZONE;
  default:
    return IGNORED;
  }
}

static const char *const text_names[EGRESS__XDS_NODE_TEXTS] = {
    [EGRESS__XDS_NODE_ID] = "node.id",
    [EGRESS__XDS_NODE_CLUSTER] = "node.cluster",
    [EGRESS__XDS_NODE_REGION] = "node.locality.region",
    [EGRESS__XDS_NODE_ZONE] = "node.locality.zone",
    [EGRESS__XDS_NODE_SUB_ZONE] = "node.locality.sub_zone",
    [EGRESS__XDS_NODE_USER_AGENT] = "node.user_agent_name",
};

static const struct {
  const char *name;
  egress__feature feature;
} features[] = {{"xds.config.supports-resource-ttl", EGRESS__FEATURE_TTL},
                {"xds.config.supports-resource-in-sotw", EGRESS__FEATURE_WRAPPED},
                {"xds.config.resource-in-sotw", EGRESS__FEATURE_WRAPPED}, /* so gRPC writes it */
                {"envoy.lrs.supports_send_all_clusters", EGRESS__FEATURE_ALL_CLUSTERS}};

static uint8_t feature_of(egress__span name) {
  for (size_t i = 0; i < sizeof features / sizeof features[0]; i++)
    if (strlen(features[i].name) == name.size && memcmp(features[i].name, name.data, name.size) == 0)
      return (uint8_t)features[i].feature;
  return 0;
}

/* ---- reading ---- */

/* The next field that is of interest. Returns 1, 0 at the end, or EGRESS_EWIRE. */
static int next_field(egress__span *rest, int (*role_of)(uint32_t number), int *role, egress__span *bytes) {
  egress__field field;
  int rv;
  while ((rv = egress__field_next(rest, &field)) == 1) {
    *role = role_of(field.number);
    if (*role == IGNORED)
      continue;
    *bytes = field.bytes;
    return field.type == EGRESS__WIRE_BYTES ? 1 : EGRESS_EWIRE;
  }
  return rv;
}

static int read_text(egress__xds_node_read *out, int which, egress__span text, egress__stream_fault *fault) {
  out->texts[which] = text;
  return egress__request_check(text_names[which], text, EGRESS__NODE_TEXT_MAX, fault);
}

static int read_locality(egress__xds_node_read *out, egress__span rest, egress__stream_fault *fault) {
  egress__span bytes;
  int role, rv;
  while ((rv = next_field(&rest, role_in_locality, &role, &bytes)) == 1) {
    int text_rv = read_text(out, role, bytes, fault);
    if (text_rv != 0)
      return text_rv;
  }
  return rv == 0 ? 0 : egress__request_malformed(fault);
}

static int read_part(egress__xds_node_read *out, int role, egress__span bytes, egress__stream_fault *fault) {
  if (role == LOCALITY)
    return read_locality(out, bytes, fault);
  if (role != FEATURE)
    return read_text(out, role, bytes, fault);
  out->features |= feature_of(bytes);
  return 0;
}

int egress__xds_node_parse(egress__xds_node_read *out, egress__span rest, egress__stream_fault *fault) {
  egress__span bytes;
  int role, rv;
  while ((rv = next_field(&rest, role_in_node, &role, &bytes)) == 1) {
    int part_rv = read_part(out, role, bytes, fault);
    if (part_rv != 0)
      return part_rv;
  }
  return rv == 0 ? 0 : egress__request_malformed(fault);
}

/* ---- keeping ---- */

int egress__xds_node_keep(egress__xds_node *out, const egress__xds_node_read *read, const egress_alloc *alloc) {
  const char *texts[EGRESS__XDS_NODE_TEXTS];
  size_t size = EGRESS__XDS_NODE_TEXTS; /* their ends */
  for (size_t i = 0; i < EGRESS__XDS_NODE_TEXTS; i++)
    size += read->texts[i].size;
  char *to = egress__malloc(alloc, size);
  if (to == NULL)
    return EGRESS_ENOMEM;
  out->texts = to;
  for (size_t i = 0; i < EGRESS__XDS_NODE_TEXTS; i++) {
    texts[i] = to;
    if (read->texts[i].size > 0) /* else `data` may be NULL */
      memcpy(to, read->texts[i].data, read->texts[i].size);
    to += read->texts[i].size;
    *to++ = '\0';
  }
  out->says = (egress_node){.id = texts[EGRESS__XDS_NODE_ID],
                            .cluster = texts[EGRESS__XDS_NODE_CLUSTER],
                            .region = texts[EGRESS__XDS_NODE_REGION],
                            .zone = texts[EGRESS__XDS_NODE_ZONE],
                            .sub_zone = texts[EGRESS__XDS_NODE_SUB_ZONE],
                            .user_agent_name = texts[EGRESS__XDS_NODE_USER_AGENT]};
  out->features = read->features;
  return 0;
}

void egress__xds_node_dispose(egress__xds_node *node, const egress_alloc *alloc) {
  egress__free(alloc, node->texts);
  *node = (egress__xds_node){0};
}

const char *egress__xds_node_id(const egress__xds_node *node) {
  return node->texts == NULL ? "" : node->says.id;
}

const char *egress__xds_node_cluster(const egress__xds_node *node) {
  return node->texts == NULL ? "" : node->says.cluster;
}
