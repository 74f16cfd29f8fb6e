#include "wire/pending.h"

#include <egress/error.h>

#include "base/alloc.h"
#include "xds/request.h"

int egress__pending_grow(egress__pending *pending, uint8_t **bytes, size_t *size, size_t to,
                         egress__stream_fault *fault) {
  size_t more = to - *size;
  if (more > pending->max_bytes - pending->bytes)
    return egress__stream_refuse(fault, EGRESS_ELIMIT,
                                 "requests that were not taken yet would need more than %zu bytes, the most that the "
                                 "server has for those of all clients (max_pending_bytes)",
                                 pending->max_bytes);
  uint8_t *grown = egress__resize(pending->alloc, *bytes, to, 1);
  if (grown == NULL)
    return EGRESS_ENOMEM;
  pending->bytes += more;
  *bytes = grown;
  *size = to;
  return 0;
}

void egress__pending_free(egress__pending *pending, uint8_t **bytes, size_t *size) {
  pending->bytes -= *size;
  egress__free(pending->alloc, *bytes);
  *bytes = NULL;
  *size = 0;
}
