/*
 * A step is found by walking all its sets side by side, name by name:
 *
 *   bases   a1 b1 c1      to   b2 c1 d1
 *   name a: only a base has it          -> removed
 *   name b: a base has another version  -> put
 *   name c: every base has this version -> nothing
 *   name d: a base has it not           -> put
 *
 * Where all sets go on with the same chunk there is nothing to see: so a walk costs what the change did. A client that
 * may have nothing is put everything; then only what is removed has to be found.
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
  size_t count;
  egress__cursor bases[EGRESS__BASES_MAX];
  egress__cursor to;
} walk;

static int compare_names(const egress_resource *a, const egress_resource *b) {
  return a == b ? 0 : strcmp(egress_resource_name(a), egress_resource_name(b));
}

static int is_same(const egress_resource *a, const egress_resource *b) {
  return a == b || strcmp(egress_resource_version(a), egress_resource_version(b)) == 0;
}

/* A resource of the least name that is still ahead; NULL at the end. */
static egress_resource *least(const walk *w) {
  egress_resource *least = egress__cursor_item(&w->to);
  for (size_t i = 0; i < w->count; i++) {
    egress_resource *other = egress__cursor_item(&w->bases[i]);
    if (other != NULL && (least == NULL || compare_names(other, least) < 0))
      least = other;
  }
  return least;
}

/* Goes past the chunks that all sets share from here on. */
static void skip_shared(walk *w) {
  for (const egress__chunk *chunk; (chunk = egress__cursor_chunk(&w->to)) != NULL;) {
    for (size_t i = 0; i < w->count; i++)
      if (egress__cursor_chunk(&w->bases[i]) != chunk)
        return;
    for (size_t i = 0; i < w->count; i++)
      egress__cursor_skip(&w->bases[i]);
    egress__cursor_skip(&w->to);
  }
}

/* The item at the cursor if its name is `name`'s, which is the least; the cursor then goes on. Else NULL. */
static egress_resource *take(egress__cursor *cursor, const egress_resource *name) {
  egress_resource *item = egress__cursor_item(cursor);
  return item != NULL && compare_names(item, name) == 0 ? egress__cursor_next(cursor) : NULL;
}

/* Goes past `name`, which is the least. Sets `put` to what `to` has under it, when some base differs; else to NULL. */
static void pass(walk *w, const egress_resource *name, egress_resource **put, int *removed) {
  egress_resource *to = take(&w->to, name);
  int differs = 0;
  for (size_t i = 0; i < w->count; i++) {
    const egress_resource *base = take(&w->bases[i], name);
    if (base == NULL || to == NULL || !is_same(base, to))
      differs = 1;
  }
  *put = differs ? to : NULL;
  *removed = to == NULL;
}

static int add_put(egress__step *step, resources *puts, egress_resource *put) {
  int rv = EGRESS__VEC_GROW(step->steps->alloc, puts);
  if (rv == 0)
    puts->items[puts->count++] = put;
  return rv;
}

static int add_removed(egress__step *step, names *removed, const char *name) {
  int rv = EGRESS__VEC_GROW(step->steps->alloc, removed);
  if (rv == 0)
    removed->items[removed->count++] = name;
  return rv;
}

static int walk_sets(egress__step *step, resources *puts, names *removed) {
  walk w = {.to = {.set = step->to}};
  for (size_t i = 0; i < step->from.count; i++)
    if (step->from.sets[i] != NULL) /* else everything is put, and nothing removed */
      w.bases[w.count++].set = step->from.sets[i];
  for (;;) {
    egress_resource *put;
    int rv = 0, is_removed;
    skip_shared(&w);
    const egress_resource *next = least(&w);
    if (next == NULL)
      return 0;
    pass(&w, next, &put, &is_removed);
    if (is_removed)
      rv = add_removed(step, removed, egress_resource_name(next));
    else if (put != NULL && !step->all)
      rv = add_put(step, puts, put);
    if (rv != 0)
      return rv;
  }
}

