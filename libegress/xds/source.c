#include "xds/source.h"

#include <string.h>

const char *egress__source_group(const egress__source *source) {
  return source->watch.group == NULL ? "" : egress__group_name(source->watch.group);
}

void egress__source_dispose(egress__source *source) {
  egress__watch_leave(&source->watch);
  egress_snapshot_unref(source->snap);
  source->snap = NULL;
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

/* 1 when a response in flight would be overtaken by `snap`. */
static int is_held_up(const egress__source *source, egress__track *tracks, const egress_snapshot *snap) {
  for (const egress__track *track = own(source, tracks); track != NULL; track = own(source, track->next))
    if (track->phase == EGRESS__PHASE_WAITING &&
        (egress__track_differs(track, egress__snapshot_type(snap, track->type_url)) ||
         is_told_anew(source, snap, track->type_url)))
      return 1;
  return 0;
}

/* Content counts; but in state of the world a label is news, too. */
static void adopt_type(const egress__source *source, egress__track *track, const egress_snapshot *snap,
                       egress__xds_variant variant) {
  const egress__type_set *to = egress__snapshot_type(snap, track->type_url);
  if (variant == EGRESS__XDS_SOTW && !egress__track_differs(track, to) && is_told_anew(source, snap, track->type_url))
    track->relabelled = 1;
  egress__track_refresh(track, to);
}

void egress__source_adopt(egress__source *source, egress__track *tracks, egress__xds_variant variant) {
  if (source->watch.group == NULL || (!source->watch.changed && source->snap != NULL))
    return;
  egress_snapshot *snap = egress__watch_snapshot(&source->watch);
  if (snap != NULL && is_held_up(source, tracks, snap))
    return;
  egress__watch_take(&source->watch, snap);
  if (snap == NULL) /* forgotten, or not there yet: the client keeps what it has */
    return;
  for (egress__track *track = own(source, tracks); track != NULL; track = own(source, track->next))
    adopt_type(source, track, snap, variant);
  egress_snapshot_ref(snap);
  egress_snapshot_unref(source->snap);
  source->snap = snap;
}

egress__verdict egress__source_judge(const egress__track **refused, const egress__source *source,
                                     egress__track *tracks) {
  egress__verdict verdict = EGRESS__VERDICT_ACCEPTED;
  for (const egress__track *track = own(source, tracks); track != NULL; track = own(source, track->next)) {
    if (track->phase == EGRESS__PHASE_WAITING)
      return EGRESS__VERDICT_OPEN;
    if (track->phase == EGRESS__PHASE_REFUSED && egress__watch_tries(&source->watch, track->type_url)) {
      verdict = EGRESS__VERDICT_REFUSED;
      *refused = track;
    }
  }
  return verdict;
}
