#include "xds/warm.h"

#include <stdio.h>

#include <egress/error.h>

/* Of envoy.config.cluster.v3.Cluster: what it takes to find the endpoints' name. */
enum { CLUSTER_TYPE = 2, CLUSTER_EDS = 3, TYPE_EDS = 3, EDS_SERVICE_NAME = 2 };

enum { NAME_ROOM = EGRESS__NAME_MAX + 1 };

static egress__span service_name(egress__span eds_config) {
  egress__span name = {0};
  egress__field field;
  while (egress__field_next(&eds_config, &field) == 1)
    if (field.number == EDS_SERVICE_NAME && field.type == EGRESS__WIRE_BYTES)
      name = field.bytes;
  return name;
}

/* Writes the name of the cluster's endpoints; returns 0 when it has none by EDS. */
static int endpoints_name(char out[NAME_ROOM], const egress_resource *cluster) {
  egress__span rest = {egress_resource_bytes(cluster), egress_resource_size(cluster)}, name = {0};
  egress__field field;
  int is_eds = 0;
  while (egress__field_next(&rest, &field) == 1) {
    if (field.number == CLUSTER_TYPE && field.type == EGRESS__WIRE_VARINT)
      is_eds = field.value == TYPE_EDS;
    else if (field.number == CLUSTER_EDS && field.type == EGRESS__WIRE_BYTES)
      name = service_name(field.bytes);
  }
  if (!is_eds || name.size > EGRESS__NAME_MAX)
    return 0;
  if (name.size == 0)
    snprintf(out, NAME_ROOM, "%s", egress_resource_name(cluster));
  else
    snprintf(out, NAME_ROOM, "%.*s", (int)name.size, (const char *)name.data);
  return 1;
}

int egress__warm_clusters(egress__track *endpoints, const egress__step *changes) {
  char name[NAME_ROOM];
  for (size_t i = 0; i < changes->put_count; i++)
    if (endpoints_name(name, changes->puts[i]) && egress__subscription_covers(&endpoints->want, name) &&
        egress__subscription_owe(&endpoints->want, name) != 0)
      return EGRESS_ENOMEM;
  return 0;
}
