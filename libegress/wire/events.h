#ifndef EGRESS_WIRE_EVENTS_H
#define EGRESS_WIRE_EVENTS_H

#include <egress/event.h>

#include "base/alloc.h"

/**
 * Events that wait to be taken, at most `room` of them: then the oldest is dropped and counted, and so is one that
 * finds no memory. Everything is copied. Thread: the loop's.
 */
typedef struct egress__events {
  const egress_alloc *alloc;
  struct egress__events_item *first, *last;
  struct egress__events_item *taken; /* what the caller was given last */
  size_t count;
  size_t room;
  uint64_t dropped;
} egress__events;

void egress__events_init(egress__events *events, const egress_alloc *alloc, size_t room);
void egress__events_dispose(egress__events *events);

/** NULL texts become `""`. */
void egress__events_add(egress__events *events, const egress_event *event);

/** Takes the oldest; its text lives until the next call. Returns 1, or 0 when there is none. */
int egress__events_take(egress__events *events, egress_event *out);

#endif
