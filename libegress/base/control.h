#ifndef EGRESS_BASE_CONTROL_H
#define EGRESS_BASE_CONTROL_H

#include <stddef.h>
#include <stdint.h>

/**
 * Bytes of the control character at `text`, a UTF-8 text that ends with a NUL and has not ended yet, and its code in
 * `*code`; 0 for any other character. What counts: what drives a terminal (C0, DEL, C1), what starts a new line, and
 * what turns the direction of the text behind it, so that a person reads something else than is written.
 */
size_t egress__control(const char *text, uint32_t *code);

#endif
