#ifndef EGRESS_BASE_HOST_H
#define EGRESS_BASE_HOST_H

#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"

enum {
  EGRESS__HOST_MAX = 253, /* RFC 1035 §2.3.4, without the trailing dot */
  EGRESS__LABEL_MAX = 63
};

/**
 * Lower-cases a name that a flow carries and checks it: dot-separated labels of [a-z0-9_-]{1,63}, at most 253 bytes
 * together, no trailing dot, the last label not all digits. `out` gets the name with a NUL.
 * Returns its size, or 0 when the name is not valid.
 */
size_t egress__host_normalise(char out[EGRESS__HOST_MAX + 1], const char *name, size_t size);

/**
 * The same rule for Envoy, on lower-case names: RE2 expressions that must all match the whole name. One expression
 * cannot bound a length and ask for a non-digit at once without growing a hundredfold.
 */
#define EGRESS__HOST_REGEX_LABELS "([a-z0-9_-]{1,63}\\.)*[a-z0-9_-]{1,63}"
#define EGRESS__HOST_REGEX_LAST_LABEL "(.*\\.)?[^.:]*[^.:0-9][^.:]*" /* no colon: a port may follow */
#define EGRESS__HOST_REGEX_LENGTH ".{1,253}"

/**
 * Brings one host pattern of a policy into canonical form: lower case, no trailing dot, international labels as
 * A-labels. Stars stay. Does not judge where stars may stand.
 *
 * :param fault: on EGRESS_EPOLICY: static text, what is wrong.
 * Returns 0, EGRESS_EPOLICY or EGRESS_ENOMEM.
 */
int egress__host_canonical(char **out, egress__arena *arena, const char *text, size_t size, const char **fault);

#endif
