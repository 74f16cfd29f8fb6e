#include "endpoint.h"

#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>

static int family_of(unsigned char bytes[16], const char *text) {
  if (inet_pton(AF_INET, text, bytes) == 1)
    return AF_INET;
  return inet_pton(AF_INET6, text, bytes) == 1 ? AF_INET6 : 0;
}

static endpoint_fault read_port(uint16_t *out, const char *text, uint16_t min_port) {
  size_t digits = strspn(text, "0123456789");
  if (digits == 0 || digits > 5 || text[digits] != '\0')
    return ENDPOINT_BAD_PORT;
  unsigned long port = strtoul(text, NULL, 10);
  if (port < min_port || port > UINT16_MAX)
    return ENDPOINT_BAD_PORT;
  *out = (uint16_t)port;
  return ENDPOINT_OK;
}

static endpoint_fault read_host(endpoint *out, const char *text, size_t size) {
  if (size == 0 || size >= sizeof out->host)
    return ENDPOINT_BAD_HOST;
  memcpy(out->host, text, size);
  out->host[size] = '\0';
  out->family = family_of(out->bytes, out->host);
  return ENDPOINT_OK;
}

static endpoint_fault read_bracketed(endpoint *out, const char *text, uint16_t min_port) {
  const char *end = strchr(text, ']');
  if (end == NULL || (end[1] != ':' && end[1] != '\0') || read_host(out, text + 1, (size_t)(end - text) - 1) != 0 ||
      out->family != AF_INET6)
    return ENDPOINT_BAD_HOST;
  return end[1] == '\0' ? ENDPOINT_NO_PORT : read_port(&out->port, end + 2, min_port);
}

static endpoint_fault read_plain(endpoint *out, const char *text, uint16_t min_port) {
  const char *colon = strrchr(text, ':');
  if (colon == NULL)
    return ENDPOINT_NO_PORT;
  if (endpoint_is_address(text)) /* it has a colon: IPv6, with or without a port */
    return ENDPOINT_NO_BRACKETS;
  endpoint_fault fault = read_host(out, text, (size_t)(colon - text));
  if (fault != ENDPOINT_OK)
    return fault;
  if (out->family == AF_INET6)
    return ENDPOINT_NO_BRACKETS;
  return strchr(out->host, ':') != NULL ? ENDPOINT_BAD_HOST : read_port(&out->port, colon + 1, min_port);
}

endpoint_fault endpoint_read(endpoint *out, const char *text, uint16_t min_port) {
  endpoint read = {.port = 0};
  endpoint_fault fault = text[0] == '[' ? read_bracketed(&read, text, min_port) : read_plain(&read, text, min_port);
  if (fault == ENDPOINT_OK)
    *out = read;
  return fault;
}

int endpoint_is_address(const char *text) {
  unsigned char bytes[16];
  return family_of(bytes, text) != 0;
}

int endpoint_is_loopback(const endpoint *self) {
  static const unsigned char one[16] = {[15] = 1};
  return self->family == AF_INET ? self->bytes[0] == 127
                                 : self->family == AF_INET6 && memcmp(self->bytes, one, sizeof one) == 0;
}

int endpoint_same(const endpoint *a, const endpoint *b) {
  return a->family == b->family && a->port == b->port && memcmp(a->bytes, b->bytes, sizeof a->bytes) == 0;
}
