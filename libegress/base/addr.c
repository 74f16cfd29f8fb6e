#include "base/addr.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

#include <egress/error.h>

int egress__addr_parse(egress__addr *out, const char *text, size_t size) {
  char copy[EGRESS__ADDR_TEXT];
  if (size >= sizeof copy || memchr(text, '\0', size) != NULL)
    return EGRESS_EINVAL;
  memcpy(copy, text, size);
  copy[size] = '\0';
  egress__addr addr = {0};
  addr.family = strchr(copy, ':') != NULL ? 6 : 4;
  if (inet_pton(addr.family == 6 ? AF_INET6 : AF_INET, copy, addr.bytes) != 1)
    return EGRESS_EINVAL;
  *out = addr;
  return 0;
}

const char *egress__addr_format(char out[EGRESS__ADDR_TEXT], const egress__addr *addr) {
  if (addr->family == 0 ||
      inet_ntop(addr->family == 6 ? AF_INET6 : AF_INET, addr->bytes, out, EGRESS__ADDR_TEXT) == NULL)
    out[0] = '\0';
  return out;
}

int egress__addr_is_v4_mapped(const egress__addr *addr) {
  static const uint8_t head[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
  return addr->family == 6 && memcmp(addr->bytes, head, sizeof head) == 0;
}

egress__addr egress__addr_unmapped(egress__addr addr) {
  if (!egress__addr_is_v4_mapped(&addr))
    return addr;
  egress__addr v4 = {.family = 4};
  memcpy(v4.bytes, addr.bytes + 12, 4);
  return v4;
}

int egress__addr_is_loopback(const egress__addr *addr) {
  static const uint8_t one[16] = {[15] = 1};
  return addr->family == 4 ? addr->bytes[0] == 127 : addr->family == 6 && memcmp(addr->bytes, one, sizeof one) == 0;
}

/* 0 to 128, at most three digits without a leading zero; -1 for anything else. */
static int parse_length(const char *text, size_t size) {
  if (size == 0 || size > 3 || (size > 1 && text[0] == '0'))
    return -1;
  int length = 0;
  for (size_t i = 0; i < size; i++) {
    if (text[i] < '0' || text[i] > '9')
      return -1;
    length = length * 10 + (text[i] - '0');
  }
  return length;
}

/* Clears the bits behind the prefix; returns 1 when one was set. */
static int clear_host_bits(egress__prefix *prefix) {
  int cleared = 0;
  for (unsigned bit = prefix->bits; bit < (prefix->addr.family == 4 ? 32U : 128U); bit++) {
    uint8_t *byte = &prefix->addr.bytes[bit / 8];
    uint8_t mask = (uint8_t)(0x80U >> (bit % 8));
    cleared |= (*byte & mask) != 0;
    *byte = (uint8_t)(*byte & ~mask);
  }
  return cleared;
}

egress__prefix_fault egress__prefix_parse(egress__prefix *out, const char *text, size_t size) {
  const char *slash = memchr(text, '/', size);
  size_t addr_size = slash == NULL ? size : (size_t)(slash - text);
  egress__prefix prefix = {0};
  if (egress__addr_parse(&prefix.addr, text, addr_size) != 0)
    return EGRESS__PREFIX_NOT_ADDRESS;
  int most = prefix.addr.family == 4 ? 32 : 128;
  int length = slash == NULL ? most : parse_length(slash + 1, size - addr_size - 1);
  if (length < 0 || length > most)
    return EGRESS__PREFIX_BAD_LENGTH;
  prefix.bits = (uint8_t)length;
  int host_bits = clear_host_bits(&prefix);
  *out = prefix;
  return host_bits ? EGRESS__PREFIX_HOST_BITS : EGRESS__PREFIX_OK;
}

const char *egress__prefix_format(char out[EGRESS__PREFIX_TEXT], const egress__prefix *prefix) {
  char addr[EGRESS__ADDR_TEXT];
  snprintf(out, EGRESS__PREFIX_TEXT, "%s/%u", egress__addr_format(addr, &prefix->addr), prefix->bits);
  return out;
}

int egress__prefix_has(const egress__prefix *prefix, const egress__addr *addr) {
  if (prefix->addr.family != addr->family)
    return 0;
  size_t whole = prefix->bits / 8U;
  if (memcmp(prefix->addr.bytes, addr->bytes, whole) != 0)
    return 0;
  unsigned rest = prefix->bits % 8U;
  return rest == 0 || ((prefix->addr.bytes[whole] ^ addr->bytes[whole]) >> (8 - rest)) == 0;
}

int egress__prefix_covers(const egress__prefix *outer, const egress__prefix *inner) {
  return outer->bits <= inner->bits && egress__prefix_has(outer, &inner->addr);
}

int egress__prefix_compare(const void *a, const void *b) {
  const egress__prefix *x = a, *y = b;
  if (x->addr.family != y->addr.family)
    return x->addr.family < y->addr.family ? -1 : 1;
  int order = memcmp(x->addr.bytes, y->addr.bytes, sizeof x->addr.bytes);
  return order != 0 ? order : (int)x->bits - (int)y->bits;
}

int egress__endpoint_parse(egress__endpoint *out, const char *text) {
  const char *colon = strrchr(text, ':');
  if (colon == NULL || colon == text)
    return EGRESS_EINVAL;
  int bracketed = text[0] == '[';
  if (bracketed && colon[-1] != ']')
    return EGRESS_EINVAL;
  const char *host = text + bracketed;
  size_t host_size = (size_t)(colon - host) - (size_t)bracketed;
  egress__endpoint endpoint = {0};
  if (egress__addr_parse(&endpoint.addr, host, host_size) != 0 || (endpoint.addr.family == 6) != bracketed)
    return EGRESS_EINVAL;
  size_t digits = strspn(colon + 1, "0123456789");
  if (digits == 0 || digits > 5 || colon[1 + digits] != '\0')
    return EGRESS_EINVAL;
  unsigned port = 0;
  for (size_t i = 1; i <= digits; i++)
    port = port * 10 + (unsigned)(colon[i] - '0');
  if (port > 65535)
    return EGRESS_EINVAL;
  endpoint.port = (uint16_t)port;
  *out = endpoint;
  return 0;
}
