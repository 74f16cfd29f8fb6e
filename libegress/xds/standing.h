#ifndef EGRESS_XDS_STANDING_H
#define EGRESS_XDS_STANDING_H

#include "xds/stream.h"
#include "xds/track.h"

/** envoy.service.status.v3.ConfigStatus: as far as the server knows. */
typedef enum egress__config_status {
  EGRESS__CONFIG_SYNCED = 1,   /* told and accepted, as it is now */
  EGRESS__CONFIG_NOT_SENT = 2, /* to be told */
  EGRESS__CONFIG_STALE = 3,    /* told, and not answered yet */
  EGRESS__CONFIG_ERROR = 4     /* told and refused */
} egress__config_status;

/** How a resource that the client wants stands with it. */
typedef struct egress__standing {
  egress__config_status status;
  const char *version; /* as which it was told, of what was refused: as which it was accepted before; "": not known */
  const char *refused; /* as which it was refused, likewise */
} egress__standing;

/**
 * In delta as far as that one resource goes; in state of the world, where a response has one version and one answer,
 * as its type stands. Texts live as long as nothing happens on the stream. Heartbeats change nothing of it.
 */
egress__standing egress__standing_of(const egress__track *track, egress__xds_variant variant,
                                     const egress_resource *resource);

#endif
