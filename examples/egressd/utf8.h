/* UTF-8, for what is written to logs and given to Envoy. */
#ifndef EGRESSD_UTF8_H
#define EGRESSD_UTF8_H

#include <stddef.h>

/* Bytes of the character that starts at `text`, which ends with a NUL; 0 when it is none. */
size_t utf8_size(const char *text);

#endif
