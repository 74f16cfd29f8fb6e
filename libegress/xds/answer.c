#include "xds/answer.h"

#include <stdio.h>
#include <string.h>

#include <egress/error.h>

#include "resource/alias.h"
#include "xds/members.h"
#include "xds/source.h"

void egress__answer_dispose(egress__answer *answer) {
  EGRESS__VEC_FREE(answer->alloc, &answer->puts);
  EGRESS__VEC_FREE(answer->alloc, &answer->removed);
  for (size_t i = 0; i < answer->made.count; i++)
    egress_resource_unref(answer->made.items[i]);
  EGRESS__VEC_FREE(answer->alloc, &answer->made);
}

int egress__answer_put(egress__answer *answer, egress_resource *resource) {
  int rv = EGRESS__VEC_GROW(answer->alloc, &answer->puts);
  if (rv == 0)
    answer->puts.items[answer->puts.count++] = resource;
  return rv;
}

int egress__answer_put_own(egress__answer *answer, egress_resource *made) {
  if (made == NULL || EGRESS__VEC_GROW(answer->alloc, &answer->made) != 0) {
    egress_resource_unref(made);
    return EGRESS_ENOMEM;
  }
  answer->made.items[answer->made.count++] = made;
  return egress__answer_put(answer, made);
}

static int add_removed(egress__answer *answer, const char *name) {
  int rv = EGRESS__VEC_GROW(answer->alloc, &answer->removed);
  if (rv == 0)
    answer->removed.items[answer->removed.count++] = name;
  return rv;
}

int egress__track_changes(egress__step **out, const egress__track *track, egress__steps *steps,
                          const egress__type_set *to) {
  egress__bases from = egress__track_from(track);
  *out = NULL;
  return from.count == 0 && !from.nothing ? 0 : egress__steps_get(out, steps, &from, to);
}

/* 1 when there is `entry` of a name, or none, and nothing is owed about it, which is told elsewhere. */
static int is_settled(const egress__name *entry) {
  return entry == NULL || entry->owed == EGRESS__OWED_NO || entry->owed == EGRESS__OWED_SENT;
}

/* 1 when the client wants `name`, of which there is `entry` or none: by that, or as part of more. */
static int is_wanted(const egress__track *track, const egress__name *entry, const char *name) {
  const egress__subscription *want = &track->want;
  return want->wildcard || (entry != NULL && entry->wanted) ||
         (want->globs > 0 && egress__subscription_covers(want, name));
}

/* 1 when the client wanted what one of the sets that it may have has of a name, by an alias. */
static int was_wanted_by_alias(const egress__track *track, const egress__bases *from, const char *name) {
  for (size_t i = 0; i < from->count; i++) {
    const egress__type_set *set = from->sets[i];
    const egress_resource *old = set == NULL || set->aliases == NULL ? NULL : egress__type_set_find(set, name);
    if (old != NULL && egress__subscription_by(&track->want, old) != NULL)
      return 1;
  }
  return 0;
}

/* 1 when a resource is told for a glob or an alias that is owed, not for its change. */
static int is_told_apart(const egress__track *track, const egress_resource *resource) {
  return (track->want.globs > 0 || egress_resource_alias_count(resource) > 0) &&
         egress__subscription_teller(&track->want, resource, 1) != NULL;
}

/* A glob's name may be that of an error. When this goes, the glob is not empty if resources come in its place. */
static int has_members(const egress__name *entry, const egress__type_set *to) {
  if (entry == NULL || !entry->glob)
    return 0;
  egress__members members = egress__members_of(entry, to);
  return egress__members_next(&members) != NULL;
}

/* A resource that is new or other. One that the client wanted by an alias that it has no more is gone for it. */
static int add_put(egress__answer *answer, const egress__track *track, const egress__step *changes,
                   egress_resource *put) {
  const char *name = egress_resource_name(put);
  const egress__name *entry = egress__subscription_find(&track->want, name, strlen(name));
  if (!is_settled(entry) || is_told_apart(track, put))
    return 0;
  if (is_wanted(track, entry, name) || egress__subscription_by(&track->want, put) != NULL)
    return egress__initial_has(track->initial, name, egress_resource_version(put)) ? 0
                                                                                   : egress__answer_put(answer, put);
  return was_wanted_by_alias(track, &changes->from, name) ? add_removed(answer, name) : 0;
}

