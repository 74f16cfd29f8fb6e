#include "policy/model.h"

#include "support/reading.h"

Test(read_hosts, names_and_addresses) {
  egress_policy *policy = read_policy(
      HEAD
      "rules: [{name: r, to: [A.test., \"*.b.test\", 192.0.2.1, 198.51.100.0/24, \"2001:db8::/32\"], ports: [1]}]");
  const egress__rule *rule = &policy->rules[0];
  char text[EGRESS__PREFIX_TEXT];
  cr_assert_eq(rule->pattern_count, 2);
  cr_assert_str_eq(rule->patterns[0].text, "a.test");
  cr_assert_str_eq(rule->patterns[1].text, "*.b.test");
  cr_assert_eq(rule->prefix_count, 3);
  cr_assert_str_eq(egress__prefix_format(text, &rule->prefixes[0]), "192.0.2.1/32");
  cr_assert_str_eq(egress__prefix_format(text, &rule->prefixes[1]), "198.51.100.0/24");
  cr_assert_str_eq(egress__prefix_format(text, &rule->prefixes[2]), "2001:db8::/32");
  egress_policy_unref(policy);
}

static void host_fault(const char *host, const char *fault) {
  char text[256], wanted[256];
  sprintf(text, HEAD "rules: [{name: r, ports: [1], to: [%s]}]", host);
  sprintf(wanted, "p:2:36: error: %s\n", fault);
  refuses(text, wanted);
}

Test(read_hosts, what_people_write_instead) {
  host_fault("\"https://a.test/\"", "`https://a.test/` is a URL; write only its host name");
  host_fault("a.test/path", "`a.test/path` has a path; a rule speaks of hosts only");
  host_fault("\"a.test:443\"", "`a.test:443` has a port; ports stand in `ports`");
  host_fault("192.0.2.1:443", "`192.0.2.1:443` has a port; ports stand in `ports`");
  host_fault("192.0.2.1/24", "`192.0.2.1/24` has bits set behind its length; write 192.0.2.0/24");
  host_fault("192.0.2.256", "host `192.0.2.256`: ends in a label of digits only, which is no host name; write an "
                            "address as ADDRESS/LENGTH");
  host_fault("192.0.2/24", "`192.0.2/24` is no address range; write ADDRESS/LENGTH, such as 10.4.0.0/16");
  host_fault("\"::ffff:192.0.2.1\"", "`::ffff:192.0.2.1` is IPv4 written as IPv6; write 192.0.2.1/32");
  host_fault("\"2001:db8::g\"", "`2001:db8::g` is no address range; write ADDRESS/LENGTH, such as 10.4.0.0/16");
  host_fault(".a.test", "host `.a.test`: has an empty label");
  host_fault("~", "a host must be text, not nothing");
  host_fault("{a: b}", "a host must be text, not a map");
}

Test(read_hosts, every_name) {
  accepts(HEAD "rules: [{name: r, to: [\"*\"]}, {name: s, to: [\"**\"]}]",
          "p:2:24: warning: `*` matches every name\n"
          "p:2:46: warning: `**` matches every name\n");
}

Test(read_hosts, twice) {
  accepts(HEAD
          "groups: {g: [a.test]}\n"
          "rules: [{name: r, ports: [1], to: [a.test, A.TEST., 192.0.2.1, 192.0.2.1/32, \"group:g\", \"group:g\"]}]",
          "p:3:44: warning: `A.TEST.` stands twice in this list\n"
          "p:3:64: warning: `192.0.2.1/32` stands twice in this list\n"
          "p:3:89: warning: `group:g` stands twice in this list\n");
  egress_policy *policy =
      read_policy(HEAD "rules: [{name: r, ports: [1], to: [a.test, A.TEST., 192.0.2.1, 192.0.2.1/32]}]");
  cr_assert_eq(egress_policy_destination_count(policy), 2);
  egress_policy_unref(policy);
}
