#ifndef EGRESS_BASE_OPTIONS_H
#define EGRESS_BASE_OPTIONS_H

#include <stddef.h>

/**
 * Takes over an options struct that a caller may have compiled against another version.
 *
 * `own` is ours, `own_size` its size, already holding the defaults; `given` is the caller's, which starts with its
 * `size_t size` (NULL: the defaults); `first_size` is the size that the struct had in its first version.
 * Returns 0; EGRESS_EINVAL: shorter than the first version; EGRESS_EABI: a field unknown here is not zero.
 */
int egress__options_take(void *own, size_t own_size, const void *given, size_t first_size);

#endif
