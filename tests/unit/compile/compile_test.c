#include <egress/compile.h>

#include <stdlib.h>

#include "base/buf.h"
#include "compile/common.h"
#include "support/compiling.h"
#include "support/policies.h"

/* All resources of both are equal, byte for byte. */
static int same(const egress_snapshot *a, const egress_snapshot *b) {
  size_t types = egress_snapshot_type_count(a);
  int equal = types == egress_snapshot_type_count(b);
  for (size_t i = 0; i < types && equal; i++) {
    const char *type = egress_snapshot_type_url(a, i);
    size_t count = egress_snapshot_count(a, type);
    equal = strcmp(type, egress_snapshot_type_url(b, i)) == 0 && count == egress_snapshot_count(b, type);
    for (size_t j = 0; j < count && equal; j++) {
      egress_resource *x = egress_snapshot_at(a, type, j), *y = egress_snapshot_at(b, type, j);
      equal = strcmp(egress_resource_name(x), egress_resource_name(y)) == 0 &&
              egress_resource_size(x) == egress_resource_size(y) &&
              memcmp(egress_resource_bytes(x), egress_resource_bytes(y), egress_resource_size(x)) == 0 &&
              strcmp(egress_resource_version(x), egress_resource_version(y)) == 0;
    }
  }
  return equal;
}

/* malloc that gives other addresses each time and no zeroes. */
static void *scattered(void *ptr, size_t size, void *user) {
  static unsigned turn;
  (void)user;
  void *gap = malloc(turn++ % 7 * 1000 + 1);
  void *got = realloc(ptr, size + turn % 5 * 16);
  if (got != NULL && ptr == NULL)
    memset(got, 0xa5, size);
  free(gap);
  return got;
}

static void release(void *ptr, void *user) {
  (void)user;
  free(ptr);
}

Test(compile, equal_policies_give_equal_bytes) {
  static const egress_alloc alloc = {scattered, release, NULL};
  egress_snapshot *one = compile_text(whole_policy), *other = compile_text(whole_policy);
  cr_expect(same(one, other));
  egress_snapshot_unref(other);
  egress_compile_options options = both_listeners();
  egress_policy_options reading = EGRESS_POLICY_OPTIONS_INIT;
  options.alloc = reading.alloc = &alloc;
  egress_policy *policy;
  cr_assert_eq(egress_policy_parse(&policy, whole_policy, sizeof whole_policy - 1, "other name", &reading, NULL), 0);
  other = compile_with(policy, &options);
  egress_policy_unref(policy);
  cr_expect(same(one, other), "wherever memory was");
  egress_snapshot_unref(other);
  egress_snapshot_unref(one);
}

Test(compile, what_means_the_same_gives_equal_bytes) {
  static const char *const ways[] = {
      HEAD "sources: {a: {cidrs: [10.1.0.0/16, 10.2.0.0/16]}}\nrules:\n"
           "  - {name: r, to: [a.test, '**.b.test'], ports: [443, 80], from: [a]}\n",
      HEAD
      "# another order, other words\ngroups: {g: ['**.B.test', 'A.test.']}\nsources: {x: {cidrs: [10.2.0.0/16]}, y: "
      "{cidrs: [10.1.0.0/16]}}\nrules:\n"
      "  - {name: r, owner: me, reason: so, to: ['group:g'], ports: [80, 443], from: [y, x]}\n",
  };
  egress_snapshot *one = compile_text(ways[0]), *other = compile_text(ways[1]);
  cr_expect(same(one, other));
  egress_snapshot_unref(one);
  egress_snapshot_unref(other);
}

static size_t dangling(egress_snapshot *snap) {
  egress_dangling *report;
  cr_assert_eq(egress_snapshot_dangling(&report, snap), 0);
  size_t count = egress_dangling_count(report);
  egress_dangling_free(report);
  return count;
}

Test(compile, makes_what_the_listeners_need) {
  egress_policy *policy = read_policy(whole_policy);
  egress_compile_options options = both_listeners();
  egress_snapshot *snap = compile_with(policy, &options);
  cr_expect_eq(egress_snapshot_count(snap, EGRESS_TYPE_LISTENER), 2);
  cr_expect_eq(egress_snapshot_count(snap, EGRESS_TYPE_ROUTE), 1);
  cr_expect_eq(egress_snapshot_count(snap, EGRESS_TYPE_CLUSTER), 1);
  cr_expect_eq(egress_snapshot_count(snap, EGRESS__TYPE_EXTENSION), 1);
  cr_expect_eq(egress_snapshot_type_count(snap), 4);
  cr_expect_eq(dangling(snap), 0, "nothing refers to what is not there");
  egress_snapshot_unref(snap);
  options.sni_address = NULL;
  snap = compile_with(policy, &options);
  cr_expect_not_null(egress_snapshot_find(snap, EGRESS_TYPE_LISTENER, EGRESS_LISTENER_EXPLICIT));
  cr_expect_eq(egress_snapshot_count(snap, EGRESS_TYPE_LISTENER), 1);
  cr_expect_eq(egress_snapshot_count(snap, EGRESS__TYPE_EXTENSION), 0);
  cr_expect_eq(dangling(snap), 0);
  egress_snapshot_unref(snap);
  options = (egress_compile_options)EGRESS_COMPILE_OPTIONS_INIT;
  options.sni_address = "[::1]:8443";
  options.flags = EGRESS_COMPILE_SKIP_UNSUPPORTED;
  snap = compile_with(policy, &options);
  cr_expect_not_null(egress_snapshot_find(snap, EGRESS_TYPE_LISTENER, EGRESS_LISTENER_SNI));
  cr_expect_eq(egress_snapshot_count(snap, EGRESS_TYPE_LISTENER), 1);
  cr_expect_eq(egress_snapshot_count(snap, EGRESS_TYPE_ROUTE), 0);
  cr_expect_eq(dangling(snap), 0);
  egress_snapshot_unref(snap);
  egress_policy_unref(policy);
}

