#ifndef TESTS_SUPPORT_COMPILING_H
#define TESTS_SUPPORT_COMPILING_H

#include <egress/compile.h>

#include "support/reading.h"

/* Policies compiled, for tests of the compiler. */

/** Both listeners, on ports that nothing listens on. */
static inline egress_compile_options both_listeners(void) {
  egress_compile_options options = EGRESS_COMPILE_OPTIONS_INIT;
  options.explicit_address = "127.0.0.1:3128";
  options.sni_address = "127.0.0.1:8443";
  return options;
}

/** Compiles `policy`, which must succeed; the caller owns the snapshot. */
static inline egress_snapshot *compile_with(egress_policy *policy, const egress_compile_options *options) {
  egress_diag *diag = egress_diag_new(NULL);
  egress_snapshot *snap = NULL;
  int rv = egress_compile(&snap, policy, options, diag);
  cr_assert_eq(rv, 0, "%s\n%s", egress_code_name(rv), egress_diag_text(diag));
  egress_diag_free(diag);
  return snap;
}

/** Reads and compiles `text` for both listeners, after `previous`, which may be NULL. */
static inline egress_snapshot *compile_after(const egress_snapshot *previous, const char *text) {
  egress_policy *policy = read_policy(text);
  egress_compile_options options = both_listeners();
  options.previous = previous;
  egress_snapshot *snap = compile_with(policy, &options);
  egress_policy_unref(policy);
  return snap;
}

static inline egress_snapshot *compile_text(const char *text) {
  return compile_after(NULL, text);
}

#endif
