#include "compile/classes.h"

#include <stdlib.h>
#include <string.h>

#include <egress/error.h>

#include "base/vec.h"

typedef EGRESS__VEC(egress__cond) cond_vec;

typedef struct maker {
  const egress_policy *policy;
  egress__arena *arena;
  cond_vec conds;       /* of the member at hand */
  egress__buf key;      /* the same as bytes */
  egress__map by_conds; /* the bytes of `conds` and `below` -> class */
  egress__map regexes;  /* text -> itself */
  EGRESS__VEC(egress__class *) classes;
  size_t meetings, kept; /* against EGRESS__MAX_MEETINGS and EGRESS__MAX_CONDS */
} maker;

static int add_cond(maker *m, uint32_t rule, const char *regex) {
  int rv = EGRESS__VEC_GROW(m->arena->alloc, &m->conds);
  if (rv == 0)
    m->conds.items[m->conds.count++] = (egress__cond){rule, regex};
  return rv;
}

/* The one copy of what `buf` holds; NULL when out of memory. */
static const char *intern(maker *m, const egress__buf *buf) {
  if (buf->rv != 0)
    return NULL;
  const char *known = egress__map_get(&m->regexes, buf->data, buf->size);
  if (known != NULL)
    return known;
  char *copy = egress__arena_strndup(m->arena, buf->data, buf->size);
  if (copy == NULL || egress__map_set(&m->regexes, copy, buf->size, copy) != 0)
    return NULL;
  return copy;
}

/* A term that speaks of some names below a suffix; `here`: the suffix is its own. */
static int add_some(maker *m, const egress__term *term, int here) {
  egress__buf buf;
  egress__buf_init(&buf, m->arena->alloc);
  if (here)
    egress__pattern_regex_below(&buf, term->pattern);
  else
    egress__pattern_regex(&buf, term->pattern);
  const char *regex = intern(m, &buf);
  egress__buf_dispose(&buf);
  return regex == NULL ? EGRESS_ENOMEM : add_cond(m, term->rule, regex);
}

/* The terms anchored at one suffix, as far as they speak of the name `of`, or of what is below it. */
static int add_anchored(maker *m, const egress__suffix *at, const egress__suffix *of, int below) {
  int rv = 0;
  m->meetings += at->anchored.count;
  if (m->meetings > EGRESS__MAX_MEETINGS)
    return EGRESS_ELIMIT;
  for (size_t i = 0; i < at->anchored.count && rv == 0; i++) {
    const egress__term *term = &at->anchored.items[i];
    if (!below) {
      if (egress__pattern_match(term->pattern, of->text, of->size))
        rv = add_cond(m, term->rule, NULL);
    } else if (egress__pattern_covers_below(term->pattern, of->text, of->size)) {
      rv = add_cond(m, term->rule, NULL);
    } else if (egress__pattern_meets_below(term->pattern, of->text, of->size)) {
      rv = add_some(m, term, at == of);
    }
  }
  return rv;
}

/* Everything that the policy says of `of`: at the suffix itself and at each one above it, the root included. */
static int collect(maker *m, const egress__suffix *of, int below) {
  m->conds.count = 0;
  int rv = 0;
  for (size_t i = 0; !below && i < of->exact.count && rv == 0; i++)
    rv = add_cond(m, of->exact.items[i].rule, NULL);
  if (below)
    rv = add_anchored(m, of, of, below);
  const char *text = of->text;
  size_t size = of->size;
  while (size != 0 && rv == 0) {
    const char *dot = memchr(text, '.', size);
    size_t cut = dot == NULL ? size : (size_t)(dot - text) + 1;
    text += cut;
    size -= cut;
    const egress__suffix *above = egress__map_get(&m->policy->suffixes, text, size);
    if (above != NULL)
      rv = add_anchored(m, above, of, below);
  }
  return rv;
}

