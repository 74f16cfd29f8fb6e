/*
 * A step is found by walking all its sets side by side, name by name:
 *
 *   bases   a1 b1 c1      to   b2 c1 d1
 *   name a: only a base has it          -> removed
 *   name b: a base has another version  -> put
 *   name c: every base has this version -> nothing
 *   name d: a base has it not           -> put
 */
#include "cache/step.h"

#include <string.h>

#include <egress/error.h>

#include "base/vec.h"

/* Field numbers of (Delta)DiscoveryResponse; `resources` is part of what a resource holds. */
enum { REMOVED_RESOURCES = 6 };

typedef EGRESS__VEC(egress_resource *) resources;
typedef EGRESS__VEC(const char *) names;

/* The sets of a step while they are walked. */
typedef struct walk {
  const egress__step *step;
  size_t at[EGRESS__BASES_MAX];
  size_t at_to;
} walk;

static egress_resource *head(const egress__type_set *set, size_t at) {
  return set != NULL && at < set->count ? set->items[at] : NULL;
}

static int compare_names(const egress_resource *a, const egress_resource *b) {
  return a == b ? 0 : strcmp(egress_resource_name(a), egress_resource_name(b));
}

static int is_same(const egress_resource *a, const egress_resource *b) {
  return a == b || strcmp(egress_resource_version(a), egress_resource_version(b)) == 0;
}

/* A resource of the least name that is still ahead; NULL at the end. */
static egress_resource *least(const walk *w) {
  egress_resource *least = head(w->step->to, w->at_to);
  for (size_t i = 0; i < w->step->from.count; i++) {
    egress_resource *other = head(w->step->from.sets[i], w->at[i]);
    if (other != NULL && (least == NULL || compare_names(other, least) < 0))
      least = other;
  }
  return least;
}

/* Goes past `name`, which is the least. Sets `put` to what `to` has under it, when some base differs; else to NULL. */
static void pass(walk *w, const egress_resource *name, egress_resource **put, int *removed) {
  egress_resource *to = head(w->step->to, w->at_to);
  if (to != NULL && compare_names(to, name) == 0)
    w->at_to++;
  else
    to = NULL;
  int differs = w->step->from.nothing;
  for (size_t i = 0; i < w->step->from.count; i++) {
    egress_resource *base = head(w->step->from.sets[i], w->at[i]);
    int has = base != NULL && compare_names(base, name) == 0;
    if (has)
      w->at[i]++;
    if (!has || to == NULL || !is_same(base, to))
      differs = 1;
  }
  *put = differs ? to : NULL;
  *removed = to == NULL;
}

static int walk_sets(egress__step *step, resources *puts, names *removed) {
  walk w = {.step = step};
  for (egress_resource *next; (next = least(&w)) != NULL;) {
    egress_resource *put;
    int is_removed;
    pass(&w, next, &put, &is_removed);
    if (EGRESS__VEC_GROW(step->alloc, puts) != 0 || EGRESS__VEC_GROW(step->alloc, removed) != 0)
      return EGRESS_ENOMEM;
    if (put != NULL)
      puts->items[puts->count++] = put;
    else if (is_removed)
      removed->items[removed->count++] = egress_resource_name(next);
  }
  return 0;
}

static int is_from_nothing(const egress__step *step) {
  for (size_t i = 0; i < step->from.count; i++)
    if (step->from.sets[i] != NULL)
      return 0;
  return 1;
}

static int find_changes(egress__step *step) {
  if (is_from_nothing(step)) { /* all of `to`: no list of its own */
    step->puts = step->to == NULL ? NULL : step->to->items;
    step->put_count = step->to == NULL ? 0 : step->to->count;
    return 0;
  }
  resources puts = {0};
  names removed = {0};
  int rv = walk_sets(step, &puts, &removed);
  if (rv != 0) {
    EGRESS__VEC_FREE(step->alloc, &puts);
    EGRESS__VEC_FREE(step->alloc, &removed);
    return rv;
  }
  step->puts = step->owned = puts.items;
  step->put_count = puts.count;
  step->removed = removed.items;
  step->removed_count = removed.count;
  return 0;
}

static void step_free(egress__step *step) {
  for (size_t i = 0; i < step->from.count; i++)
    egress__type_set_unref(step->from.sets[i]);
  egress__type_set_unref(step->to);
  egress__blob_unref(step->sotw);
  egress__blob_unref(step->delta);
  egress__free(step->alloc, step->owned);
  egress__free(step->alloc, step->removed);
  egress__free(step->alloc, step);
}

static int step_new(egress__step **out, const egress_alloc *alloc, const egress__bases *from,
                    const egress__type_set *to) {
  egress__step *step = egress__calloc(alloc, 1, sizeof *step);
  if (step == NULL)
    return EGRESS_ENOMEM;
  step->alloc = alloc;
  step->from = *from;
  for (size_t i = 0; i < from->count; i++)
    egress__type_set_ref(from->sets[i]);
  step->to = egress__type_set_ref(to);
  int rv = find_changes(step);
  if (rv != 0)
    step_free(step);
  else
    *out = step;
  return rv;
}

