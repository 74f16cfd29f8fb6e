/* Who is connected, and what each client accepted and refused last. */
#ifndef SNAPSHOTD_STATUS_H
#define SNAPSHOTD_STATUS_H

#include <egress/event.h>

#include <stdio.h>

typedef struct stream_status stream_status;

typedef struct stream_list {
  stream_status *streams; /* the newest first */
} stream_list;

void status_dispose(stream_list *self);

/* Takes any event. */
void status_event(stream_list *self, const egress_event *event);

/* The open streams as a JSON list. */
void status_write(const stream_list *self, FILE *out);

#endif
