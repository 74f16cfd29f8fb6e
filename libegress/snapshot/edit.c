/*
 * A new set is woven from left to right: chunks that no edit falls into are taken over whole; the items of the others,
 * as the edits leave them, are "open" until they are cut into chunks of their own:
 *
 *   too many for one     two halves
 *   too few              together with the chunk to the left, which is opened again
 *
 * So only the first chunk of a set can have less than EGRESS__CHUNK_MIN items, whatever happened to the set.
 */
#include "snapshot/edit.h"

#include <string.h>

#include <egress/error.h>

enum { OPEN_MAX = 2 * EGRESS__CHUNK_MAX };

/* Two halves of what is too much, and a chunk with what is too little to its right, must fit. */
_Static_assert(EGRESS__CHUNK_MIN <= EGRESS__CHUNK_MAX / 2, "a half is not too small");

/* A set in the making. */
typedef struct weaver {
  egress__type_set *set;
  size_t open_count;
  egress_resource *open[OPEN_MAX]; /* borrowed from the base and the edits */
} weaver;

/* The first `count` open items become a chunk. */
static int cut(weaver *w, size_t count) {
  const egress__chunk *chunk = egress__chunk_new(w->set->alloc, w->open, count);
  int rv = chunk == NULL ? EGRESS_ENOMEM : egress__type_set_push(w->set, chunk);
  if (rv != 0)
    return rv;
  w->open_count -= count;
  memmove(w->open, w->open + count, w->open_count * sizeof w->open[0]);
  return 0;
}

/* The last chunk's items are open again, before what is. */
static void reopen_last(weaver *w) {
  const egress__chunk *chunk = egress__type_set_pop(w->set);
  memmove(w->open + chunk->count, w->open, w->open_count * sizeof w->open[0]);
  memcpy(w->open, chunk->items, chunk->count * sizeof w->open[0]);
  w->open_count += chunk->count;
  egress__chunk_unref(chunk);
}

static int close_open(weaver *w) {
  if (w->open_count == 0)
    return 0;
  if (w->open_count < EGRESS__CHUNK_MIN && w->set->chunks.count > 0)
    reopen_last(w);
  int rv = w->open_count > EGRESS__CHUNK_MAX ? cut(w, w->open_count / 2) : 0;
  return rv == 0 ? cut(w, w->open_count) : rv;
}

static int add_item(weaver *w, egress_resource *item) {
  int rv = w->open_count == OPEN_MAX ? cut(w, EGRESS__CHUNK_MAX) : 0;
  if (rv == 0)
    w->open[w->open_count++] = item;
  return rv;
}

/* Takes over the chunks of `base` from `*next` up to `end`. */
static int share(weaver *w, const egress__type_set *base, size_t *next, size_t end) {
  int rv = *next < end ? close_open(w) : 0;
  for (; rv == 0 && *next < end; ++*next)
    rv = egress__type_set_push(w->set, egress__chunk_ref(base->chunks.items[*next].chunk));
  return rv;
}

/* The items of one chunk (NULL: none) after the edits that fall into it. */
static int merge(weaver *w, const egress__chunk *chunk, const egress__edit *edits, size_t count) {
  size_t next = 0, size = chunk == NULL ? 0 : chunk->count;
  int rv = 0;
  for (const egress__edit *edit = edits; rv == 0 && edit < edits + count; edit++) {
    size_t at = chunk == NULL ? 0 : egress__chunk_lower_bound(chunk, edit->name);
    while (rv == 0 && next < at)
      rv = add_item(w, chunk->items[next++]);
    if (next < size && egress__compare_name(edit->name, chunk->items[next]) == 0)
      next++;
    if (rv == 0 && edit->item != NULL)
      rv = add_item(w, edit->item);
  }
  while (rv == 0 && next < size)
    rv = add_item(w, chunk->items[next++]);
  return rv;
}

/* How many of the edits, which do not fall into an earlier chunk, fall into `chunk`. */
static size_t count_edits(const egress__type_set *base, size_t chunk, const egress__edit *edits, size_t count) {
  if (chunk + 1 == base->chunks.count)
    return count;
  const egress_resource *end = base->chunks.items[chunk + 1].chunk->items[0];
  size_t in = 1;
  while (in < count && egress__compare_name(edits[in].name, end) < 0)
    in++;
  return in;
}

static int weave(weaver *w, const egress__type_set *base, const egress__edit *edits, size_t count) {
  if (base == NULL) {
    int rv = merge(w, NULL, edits, count);
    return rv == 0 ? close_open(w) : rv;
  }
  size_t next = 0; /* chunk of the base */
  while (count > 0) {
    size_t at = egress__type_set_chunk_of(base, edits->name), in = count_edits(base, at, edits, count);
    int rv = share(w, base, &next, at);
    if (rv == 0)
      rv = merge(w, base->chunks.items[next++].chunk, edits, in);
    if (rv != 0)
      return rv;
    edits += in;
    count -= in;
  }
  int rv = share(w, base, &next, base->chunks.count);
  return rv == 0 ? close_open(w) : rv;
}

int egress__type_set_edit(const egress__type_set **out, const egress__type_set *base, const egress__edit *edits,
                          size_t count, const egress_alloc *alloc) {
  weaver w;
  w.open_count = 0;
  w.set = egress__type_set_new(alloc);
  if (w.set == NULL)
    return EGRESS_ENOMEM;
  int rv = weave(&w, base, edits, count);
  if (rv != 0 || w.set->count == 0) {
    egress__type_set_unref(w.set);
    w.set = NULL;
  } else {
    egress__type_set_finish(w.set);
  }
  if (rv == 0)
    *out = w.set;
  return rv;
}
