#include "policy/guard.h"

#include "support/reading.h"

static int refused(const egress_policy *policy, const char *text) {
  egress__addr addr;
  cr_assert_eq(egress__addr_parse(&addr, text, strlen(text)), 0, "%s", text);
  return egress__guard_refuses(policy, &addr);
}

/* First and last address of each range, and the neighbours outside. */
Test(guard, ranges) {
  static const char *const inside[] = {
      "0.0.0.0",
      "0.255.255.255",
      "10.0.0.0",
      "10.255.255.255",
      "100.64.0.0",
      "100.127.255.255",
      "127.0.0.0",
      "127.255.255.255",
      "169.254.0.0",
      "169.254.169.254",
      "168.63.129.16",
      "172.16.0.0",
      "172.31.255.255",
      "192.0.0.0",
      "192.0.0.255",
      "192.168.0.0",
      "192.168.255.255",
      "198.18.0.0",
      "198.19.255.255",
      "224.0.0.0",
      "240.0.0.1",
      "255.255.255.255",
      "::",
      "::1",
      "::ffff:8.8.8.8",
      "64:ff9b::808:808",
      "64:ff9b:1::1",
      "64:ff9b:1:ffff::",
      "2001::",
      "2001:0:ffff::",
      "2002::",
      "2002:ffff::",
      "fc00::",
      "fdff::1",
      "fe80::",
      "febf::1",
      "fec0::",
      "feff::1",
      "ff00::",
      "ff02::1",
  };
  static const char *const outside[] = {
      "1.0.0.0",    "9.255.255.255",   "11.0.0.0",      "100.63.255.255",  "100.128.0.0",     "126.255.255.255",
      "128.0.0.0",  "168.63.129.15",   "168.63.129.17", "169.253.255.255", "169.255.0.0",     "172.15.255.255",
      "172.32.0.0", "192.0.1.0",       "192.0.2.1",     "192.167.255.255", "192.169.0.0",     "198.17.255.255",
      "198.20.0.0", "223.255.255.255", "8.8.8.8",       "0:0:0:1::",       "64:ff9b:0:0:1::", "64:ff9b:2::",
      "2001:1::",   "2001:db8::1",     "2003::",        "fbff::1",         "fe00::1",         "2606:4700::1111",
  };
  egress_policy *policy = read_policy(HEAD);
  for (size_t i = 0; i < sizeof inside / sizeof inside[0]; i++)
    cr_expect(refused(policy, inside[i]), "%s is inside", inside[i]);
  for (size_t i = 0; i < sizeof outside / sizeof outside[0]; i++)
    cr_expect_not(refused(policy, outside[i]), "%s is outside", outside[i]);
  egress_policy_unref(policy);
}

Test(guard, options) {
  egress_policy *policy = read_policy(HEAD "defaults: {allow_private: [10.1.0.0/16, \"fd00::/8\"]}");
  cr_assert_not(refused(policy, "10.1.2.3"));
  cr_assert_not(refused(policy, "fd00::1"));
  cr_assert(refused(policy, "10.2.0.1"));
  egress_policy_unref(policy);
  policy = read_policy(HEAD "defaults: {deny_private_ips: false}");
  cr_assert_not(refused(policy, "127.0.0.1"));
  egress_policy_unref(policy);
}

Test(guard, list_is_sorted_and_well_formed) {
  size_t count;
  const egress__prefix *ranges = egress__guard_prefixes(&count);
  cr_assert_eq(count, 20);
  for (size_t i = 0; i < count; i++) {
    char text[EGRESS__PREFIX_TEXT];
    egress__prefix again;
    egress__prefix_format(text, &ranges[i]);
    cr_assert_eq(egress__prefix_parse(&again, text, strlen(text)), EGRESS__PREFIX_OK, "%s", text);
    if (i > 0)
      cr_assert_lt(egress__prefix_compare(&ranges[i - 1], &ranges[i]), 0, "%s", text);
  }
}
