#include "policy/model.h"

#include "support/reading.h"

Test(read_defaults, what_holds_without_them) {
  egress_policy *policy = read_policy(HEAD);
  cr_assert(policy->deny_private_ips);
  cr_assert_not(policy->no_sni_by_address);
  cr_assert_not(policy->revoke_keep);
  cr_assert_eq(policy->allow_private_count, 0);
  egress_policy_unref(policy);
}

Test(read_defaults, all_keys) {
  egress_policy *policy = read_policy(HEAD "defaults:\n  mode: enforce\n  deny_private_ips: false\n"
                                           "  allow_private: [10.1.0.0/16, \"fd00::/8\"]\n"
                                           "  no_sni: address\n  revoke: keep\n");
  cr_assert_not(policy->deny_private_ips);
  cr_assert(policy->no_sni_by_address);
  cr_assert(policy->revoke_keep);
  cr_assert_eq(policy->allow_private_count, 2);
  char text[EGRESS__PREFIX_TEXT];
  cr_assert_str_eq(egress__prefix_format(text, &policy->allow_private[1]), "fd00::/8");
  egress_policy_unref(policy);
}

Test(read_defaults, truth_is_true_or_false) {
  refuses(HEAD "defaults: {deny_private_ips: no}\n",
          "p:2:30: error: `deny_private_ips` must be false or true, not `no`\n");
  refuses(HEAD "defaults: {deny_private_ips: \"false\"}\n",
          "p:2:30: error: `deny_private_ips` must be true or false without quotes\n");
  refuses(HEAD "defaults: {deny_private_ips: }\n", "p:2:30: error: `deny_private_ips` must be text, not nothing\n");
  refuses(HEAD "defaults: {deny_private_ips: False}\n",
          "p:2:30: error: `deny_private_ips` must be false or true, not `False`; did you mean `false`?\n");
}

Test(read_defaults, choices) {
  refuses(HEAD "defaults: {mode: report, no_sni: adress, revoke: [keep]}\n",
          "p:2:18: error: `mode: report` is not supported yet\n"
          "p:2:34: error: `no_sni` must be deny or address, not `adress`; did you mean `address`?\n"
          "p:2:50: error: `revoke` must be text, not a list\n");
  refuses(HEAD "defaults: {mode: on}\n", "p:2:18: error: `mode` must be enforce or report, not `on`\n");
}

Test(read_defaults, allow_private) {
  accepts(HEAD "defaults: {allow_private: []}\n", "");
  refuses(HEAD "defaults: {allow_private: [10.0.0.0/33, a.test], allow_privat: []}\n",
          "p:2:28: error: `10.0.0.0/33` has a bad length; it is 0 to 32 for IPv4, 0 to 128 for IPv6\n"
          "p:2:41: error: `a.test` is no address range; write ADDRESS/LENGTH, such as 10.4.0.0/16\n"
          "p:2:50: error: unknown key `allow_privat`; did you mean `allow_private`?\n");
}