static void refuses_options(const egress_compile_options *options, int code, const char *message) {
  egress_policy *policy = read_policy(HEAD);
  egress_diag *diag = egress_diag_new(NULL);
  egress_snapshot *snap = NULL;
  int rv = egress_compile(&snap, policy, options, diag);
  cr_expect_eq(rv, code, "%s: %s", message, egress_code_name(rv));
  cr_expect_null(snap);
  cr_expect_str_eq(egress_diag_message(diag, 0), message);
  cr_expect_eq(egress_compile(&snap, policy, options, NULL), code, "without a diag");
  egress_diag_free(diag);
  egress_policy_unref(policy);
}

Test(compile, refuses_bad_options) {
  egress_compile_options options = EGRESS_COMPILE_OPTIONS_INIT;
  refuses_options(&options, EGRESS_EINVAL, "no listener: give explicit_address, sni_address or both");
  options.sni_address = "127.0.0.1:0";
  refuses_options(&options, EGRESS_EINVAL,
                  "sni_address \"127.0.0.1:0\" is not ADDRESS:PORT, such as 127.0.0.1:3128 or [::1]:3128");
  options.sni_address = "127.0.0.1:8443";
  options.explicit_address = "localhost:3128";
  refuses_options(&options, EGRESS_EINVAL,
                  "explicit_address \"localhost:3128\" is not ADDRESS:PORT, such as 127.0.0.1:3128 or [::1]:3128");
  options.explicit_address = "127.0.0.1:8443";
  refuses_options(&options, EGRESS_EINVAL,
                  "explicit_address and sni_address are the same; Envoy would open only one of the listeners");
  options.explicit_address = "127.0.0.2:8443";
  options.dns_resolver = "127.0.0.53";
  refuses_options(&options, EGRESS_EINVAL,
                  "dns_resolver \"127.0.0.53\" is not ADDRESS:PORT, such as 127.0.0.1:3128 or [::1]:3128");
  options.dns_resolver = NULL;
  options.access_log = "";
  refuses_options(&options, EGRESS_EINVAL, "access_log is empty or not UTF-8; name a file");
  options.access_log = "/log\xff";
  refuses_options(&options, EGRESS_EINVAL, "access_log is empty or not UTF-8; name a file");
}

Test(compile, refuses_what_it_does_not_know) {
  egress_compile_options options = both_listeners();
  options.flags = 0x80000000;
  refuses_options(&options, EGRESS_EABI, "");
  options.flags = 0;
  options.reserved = 1;
  refuses_options(&options, EGRESS_EABI, "");
  struct {
    egress_compile_options known;
    uint64_t newer;
  } later = {both_listeners(), 1};
  later.known.size = sizeof later;
  refuses_options(&later.known, EGRESS_EABI, "");
  later.known.size = sizeof later.known - 1;
  refuses_options(&later.known, EGRESS_EINVAL, "");
}

Test(compile, checks_its_arguments) {
  egress_policy *policy = read_policy(HEAD);
  egress_compile_options options = both_listeners();
  egress_snapshot *snap;
  cr_expect_eq(egress_compile(NULL, policy, &options, NULL), EGRESS_EINVAL);
  cr_expect_eq(egress_compile(&snap, NULL, &options, NULL), EGRESS_EINVAL);
  cr_expect_eq(egress_compile(&snap, policy, NULL, NULL), EGRESS_EINVAL);
  egress_policy_unref(policy);
}

Test(compile, refuses_what_no_listener_can_do) {
  egress_policy *policy = read_policy(HEAD "rules:\n  - {name: r, to: [192.0.2.1], ports: [22]}\n");
  egress_compile_options options = EGRESS_COMPILE_OPTIONS_INIT;
  options.sni_address = "127.0.0.1:8443";
  egress_diag *diag = egress_diag_new(NULL);
  egress_snapshot *snap = NULL;
  cr_expect_eq(egress_compile(&snap, policy, &options, diag), EGRESS_EUNSUPPORTED);
  cr_expect_null(snap);
  cr_expect_eq(egress_diag_line(diag, 0), 3);
  cr_expect_eq(egress_diag_column(diag, 0), 5);
  cr_expect_str_eq(egress_diag_file(diag, 0), "p");
  egress_diag_clear(diag);
  options.flags = EGRESS_COMPILE_SKIP_UNSUPPORTED;
  cr_assert_eq(egress_compile(&snap, policy, &options, diag), 0);
  cr_expect_eq(egress_diag_errors(diag), 0);
  cr_expect_eq(egress_diag_count(diag), 1);
  egress_snapshot_unref(snap);
  egress_diag_free(diag);
  egress_policy_unref(policy);
}

