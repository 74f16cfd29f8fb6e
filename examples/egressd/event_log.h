/* Events on standard output, a line each: JSON for machines or text for people. */
#ifndef EGRESSD_EVENT_LOG_H
#define EGRESSD_EVENT_LOG_H

#include <stdint.h>
#include <stdio.h>

typedef struct event_log {
  FILE *file;
  int json;
} event_log;

/* Starts a line; event_log_end ends it. In between other threads wait, so there is no way out but the end. */
void event_log_begin(event_log *log, const char *level, const char *event);

/* Adds a member; an empty or absent text is left out. Bytes that are not UTF-8 are replaced by U+FFFD. */
void event_log_text(event_log *log, const char *key, const char *value);
void event_log_number(event_log *log, const char *key, uint64_t value);

void event_log_end(event_log *log);

#endif
