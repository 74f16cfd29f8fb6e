#include "value.h"
#include "endpoint.h"
#include "utf8.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/un.h>

static const char unix_scheme[] = "unix:";
enum { UNIX_PATH_MAX_BYTES = sizeof((struct sockaddr_un *)0)->sun_path - 1 };

const char *value_shown(char out[VALUE_SHOWN_BYTES], const char *text) {
  static const char more[] = "...";
  size_t used = 0;
  while (*text != '\0') {
    size_t size = utf8_size(text);
    if (used + (size > 0 ? size : 1) + sizeof more > VALUE_SHOWN_BYTES) {
      memcpy(out + used, more, sizeof more);
      return out;
    }
    if (size == 0 || utf8_control(text) != 0) {
      out[used++] = '?';
      text += size > 0 ? size : 1;
      continue;
    }
    memcpy(out + used, text, size);
    used += size;
    text += size;
  }
  out[used] = '\0';
  return out;
}

static int say(char fault[VALUE_FAULT_BYTES], const char *value, const char *what) {
  char shown[VALUE_SHOWN_BYTES];
  snprintf(fault, VALUE_FAULT_BYTES, "'%s' %s", value_shown(shown, value), what);
  return -1;
}

static int judge_number(char fault[VALUE_FAULT_BYTES], uint32_t *number, const cli_option *option, const char *value) {
  char what[80];
  size_t digits = strspn(value, "0123456789");
  unsigned long long read = digits > 0 && digits <= 10 && value[digits] == '\0' ? strtoull(value, NULL, 10) : 0;
  if (digits == 0 || value[digits] != '\0' || read < option->min || read > option->max) {
    snprintf(what, sizeof what, "is not a number from %u to %u", option->min, option->max);
    return say(fault, value, what);
  }
  *number = (uint32_t)read;
  return 0;
}

static int is_word(const char *words, const char *value) {
  size_t size = strlen(value);
  if (strchr(value, '|') != NULL)
    return 0;
  for (const char *at = words; at != NULL; at = strchr(at, '|')) {
    at += *at == '|';
    if (strncmp(at, value, size) == 0 && (at[size] == '|' || at[size] == '\0'))
      return 1;
  }
  return 0;
}

static int judge_word(char fault[VALUE_FAULT_BYTES], const cli_option *option, const char *value) {
  char what[80];
  if (is_word(option->value, value))
    return 0;
  snprintf(what, sizeof what, "is none of %s", option->value);
  return say(fault, value, what);
}

/* Text goes to Envoy or is compared with what Envoys say of themselves: protobuf knows UTF-8 only. */
static int judge_text(char fault[VALUE_FAULT_BYTES], const cli_option *option, const char *value) {
  char what[80];
  for (const char *at = value; *at != '\0';) {
    size_t size = utf8_size(at);
    if (size == 0)
      return say(fault, value, "is not UTF-8");
    at += size;
  }
  if (option->max == 0 || strlen(value) <= option->max)
    return 0;
  snprintf(what, sizeof what, "has %zu bytes; at most %u are allowed", strlen(value), option->max);
  return say(fault, value, what);
}

static const char *shape(cli_kind kind) {
  if (kind == CLI_SOCKET)
    return "ADDRESS:PORT, such as 127.0.0.1:18000 or [::1]:18000, or unix:/PATH";
  if (kind == CLI_TARGET)
    return "ADDRESS:PORT, NAME:PORT or unix:/PATH, such as 127.0.0.1:18000, [::1]:18000 or egress.example.com:18000";
  return "ADDRESS:PORT, such as 127.0.0.1:3128 or [::1]:3128";
}

static const char *fault_text(endpoint_fault fault, const cli_option *option) {
  switch (fault) {
  case ENDPOINT_OK:
    break;
  case ENDPOINT_NO_PORT:
    return "has no port";
  case ENDPOINT_BAD_PORT:
    return option->min == 0 ? "does not end with a port from 0 to 65535" : "does not end with a port from 1 to 65535";
  case ENDPOINT_NO_BRACKETS:
    return "has an IPv6 address without brackets";
  case ENDPOINT_BAD_HOST:
    return "does not begin with an address";
  }
  return "";
}

static int judge_unix(char fault[VALUE_FAULT_BYTES], const cli_option *option, const char *value) {
  char what[240];
  const char *path = value + strlen(unix_scheme);
  if (path[0] != '/')
    snprintf(what, sizeof what, "has no path from the root; write %s", shape(option->kind));
  else if (strlen(path) > UNIX_PATH_MAX_BYTES)
    snprintf(what, sizeof what, "has a path of %zu bytes; that of a unix socket has at most %d", strlen(path),
             UNIX_PATH_MAX_BYTES);
  else
    return judge_text(fault, option, value);
  return say(fault, value, what);
}

static int judge_endpoint(char fault[VALUE_FAULT_BYTES], const cli_option *option, const char *value) {
  char what[240];
  endpoint read = {.port = 0};
  if (option->kind != CLI_ADDRESS && strncmp(value, unix_scheme, strlen(unix_scheme)) == 0)
    return judge_unix(fault, option, value);
  endpoint_fault found = endpoint_read(&read, value, (uint16_t)option->min);
  if (found == ENDPOINT_OK && read.family == 0 && option->kind != CLI_TARGET)
    found = ENDPOINT_BAD_HOST;
  if (found == ENDPOINT_OK)
    return 0;
  snprintf(what, sizeof what, "%s; write %s", fault_text(found, option), shape(option->kind));
  return say(fault, value, what);
}

int value_judge(char fault[VALUE_FAULT_BYTES], uint32_t *number, const cli_option *option, const char *value) {
  if (*value == '\0') {
    snprintf(fault, VALUE_FAULT_BYTES, "the value is empty; leave the option out instead");
    return -1;
  }
  switch (option->kind) {
  case CLI_FLAG:
  case CLI_PATH:
    return 0;
  case CLI_TEXT:
    return judge_text(fault, option, value);
  case CLI_NUMBER:
    return judge_number(fault, number, option, value);
  case CLI_WORD:
    return judge_word(fault, option, value);
  case CLI_ADDRESS:
  case CLI_SOCKET:
  case CLI_TARGET:
    return judge_endpoint(fault, option, value);
  }
  return 0;
}
