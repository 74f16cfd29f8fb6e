#ifndef EGRESS_XDS_WARM_H
#define EGRESS_XDS_WARM_H

#include "xds/track.h"

/**
 * Owes the endpoints of clusters that are about to be told: Envoy does not use an added or changed cluster before its
 * endpoints came once more, and asks for them either with the words of an old request or not at all.
 *
 * :param endpoints: the stream's track of ClusterLoadAssignments. :param clusters: that of clusters.
 * :param changes: what of them changes for the client; NULL: nothing. :param to: the clusters there are.
 * :param all: 1: what is owed later is told, too.
 * Returns 0 or EGRESS_ENOMEM.
 */
int egress__warm_clusters(egress__track *endpoints, const egress__track *clusters, const egress__step *changes,
                          const egress__type_set *to, int all);

#endif