static int compare_conds(const void *a, const void *b) {
  const egress__cond *x = a, *y = b;
  if (x->rule != y->rule)
    return x->rule < y->rule ? -1 : 1;
  if (x->regex == NULL || y->regex == NULL)
    return (x->regex != NULL) - (y->regex != NULL);
  return strcmp(x->regex, y->regex);
}

/* By rule, each said once; a rule that speaks of all names needs no expression besides. */
static void tidy(cond_vec *conds) {
  if (conds->count == 0)
    return;
  qsort(conds->items, conds->count, sizeof *conds->items, compare_conds);
  size_t kept = 1;
  for (size_t i = 1; i < conds->count; i++) {
    const egress__cond *last = &conds->items[kept - 1];
    if (last->rule == conds->items[i].rule && (last->regex == NULL || last->regex == conds->items[i].regex))
      continue;
    conds->items[kept++] = conds->items[i];
  }
  conds->count = kept;
}

/* Puts the bytes that tell classes apart into `key`. */
static int make_key(maker *m, int below) {
  m->key.size = 0;
  egress__buf_char(&m->key, (char)below);
  for (size_t i = 0; i < m->conds.count; i++) {
    egress__buf_add(&m->key, &m->conds.items[i].rule, sizeof(uint32_t));
    egress__buf_add(&m->key, &m->conds.items[i].regex, sizeof(void *));
  }
  return m->key.rv;
}

static int new_class(maker *m, int below, egress__class **out) {
  m->kept += m->conds.count;
  if (m->kept > EGRESS__MAX_CONDS)
    return EGRESS_ELIMIT;
  egress__class *class = egress__arena_get(m->arena, sizeof *class);
  egress__cond *conds = egress__arena_array(m->arena, m->conds.count, sizeof *conds);
  char *key = egress__arena_strndup(m->arena, m->key.data, m->key.size);
  if (class == NULL || conds == NULL || key == NULL || EGRESS__VEC_GROW(m->arena->alloc, &m->classes) != 0)
    return EGRESS_ENOMEM;
  memcpy(conds, m->conds.items, m->conds.count * sizeof *conds);
  *class = (egress__class){.conds = conds, .cond_count = m->conds.count, .below = below};
  m->classes.items[m->classes.count++] = class;
  *out = class;
  return egress__map_set(&m->by_conds, key, m->key.size, class);
}

/* Members are appended in the arena; the array is grown when the count is a power of two. */
static int add_member(maker *m, egress__class *class, const egress__suffix *member) {
  size_t count = class->member_count;
  if ((count & (count - 1)) == 0) {
    const egress__suffix **bigger = egress__arena_array(m->arena, count == 0 ? 1 : count * 2, sizeof *bigger);
    if (bigger == NULL)
      return EGRESS_ENOMEM;
    if (count != 0)
      memcpy(bigger, class->members, count * sizeof *bigger);
    class->members = bigger;
  }
  class->members[class->member_count++] = member;
  return 0;
}

static int place(maker *m, const egress__suffix *member, int below) {
  int rv = collect(m, member, below);
  if (rv != 0)
    return rv;
  tidy(&m->conds);
  rv = make_key(m, below);
  if (rv != 0)
    return rv;
  egress__class *class = egress__map_get(&m->by_conds, m->key.data, m->key.size);
  if (class == NULL)
    rv = new_class(m, below, &class);
  return rv == 0 ? add_member(m, class, member) : rv;
}

int egress__classes_make(egress__classes *out, const egress_policy *policy, egress__arena *arena) {
  maker m = {.policy = policy, .arena = arena};
  egress__map_init(&m.by_conds, arena->alloc);
  egress__map_init(&m.regexes, arena->alloc);
  egress__buf_init(&m.key, arena->alloc);
  int rv = 0;
  for (size_t i = 0; i < policy->suffix_count && rv == 0; i++) {
    const egress__suffix *suffix = policy->by_name[i];
    if (suffix->exact.count != 0)
      rv = place(&m, suffix, 0);
    if (rv == 0 && suffix->anchored.count != 0)
      rv = place(&m, suffix, 1);
  }
  egress__class **items = egress__arena_array(arena, m.classes.count, sizeof *items);
  if (rv == 0 && items == NULL)
    rv = EGRESS_ENOMEM;
  if (rv == 0) {
    if (m.classes.count != 0)
      memcpy(items, m.classes.items, m.classes.count * sizeof *items);
    *out = (egress__classes){items, m.classes.count};
  }
  EGRESS__VEC_FREE(arena->alloc, &m.classes);
  EGRESS__VEC_FREE(arena->alloc, &m.conds);
  egress__map_dispose(&m.by_conds);
  egress__map_dispose(&m.regexes);
  egress__buf_dispose(&m.key);
  return rv;
}

