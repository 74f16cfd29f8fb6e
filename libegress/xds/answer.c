#include "xds/answer.h"

#include <string.h>

#include <egress/error.h>

#include "xds/members.h"

void egress__answer_dispose(egress__answer *answer) {
  EGRESS__VEC_FREE(answer->alloc, &answer->puts);
  EGRESS__VEC_FREE(answer->alloc, &answer->removed);
}

int egress__answer_put(egress__answer *answer, egress_resource *resource) {
  int rv = EGRESS__VEC_GROW(answer->alloc, &answer->puts);
  if (rv == 0)
    answer->puts.items[answer->puts.count++] = resource;
  return rv;
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

/* 1 when a change of `name`, of which there is `entry` or none, is news for the client and nothing is owed about it,
   which is told elsewhere. */
static int is_news(const egress__track *track, const egress__name *entry, const char *name) {
  const egress__subscription *want = &track->want;
  if (entry != NULL && (entry->owed == EGRESS__OWED_NOW || entry->owed == EGRESS__OWED_LATER))
    return 0;
  return want->wildcard || (entry != NULL && entry->wanted) ||
         (want->globs > 0 && egress__subscription_covers(want, name));
}

/* 1 when a resource is told for a glob that is owed, not for its change. */
static int is_told_by_glob(const egress__track *track, const char *name) {
  return track->want.globs > 0 && egress__subscription_teller(&track->want, name, 1) != NULL;
}

/* A glob's name may be that of an error. When this goes, the glob is not empty if resources come in its place. */
static int has_members(const egress__name *entry, const egress__type_set *to) {
  if (entry == NULL || !entry->glob)
    return 0;
  egress__members members = egress__members_of(entry, to);
  return egress__members_next(&members) != NULL;
}

static int add_puts(egress__answer *answer, const egress__track *track, egress__puts puts) {
  int rv = 0;
  for (egress_resource *put; rv == 0 && (put = egress__puts_next(&puts)) != NULL;) {
    const char *name = egress_resource_name(put);
    const egress__name *entry = egress__subscription_find(&track->want, name, strlen(name));
    if (is_news(track, entry, name) && !is_told_by_glob(track, name) &&
        !egress__initial_has(track->initial, name, egress_resource_version(put)))
      rv = egress__answer_put(answer, put);
  }
  return rv;
}

int egress__answer_changes(egress__answer *answer, const egress__track *track, const egress__step *changes) {
  if (changes == NULL)
    return 0;
  int rv = add_puts(answer, track, egress__step_puts(changes));
  for (size_t i = 0; rv == 0 && i < changes->removed_count; i++) {
    const char *name = changes->removed[i];
    const egress__name *entry = egress__subscription_find(&track->want, name, strlen(name));
    if (is_news(track, entry, name) && !has_members(entry, changes->to))
      rv = add_removed(answer, name);
  }
  return rv;
}

/* What a name stands for, unless the client holds it or it is told for another name; or that there is nothing. */
static int add_owed(egress__answer *answer, const egress__track *track, const egress__name *name,
                    const egress__type_set *to, int step) {
  egress__members members = egress__members_of(name, to);
  int rv = 0, count = 0;
  for (egress_resource *put; rv == 0 && (put = egress__members_next(&members)) != NULL; count++) {
    const char *own = egress_resource_name(put);
    if (!(name->glob && egress__subscription_teller(&track->want, own, step) != name) &&
        !egress__initial_has(track->initial, own, egress_resource_version(put)))
      rv = egress__answer_put(answer, put);
  }
  return rv == 0 && count == 0 ? add_removed(answer, name->text) : rv;
}

int egress__answer_owed(egress__answer *answer, const egress__track *track, const egress__type_set *to, int step) {
  egress__owed_names names = egress__subscription_owed(&track->want, step);
  int rv = 0;
  for (const egress__name *name; rv == 0 && (name = egress__owed_next(&names)) != NULL;)
    rv = add_owed(answer, track, name, to, step);
  return rv;
}
