#include "wire/events.h"

#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "xds/load.h"

typedef struct egress__events_item {
  struct egress__events_item *next;
  size_t size; /* its load report included */
  egress_event event;
  char text[]; /* its texts, each with a NUL */
} item;

void egress__events_init(egress__events *events, const egress_alloc *alloc, size_t room) {
  *events = (egress__events){.alloc = alloc, .room = room, .fd = -1};
}

static item *pop(egress__events *events) {
  item *first = events->first;
  events->first = first->next;
  if (events->first == NULL)
    events->last = NULL;
  events->count--;
  events->bytes -= first->size;
  return first;
}

static void free_item(const egress__events *events, item *old) {
  if (old == NULL)
    return;
  egress__load_unref(egress__load_of(old->event.load));
  egress__free(events->alloc, old);
}

void egress__events_dispose(egress__events *events) {
  while (events->first != NULL)
    free_item(events, pop(events));
  free_item(events, events->taken);
  events->taken = NULL;
  if (events->fd >= 0)
    close(events->fd);
  events->fd = -1;
}

/* ---- the descriptor ---- */

static int is_waiting(const egress__events *events) {
  return events->first != NULL || events->dropped > events->told;
}

/* An eventfd counts: it is readable while that is not 0. */
static void set_readable(const egress__events *events, int readable) {
  uint64_t count = 1;
  if (events->fd < 0)
    return;
  ssize_t size = readable ? write(events->fd, &count, sizeof count) : read(events->fd, &count, sizeof count);
  (void)size; /* it was readable, or not, already */
}

int egress__events_fd(egress__events *events) {
  if (events->fd >= 0)
    return events->fd;
  events->fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
  if (is_waiting(events))
    set_readable(events, 1);
  return events->fd;
}

/* ---- events ---- */

enum { TEXTS = 7 };

/* The texts of an event, so that they can be walked. */
static void texts_of(const char ***out, egress_event *event) {
  out[0] = &event->node_id;
  out[1] = &event->group;
  out[2] = &event->peer;
  out[3] = &event->type_url;
  out[4] = &event->version;
  out[5] = &event->message;
  out[6] = &event->resource;
}

/* Sizes cannot overflow: a text comes from a request, which is bounded, or from us. */
static item *copy(const egress_alloc *alloc, const egress_event *event) {
  egress_event own = *event;
  const char **texts[TEXTS];
  texts_of(texts, &own);
  size_t sizes[TEXTS], total = sizeof(item);
  for (size_t i = 0; i < TEXTS; i++) {
    if (*texts[i] == NULL)
      *texts[i] = "";
    sizes[i] = strlen(*texts[i]) + 1;
    total += sizes[i];
  }
  item *new = egress__malloc(alloc, total);
  if (new == NULL)
    return NULL;
  char *to = new->text;
  for (size_t i = 0; i < TEXTS; i++) {
    memcpy(to, *texts[i], sizes[i]);
    *texts[i] = to;
    to += sizes[i];
  }
  new->next = NULL;
  new->size = total;
  new->event = own;
  if (own.load != NULL)
    new->size += egress__load_ref(egress__load_of(own.load))->size;
  return new;
}

static void add(egress__events *events, const egress_event *event) {
  item *new = copy(events->alloc, event);
  if (new == NULL) {
    events->dropped++;
    return;
  }
  while (events->count == events->room || (events->count > 0 && events->bytes + new->size > EGRESS__EVENTS_BYTES_MAX)) {
    free_item(events, pop(events));
    events->dropped++;
  }
  if (events->last == NULL)
    events->first = new;
  else
    events->last->next = new;
  events->last = new;
  events->count++;
  events->bytes += new->size;
}

void egress__events_add(egress__events *events, const egress_event *event) {
  int was_waiting = is_waiting(events);
  add(events, event);
  if (!was_waiting)
    set_readable(events, 1);
}

/* The oldest were dropped, so that stands before all others. */
static void take_lost(egress__events *events, egress_event *out) {
  *out = (egress_event){.kind = EGRESS_EVENT_LOST, .lost = events->dropped - events->told};
  const char **texts[TEXTS];
  texts_of(texts, out);
  for (size_t i = 0; i < TEXTS; i++)
    *texts[i] = "";
  events->told = events->dropped;
}

int egress__events_take(egress__events *events, egress_event *out) {
  free_item(events, events->taken);
  events->taken = NULL;
  if (!is_waiting(events))
    return 0;
  if (events->dropped > events->told) {
    take_lost(events, out);
  } else {
    events->taken = pop(events);
    *out = events->taken->event;
  }
  if (!is_waiting(events))
    set_readable(events, 0);
  return 1;
}
