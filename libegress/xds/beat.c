#include "xds/beat.h"

#include <string.h>

/* What was sent last; NULL: nothing was, or the empty set. */
static const egress__type_set *last(const egress__track *track) {
  return track->has.count == 0 ? NULL : track->has.sets[track->has.count - 1];
}

static uint32_t ttl_ms(const egress__track *track) {
  return last(track) == NULL ? 0 : last(track)->ttl_ms;
}

uint64_t egress__beat_due(const egress__track *track) {
  if (!track->told_ttl || ttl_ms(track) == 0 || track->phase == EGRESS__PHASE_WAITING || track->beat.refused ||
      (!track->want.wildcard && track->want.wanted == 0))
    return UINT64_MAX;
  return track->beat.owed ? 0 : track->beat.since_ms + ttl_ms(track) / EGRESS__BEATS_PER_TTL;
}

void egress__beat_told(egress__track *track, uint64_t now_ms) {
  track->beat.refused = 0;
  if (track->initial != NULL) /* it held that before it came */
    track->beat.owed = 1;
  else if (ttl_ms(track) == 0)
    track->beat.since_ms = now_ms;
}

void egress__beat_done(egress__track *track, uint64_t now_ms) {
  track->beat.owed = 0;
  track->beat.since_ms = now_ms;
}

static int is_wanted(const egress__track *track, const egress_resource *resource) {
  const char *name = egress_resource_name(resource);
  const egress__name *entry = egress__subscription_find(&track->want, name, strlen(name));
  if (entry != NULL && (entry->owed != EGRESS__OWED_NO || entry->forgotten))
    return 0;
  if (track->want.globs == 0 && egress_resource_alias_count(resource) == 0)
    return track->want.wildcard || (entry != NULL && entry->wanted);
  return egress__subscription_wants(&track->want, resource) &&
         egress__subscription_teller(&track->want, resource, 1) == NULL;
}

/* After a refusal nobody knows which of several sets the client has: then what all of them have alike. */
static int is_held(const egress__track *track, const egress_resource *resource) {
  if (track->has.nothing)
    return 0;
  for (size_t i = 0; i + 1 < track->has.count; i++) {
    const egress_resource *other = egress__type_set_find(track->has.sets[i], egress_resource_name(resource));
    if (other == NULL || strcmp(egress_resource_version(other), egress_resource_version(resource)) != 0)
      return 0;
  }
  return 1;
}

int egress__beat_collect(egress__answer *answer, const egress__track *track) {
  egress__cursor at = {.set = last(track)};
  for (egress_resource *resource; (resource = egress__cursor_item(&at)) != NULL;) {
    const egress__chunk *chunk = egress__cursor_chunk(&at);
    if (chunk != NULL && chunk->ttl_ms == 0) {
      egress__cursor_skip(&at);
      continue;
    }
    egress__cursor_next(&at);
    if (egress_resource_ttl_ms(resource) == 0 || !is_wanted(track, resource) || !is_held(track, resource))
      continue;
    int rv = egress__answer_put(answer, resource);
    if (rv != 0)
      return rv;
  }
  return 0;
}