void egress__steps_init(egress__steps *steps, const egress_alloc *alloc) {
  *steps = (egress__steps){.alloc = alloc};
}

/* Takes the step out that `place` points to and frees it. */
static void drop(egress__steps *steps, egress__step **place) {
  egress__step *step = *place;
  *place = step->next;
  steps->count--;
  step_free(step);
}

void egress__steps_dispose(egress__steps *steps) {
  while (steps->first != NULL)
    drop(steps, &steps->first);
}

static void drop_to(egress__steps *steps, const egress__type_set *to) {
  for (egress__step **place = &steps->first; *place != NULL;) {
    if ((*place)->to == to)
      drop(steps, place);
    else
      place = &(*place)->next;
  }
}

void egress__steps_replaced(egress__steps *steps, const egress_snapshot *replaced, const egress_snapshot *snap) {
  size_t count = replaced == NULL ? 0 : egress_snapshot_type_count(replaced);
  for (size_t i = 0; i < count; i++) {
    const egress__type_set *set = egress__snapshot_type_at(replaced, i);
    if (egress__snapshot_type(snap, set->type_url) != set)
      drop_to(steps, set);
  }
  drop_to(steps, NULL); /* the empty set belongs to no snapshot, so nothing else would end these */
}

static int is_step(const egress__step *step, const egress__bases *from, const egress__type_set *to) {
  if (step->to != to || step->from.count != from->count || step->from.nothing != from->nothing)
    return 0;
  for (size_t i = 0; i < from->count; i++)
    if (step->from.sets[i] != from->sets[i])
      return 0;
  return 1;
}

static void put_first(egress__steps *steps, egress__step *step) {
  step->next = steps->first;
  steps->first = step;
}

int egress__steps_get(egress__step **out, egress__steps *steps, const egress__bases *from, const egress__type_set *to) {
  egress__step **last = NULL;
  for (egress__step **place = &steps->first; *place != NULL; place = &(*place)->next) {
    egress__step *step = *place;
    last = place;
    if (is_step(step, from, to)) {
      *place = step->next;
      put_first(steps, step);
      *out = step;
      return 0;
    }
  }
  egress__step *made;
  int rv = step_new(&made, steps->alloc, from, to);
  if (rv != 0)
    return rv;
  if (steps->count == EGRESS__STEPS_MAX)
    drop(steps, last);
  steps->count++;
  put_first(steps, made);
  *out = made;
  return 0;
}

static uint8_t *put_span(uint8_t *to, egress__span span) {
  memcpy(to, span.data, span.size);
  return to + span.size;
}

egress__blob *egress__pack_sotw(const egress_alloc *alloc, egress_resource *const *puts, size_t count) {
  size_t size = 0; /* cannot overflow: these bytes all are in memory already */
  for (size_t i = 0; i < count; i++)
    size += egress__resource_sotw_entry(puts[i]).size;
  egress__blob *blob = egress__blob_new(alloc, size);
  if (blob == NULL)
    return NULL;
  uint8_t *to = blob->bytes;
  for (size_t i = 0; i < count; i++)
    to = put_span(to, egress__resource_sotw_entry(puts[i]));
  return blob;
}

egress__blob *egress__pack_delta(const egress_alloc *alloc, egress_resource *const *puts, size_t put_count,
                                 const char *const *removed, size_t removed_count) {
  size_t size = 0;
  for (size_t i = 0; i < put_count; i++)
    size += egress__resource_delta_entry(puts[i]).size;
  for (size_t i = 0; i < removed_count; i++)
    size += egress__bytes_field_size(REMOVED_RESOURCES, strlen(removed[i]));
  egress__blob *blob = egress__blob_new(alloc, size);
  if (blob == NULL)
    return NULL;
  uint8_t *to = blob->bytes;
  for (size_t i = 0; i < put_count; i++)
    to = put_span(to, egress__resource_delta_entry(puts[i]));
  for (size_t i = 0; i < removed_count; i++)
    to = egress__put_bytes(to, REMOVED_RESOURCES, removed[i], strlen(removed[i]));
  return blob;
}

egress__blob *egress__step_sotw(egress__step *step) {
  if (step->sotw == NULL)
    step->sotw = egress__pack_sotw(step->alloc, step->puts, step->put_count);
  return step->sotw == NULL ? NULL : egress__blob_ref(step->sotw);
}

egress__blob *egress__step_delta(egress__step *step) {
  if (step->delta == NULL)
    step->delta = egress__pack_delta(step->alloc, step->puts, step->put_count, step->removed, step->removed_count);
  return step->delta == NULL ? NULL : egress__blob_ref(step->delta);
}
