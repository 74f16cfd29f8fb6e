#ifndef EGRESS_WIRE_EVENTS_H
#define EGRESS_WIRE_EVENTS_H

#include <egress/event.h>

#include "base/alloc.h"

/* What waiting events may take. A thousand with text of the greatest length take 10 MB; load reports have up to 15 MB
   and their text, each. */
enum { EGRESS__EVENTS_BYTES_MAX = 64 << 20 };

/**
 * Events that wait to be taken, at most `room` of them, and of that size, unless it is only one: then the oldest is
 * dropped and counted, and so is one that finds no memory. What was dropped is told by the event that is taken next.
 * Everything is copied, but a load report, which is an egress__load: that is referred to. Thread: the loop's.
 */
typedef struct egress__events {
  const egress_alloc *alloc;
  struct egress__events_item *first, *last;
  struct egress__events_item *taken; /* what the caller was given last */
  size_t count;
  size_t bytes; /* of those that wait */
  size_t room;
  uint64_t dropped;
  uint64_t told; /* how many of them were told */
  int fd;        /* readable while events wait; -1: nobody asked for it */
} egress__events;

void egress__events_init(egress__events *events, const egress_alloc *alloc, size_t room);
void egress__events_dispose(egress__events *events);

/** NULL texts become `""`. */
void egress__events_add(egress__events *events, const egress_event *event);

/** Takes the oldest; its text lives until the next call. Returns 1, or 0 when there is none. */
int egress__events_take(egress__events *events, egress_event *out);

/** The descriptor, made by the first call; -1: there is none to be had. */
int egress__events_fd(egress__events *events);

#endif
