#ifndef EGRESS_BASE_ADDR_H
#define EGRESS_BASE_ADDR_H

#include <stddef.h>
#include <stdint.h>

/** An IP address. IPv4 uses the first four bytes; the rest are zero. */
typedef struct egress__addr {
  uint8_t family; /* 4 or 6; 0: none */
  uint8_t bytes[16];
} egress__addr;

/** An address range in CIDR form: no bit is set past the first `bits`. */
typedef struct egress__prefix {
  egress__addr addr;
  uint8_t bits; /* 0..32 or 0..128 */
} egress__prefix;

enum { EGRESS__ADDR_TEXT = 46, EGRESS__PREFIX_TEXT = 50 };

/** Reads `"10.0.0.7"` or `"2001:db8::7"`; no port, no brackets, no zone. Returns 0 or EGRESS_EINVAL. */
int egress__addr_parse(egress__addr *out, const char *text, size_t size);

/** Canonical text (RFC 5952); returns `out`. */
const char *egress__addr_format(char out[EGRESS__ADDR_TEXT], const egress__addr *addr);

/** 1 for `::ffff:a.b.c.d`. */
int egress__addr_is_v4_mapped(const egress__addr *addr);

/** `::ffff:a.b.c.d` as the IPv4 address in it; any other address as it is. */
egress__addr egress__addr_unmapped(egress__addr addr);

/** What is wrong with a prefix text. */
typedef enum egress__prefix_fault {
  EGRESS__PREFIX_OK = 0,
  EGRESS__PREFIX_NOT_ADDRESS,
  EGRESS__PREFIX_BAD_LENGTH, /* not a number, or too large for the family */
  EGRESS__PREFIX_HOST_BITS   /* bits set behind the prefix; `out` is what it should be */
} egress__prefix_fault;

/** Reads `"10.0.0.0/8"`; an address alone is that address. */
egress__prefix_fault egress__prefix_parse(egress__prefix *out, const char *text, size_t size);

/** Canonical text, always with a length; returns `out`. */
const char *egress__prefix_format(char out[EGRESS__PREFIX_TEXT], const egress__prefix *prefix);

/** 1 when `addr` is of the same family and inside. */
int egress__prefix_has(const egress__prefix *prefix, const egress__addr *addr);

/** 1 when every address of `inner` is in `outer`. */
int egress__prefix_covers(const egress__prefix *outer, const egress__prefix *inner);

/** Orders by family, address, length; for qsort. */
int egress__prefix_compare(const void *a, const void *b);

/** An `ADDRESS:PORT` or `[IPV6]:PORT`. */
typedef struct egress__endpoint {
  egress__addr addr;
  uint16_t port;
} egress__endpoint;

/** Reads one; the port may be 0. Returns 0 or EGRESS_EINVAL. */
int egress__endpoint_parse(egress__endpoint *out, const char *text);

/** 1 for 127.0.0.0/8 and ::1. */
int egress__addr_is_loopback(const egress__addr *addr);

#endif
