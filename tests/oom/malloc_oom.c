#include "oom/sweep.h"

#include <errno.h>
#include <string.h>

#include <egress/policy.h>

#include "support/policies.h"

/*
 * libyaml and libidn2 take their memory from malloc, past our allocator. This program puts itself in front of malloc
 * and fails each of their requests in turn. Sanitizers do the same for their own ends, so they leave it out.
 */

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define SANITIZED 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define SANITIZED 1
#endif
#endif

#ifdef SANITIZED
int main(void) {
  puts("left out: the sanitizer owns malloc");
  return 0;
}
#else

void *__libc_malloc(size_t size);
void *__libc_calloc(size_t count, size_t size);
void *__libc_realloc(void *ptr, size_t size);
void __libc_free(void *ptr);

static int watching; /* only what happens inside the scenario counts */
static size_t calls, live, fail_at;
static int keep_failing;

static int refuse(void) {
  if (!watching)
    return 0;
  calls++;
  int refused = fail_at != 0 && (calls == fail_at || (keep_failing && calls > fail_at));
  if (refused)
    errno = ENOMEM;
  return refused;
}

static void *taken(void *ptr) {
  live += watching && ptr != NULL;
  return ptr;
}

EGRESS_API void *malloc(size_t size) {
  return refuse() ? NULL : taken(__libc_malloc(size));
}

EGRESS_API void *calloc(size_t count, size_t size) {
  return refuse() ? NULL : taken(__libc_calloc(count, size));
}

EGRESS_API void *realloc(void *ptr, size_t size) {
  if (refuse())
    return NULL;
  void *moved = __libc_realloc(ptr, size);
  return ptr == NULL ? taken(moved) : moved;
}

EGRESS_API void free(void *ptr) {
  live -= watching && ptr != NULL;
  __libc_free(ptr);
}

/* With allocation `n` failing, from 1; 0: none. Some do without: a shrinking realloc may fail and nobody minds. */
static int once(const char *name, const char *text, size_t n, int keep, int wanted) {
  egress_policy *policy = NULL;
  calls = live = 0;
  fail_at = n;
  keep_failing = keep;
  watching = 1;
  int rv = egress_policy_parse(&policy, text, strlen(text), "policy.yaml", NULL, NULL);
  size_t hosts = policy == NULL ? 0 : egress_policy_destination_count(policy);
  egress_policy_unref(policy);
  watching = 0;
  if (live == 0 && ((n != 0 && rv == EGRESS_ENOMEM) || (rv == wanted && hosts == (rv == 0 ? WHOLE_POLICY_HOSTS : 0))))
    return rv == EGRESS_ENOMEM;
  fprintf(stderr, "%s: malloc %zu failing%s: %s, %zu hosts, %zu blocks left\n", name, n,
          keep ? " and all behind it" : "", egress_code_name(rv), hosts, live);
  exit(1);
}

static void sweep_text(const char *name, const char *text, int wanted) {
  once(name, text, 0, 0, wanted);
  size_t count = calls, fatal = 0;
  for (size_t n = 1; n <= count; n++) {
    fatal += (size_t)once(name, text, n, 0, wanted);
    once(name, text, n, 1, wanted);
  }
  printf("%s: %zu allocations, %zu of them fatal\n", name, count, fatal);
  assert(fatal + 8 >= count && "nearly all are needed");
}

int main(void) {
  sweep_text("policy", whole_policy, 0);
  sweep_text("syntax error", "version: egress/v1\nrules: [{name: \"r\", to: [a.test}", EGRESS_ESYNTAX);
  return 0;
}
#endif
