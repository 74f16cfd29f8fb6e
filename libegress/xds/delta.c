/*
 * Delta: a request changes the subscription by what it lists, a response tells what is new and what is gone.
 *
 * Not handled, because nobody can see it: Envoy 1.40 takes over the good parts of a response that it refuses, but tells
 * the versions from before on its next stream. On the same stream the next response corrects it.
 */
#include <string.h>

#include <egress/error.h>

#include "xds/beat.h"
#include "xds/source.h"

/* Which names are globs: of the new kind always, of others where the cache says so. */
static int may_be_glob(const egress__track *track, egress__span name) {
  return egress__is_xdstp(name) || egress__cache_has_globs(track->source->cache);
}

/* What is asked for again is told again: the client may have forgotten it. */
static int subscribe(egress__track *track, egress__span name) {
  if (egress__span_is_star(name)) {
    egress__subscription_set_wildcard(&track->want, 1);
    return 0;
  }
  int rv = egress__subscription_add(&track->want, name);
  if (rv != 0)
    return rv;
  egress__name *entry = egress__subscription_find(&track->want, (const char *)name.data, name.size);
  egress__name_set_owed(&track->want, entry, EGRESS__OWED_NOW);
  entry->alias = 1;
  entry->asked = 0;
  egress__glob glob;
  int is_glob = egress__glob_read(&glob, name) && may_be_glob(track, name);
  return is_glob ? egress__subscription_be_glob(&track->want, entry) : 0;
}

/* Whatever the client said to hold of what it asks for now. */
static void forget_initial(egress__track *track, egress__span text) {
  const egress__name *name = egress__subscription_find(&track->want, (const char *)text.data, text.size);
  if (egress__span_is_star(text) || (name != NULL && name->glob))
    egress__initial_forget_all(track->initial);
  else
    egress__initial_forget(track->initial, text);
}

/* The entry that goes when a name is dropped: its own, or else one of another name of the resource that the client has
   under it. NULL: there is none. */
static egress__name *find_dropped(const egress__track *track, egress__span text) {
  egress__name *name = egress__subscription_find(&track->want, (const char *)text.data, text.size);
  if ((name != NULL && name->wanted) || track->has.count == 0)
    return name;
  const egress_resource *resource = egress__type_set_find_any(track->has.sets[track->has.count - 1], text);
  return resource == NULL ? NULL : (egress__name *)egress__subscription_by(&track->want, resource);
}

static void unsubscribe(egress__track *track, egress__span text) {
  egress__subscription *want = &track->want;
  if (egress__span_is_star(text)) {
    egress__subscription_set_wildcard(want, 0);
    return;
  }
  egress__name *name = find_dropped(track, text);
  if (name == NULL || !name->wanted)
    return;
  if (!want->wildcard && !egress__subscription_is_below(want, name)) {
    egress__subscription_remove(want, name);
    return;
  }
  /* Still wanted as part of more, if it is part of that: the client has to hear which, whatever it held. */
  egress__subscription_unname(want, name);
  forget_initial(track, text);
}

int egress__delta_subscribe(egress__track *track, const egress__request *request) {
  int first = track->want.request++ == 0;
  if (first) {
    int rv = egress__initial_new(&track->initial, track->alloc, track->want.budget, request);
    if (rv != 0)
      return rv;
    if (request->added == 0 && track->whole)
      egress__subscription_set_wildcard(&track->want, 1);
    if (request->added == 0 && track->told_absence)
      track->want.wildcard_owed = 1; /* see egress__answer_start */
  }
  egress__span rest = request->bytes, name;
  egress__xdstp_room room;
  while (egress__request_name(request, EGRESS__NAMES_ADDED, &rest, &name)) {
    name = egress__xdstp_normal(&room, name);
    int rv = subscribe(track, name);
    if (rv != 0)
      return rv;
    if (!first)
      forget_initial(track, name);
  }
  rest = request->bytes;
  while (egress__request_name(request, EGRESS__NAMES_REMOVED, &rest, &name))
    unsubscribe(track, egress__xdstp_normal(&room, name));
  egress__subscription_leave_globs(&track->want);
  return 0;
}

