#include "policy/guard.h"

#define V4(a, b, c, d, length) \
  { {4, {a, b, c, d}}, length }
#define V6(a, b, length) \
  { {6, {(a) >> 8, (a)&0xff, (b) >> 8, (b)&0xff}}, length }

/* Sorted by egress__prefix_compare. */
static const egress__prefix ranges[] = {
    V4(0, 0, 0, 0, 8),                      /* this network */
    V4(10, 0, 0, 0, 8),                     /* private */
    V4(100, 64, 0, 0, 10),                  /* carrier-grade NAT; cloud metadata of some */
    V4(127, 0, 0, 0, 8),                    /* loopback */
    V4(168, 63, 129, 16, 32),               /* Azure's host agent */
    V4(169, 254, 0, 0, 16),                 /* link-local, metadata services */
    V4(172, 16, 0, 0, 12),                  /* private */
    V4(192, 0, 0, 0, 24),                   /* protocol assignments */
    V4(192, 168, 0, 0, 16),                 /* private */
    V4(198, 18, 0, 0, 15),                  /* benchmarks */
    V4(224, 0, 0, 0, 3),                    /* multicast, reserved, broadcast */
    V6(0, 0, 64),                           /* unspecified, loopback, IPv4-mapped and -compatible */
    V6(0x0064, 0xff9b, 96),                 /* NAT64: an IPv4 address of any kind */
    {{6, {0, 0x64, 0xff, 0x9b, 0, 1}}, 48}, /* local NAT64 */
    V6(0x2001, 0, 32),                      /* Teredo */
    V6(0x2002, 0, 16),                      /* 6to4 */
    V6(0xfc00, 0, 7),                       /* unique local */
    V6(0xfe80, 0, 10),                      /* link-local */
    V6(0xfec0, 0, 10),                      /* site-local */
    V6(0xff00, 0, 8),                       /* multicast */
};

const egress__prefix *egress__guard_prefixes(size_t *count) {
  *count = sizeof ranges / sizeof ranges[0];
  return ranges;
}

static int any_has(const egress__prefix *prefixes, size_t count, const egress__addr *addr) {
  for (size_t i = 0; i < count; i++)
    if (egress__prefix_has(&prefixes[i], addr))
      return 1;
  return 0;
}

int egress__guard_refuses(const egress_policy *policy, const egress__addr *addr) {
  return policy->deny_private_ips && any_has(ranges, sizeof ranges / sizeof ranges[0], addr) &&
         !any_has(policy->allow_private, policy->allow_private_count, addr);
}