/* 700 long hosts at 500 ports: more than 64 MiB of domains. */
Test(compile, refuses_what_multiplies) {
  egress__buf text;
  egress__buf_init(&text, egress__alloc_or_default(NULL));
  egress__buf_str(&text, HEAD "rules:\n  - name: r\n    ports: [1");
  for (int i = 1; i < 500; i++)
    egress__buf_printf(&text, ", %d", 1 + 2 * i);
  egress__buf_str(&text, "]\n    to:\n");
  for (int i = 0; i < 700; i++)
    egress__buf_printf(&text, "      - %063d.%063d.%063d.%056da\n", i, 0, 0, 0);
  egress__buf_char(&text, '\0');
  egress_policy *policy = read_policy(text.data);
  egress__buf_dispose(&text);
  egress_compile_options options = both_listeners();
  egress_diag *diag = egress_diag_new(NULL);
  egress_snapshot *snap = NULL;
  cr_expect_eq(egress_compile(&snap, policy, &options, diag), EGRESS_ELIMIT);
  cr_expect_null(snap);
  cr_expect_str_eq(
      egress_diag_text(diag),
      "p: error: the policy makes more configuration than an Envoy can be given: hosts multiply with the ports, "
      "sources and wildcards that speak of them; use fewer, wider ones\n");
  egress_diag_free(diag);
  egress_policy_unref(policy);
}

#define WIDE HEAD "rules:\n  - {name: r, to: [a.test, b.test]}\n  - {name: s, to: [c.test]}\n"
#define NARROW HEAD "rules:\n  - {name: r, to: [a.test]}\n  - {name: s, to: [c.test]}\n"

Test(compile, unchanged_resources_keep_their_version) {
  egress_snapshot *one = compile_text(WIDE), *other = compile_after(one, WIDE);
  cr_expect(same(one, other), "the same policy again");
  egress_snapshot_unref(other);
  other = compile_after(one, NARROW);
  cr_expect_str_eq(egress_snapshot_type_version(one, EGRESS_TYPE_CLUSTER),
                   egress_snapshot_type_version(other, EGRESS_TYPE_CLUSTER));
  cr_expect_str_eq(egress_snapshot_type_version(one, EGRESS__TYPE_EXTENSION),
                   egress_snapshot_type_version(other, EGRESS__TYPE_EXTENSION));
  cr_expect_str_neq(egress_snapshot_type_version(one, EGRESS_TYPE_ROUTE),
                    egress_snapshot_type_version(other, EGRESS_TYPE_ROUTE));
  egress_snapshot_unref(other);
  egress_snapshot_unref(one);
}

Test(compile, history_counts_and_is_deterministic) {
  egress_snapshot *fresh = compile_text(NARROW);
  egress_snapshot *results[2];
  for (int i = 0; i < 2; i++) { /* as two processes that take the same steps */
    egress_snapshot *wide = compile_text(WIDE);
    results[i] = compile_after(wide, NARROW);
    egress_snapshot_unref(wide); /* what was in force may go */
  }
  cr_expect(same(results[0], results[1]));
  cr_expect_not(same(results[0], fresh), "the narrowed rule has another chain");
  egress_snapshot *next = compile_after(results[0], NARROW);
  cr_expect(same(next, results[0]), "and keeps it");
  egress_snapshot_unref(next);
  egress_snapshot_unref(results[0]);
  egress_snapshot_unref(results[1]);
  egress_snapshot_unref(fresh);
}

/* Taking it for nothing would leave connections alive that the policy forbids. */
Test(compile, a_previous_of_another_kind_is_refused) {
  egress_snapshot_builder *builder;
  egress_snapshot *empty, *out = NULL;
  egress_policy *policy;
  egress_compile_options options = EGRESS_COMPILE_OPTIONS_INIT;
  options.sni_address = "127.0.0.1:8443";
  cr_assert_eq(egress_snapshot_builder_new(&builder, NULL, NULL), 0);
  cr_assert_eq(egress_snapshot_builder_build(&empty, builder), 0);
  egress_snapshot_builder_free(builder);
  options.previous = empty;
  cr_assert_eq(egress_policy_parse(&policy, WIDE, strlen(WIDE), NULL, NULL, NULL), 0);
  cr_expect_eq(egress_compile(&out, policy, &options, NULL), EGRESS_EINVAL);
  cr_expect_null(out);
  egress_policy_unref(policy);
  egress_snapshot_unref(empty);
}