/* What a base has nothing of has to be put as a whole. */
static int puts_all(const egress__bases *from) {
  for (size_t i = 0; i < from->count; i++)
    if (from->sets[i] == NULL)
      return 1;
  return from->nothing;
}

static int find_changes(egress__step *step) {
  resources puts = {0};
  names removed = {0};
  step->all = (uint8_t)puts_all(&step->from);
  int rv = walk_sets(step, &puts, &removed);
  if (rv != 0) {
    EGRESS__VEC_FREE(step->steps->alloc, &puts);
    EGRESS__VEC_FREE(step->steps->alloc, &removed);
    return rv;
  }
  step->puts = puts.items;
  step->put_count = puts.count;
  step->removed = removed.items;
  step->removed_count = removed.count;
  return 0;
}

static void let_go(egress__step *step, egress__blob **form) {
  if (*form == NULL)
    return;
  egress__blob_unref(*form);
  *form = NULL;
  step->steps->packed--;
}

static void step_free(egress__step *step) {
  for (size_t i = 0; i < step->from.count; i++)
    egress__type_set_unref(step->from.sets[i]);
  egress__type_set_unref(step->to);
  for (size_t i = 0; i < EGRESS__FORM_COUNT; i++) {
    let_go(step, &step->bodies[i]);
    let_go(step, &step->whole[i]);
  }
  egress__free(step->steps->alloc, step->puts);
  egress__free(step->steps->alloc, step->removed);
  egress__free(step->steps->alloc, step);
}

static int step_new(egress__step **out, egress__steps *steps, const egress__bases *from, const egress__type_set *to) {
  egress__step *step = egress__calloc(steps->alloc, 1, sizeof *step);
  if (step == NULL)
    return EGRESS_ENOMEM;
  step->steps = steps;
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
  int rv = step_new(&made, steps, from, to);
  if (rv != 0)
    return rv;
  if (steps->count == EGRESS__STEPS_MAX)
    drop(steps, last);
  steps->count++;
  put_first(steps, made);
  *out = made;
  return 0;
}

egress_resource *egress__puts_next(egress__puts *puts) {
  if (puts->all.set != NULL)
    return egress__cursor_next(&puts->all);
  if (puts->count == 0)
    return NULL;
  puts->count--;
  return *puts->items++;
}

egress__puts egress__step_puts(const egress__step *step) {
  return step->all ? (egress__puts){.all.set = step->to}
                   : (egress__puts){.items = step->puts, .count = step->put_count};
}

/* Packs resources one after the other, and the names of removed ones. */
static egress__blob *pack(const egress_alloc *alloc, egress__puts puts, const char *const *removed,
                          size_t removed_count, egress__form form) {
  const egress_resource *resource;
  size_t size = 0; /* cannot overflow: nearly all of these bytes are in memory already */
  for (egress__puts at = puts; (resource = egress__puts_next(&at)) != NULL;)
    size += egress__resource_form_size(resource, form);
  for (size_t i = 0; i < removed_count; i++)
    size += egress__bytes_field_size(REMOVED_RESOURCES, strlen(removed[i]));
  egress__blob *blob = egress__blob_new(alloc, size);
  if (blob == NULL)
    return NULL;
  uint8_t *to = blob->bytes;
  while ((resource = egress__puts_next(&puts)) != NULL)
    to = egress__resource_put(to, resource, form);
  for (size_t i = 0; i < removed_count; i++)
    to = egress__put_bytes(to, REMOVED_RESOURCES, removed[i], strlen(removed[i]));
  return blob;
}

egress__blob *egress__pack(const egress_alloc *alloc, egress_resource *const *puts, size_t count, egress__form form) {
  return pack(alloc, (egress__puts){.items = puts, .count = count}, NULL, 0, form);
}

