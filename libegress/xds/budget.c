#include "xds/budget.h"

#include <egress/error.h>

int egress__budget_ask(egress__budget *budget, uint32_t names, size_t bytes) {
  /* What was taken without asking may have gone over a limit: then nothing is left. */
  uint32_t names_left = budget->names < budget->max_names ? budget->max_names - budget->names : 0;
  size_t bytes_left = budget->bytes < budget->max_bytes ? budget->max_bytes - budget->bytes : 0;
  if (names <= names_left && bytes <= bytes_left)
    return 0;
  budget->refused = names > names_left ? EGRESS__BUDGET_NAMES : EGRESS__BUDGET_BYTES;
  return EGRESS_ELIMIT;
}

void egress__budget_take(egress__budget *budget, uint32_t names, size_t bytes) {
  budget->names += names;
  budget->bytes += bytes;
}

void egress__budget_give(egress__budget *budget, uint32_t names, size_t bytes) {
  budget->names -= names;
  budget->bytes -= bytes;
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
