/*
 * What is owed about one name:
 *
 *        asked for            response made            accepted
 *   NO ------------> NOW ----------------------> SENT ----------> NO
 *                     ^                           | |
 *                     |         asked for again   | | refused
 *                     +---------------------------+ v
 *                     +------ with the next change LATER
 *
 * A name that is not there may go from NOW to ASKED, and from there to NOW when that is answered.
 */
#include "xds/subscription.h"

#include <string.h>

#include <egress/error.h>

#include "base/alloc.h"

void egress__subscription_init(egress__subscription *sub, const egress_alloc *alloc, egress__budget *budget) {
  *sub = (egress__subscription){.budget = budget};
  egress__map_init(&sub->names, alloc);
}

static size_t bytes_of(size_t size) {
  return sizeof(egress__name) + size + 1;
}

static void free_name(egress__subscription *sub, egress__name *name) {
  egress__budget_give(sub->budget, 1, bytes_of(name->size));
  egress__free(sub->names.alloc, name);
}

void egress__subscription_dispose(egress__subscription *sub) {
  size_t cursor = 0;
  for (const egress__map_entry *entry; (entry = egress__map_next(&sub->names, &cursor)) != NULL;)
    free_name(sub, entry->value);
  egress__budget_map_dispose(sub->budget, &sub->names);
}

egress__name *egress__subscription_find(const egress__subscription *sub, const char *name, size_t size) {
  return egress__map_get(&sub->names, name, size);
}

/* The states of what is told, as bits. */
static unsigned told_states(int later) {
  return 1U << EGRESS__OWED_NOW | (later ? 1U << EGRESS__OWED_LATER : 0);
}

static int is_in(const egress__name *name, unsigned states) {
  return (states >> name->owed & 1) != 0;
}

/* The next glob above a name that there is an entry of; NULL at the end. */
static const egress__name *next_glob(const egress__subscription *sub, egress__globs_above *walk) {
  egress__xdstp_room room;
  for (egress__span glob; sub->globs > 0 && (glob = egress__globs_above_next(walk, &room)).size > 0;) {
    const egress__name *entry = egress__subscription_find(sub, (const char *)glob.data, glob.size);
    if (entry != NULL && entry->glob)
      return entry;
  }
  return NULL;
}

/* 1 when a glob above the name is wanted, other than `but`. */
static int is_below(const egress__subscription *sub, egress__span name, const egress__name *but) {
  egress__globs_above walk = {.name = name};
  for (const egress__name *glob; (glob = next_glob(sub, &walk)) != NULL;)
    if (glob->wanted && glob != but)
      return 1;
  return 0;
}

int egress__subscription_covers(const egress__subscription *sub, const char *name) {
  if (sub->wildcard)
    return 1;
  size_t size = strlen(name);
  const egress__name *entry = egress__subscription_find(sub, name, size);
  return (entry != NULL && entry->wanted) || is_below(sub, (egress__span){(const uint8_t *)name, size}, NULL);
}

/* The entry of the resource's next alias that may be one; NULL at the end. */
static const egress__name *next_alias(const egress__subscription *sub, const egress_resource *resource, size_t *next) {
  while (*next < egress_resource_alias_count(resource)) {
    const char *alias = egress_resource_alias(resource, (*next)++);
    const egress__name *entry = egress__subscription_find(sub, alias, strlen(alias));
    if (entry != NULL && entry->alias)
      return entry;
  }
  return NULL;
}

const egress__name *egress__subscription_by(const egress__subscription *sub, const egress_resource *resource) {
  const char *name = egress_resource_name(resource);
  const egress__name *entry = egress__subscription_find(sub, name, strlen(name));
  size_t next = 0;
  while ((entry == NULL || !entry->wanted) && (entry = next_alias(sub, resource, &next)) != NULL)
    ;
  return entry;
}

int egress__subscription_wants(const egress__subscription *sub, const egress_resource *resource) {
  return egress__subscription_covers(sub, egress_resource_name(resource)) ||
         (egress_resource_alias_count(resource) > 0 && egress__subscription_by(sub, resource) != NULL);
}