int egress__list_equal(const egress__list *a, const egress__list *b) {
  if (a->count != b->count)
    return 0;
  for (size_t i = 0; i < a->count; i++)
    if (a->conds[i].rule != b->conds[i].rule || a->conds[i].regex != b->conds[i].regex)
      return 0;
  return 1;
}

/* The conds of `class` that speak of the port, in `out`, which has room for all; returns how many. */
static size_t pick_port(egress__cond *out, const egress__class *class, const egress_policy *policy, int32_t protocol,
                        uint16_t port) {
  size_t count = 0;
  for (size_t i = 0; i < class->cond_count; i++)
    if (egress__ports_have(&policy->rules[class->conds[i].rule].ports[protocol], port))
      out[count++] = class->conds[i];
  return count;
}

/* Those of `list` that count for one atom, in `out`, likewise. */
static size_t pick_atom(egress__cond *out, const egress__list *list, const egress_policy *policy, uint32_t atom) {
  size_t count = 0;
  for (size_t i = 0; i < list->count; i++) {
    if (!egress__rule_has_atom(&policy->rules[list->conds[i].rule], atom))
      continue;
    out[count++] = list->conds[i];
    if (list->conds[i].regex == NULL)
      break;
  }
  return count;
}

/* 1 when no rule of the list asks who it is. */
static int asks_no_source(const egress__list *list, const egress_policy *policy) {
  for (size_t i = 0; i < list->count; i++)
    if (!policy->rules[list->conds[i].rule].from_any)
      return 0;
  return 1;
}

/* A copy of `list`; its conds are NULL when out of memory. */
static egress__list keep_list(egress__arena *arena, const egress__list *list) {
  egress__cond *conds = egress__arena_array(arena, list->count, sizeof *conds);
  if (conds != NULL && list->count != 0)
    memcpy(conds, list->conds, list->count * sizeof *conds);
  return (egress__list){conds, list->count};
}

int egress__class_verdicts(egress__verdicts *out, const egress__class *class, const egress_policy *policy,
                           int32_t protocol, uint16_t port, egress__arena *arena) {
  egress__cond *at_port = egress__arena_array(arena, class->cond_count, sizeof *at_port);
  egress__cond *of_atom = egress__arena_array(arena, class->cond_count, sizeof *of_atom);
  if (at_port == NULL || of_atom == NULL)
    return EGRESS_ENOMEM;
  const egress__list all = {at_port, pick_port(at_port, class, policy, protocol, port)};
  int alike = asks_no_source(&all, policy), any = 0;
  uint32_t atoms = alike ? 1 : policy->atom_count;
  egress__list *lists = egress__arena_array(arena, atoms, sizeof *lists);
  if (lists == NULL)
    return EGRESS_ENOMEM;
  for (uint32_t atom = 0; atom < atoms; atom++) {
    egress__list list = {of_atom, pick_atom(of_atom, &all, policy, atom)};
    /* Many atoms decide alike: those next to each other share their list. */
    lists[atom] = atom != 0 && egress__list_equal(&list, &lists[atom - 1]) ? lists[atom - 1] : keep_list(arena, &list);
    if (lists[atom].conds == NULL)
      return EGRESS_ENOMEM;
    any |= list.count != 0;
  }
  *out = (egress__verdicts){lists, alike, any};
  return 0;
}
