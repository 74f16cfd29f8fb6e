#ifndef EGRESS_XDS_WARM_H
#define EGRESS_XDS_WARM_H

#include "xds/track.h"

/**
 * Owes the endpoints of clusters that are about to be put: Envoy does not use an added or changed cluster before its
 * endpoints came once more, and asks for them either with the words of an old request or not at all.
 *
 * :param endpoints: the stream's track of ClusterLoadAssignments. :param changes: a step of clusters.
 * Returns 0 or EGRESS_ENOMEM.
 */
int egress__warm_clusters(egress__track *endpoints, const egress__step *changes);

#endif
