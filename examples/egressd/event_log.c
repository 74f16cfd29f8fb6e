#include "event_log.h"
#include "json_text.h"

#include <stdlib.h>
#include <string.h>
#include <sys/time.h>
#include <time.h>

static int is_plain(const char *value) {
  for (; *value != '\0'; value++) {
    if (*value <= ' ' || *value >= 0x7f || *value == '"' || *value == '\\' || *value == '=')
      return 0;
  }
  return 1;
}

static void put_key(event_log *log, const char *key) {
  fprintf(log->file, log->json ? ",\"%s\":" : " %s=", key);
}

void event_log_begin(event_log *log, const char *level, const char *event) {
  struct timeval now;
  struct tm parts;
  char text[32];
  gettimeofday(&now, NULL);
  gmtime_r(&now.tv_sec, &parts);
  strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%S", &parts);
  fprintf(log->file, log->json ? "{\"time\":\"%s.%03dZ\",\"level\":\"%s\",\"event\":\"%s\"" : "%s.%03dZ %-5s %s", text,
          (int)(now.tv_usec / 1000), level, event);
}

void event_log_text(event_log *log, const char *key, const char *value) {
  if (value == NULL || *value == '\0')
    return;
  put_key(log, key);
  if (!log->json && is_plain(value))
    fputs(value, log->file);
  else
    json_put_quoted(log->file, value);
}

void event_log_number(event_log *log, const char *key, uint64_t value) {
  put_key(log, key);
  fprintf(log->file, "%llu", (unsigned long long)value);
}

void event_log_end(event_log *log) {
  fputs(log->json ? "}\n" : "\n", log->file);
  fflush(log->file);
}
