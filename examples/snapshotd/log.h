/* What passed on the streams: a ring of lines, the oldest dropped. */
#ifndef SNAPSHOTD_LOG_H
#define SNAPSHOTD_LOG_H

#include <egress/event.h>
#include <egress/message.h>

#include <stdio.h>

typedef struct traffic_log traffic_log;

enum {
  LOG_MAX_LINES = 16384,
  LOG_MAX_BYTES = 64 << 20 /* of messages as they are on the wire: they become JSON when they are asked for */
};

/* NULL: no memory. */
traffic_log *traffic_log_new(void);
void traffic_log_free(traffic_log *self);

void traffic_log_message(traffic_log *self, const egress_message *message);
void traffic_log_closed(traffic_log *self, const egress_event *event);

/* Numbers of the oldest line kept and of the newest; 0 before the first. */
uint64_t traffic_log_first(const traffic_log *self);
uint64_t traffic_log_last(const traffic_log *self);

/* Gives the lines after number `since`, up to the newest of now, as http_answer.read wants it. */
typedef struct log_reader log_reader;
log_reader *log_reader_new(const traffic_log *self, uint64_t since);
size_t log_reader_read(void *reader, char *to, size_t room);
void log_reader_free(void *reader);

#endif
