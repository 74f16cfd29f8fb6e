#include <assert.h>
#include <string.h>

#include <egress/policy.h>

#include "oom/sweep.h"
#include "support/policies.h"

/* libyaml and libidn2 take their memory from malloc themselves: malloc_oom.c fails that. */

static int parse(const egress_alloc *alloc, void *user) {
  const char *text = user;
  egress_policy_options options = EGRESS_POLICY_OPTIONS_INIT;
  options.alloc = alloc;
  egress_policy *policy = NULL;
  int rv = egress_policy_parse(&policy, text, strlen(text), "policy.yaml", &options, NULL);
  assert((rv == 0) == (policy != NULL) && "out is written on success only");
  egress_policy_unref(policy);
  return rv;
}

/* Diagnostics that find no memory are left out; the answer is the same. */
static int diagnose(const egress_alloc *alloc, void *user) {
  static const char text[] = "version: egress/v1\nrules:\n  - {nam: x, to: [\"a b\", 10.0.0.1/8], ports: [0]}\n";
  (void)user;
  egress_diag *diag = egress_diag_new(alloc);
  if (diag == NULL)
    return EGRESS_ENOMEM;
  egress_policy *policy = NULL;
  int rv = egress_policy_parse(&policy, text, sizeof text - 1, NULL, NULL, diag);
  assert(rv == EGRESS_EPOLICY && policy == NULL && egress_diag_errors(diag) == 5);
  rv = egress_diag_count(diag) == 5 && egress_diag_text(diag)[0] != '\0' ? 0 : EGRESS_ENOMEM;
  egress_diag_free(diag);
  return rv;
}

static int explain(const egress_alloc *alloc, void *user) {
  egress_policy_options options = EGRESS_POLICY_OPTIONS_INIT;
  options.alloc = alloc;
  egress_policy *policy = NULL;
  int rv = egress_policy_parse(&policy, user, strlen(user), "policy.yaml", &options, NULL);
  if (rv != 0)
    return rv;
  egress_flow flow = EGRESS_FLOW_INIT;
  flow.source = "10.4.0.7";
  flow.name = "api.payments.example";
  flow.port = 8443;
  egress_text *text = NULL;
  rv = egress_policy_explain(&text, policy, &flow);
  assert((rv == 0) == (text != NULL));
  egress_text_free(text);
  egress_policy_unref(policy);
  return rv;
}

int main(void) {
  sweep_run("parse", parse, (void *)(uintptr_t)whole_policy);
  sweep_run("diagnose", diagnose, NULL);
  sweep_run("explain", explain, (void *)(uintptr_t)whole_policy);
  return 0;
}
