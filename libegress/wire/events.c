#include "wire/events.h"

#include <string.h>

typedef struct egress__events_item {
  struct egress__events_item *next;
  egress_event event;
  char text[]; /* its texts, each with a NUL */
} item;

void egress__events_init(egress__events *events, const egress_alloc *alloc, size_t room) {
  *events = (egress__events){.alloc = alloc, .room = room};
}

static item *pop(egress__events *events) {
  item *first = events->first;
  events->first = first->next;
  if (events->first == NULL)
    events->last = NULL;
  events->count--;
  return first;
}

void egress__events_dispose(egress__events *events) {
  while (events->first != NULL)
    egress__free(events->alloc, pop(events));
  egress__free(events->alloc, events->taken);
  events->taken = NULL;
}

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
  new->event = own;
  return new;
}

void egress__events_add(egress__events *events, const egress_event *event) {
  item *new = copy(events->alloc, event);
  if (new == NULL) {
    events->dropped++;
    return;
  }
  if (events->count == events->room) {
    egress__free(events->alloc, pop(events));
    events->dropped++;
  }
  if (events->last == NULL)
    events->first = new;
  else
    events->last->next = new;
  events->last = new;
  events->count++;
}

int egress__events_take(egress__events *events, egress_event *out) {
  egress__free(events->alloc, events->taken);
  events->taken = NULL;
  if (events->first == NULL)
    return 0;
  events->taken = pop(events);
  *out = events->taken->event;
  return 1;
}