int egress__subscription_is_below(const egress__subscription *sub, const egress__name *name) {
  return is_below(sub, (egress__span){(const uint8_t *)name->text, name->size}, name);
}

const egress__name *egress__subscription_owing(const egress__subscription *sub, const egress_resource *resource,
                                               unsigned states) {
  const char *name = egress_resource_name(resource);
  size_t size = strlen(name), next = 0;
  const egress__name *entry = egress__subscription_find(sub, name, size);
  if (entry != NULL && is_in(entry, states))
    return entry;
  for (const egress__name *alias; (alias = next_alias(sub, resource, &next)) != NULL;)
    if (is_in(alias, states))
      return alias;
  egress__globs_above walk = {.name = {(const uint8_t *)name, size}};
  for (const egress__name *glob; (glob = next_glob(sub, &walk)) != NULL;)
    if (is_in(glob, states))
      return glob;
  return NULL;
}

const egress__name *egress__subscription_teller(const egress__subscription *sub, const egress_resource *resource,
                                                int later) {
  return egress__subscription_owing(sub, resource, told_states(later));
}

void egress__name_set_owed(egress__subscription *sub, egress__name *name, egress__owed owed) {
  sub->owed[name->owed]--;
  sub->owed[owed]++;
  name->owed = (uint8_t)owed;
}

/* The entry of a name, made when there is none; NULL when out of memory. */
static egress__name *need(egress__subscription *sub, const char *text, size_t size) {
  egress__name *name = egress__subscription_find(sub, text, size);
  if (name != NULL)
    return name;
  const egress_alloc *alloc = sub->names.alloc;
  name = egress__calloc(alloc, 1, bytes_of(size));
  if (name == NULL)
    return NULL;
  name->size = (uint16_t)size;
  memcpy(name->text, text, size);
  if (egress__budget_map_set(sub->budget, &sub->names, name->text, size, name) != 0) {
    egress__free(alloc, name);
    return NULL;
  }
  sub->owed[EGRESS__OWED_NO]++;
  egress__budget_take(sub->budget, 1, bytes_of(size));
  return name;
}

static void drop(egress__subscription *sub, egress__name *name) {
  egress__map_remove(&sub->names, name->text, name->size);
  sub->owed[name->owed]--;
  sub->wanted -= name->wanted;
  sub->globs -= name->glob;
  sub->changes += name->wanted;
  free_name(sub, name);
}

int egress__subscription_add(egress__subscription *sub, egress__span text) {
  const char *chars = (const char *)text.data;
  if (egress__subscription_find(sub, chars, text.size) == NULL &&
      egress__budget_ask(sub->budget, 1, bytes_of(text.size) + egress__map_growth(&sub->names)) != 0)
    return EGRESS_ELIMIT;
  egress__name *name = need(sub, chars, text.size);
  if (name == NULL)
    return EGRESS_ENOMEM;
  if (!name->wanted || name->forgotten) {
    sub->wanted += !name->wanted;
    sub->changes += !name->wanted;
    name->wanted = 1;
    name->forgotten = 0;
    name->asked = 0;
    egress__name_set_owed(sub, name, EGRESS__OWED_NOW);
  }
  name->listed = sub->request;
  sub->named = 1;
  return 0;
}

int egress__subscription_be_glob(egress__subscription *sub, egress__name *name) {
  if (name->glob)
    return 0;
  if (sub->globs == EGRESS__GLOBS_MAX) {
    sub->budget->refused = EGRESS__BUDGET_GLOBS;
    return EGRESS_ELIMIT;
  }
  sub->globs++;
  name->glob = 1;
  return 0;
}

void egress__subscription_remove(egress__subscription *sub, egress__name *name) {
  sub->glob_left |= name->glob;
  drop(sub, name);
}

void egress__subscription_unname(egress__subscription *sub, egress__name *name) {
  name->wanted = 0;
  sub->wanted--;
  sub->changes++;
  egress__name_set_owed(sub, name, EGRESS__OWED_NOW);
}

