#include "xds/source.h"

#include <string.h>

#include <egress/error.h>

const char *egress__source_group(const egress__source *source) {
  return source->watch.group == NULL ? "" : egress__group_name(source->watch.group);
}

void egress__source_changed(egress__source *source, uint64_t now_ms) {
  if (source->changed_ms == 0)
    source->changed_ms = now_ms;
}

void egress__source_dispose(egress__source *source) {
  egress__watch_leave(&source->watch);
  egress_snapshot_unref(source->snap);
  egress__bridge_release(source->bridge);
  source->snap = NULL;
  source->bridge = NULL;
}

const egress_snapshot *egress__source_goal(const egress__source *source) {
  return source->bridge != NULL ? source->bridge->to : source->snap;
}

/* The first of `track` and those behind it that comes from `source`. */
static egress__track *own(const egress__source *source, egress__track *track) {
  while (track != NULL && track->source != source)
    track = track->next;
  return track;
}

/* 1 when a type would be told as another version than the last snapshot has it. */
static int is_told_anew(const egress__source *source, const egress_snapshot *snap, const char *type_url) {
  return strcmp(egress_snapshot_type_label(source->snap, type_url), egress_snapshot_type_label(snap, type_url)) != 0;
}

/* 1 when a response in flight, which told of the last snapshot, would be overtaken by `snap`. */
static int is_held_up(const egress__source *source, egress__track *tracks, const egress_snapshot *snap) {
  for (const egress__track *track = own(source, tracks); track != NULL; track = own(source, track->next)) {
    const char *type_url = track->type_url;
    if (track->phase == EGRESS__PHASE_WAITING &&
        (!egress__type_set_is_same(egress__snapshot_type(source->snap, type_url),
                                   egress__snapshot_type(snap, type_url)) ||
         is_told_anew(source, snap, type_url)))
      return 1;
  }
  return 0;
}

/* The client has the content of `to`, but was told it under another label. */
static int is_relabelled(const egress__source *source, const egress__track *track, const egress_snapshot *snap) {
  const egress__type_set *to = egress__snapshot_type(snap, track->type_url);
  if (egress__track_differs(track, to))
    return 0;
  if (egress__track_differs(track, egress__snapshot_type(source->snap, track->type_url)))
    /* The one between was never told, so nobody knows: unless its version is just its content, it is told anew. */
    return strcmp(egress_snapshot_type_label(snap, track->type_url), egress__type_set_version(to)) != 0;
  return is_told_anew(source, snap, track->type_url);
}

/* Content counts; but in state of the world a label is news, too. */
static void adopt_type(const egress__source *source, egress__track *track, const egress_snapshot *snap,
                       egress__xds_variant variant) {
  if (variant == EGRESS__XDS_SOTW && is_relabelled(source, track, snap))
    track->relabelled = 1;
  egress__track_refresh(track, egress__snapshot_type(snap, track->type_url));
}

/* Refused is what a bridge leads to, on whatever part of the way: it is not sent again because of the other part. */
static void keep_objection(egress__track *track, const egress__type_set *before, const egress__type_set *goal,
                           const egress__type_set *to) {
  track->objected = track->objected && egress__type_set_is_same(before, goal);
  if (track->objected)
    egress__track_pass(track, to);
}

/* Goes on to `snap`, over a bridge if that is not NULL. */
static void move_to(egress__source *source, egress__track *tracks, egress_snapshot *snap, egress__bridge *bridge,
                    const egress__manner *manner) {
  const egress_snapshot *before = egress__source_goal(source);
  egress_snapshot *to = bridge != NULL ? bridge->snap : snap;
  for (egress__track *track = own(source, tracks); track != NULL; track = own(source, track->next)) {
    const char *type_url = track->type_url;
    adopt_type(source, track, to, manner->variant);
    keep_objection(track, egress__snapshot_type(before, type_url), egress__snapshot_type(snap, type_url),
                   egress__snapshot_type(to, type_url));
    egress__record_changed(&track->record, egress__track_must_step(track, egress__snapshot_type(to, type_url)),
                           source->goal_ms);
  }
  egress_snapshot_ref(to);
  egress_snapshot_unref(source->snap);
  source->snap = to;
  egress__bridge_release(source->bridge);
  source->bridge = bridge;
}

