#include "xds/budget.h"

#include <assert.h>
#include <inttypes.h>

#include <egress/error.h>

#include "xds/request.h"
#include "xds/subscription.h"

/* What was taken without asking may have gone over a limit: then nothing is left. */
static int fits(size_t more, size_t taken, size_t max) {
  return more <= (taken < max ? max - taken : 0);
}

static int fits_in(size_t more, const egress__remembered *whole) {
  return whole == NULL || fits(more, whole->bytes, whole->max_bytes);
}

int egress__budget_ask(egress__budget *budget, uint32_t names, size_t bytes) {
  if (!fits(names, budget->names, budget->max_names))
    budget->refused = EGRESS__BUDGET_NAMES;
  else if (!fits(bytes, budget->bytes, budget->max_bytes))
    budget->refused = EGRESS__BUDGET_BYTES;
  else if (!fits_in(bytes, budget->peer))
    budget->refused = EGRESS__BUDGET_PEER;
  else if (!fits_in(bytes, budget->all))
    budget->refused = EGRESS__BUDGET_ALL;
  else
    return 0;
  return EGRESS_ELIMIT;
}

void egress__budget_take(egress__budget *budget, uint32_t names, size_t bytes) {
  budget->names += names;
  budget->bytes += bytes;
  if (budget->peer != NULL)
    budget->peer->bytes += bytes;
  if (budget->all != NULL)
    budget->all->bytes += bytes;
}

void egress__budget_give(egress__budget *budget, uint32_t names, size_t bytes) {
  budget->names -= names;
  budget->bytes -= bytes;
  if (budget->peer != NULL)
    budget->peer->bytes -= bytes;
  if (budget->all != NULL)
    budget->all->bytes -= bytes;
}

int egress__budget_explain(const egress__budget *budget, egress__stream_fault *fault) {
  switch (budget->refused) {
  case EGRESS__BUDGET_NAMES: /* who is asked by REST has no options */
    return egress__stream_refuse(fault, EGRESS_ELIMIT, "more than %" PRIu32 " resource names subscribed to%s",
                                 budget->max_names, budget->all != NULL ? " (max_subscriptions)" : "");
  case EGRESS__BUDGET_BYTES:
    return egress__stream_refuse(fault, EGRESS_ELIMIT, "the names and versions of one stream take more than %zu bytes",
                                 budget->max_bytes);
  case EGRESS__BUDGET_PEER:
    return egress__stream_refuse(fault, EGRESS_ELIMIT,
                                 "the names and versions of all streams of this client take more than %zu bytes, the "
                                 "most that the server remembers of one (max_peer_remembered_bytes)",
                                 budget->peer->max_bytes);
  case EGRESS__BUDGET_ALL:
    return egress__stream_refuse(fault, EGRESS_ELIMIT,
                                 "the names and versions of all streams take more than %zu bytes, the most that the "
                                 "server remembers (max_remembered_bytes)",
                                 budget->all->max_bytes);
  case EGRESS__BUDGET_GLOBS:
    return egress__stream_refuse(fault, EGRESS_ELIMIT, "more than %d globs of one type", EGRESS__GLOBS_MAX);
  }
  assert(0 && "refused is out of range");
  return EGRESS_ELIMIT;
}

int egress__budget_map_set(egress__budget *budget, egress__map *map, const char *key, size_t key_size, void *value) {
  size_t growth = egress__map_growth(map);
  int rv = egress__map_set(map, key, key_size, value);
  if (rv == 0)
    egress__budget_take(budget, 0, growth);
  return rv;
}

void egress__budget_map_dispose(egress__budget *budget, egress__map *map) {
  egress__budget_give(budget, 0, egress__map_bytes(map));
  egress__map_dispose(map);
}