egress__blob *egress__pack_delta(const egress_alloc *alloc, egress_resource *const *puts, size_t put_count,
                                 const char *const *removed, size_t removed_count, egress__form form) {
  return pack(alloc, (egress__puts){.items = puts, .count = put_count}, removed, removed_count, form);
}

/* Where nothing has a time to live, all streams share the same form. */
static egress__form form_of(const egress__step *step, egress__form form) {
  if (step->to != NULL && step->to->ttl_ms != 0)
    return form;
  return form == EGRESS__FORM_SOTW_TTL ? EGRESS__FORM_SOTW : form == EGRESS__FORM_DELTA_TTL ? EGRESS__FORM_DELTA : form;
}

/* Keeps a form that was packed just now, if it was. One reference for the caller. */
static egress__blob *keep(egress__step *step, egress__blob **form, egress__blob *packed) {
  egress__steps *steps = step->steps;
  if (packed == NULL)
    return NULL;
  *form = packed;
  if (steps->packed++ == 0) {
    steps->look_ms = 0;
    if (steps->on_packed != NULL)
      steps->on_packed(steps);
  }
  return egress__blob_ref(packed);
}

egress__blob *egress__step_body(egress__step *step, egress__form form) {
  form = form_of(step, form);
  egress__blob **body = &step->bodies[form];
  size_t removed = form == EGRESS__FORM_DELTA || form == EGRESS__FORM_DELTA_TTL ? step->removed_count : 0;
  if (*body != NULL)
    return egress__blob_ref(*body);
  return keep(step, body, pack(step->steps->alloc, egress__step_puts(step), step->removed, removed, form));
}

/* A resource, or an error that the client has not been told. */
static int is_part(const egress__step *step, const egress_resource *item, size_t *put) {
  if (egress_resource_error(item) == 0 || step->all)
    return 1;
  while (*put < step->put_count && compare_names(step->puts[*put], item) < 0)
    ++*put;
  return *put < step->put_count && step->puts[*put] == item;
}

static egress__blob *pack_whole(const egress__step *step, egress__form form) {
  EGRESS__VEC(egress_resource *) parts = {0};
  egress__cursor at = {.set = step->to};
  egress__blob *blob = NULL;
  size_t put = 0;
  for (egress_resource *item; (item = egress__cursor_next(&at)) != NULL;) {
    if (!is_part(step, item, &put))
      continue;
    if (EGRESS__VEC_GROW(step->steps->alloc, &parts) != 0)
      goto done;
    parts.items[parts.count++] = item;
  }
  blob = egress__pack(step->steps->alloc, parts.items, parts.count, form);
done:
  EGRESS__VEC_FREE(step->steps->alloc, &parts);
  return blob;
}

egress__blob *egress__step_whole(egress__step *step, egress__form form) {
  form = form_of(step, form);
  egress__blob **body = &step->whole[form];
  return *body != NULL ? egress__blob_ref(*body) : keep(step, body, pack_whole(step, form));
}

static void let_go_unless_shared(egress__step *step, egress__blob **form) {
  if (*form != NULL && !egress__blob_is_shared(*form))
    let_go(step, form);
}

uint64_t egress__steps_tick(egress__steps *steps, uint64_t now_ms) {
  if (steps->packed == 0)
    return UINT64_MAX;
  if (steps->look_ms == 0)
    steps->look_ms = now_ms + EGRESS__STEPS_KEPT_MS;
  if (now_ms < steps->look_ms)
    return steps->look_ms - now_ms;
  for (egress__step *step = steps->first; step != NULL; step = step->next)
    for (size_t i = 0; i < EGRESS__FORM_COUNT; i++) {
      let_go_unless_shared(step, &step->bodies[i]);
      let_go_unless_shared(step, &step->whole[i]);
    }
  steps->look_ms = now_ms + EGRESS__STEPS_KEPT_MS;
  return steps->packed == 0 ? UINT64_MAX : EGRESS__STEPS_KEPT_MS;
}
