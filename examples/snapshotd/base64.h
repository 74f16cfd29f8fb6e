/* Base64 as JSON writes bytes (RFC 4648, the standard alphabet, padded). */
#ifndef SNAPSHOTD_BASE64_H
#define SNAPSHOTD_BASE64_H

#include <stddef.h>

/* Decodes `size` characters into *out, which the caller frees. 0; -1: not base64; -2: no memory. */
int base64_decode(unsigned char **out, size_t *out_size, const char *text, size_t size);

#endif
