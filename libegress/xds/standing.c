#include "xds/standing.h"

#include <string.h>

/* ---- what was told ---- */

static const char *version_in(const egress__type_set *set, const egress_resource *resource) {
  const egress_resource *found = egress__type_set_find(set, egress_resource_name(resource));
  return found == NULL ? "" : egress_resource_version(found);
}

/* As which it stands in what was sent last; "": in nothing. */
static const char *last_version(const egress__track *track, const egress_resource *resource) {
  return track->has.count == 0 ? "" : version_in(track->has.sets[track->has.count - 1], resource);
}

static egress__config_status compare(const egress__track *track, const egress_resource *resource) {
  return strcmp(last_version(track, resource), egress_resource_version(resource)) == 0 ? EGRESS__CONFIG_SYNCED
                                                                                       : EGRESS__CONFIG_NOT_SENT;
}

/* ---- state of the world ---- */

static egress__config_status status_of_type(const egress__track *track, const egress_resource *resource) {
  if (track->phase == EGRESS__PHASE_WAITING && !track->beat.sent)
    return EGRESS__CONFIG_STALE;
  if (track->phase == EGRESS__PHASE_REFUSED && !track->beat.refused)
    return EGRESS__CONFIG_ERROR;
  return compare(track, resource);
}

static egress__standing by_type(const egress__track *track, const egress_resource *resource) {
  const egress__record *record = &track->record;
  egress__standing out = {status_of_type(track, resource), "", ""};
  switch (out.status) {
  case EGRESS__CONFIG_NOT_SENT:
    break;
  case EGRESS__CONFIG_SYNCED:
  case EGRESS__CONFIG_STALE:
    out.version = egress__version_text(record->sent);
    break;
  case EGRESS__CONFIG_ERROR:
    out.version = egress__version_text(record->acked);
    out.refused = egress__version_text(record->nacked);
    break;
  }
  return out;
}

/* ---- delta ---- */

/* 1 when what the client may have of it is not the same in all that it may have. */
static int is_open(const egress__track *track, const egress_resource *resource) {
  const char *last = last_version(track, resource);
  for (size_t i = 0; i < track->has.count; i++)
    if (strcmp(version_in(track->has.sets[i], resource), last) != 0)
      return 1;
  return track->want.wildcard && track->has.nothing && last[0] != '\0';
}

static int is_owed(const egress__track *track, const egress_resource *resource, egress__owed owed) {
  return egress__subscription_owing(&track->want, resource, 1U << owed) != NULL;
}

static egress__config_status status_of(const egress__track *track, const egress_resource *resource) {
  if (is_owed(track, resource, EGRESS__OWED_NOW))
    return EGRESS__CONFIG_NOT_SENT;
  if (is_owed(track, resource, EGRESS__OWED_SENT))
    return EGRESS__CONFIG_STALE;
  if (is_owed(track, resource, EGRESS__OWED_LATER))
    return EGRESS__CONFIG_ERROR;
  if (!is_open(track, resource))
    return compare(track, resource);
  if (track->phase == EGRESS__PHASE_WAITING && track->stepping)
    return EGRESS__CONFIG_STALE;
  return track->objected ? EGRESS__CONFIG_ERROR : EGRESS__CONFIG_NOT_SENT;
}

static egress__standing by_resource(const egress__track *track, const egress_resource *resource) {
  egress__standing out = {status_of(track, resource), "", ""};
  const char *told = track->mixed && is_open(track, resource) ? "" : last_version(track, resource);
  switch (out.status) {
  case EGRESS__CONFIG_NOT_SENT:
    break;
  case EGRESS__CONFIG_SYNCED:
  case EGRESS__CONFIG_STALE:
    out.version = told;
    break;
  case EGRESS__CONFIG_ERROR:
    /* The first set is the one last accepted; of a name told because it was asked for that says nothing. */
    if (!track->mixed && !track->has.nothing && !is_owed(track, resource, EGRESS__OWED_LATER))
      out.version = version_in(track->has.sets[0], resource);
    out.refused = told;
    break;
  }
  return out;
}

egress__standing egress__standing_of(const egress__track *track, egress__xds_variant variant,
                                     const egress_resource *resource) {
  return variant == EGRESS__XDS_DELTA ? by_resource(track, resource) : by_type(track, resource);
}
