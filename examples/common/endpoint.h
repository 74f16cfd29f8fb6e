/* "HOST:PORT" in its parts, of options and arguments. */
#ifndef EXAMPLES_ENDPOINT_H
#define EXAMPLES_ENDPOINT_H

#include <stdint.h>

typedef struct endpoint {
  char host[512]; /* without brackets; longer than any host name, so that a too long one is judged, not cut */
  int family;     /* AF_INET, AF_INET6; 0: host is no address */
  unsigned char bytes[16];
  uint16_t port;
} endpoint;

typedef enum endpoint_fault {
  ENDPOINT_OK,
  ENDPOINT_NO_PORT,
  ENDPOINT_BAD_PORT,
  ENDPOINT_NO_BRACKETS,
  ENDPOINT_BAD_HOST
} endpoint_fault;

/* Reads "HOST:PORT" or "[IPV6]:PORT" with a port from `min_port` to 65535; *out is set on success only. */
endpoint_fault endpoint_read(endpoint *out, const char *text, uint16_t min_port);

/* 1 for an IPv4 or IPv6 address alone. */
int endpoint_is_address(const char *text);

int endpoint_is_loopback(const endpoint *self);

/* 1 for two addresses that are the same, however they were written. */
int endpoint_same(const endpoint *a, const endpoint *b);

#endif
