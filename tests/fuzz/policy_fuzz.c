#include <egress/egress.h>

#include <stdint.h>
#include <stdlib.h>

/* Policy text: whatever is read must also decide and explain. */

static void try_flow(const egress_policy *policy, const egress_flow *flow) {
  egress_decision decision = EGRESS_DECISION_INIT;
  egress_text *text = NULL;
  if (egress_policy_decide(policy, flow, &decision) != 0 || egress_policy_explain(&text, policy, flow) != 0)
    abort();
  if (decision.verdict == EGRESS_DENY && decision.reason == EGRESS_REASON_RULE)
    abort();
  if ((decision.rule == NULL) != (decision.line == 0))
    abort();
  egress_text_free(text);
}

static void try_flows(const egress_policy *policy) {
  static const char *const names[] = {"a.test", "github.com", "x.githubusercontent.com",
                                      "a..b",   "10.0.0.1",   "localhost"};
  static const char *const addresses[] = {"203.0.113.20", "169.254.169.254", "2001:db8::1", "::ffff:10.0.0.1"};
  static const char *const sources[] = {"10.4.0.7", "2001:db8::7", "::ffff:10.4.0.7", "127.0.0.1"};
  for (size_t i = 0; i < 24; i++) {
    egress_flow flow = EGRESS_FLOW_INIT;
    flow.source = sources[i % 4];
    flow.name = names[i % 6];
    flow.port = i % 5 == 0 ? 8443 : 443;
    flow.protocol = (int32_t)(1 + i % 3);
    try_flow(policy, &flow);
    flow.address = addresses[i / 6];
    flow.resolved = addresses;
    flow.resolved_count = i % 5;
    try_flow(policy, &flow);
    flow.name = NULL;
    try_flow(policy, &flow);
  }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  egress_diag *diag = egress_diag_new(NULL);
  egress_policy *policy = NULL;
  int rv = egress_policy_parse(&policy, (const char *)data, size, "policy.yaml", NULL, diag);
  if (diag == NULL || (rv == 0) != (policy != NULL) || (rv == 0) != (egress_diag_errors(diag) == 0))
    abort();
  egress_diag_text(diag);
  if (rv == 0)
    try_flows(policy);
  egress_policy_unref(policy);
  egress_diag_free(diag);
  return 0;
}
