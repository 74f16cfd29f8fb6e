#include "policy/model.h"

#include <criterion/criterion.h>

Test(model, ports_have) {
  static const egress__port_range ranges[] = {{1, 1}, {80, 82}, {443, 443}, {65535, 65535}};
  const egress__ports ports = {ranges, 4}, none = {NULL, 0};
  static const uint16_t in[] = {1, 80, 81, 82, 443, 65535}, out[] = {0, 2, 79, 83, 442, 444, 65534};
  for (size_t i = 0; i < sizeof in / sizeof in[0]; i++)
    cr_assert(egress__ports_have(&ports, in[i]), "%u", in[i]);
  for (size_t i = 0; i < sizeof out / sizeof out[0]; i++)
    cr_assert_not(egress__ports_have(&ports, out[i]), "%u", out[i]);
  cr_assert_not(egress__ports_have(&none, 80));
}

Test(model, rule_has_atom) {
  static const uint64_t atoms[] = {UINT64_C(1) << 63 | 1, 2};
  const egress__rule rule = {.atoms = atoms};
  cr_assert(egress__rule_has_atom(&rule, 0));
  cr_assert_not(egress__rule_has_atom(&rule, 1));
  cr_assert(egress__rule_has_atom(&rule, 63));
  cr_assert_not(egress__rule_has_atom(&rule, 64));
  cr_assert(egress__rule_has_atom(&rule, 65));
}