/* 1 when the client has answered, or with a gate accepted, what comes after clusters and endpoints as `snap` has it. */
static int is_through(const egress__source *source, egress__track *tracks, const egress_snapshot *snap,
                      const egress__manner *manner) {
  for (const egress__track *track = own(source, tracks); track != NULL; track = own(source, track->next))
    if (track->rank > EGRESS__RANK_ENDPOINT &&
        (track->phase == EGRESS__PHASE_WAITING || (manner->gate_on_ack && track->objected) ||
         egress__track_must_step(track, egress__snapshot_type(snap, track->type_url))))
      return 0;
  return 1;
}

/* The bridge to `snap`; NULL when none is needed. What no route leads to any more is not kept once more. Clusters that
 * the client has not asked for yet count, too: it may know them from a stream before this one. */
static int find_bridge(egress__bridge **out, const egress__source *source, egress__track *tracks, egress_snapshot *snap,
                       const egress__manner *manner) {
  *out = NULL;
  if (!manner->is_aggregated || source->snap == NULL || is_through(source, tracks, snap, manner))
    return 0;
  const egress_snapshot *from =
      is_through(source, tracks, source->snap, manner) ? egress__source_goal(source) : source->snap;
  int removes;
  int rv = egress__bridge_is_needed(&removes, source->cache, from, snap);
  rv = rv != 0 || !removes ? rv : egress__bridge_take(out, source->cache, from, snap);
  return rv == EGRESS_ECLASH ? 0 : rv; /* what goes and what comes has an alias in common: there is no way between */
}

int egress__source_adopt(egress__source *source, egress__track *tracks, const egress__manner *manner) {
  egress__bridge *bridge = NULL;
  if (source->watch.group == NULL || (!source->watch.changed && source->snap != NULL))
    return 0;
  egress_snapshot *snap = egress__watch_snapshot(&source->watch);
  if (snap != NULL && is_held_up(source, tracks, snap))
    return 0;
  int rv = snap == NULL ? 0 : find_bridge(&bridge, source, tracks, snap, manner);
  if (rv != 0)
    return rv;
  if (bridge != NULL && is_held_up(source, tracks, bridge->snap)) {
    egress__bridge_release(bridge);
    return 0;
  }
  egress__watch_take(&source->watch, snap);
  source->goal_ms = source->changed_ms;
  source->changed_ms = 0;
  if (snap != NULL) /* else it was forgotten, or is not there yet: the client keeps what it has */
    move_to(source, tracks, snap, bridge, manner);
  return 0;
}

int egress__source_arrive(egress__source *source, egress__track *tracks, const egress__manner *manner) {
  if (source->bridge == NULL || !is_through(source, tracks, source->snap, manner) ||
      is_held_up(source, tracks, source->bridge->to))
    return 0;
  egress_snapshot *to = egress_snapshot_ref(source->bridge->to);
  move_to(source, tracks, to, NULL, manner);
  egress_snapshot_unref(to);
  return 1;
}

egress__verdict egress__source_judge(const egress__track **refused, const egress__source *source,
                                     egress__track *tracks) {
  egress__verdict verdict = EGRESS__VERDICT_ACCEPTED;
  for (const egress__track *track = own(source, tracks); track != NULL; track = own(source, track->next)) {
    if (track->phase == EGRESS__PHASE_WAITING ||
        egress__track_must_step(track, egress__snapshot_type(source->snap, track->type_url)))
      return EGRESS__VERDICT_OPEN;
    if (track->phase == EGRESS__PHASE_REFUSED && egress__watch_tries(&source->watch, track->type_url)) {
      verdict = EGRESS__VERDICT_REFUSED;
      *refused = track;
    }
  }
  return verdict;
}
