#include "xds/warm.h"

#include <stdio.h>
#include <string.h>

#include <egress/error.h>

#include "xds/members.h"

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
  egress__xdstp_room room;
  name = egress__xdstp_normal(&room, name);
  if (name.size == 0)
    snprintf(out, NAME_ROOM, "%s", egress_resource_name(cluster));
  else
    snprintf(out, NAME_ROOM, "%.*s", (int)name.size, (const char *)name.data);
  return 1;
}

/* Whatever the client said to hold of the endpoints when it came: a cluster that it does not hold needs them again. */
static int warm_cluster(egress__track *endpoints, const egress__track *clusters, const egress_resource *cluster) {
  char name[NAME_ROOM];
  if (egress__initial_has(clusters->initial, egress_resource_name(cluster), egress_resource_version(cluster)) ||
      !endpoints_name(name, cluster) || !egress__subscription_covers(&endpoints->want, name))
    return 0;
  egress__initial_forget(endpoints->initial, (egress__span){(const uint8_t *)name, strlen(name)});
  return egress__subscription_owe(&endpoints->want, name);
}

/* Clusters that are told because they were asked for are new to the client, though they did not change. */
static int warm_owed(egress__track *endpoints, const egress__track *clusters, const egress__type_set *to, int all) {
  egress__owed_names names = egress__subscription_owed(&clusters->want, all);
  int rv = 0;
  for (const egress__name *name; rv == 0 && (name = egress__owed_next(&names)) != NULL;) {
    egress__members members = egress__members_owed(&clusters->want, name, to);
    for (const egress_resource *cluster; rv == 0 && (cluster = egress__members_next(&members)) != NULL;)
      rv = warm_cluster(endpoints, clusters, cluster);
  }
  return rv;
}

int egress__warm_clusters(egress__track *endpoints, const egress__track *clusters, const egress__step *changes,
                          const egress__type_set *to, int all) {
  if (changes != NULL) {
    egress__puts puts = egress__step_puts(changes);
    for (const egress_resource *put; (put = egress__puts_next(&puts)) != NULL;)
      if (egress__subscription_wants(&clusters->want, put) && warm_cluster(endpoints, clusters, put) != 0)
        return EGRESS_ENOMEM;
  }
  return warm_owed(endpoints, clusters, to, all);
}
