#include "policy/model.h"

#include "support/reading.h"

static void is_range(const egress__ports *ports, size_t index, unsigned low, unsigned high) {
  cr_assert_lt(index, ports->count);
  cr_assert_eq(ports->ranges[index].low, low);
  cr_assert_eq(ports->ranges[index].high, high);
}

Test(read_ports, sorted_and_joined) {
  egress_policy *policy = read_policy(HEAD "rules: [{name: a, to: [x.test], ports: [65535, 443, 8080, 444, 1, 442]}]");
  const egress__ports *ports = &policy->rules[0].ports[EGRESS_PROTOCOL_TLS];
  cr_assert_eq(ports->count, 4);
  is_range(ports, 0, 1, 1);
  is_range(ports, 1, 442, 444);
  is_range(ports, 2, 8080, 8080);
  is_range(ports, 3, 65535, 65535);
  egress_policy_unref(policy);
}

static void port_fault(const char *port, const char *fault) {
  char text[256], wanted[256];
  sprintf(text, HEAD "rules: [{name: a, to: [x.test], ports: [%s]}]", port);
  sprintf(wanted, "p:2:41: error: %s\n", fault);
  refuses(text, wanted);
}

Test(read_ports, faults) {
  port_fault("0", "`0` is no port; write a number from 1 to 65535");
  port_fault("65536", "port 65536 is too large; ports are 1 to 65535");
  port_fault("99999999999999999999", "port 99999999999999999999 is too large; ports are 1 to 65535");
  port_fault("\"443\"", "port \"443\" is text; write it without quotes");
  port_fault("1e3", "`1e3` is no port; write a number from 1 to 65535");
  port_fault("0443", "`0443` is no port; write a number from 1 to 65535");
  port_fault("0x1bb", "`0x1bb` is no port; write a number from 1 to 65535");
  port_fault("-1", "`-1` is no port; write a number from 1 to 65535");
  port_fault("80.0", "`80.0` is no port; write a number from 1 to 65535");
  port_fault("https", "`https` is no port; write a number from 1 to 65535");
  port_fault("~", "a port must be text, not nothing");
  port_fault("[443]", "a port must be text, not a list");
  port_fault("8000-8100", "port ranges such as `8000-8100` are not supported yet; list the ports");
  port_fault("\"8000-8100\"", "port ranges such as `8000-8100` are not supported yet; list the ports");
}

Test(read_ports, twice) {
  accepts(HEAD "rules: [{name: a, to: [x.test], ports: [443, 80, 443]}]", "p:2:40: warning: port 443 stands twice\n");
}

Test(read_ports, empty) {
  refuses(HEAD "rules: [{name: a, to: [x.test], ports: []}]", "p:2:40: error: `ports` is empty\n");
  refuses(HEAD "rules: [{name: a, to: [x.test], ports: 443}]", "p:2:40: error: `ports` must be a list, not text\n");
}
