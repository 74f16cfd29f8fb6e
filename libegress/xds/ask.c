#include "xds/ask.h"

#include <egress/error.h>

#include "cache/question.h"
#include "xds/members.h"
#include "xds/source.h"

static int is_known(const egress_snapshot *snap, const egress__track *track, const egress__name *name) {
  egress__members members = egress__members_of(name, egress__snapshot_type(snap, track->type_url));
  return egress__members_next(&members) != NULL;
}

/* 1 when a name waits on: its question is open, or its answer is in a snapshot that is not taken over yet. Once there
   was something of it, that it is gone is another question. */
static int must_wait(egress__track *track, egress__name *name, uint64_t now_ms) {
  const egress__watch *watch = &track->source->watch;
  if (is_known(track->source->snap, track, name)) {
    egress__question_close(watch, track->type_url, name->text);
    name->asked = 0;
    return 0;
  }
  uint64_t until_ms = egress__question_until(watch, track->type_url, name->text, now_ms);
  if (until_ms != 0 && until_ms < track->asked_until_ms)
    track->asked_until_ms = until_ms;
  return until_ms != 0 || is_known(egress__watch_snapshot(watch), track, name);
}

/* What was answered is owed. */
static void take_answers(egress__track *track, uint64_t now_ms) {
  size_t cursor = 0;
  const egress__map_entry *entry;
  track->asked_until_ms = UINT64_MAX;
  while (track->want.owed[EGRESS__OWED_ASKED] > 0 && (entry = egress__map_next(&track->want.names, &cursor)) != NULL) {
    egress__name *name = entry->value;
    if (name->owed == EGRESS__OWED_ASKED && !must_wait(track, name, now_ms))
      egress__name_set_owed(&track->want, name, EGRESS__OWED_NOW);
  }
}

/* Nothing can have the name "". */
static int is_to_be_asked(const egress__track *track, const egress__name *name) {
  return name->owed == EGRESS__OWED_NOW && name->wanted && !name->glob && !name->asked && name->size > 0 &&
         !is_known(track->source->snap, track, name);
}

/* Returns as egress__track_ask. A name that nobody will answer for stays owed: it is told as what it is, absent. */
static int ask(egress__asker *asker, egress__track *track, egress__name *name) {
  int rv = egress__question_ask(&track->source->watch, track->type_url, name->text, asker->now_ms);
  if (rv == EGRESS_ENOMEM)
    return rv;
  name->asked = 1;
  if (rv == EGRESS_ELIMIT)
    return 0;
  name->held |= track->initial != NULL && egress__map_get(&track->initial->versions, name->text, name->size) != NULL;
  egress__name_set_owed(&track->want, name, EGRESS__OWED_ASKED);
  track->source->watch.asking = 1;
  if (rv == 1)
    asker->tell(asker, track, name->text);
  return rv;
}

int egress__track_ask(egress__asker *asker, egress__track *track) {
  size_t cursor = 0;
  int told = 0;
  const egress__map_entry *entry;
  if (!egress__question_is_possible(&track->source->watch))
    return 0;
  while (track->want.owed[EGRESS__OWED_NOW] > 0 && (entry = egress__map_next(&track->want.names, &cursor)) != NULL) {
    int rv = is_to_be_asked(track, entry->value) ? ask(asker, track, entry->value) : 0;
    if (rv < 0)
      return rv;
    told |= rv;
  }
  take_answers(track, asker->now_ms);
  return told;
}
