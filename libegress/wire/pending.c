#include "wire/pending.h"

#include <assert.h>
#include <string.h>

#include <egress/error.h>

#include "base/alloc.h"
#include "xds/request.h"

static int ask(const egress__pending *pending, size_t more, egress__stream_fault *fault) {
  const egress__pending_all *all = pending->all;
  if (more > pending->max_bytes - pending->bytes)
    return egress__stream_refuse(fault, EGRESS_ELIMIT,
                                 "requests of this client that were not taken yet would need more than %zu bytes, the "
                                 "most that the server has for those of one (max_peer_pending_bytes)",
                                 pending->max_bytes);
  if (more > all->max_bytes - all->bytes)
    return egress__stream_refuse(fault, EGRESS_ELIMIT,
                                 "requests that were not taken yet would need more than %zu bytes, the most that the "
                                 "server has for those of all clients (max_pending_bytes)",
                                 all->max_bytes);
  return 0;
}

int egress__pending_grow(egress__pending *pending, uint8_t **bytes, size_t *size, size_t to,
                         egress__stream_fault *fault) {
  size_t more = to - *size;
  int rv = ask(pending, more, fault);
  if (rv != 0)
    return rv;
  uint8_t *grown = egress__resize(pending->alloc, *bytes, to, 1);
  if (grown == NULL)
    return EGRESS_ENOMEM;
  pending->bytes += more;
  pending->all->bytes += more;
  *bytes = grown;
  *size = to;
  return 0;
}

static void give_back(egress__pending *pending, size_t count) {
  pending->bytes -= count;
  pending->all->bytes -= count;
}

void egress__pending_drop(egress__pending *pending, uint8_t **bytes, size_t *size, size_t count) {
  assert(count < *size && "else they are freed");
  give_back(pending, count);
  *size -= count;
  memmove(*bytes, *bytes + count, *size);
  uint8_t *shorter = egress__resize(pending->alloc, *bytes, *size, 1);
  if (shorter != NULL) /* else the block stays longer than it is counted */
    *bytes = shorter;
}

void egress__pending_free(egress__pending *pending, uint8_t **bytes, size_t *size) {
  give_back(pending, *size);
  egress__free(pending->alloc, *bytes);
  *bytes = NULL;
  *size = 0;
}
