/*
 *                 response            ACK
 *   FRESH ------------------> WAITING -----> ACCEPTED
 *                             ^ ^  |            |
 *                             | |  | NACK       | response
 *                             | +--|------------+
 *                    response |    v
 *                             +-- REFUSED
 *
 * A refused set stays the last of `has.sets`, so it is not sent again; and it stays among what the client may have,
 * because clients take over parts of what they refuse. The next set is told in full difference to all of them.
 */
#include "xds/track.h"

#include <string.h>

#include <egress/resource.h>

static const char *const order[EGRESS__RANK_OTHER] = {EGRESS_TYPE_CLUSTER, EGRESS_TYPE_ENDPOINT, EGRESS_TYPE_LISTENER,
                                                      EGRESS_TYPE_ROUTE};

static const char virtual_host[] = "type.googleapis.com/envoy.config.route.v3.VirtualHost";
static const char scoped_routes[] = "type.googleapis.com/envoy.config.route.v3.ScopedRouteConfiguration";

static uint8_t rank_of(const char *type_url) {
  uint8_t rank = 0;
  while (rank < EGRESS__RANK_OTHER && strcmp(order[rank], type_url) != 0)
    rank++;
  return rank;
}

/* Routes by any other name. */
static int is_routes(const char *type_url) {
  return strcmp(type_url, EGRESS_TYPE_ROUTE) == 0 || strcmp(type_url, scoped_routes) == 0 ||
         strcmp(type_url, virtual_host) == 0;
}

/* The protocol says so of the first two. Envoy 1.40 takes scoped routes likewise: it names none, and drops a scope that
   is absent. */
static int is_whole(const char *type_url) {
  return strcmp(type_url, EGRESS_TYPE_CLUSTER) == 0 || strcmp(type_url, EGRESS_TYPE_LISTENER) == 0 ||
         strcmp(type_url, scoped_routes) == 0;
}

egress__track *egress__track_new(const egress_alloc *alloc, egress__span type_url, egress__budget *budget) {
  egress__track *track = egress__calloc(alloc, 1, sizeof *track + type_url.size + 1);
  if (track == NULL)
    return NULL;
  track->alloc = alloc;
  memcpy(track->type_url, type_url.data, type_url.size);
  track->rank = rank_of(track->type_url);
  track->waits_for = track->rank == EGRESS__RANK_LISTENER ? EGRESS__RANK_LISTENER
                     : is_routes(track->type_url)         ? EGRESS__RANK_ROUTE
                                                          : 0;
  track->whole = (uint8_t)is_whole(track->type_url);
  track->told_absence = strcmp(track->type_url, virtual_host) == 0;
  track->has.nothing = 1;
  track->asked_until_ms = UINT64_MAX;
  egress__subscription_init(&track->want, alloc, budget);
  return track;
}

static void forget_sets(egress__track *track) {
  for (size_t i = 0; i < track->has.count; i++)
    egress__type_set_unref(track->has.sets[i]);
  track->has.count = 0;
}

void egress__track_free(egress__track *track) {
  if (track == NULL)
    return;
  forget_sets(track);
  egress__subscription_dispose(&track->want);
  egress__initial_free(track->initial);
  egress__record_dispose(&track->record, track->alloc);
  egress__free(track->alloc, track);
}

static const egress__type_set **last(egress__track *track) {
  return &track->has.sets[track->has.count - 1];
}

int egress__track_differs(const egress__track *track, const egress__type_set *to) {
  return track->has.count == 0 || !egress__type_set_is_same(track->has.sets[track->has.count - 1], to);
}

int egress__track_must_step(const egress__track *track, const egress__type_set *to) {
  if (track->want.wildcard_owed)
    return 1;
  return (track->want.wildcard || track->want.wanted > 0) &&
         (track->relabelled || track->mixed || egress__track_differs(track, to));
}

egress__bases egress__track_from(const egress__track *track) {
  egress__bases from = track->has;
  /* Of names wanted one by one, what the client has not is owed, so nothing need be put as new. */
  from.nothing = track->want.wildcard && (from.nothing || track->want.wildcard_owed);
  return from;
}

void egress__track_refresh(egress__track *track, const egress__type_set *to) {
  if (track->has.count == 0 || *last(track) == to || egress__track_differs(track, to))
    return;
  egress__type_set_unref(*last(track));
  *last(track) = egress__type_set_ref(to);
}

static void add_set(egress__track *track, const egress__type_set *to) {
  egress__bases *has = &track->has;
  if (has->count == EGRESS__BASES_MAX) {
    /* Refused again and again: the oldest refused set goes. What only that one had was told to be removed since, in
       each of the refused responses after it. */
    egress__type_set_unref(has->sets[1]);
    memmove(&has->sets[1], &has->sets[2], (EGRESS__BASES_MAX - 2) * sizeof has->sets[0]);
    has->count--;
  }
  has->sets[has->count++] = egress__type_set_ref(to);
}

void egress__track_mixed(egress__track *track, const egress__type_set *to) {
  egress__bases *has = &track->has;
  track->mixed = 1;
  for (size_t i = 0; i < has->count; i++)
    if (has->sets[i] == to)
      return;
  const egress__type_set *newest = has->sets[--has->count];
  add_set(track, to);
  has->sets[has->count++] = newest;
}

/* The last set is all that the client has. */
static void keep_last(egress__track *track) {
  const egress__type_set *set = egress__type_set_ref(*last(track));
  forget_sets(track);
  track->has.sets[track->has.count++] = set;
  track->has.nothing = 0;
}

static void answered_initial(egress__track *track) {
  egress__initial_free(track->initial);
  track->initial = NULL;
}

void egress__track_sent(egress__track *track, const egress__type_set *to, int step, uint64_t nonce) {
  track->has.nothing |= track->want.wildcard_owed;
  egress__subscription_sent(&track->want, step);
  answered_initial(track);
  if (step) {
    add_set(track, to);
    track->relabelled = track->mixed = 0;
    egress__record_brings(&track->record);
  }
  track->stepping = (uint8_t)step;
  track->nonce = nonce;
  track->phase = EGRESS__PHASE_WAITING;
}

void egress__track_settled(egress__track *track, const egress__type_set *to, int step) {
  egress__subscription_settled(&track->want, step);
  answered_initial(track);
  if (!step)
    return;
  track->relabelled = track->mixed = 0;
  track->record.changed_ms = 0;
  add_set(track, to);
  keep_last(track);
}

void egress__track_pass(egress__track *track, const egress__type_set *to) {
  if (egress__track_differs(track, to))
    add_set(track, to);
}

void egress__track_beaten(egress__track *track, uint64_t nonce) {
  track->stepping = 0;
  track->beat.sent = 1;
  track->nonce = nonce;
  track->phase = EGRESS__PHASE_WAITING;
}

void egress__track_accepted(egress__track *track) {
  egress__subscription_accepted(&track->want);
  if (track->stepping) {
    keep_last(track);
    track->objected = 0;
  }
  track->beat.sent = 0;
  track->phase = EGRESS__PHASE_ACCEPTED;
}

void egress__track_refused(egress__track *track) {
  egress__subscription_refused(&track->want);
  track->objected |= !track->beat.sent;
  track->beat.refused = track->beat.sent;
  track->beat.sent = 0;
  track->phase = EGRESS__PHASE_REFUSED;
}
