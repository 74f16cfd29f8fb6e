#include "xds/tail.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "snapshot/labels.h"
#include "xds/request.h"

enum { NONCE_ROOM = 21 /* digits of a uint64_t and NUL */ };

/* Field numbers; those of both messages are equal but for the last. */
enum { VERSION = 1, TYPE_URL = 4, NONCE = 5, SOTW_CONTROL_PLANE = 6, DELTA_CONTROL_PLANE = 7, IDENTIFIER = 1 };

_Static_assert(EGRESS__LABEL_MAX + EGRESS__TYPE_URL_MAX + NONCE_ROOM + EGRESS__IDENTIFIER_MAX + 5 * 4 <=
                   EGRESS__RESPONSE_TAIL,
               "every tail has room");

static size_t print_nonce(char text[NONCE_ROOM], uint64_t nonce) {
  return (size_t)snprintf(text, NONCE_ROOM, "%" PRIu64, nonce);
}

int egress__is_identifier(const char *text) {
  return text[0] == '\0' || egress__is_short_text(text, EGRESS__IDENTIFIER_MAX);
}

void egress__tail_write(egress__response *out, const egress__tail *tail) {
  char nonce[NONCE_ROOM];
  size_t nonce_size = print_nonce(nonce, tail->nonce);
  uint8_t *to = out->tail;
  to = egress__put_bytes(to, VERSION, tail->version, strlen(tail->version));
  to = egress__put_bytes(to, TYPE_URL, tail->type_url, strlen(tail->type_url));
  to = egress__put_bytes(to, NONCE, nonce, nonce_size);
  if (tail->identifier != NULL) {
    uint32_t number = tail->variant == EGRESS__XDS_SOTW ? SOTW_CONTROL_PLANE : DELTA_CONTROL_PLANE;
    size_t size = strlen(tail->identifier);
    to = egress__put_bytes_head(to, number, egress__bytes_field_size(IDENTIFIER, size));
    to = egress__put_bytes(to, IDENTIFIER, tail->identifier, size);
  }
  out->tail_size = (size_t)(to - out->tail);
}

int egress__nonce_is(uint64_t nonce, egress__span text) {
  char own[NONCE_ROOM];
  return text.size == print_nonce(own, nonce) && memcmp(own, text.data, text.size) == 0;
}
