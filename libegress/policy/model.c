#include "policy/model.h"

int egress__ports_have(const egress__ports *ports, uint16_t port) {
  size_t low = 0, high = ports->count;
  while (low < high) {
    size_t middle = low + (high - low) / 2;
    if (port < ports->ranges[middle].low)
      high = middle;
    else if (port > ports->ranges[middle].high)
      low = middle + 1;
    else
      return 1;
  }
  return 0;
}

int egress__rule_has_atom(const egress__rule *rule, uint32_t atom) {
  return (int)(rule->atoms[atom / 64] >> atom % 64 & 1);
}
