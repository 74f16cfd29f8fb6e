#include "event_log.h"

#include <stdlib.h>
#include <string.h>
#include <sys/time.h>
#include <time.h>

/* Bytes of the UTF-8 character that starts at `text`; 0 when it is none. */
static size_t utf8_size(const unsigned char *text) {
  static const uint32_t smallest[] = {0, 0, 0x80, 0x800, 0x10000};
  size_t size = text[0] < 0x80 ? 1 : text[0] >> 5 == 6 ? 2 : text[0] >> 4 == 14 ? 3 : text[0] >> 3 == 30 ? 4 : 0;
  if (size < 2)
    return size;
  uint32_t code = text[0] & (0x7fU >> size);
  for (size_t i = 1; i < size; i++) {
    if (text[i] >> 6 != 2)
      return 0;
    code = code << 6 | (text[i] & 0x3fU);
  }
  int fits = code >= smallest[size] && code <= 0x10ffff && (code < 0xd800 || code > 0xdfff);
  return fits ? size : 0;
}

/* A quoted JSON string; the text format uses the same for values that hold blanks or worse. */
static void put_quoted(FILE *file, const char *value) {
  putc('"', file);
  for (const unsigned char *at = (const unsigned char *)value; *at != '\0';) {
    size_t size = utf8_size(at);
    if (size == 0)
      fputs("\\ufffd", file);
    else if (*at < 0x20 || *at == 0x7f)
      fprintf(file, "\\u%04x", *at);
    else if (*at == '"' || *at == '\\')
      fprintf(file, "\\%c", *at);
    else
      fwrite(at, 1, size, file);
    at += size > 0 ? size : 1;
  }
  putc('"', file);
}

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
  flockfile(log->file); /* gRPC logs from threads of its own */
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
    put_quoted(log->file, value);
}

void event_log_number(event_log *log, const char *key, uint64_t value) {
  put_key(log, key);
  fprintf(log->file, "%llu", (unsigned long long)value);
}

void event_log_end(event_log *log) {
  fputs(log->json ? "}\n" : "\n", log->file);
  fflush(log->file);
  funlockfile(log->file);
}