/* 1 when a name is wanted that may have been an alias of what the client holds: it stands for nothing now. */
static int has_lost_alias(const egress__track *track, const egress__type_set *to) {
  size_t cursor = 0;
  const egress__map_entry *entry;
  while (track->want.wanted > 0 && (entry = egress__map_next(&track->want.names, &cursor)) != NULL) {
    const egress__name *name = entry->value;
    const egress__span text = {(const uint8_t *)name->text, name->size};
    if (name->wanted && !name->glob && egress__map_get(&track->initial->versions, name->text, name->size) == NULL &&
        egress__type_set_find_any(to, text) == NULL)
      return 1;
  }
  return 0;
}

/* What the client holds of what it wants, or may want by an alias, and does not exist any more is owed. */
static int owe_vanished(egress__track *track, const egress__type_set *to) {
  size_t cursor = 0;
  const egress__map_entry *entry;
  int any = track->initial != NULL && has_lost_alias(track, to);
  while (track->initial != NULL && (entry = egress__map_next(&track->initial->versions, &cursor)) != NULL)
    if ((any || egress__subscription_covers(&track->want, entry->key)) &&
        egress__type_set_find(to, entry->key) == NULL && egress__subscription_owe(&track->want, entry->key) != 0)
      return EGRESS_ENOMEM;
  return 0;
}

/* 1 when the client is told the same as all others that take this step. */
static int is_like_others(const egress__track *track, int step) {
  return step && track->want.wildcard && track->initial == NULL && track->want.owed[EGRESS__OWED_NOW] == 0 &&
         track->want.owed[EGRESS__OWED_LATER] == 0 && track->want.owed[EGRESS__OWED_ASKED] == 0;
}

static egress__form form_of(const egress__track *track) {
  return track->told_ttl ? EGRESS__FORM_DELTA_TTL : EGRESS__FORM_DELTA;
}

/* What the client is told alone. */
static int answer_own(egress__blob **body, egress__track *track, const egress__step *changes,
                      const egress__type_set *to, int step) {
  egress__answer answer = {.alloc = track->alloc};
  int rv = egress__answer_changes(&answer, track, changes);
  if (rv == 0)
    rv = egress__answer_owed(&answer, track, to, step);
  if (rv == 0 && track->want.wildcard_owed && !track->want.wildcard)
    rv = egress__answer_start(&answer, track);
  /* Whoever wants everything is answered even when that is nothing: it waits for that to get ready. */
  if (rv == 0 && answer.puts.count + answer.removed.count + track->want.wildcard_owed > 0) {
    *body = egress__pack_delta(track->alloc, answer.puts.items, answer.puts.count, answer.removed.items,
                               answer.removed.count, form_of(track));
    rv = *body == NULL ? EGRESS_ENOMEM : 1;
  }
  egress__answer_dispose(&answer);
  return rv;
}

int egress__delta_answer(egress__blob **body, egress__track *track, egress__steps *steps, const egress__type_set *to,
                         int step) {
  egress__step *changes = NULL;
  int rv = owe_vanished(track, to);
  if (rv == 0 && step)
    rv = egress__track_changes(&changes, track, steps, to);
  if (rv != 0)
    return rv;
  if (!is_like_others(track, step))
    return answer_own(body, track, changes, to, step);
  *body = egress__step_body(changes, form_of(track));
  return *body == NULL ? EGRESS_ENOMEM : 1;
}

/* 1 when the client surely has all that there is. */
static int has_everything(const egress__track *track) {
  return track->want.wildcard && track->has.count == 1 && !track->has.nothing &&
         track->want.owed[EGRESS__OWED_LATER] == 0;
}

/* The heartbeat that all such streams share. */
static int beat_everything(egress__blob **body, const egress__track *track, egress__steps *steps) {
  egress__step *everything;
  int rv = egress__steps_get(&everything, steps, &(egress__bases){.nothing = 1}, track->has.sets[0]);
  if (rv != 0)
    return rv;
  *body = egress__step_body(everything, EGRESS__FORM_HEARTBEAT);
  return *body == NULL ? EGRESS_ENOMEM : 1;
}

int egress__delta_beat(egress__blob **body, const egress__track *track, egress__steps *steps) {
  if (has_everything(track))
    return beat_everything(body, track, steps);
  egress__answer answer = {.alloc = track->alloc};
  int rv = egress__beat_collect(&answer, track);
  if (rv == 0 && answer.puts.count > 0) {
    *body = egress__pack(track->alloc, answer.puts.items, answer.puts.count, EGRESS__FORM_HEARTBEAT);
    rv = *body == NULL ? EGRESS_ENOMEM : 1;
  }
  egress__answer_dispose(&answer);
  return rv;
}