int egress__subscription_owe(egress__subscription *sub, const char *text) {
  egress__name *name = need(sub, text, strlen(text));
  if (name == NULL)
    return EGRESS_ENOMEM;
  if (name->owed != EGRESS__OWED_ASKED) /* else it will be, once that is answered */
    egress__name_set_owed(sub, name, EGRESS__OWED_NOW);
  return 0;
}

/* What is owed and not wanted any more goes. */
static void drop_unwanted(egress__subscription *sub) {
  size_t cursor = 0;
  for (const egress__map_entry *entry; (entry = egress__map_next(&sub->names, &cursor)) != NULL;) {
    egress__name *name = entry->value;
    if (!name->wanted && !egress__subscription_is_below(sub, name))
      drop(sub, name);
  }
}

void egress__subscription_leave_globs(egress__subscription *sub) {
  if (sub->glob_left && !sub->wildcard)
    drop_unwanted(sub);
  sub->glob_left = 0;
}

void egress__subscription_set_wildcard(egress__subscription *sub, int wildcard) {
  sub->changes += sub->wildcard != wildcard;
  sub->wildcard = (uint8_t)wildcard;
  sub->wildcard_owed = (uint8_t)wildcard;
  sub->wildcard_forgotten = 0;
  if (!wildcard)
    drop_unwanted(sub);
}

void egress__subscription_keep_listed(egress__subscription *sub) {
  size_t cursor = 0;
  for (const egress__map_entry *entry; (entry = egress__map_next(&sub->names, &cursor)) != NULL;) {
    egress__name *name = entry->value;
    if (!name->wanted || name->listed == sub->request)
      continue;
    name->wanted = 0;
    sub->wanted--;
    sub->changes++;
    /* As part of everything it is told when it comes: no answer is waited for. */
    if (!sub->wildcard || name->owed == EGRESS__OWED_NO || name->owed == EGRESS__OWED_ASKED)
      drop(sub, name);
  }
}

void egress__subscription_forget_unlisted(egress__subscription *sub) {
  size_t cursor = 0;
  for (const egress__map_entry *entry; (entry = egress__map_next(&sub->names, &cursor)) != NULL;) {
    egress__name *name = entry->value;
    name->forgotten |= name->listed != sub->request;
  }
}

/* Brings all names that are owed `from` to `to`; those that are neither wanted nor owed then go. */
static void move(egress__subscription *sub, egress__owed from, egress__owed to) {
  size_t cursor = 0;
  for (const egress__map_entry *entry;
       sub->owed[from] > 0 && (entry = egress__map_next(&sub->names, &cursor)) != NULL;) {
    egress__name *name = entry->value;
    if (name->owed != from)
      continue;
    egress__name_set_owed(sub, name, to);
    if (!name->wanted && to == EGRESS__OWED_NO)
      drop(sub, name);
  }
}

egress__owed_names egress__subscription_owed(const egress__subscription *sub, int later) {
  uint32_t left = sub->owed[EGRESS__OWED_NOW] + (later ? sub->owed[EGRESS__OWED_LATER] : 0);
  return (egress__owed_names){.sub = sub, .left = left, .later = later};
}

const egress__name *egress__owed_next(egress__owed_names *names) {
  if (names->left == 0)
    return NULL;
  for (;;) {
    const egress__name *name = egress__map_next(&names->sub->names, &names->cursor)->value;
    if (!is_in(name, told_states(names->later)))
      continue;
    names->left--;
    return name;
  }
}

void egress__subscription_sent(egress__subscription *sub, int later) {
  move(sub, EGRESS__OWED_NOW, EGRESS__OWED_SENT);
  if (later)
    move(sub, EGRESS__OWED_LATER, EGRESS__OWED_SENT);
  sub->wildcard_owed = 0;
}

void egress__subscription_accepted(egress__subscription *sub) {
  move(sub, EGRESS__OWED_SENT, EGRESS__OWED_NO);
}

void egress__subscription_refused(egress__subscription *sub) {
  move(sub, EGRESS__OWED_SENT, EGRESS__OWED_LATER);
}

void egress__subscription_settled(egress__subscription *sub, int later) {
  egress__subscription_sent(sub, later);
  egress__subscription_accepted(sub);
}