int egress__answer_changes(egress__answer *answer, const egress__track *track, const egress__step *changes) {
  if (changes == NULL)
    return 0;
  egress__puts puts = egress__step_puts(changes);
  int rv = 0;
  for (egress_resource *put; rv == 0 && (put = egress__puts_next(&puts)) != NULL;)
    rv = add_put(answer, track, changes, put);
  for (size_t i = 0; rv == 0 && i < changes->removed_count; i++) {
    const char *name = changes->removed[i];
    const egress__name *entry = egress__subscription_find(&track->want, name, strlen(name));
    if (is_settled(entry) && !has_members(entry, changes->to) &&
        (is_wanted(track, entry, name) || was_wanted_by_alias(track, &changes->from, name)))
      rv = add_removed(answer, name);
  }
  return rv;
}

/* 1 when a resource that an owed name stands for is told for it: not when that is done for another name of it. */
static int is_told_for(const egress__track *track, const egress__name *name, const egress_resource *resource,
                       int later) {
  return (!name->glob && strcmp(egress_resource_name(resource), name->text) == 0) ||
         egress__subscription_teller(&track->want, resource, later) == name;
}

/* 1 when the client may have a resource of that name. */
static int may_hold(const egress__track *track, const egress__name *name) {
  const egress__span text = {(const uint8_t *)name->text, name->size};
  int held = name->held;
  held |= track->initial != NULL && egress__map_get(&track->initial->versions, name->text, name->size) != NULL;
  for (size_t i = 0; !held && i < track->has.count; i++)
    held = egress__type_set_find_span(track->has.sets[i], text) != NULL;
  return held;
}

/* An entry that says that there is nothing of a name. */
static int put_absent(egress__answer *answer, const egress__track *track, const char *name) {
  return egress__answer_put_own(answer, egress__resource_new_absent(track->type_url, name, answer->alloc));
}

/*
 * There is nothing of a name. An Envoy that waits for a virtual host goes on with an entry without message only, but
 * deletes one that it has only when that is told as removed.
 */
static int add_absent(egress__answer *answer, const egress__track *track, const egress__name *name) {
  if (!track->told_absence || !name->alias || may_hold(track, name))
    return add_removed(answer, name->text);
  return put_absent(answer, track, name->text);
}

/* What a name stands for, unless the client holds it or it is told for another name; or that there is nothing. */
static int add_owed(egress__answer *answer, const egress__track *track, const egress__name *name,
                    const egress__type_set *to, int step) {
  egress__members members = egress__members_owed(&track->want, name, to);
  int rv = 0, count = 0;
  for (egress_resource *put; rv == 0 && (put = egress__members_next(&members)) != NULL; count++) {
    if (is_told_for(track, name, put, step) &&
        !egress__initial_has(track->initial, egress_resource_name(put), egress_resource_version(put)))
      rv = egress__answer_put(answer, put);
  }
  return rv == 0 && count == 0 ? add_absent(answer, track, name) : rv;
}

int egress__answer_owed(egress__answer *answer, const egress__track *track, const egress__type_set *to, int step) {
  egress__owed_names names = egress__subscription_owed(&track->want, step);
  int rv = 0;
  for (const egress__name *name; rv == 0 && (name = egress__owed_next(&names)) != NULL;)
    rv = add_owed(answer, track, name, to, step);
  return rv;
}

/* 1 when a route configuration has virtual hosts on demand. */
static int has_vhds(const egress_resource *routes) {
  enum { ROUTES_VHDS = 9 };
  egress__span rest = {egress_resource_bytes(routes), egress_resource_size(routes)};
  egress__field field;
  while (egress__field_next(&rest, &field) == 1)
    if (field.number == ROUTES_VHDS)
      return 1;
  return 0;
}

int egress__answer_start(egress__answer *answer, const egress__track *track) {
  egress__cursor at = {.set = egress__snapshot_type(track->source->snap, EGRESS_TYPE_ROUTE)};
  int rv = 0;
  for (const egress_resource *routes; rv == 0 && (routes = egress__cursor_next(&at)) != NULL;) {
    char nobody[EGRESS__XDSTP_MAX + 2]; /* a host is never empty */
    int size = snprintf(nobody, sizeof nobody, "%s/", egress_resource_name(routes));
    if (has_vhds(routes) && egress__subscription_find(&track->want, nobody, (size_t)size) == NULL)
      rv = put_absent(answer, track, nobody);
  }
  return rv;
}
