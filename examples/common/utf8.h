/* UTF-8, for what is written to logs and given to Envoy. */
#ifndef EXAMPLES_UTF8_H
#define EXAMPLES_UTF8_H

#include <stddef.h>
#include <stdint.h>

/* Bytes of the character that starts at `text`, which ends with a NUL; 0 when it is none. */
size_t utf8_size(const char *text);

/* Code of the character that starts at `text` if no person should be shown it: it drives a terminal, starts a line, or
 * turns the direction of the text behind it. 0 for any other one, and for what is none. */
uint32_t utf8_control(const char *text);

#endif
