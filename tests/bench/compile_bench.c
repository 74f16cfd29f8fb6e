/*
 * From the text of a policy to the snapshot that Envoys get: time, memory and sizes, for several kinds of policies.
 *
 *   compile_bench [SCENARIO]    without one: all; --print SCENARIO: only writes the policy text
 */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>

#include <egress/egress.h>

#include "meter.h"

enum { RUNS = 10, MAX_TEXT = 4 << 20 };

/* ---- Texts. ---- */

typedef struct text {
  char *data;
  size_t size;
} text;

static void add(text *to, const char *format, ...) __attribute__((format(printf, 2, 3)));

static void add(text *to, const char *format, ...) {
  va_list args;
  va_start(args, format);
  int size = vsnprintf(to->data + to->size, MAX_TEXT - to->size, format, args);
  va_end(args);
  if (size < 0 || (size_t)size >= MAX_TEXT - to->size)
    abort();
  to->size += (size_t)size;
}

/* 10,000 hosts in 500 rules of 50 sources: 70 % exact, 20 % `*.`, 10 % `**.`; every second rule has a source. */
static void write_hosts(text *to) {
  add(to, "sources:\n");
  for (int i = 0; i < 50; i++)
    add(to, "  team-%d: {cidrs: [10.%d.0.0/16]}\n", i, i);
  add(to, "deny:\n  - {name: no-paste, to: [\"**.paste.example\", 169.254.0.0/16]}\nrules:\n");
  for (int i = 0; i < 500; i++) {
    add(to, "  - name: rule-%d\n", i);
    if (i % 2 == 0)
      add(to, "    from: [team-%d]\n", i % 50);
    add(to, "    to:\n");
    for (int j = 0; j < 20; j++)
      add(to, "      - \"%shost-%d.service-%d.example\"\n", j % 10 < 7 ? "" : j % 10 < 9 ? "*." : "**.", j, i);
  }
}

/* 10,000 exact hosts in one rule. */
static void write_one_rule(text *to) {
  add(to, "rules:\n  - name: r\n    to:\n");
  for (int i = 0; i < 10000; i++)
    add(to, "      - host-%d.example\n", i);
}

/* 1,000 sources with a rule each of ten hosts, two of them shared by all. */
static void write_sources(text *to) {
  add(to, "sources:\n");
  for (int i = 0; i < 1000; i++)
    add(to, "  team-%d: {cidrs: [10.%d.%d.0/24]}\n", i, i / 250, i % 250);
  add(to, "deny:\n  - {name: no-paste, to: [\"**.paste.example\", 169.254.0.0/16]}\nrules:\n");
  for (int i = 0; i < 1000; i++) {
    add(to, "  - {name: rule-%d, from: [team-%d], to: [packages.example, \"**.github.com\"", i, i);
    for (int j = 0; j < 8; j++)
      add(to, ", host-%d.service-%d.example", j, i);
    add(to, "]}\n");
  }
}

/* Expressions over expressions: 300 `**.a-*N.example` that all may reach below 300 `**.x-N.example`. */
static void write_globs(text *to) {
  add(to, "rules:\n");
  for (int i = 0; i < 300; i++)
    add(to, "  - {name: rule-%d, to: [\"**.a-*%d.example\", \"**.a-%d.example\"]}\n", i, i, i);
}

/* 1,000 deny entries and 1,000 rules. */
static void write_denies(text *to) {
  add(to, "deny:\n");
  for (int i = 0; i < 1000; i++)
    add(to, "  - {name: deny-%d, to: [\"**.bad-%d.example\", 192.%d.%d.0/24]}\n", i, i, i / 250, i % 250);
  add(to, "rules:\n");
  for (int i = 0; i < 1000; i++)
    add(to, "  - {name: rule-%d, to: [host-%d.example, \"**.service-%d.example\"]}\n", i, i, i);
}

static const struct scenario {
  const char *name;
  void (*write)(text *to);
} scenarios[] = {{"hosts", write_hosts},
                 {"one-rule", write_one_rule},
                 {"sources", write_sources},
                 {"globs", write_globs},
                 {"denies", write_denies}};

/* ---- Measuring. ---- */

static egress_policy *read_policy(const text *from, const egress_alloc *alloc) {
  egress_policy_options options = EGRESS_POLICY_OPTIONS_INIT;
  options.alloc = alloc;
  egress_policy *policy;
  if (egress_policy_parse(&policy, from->data, from->size, "bench", &options, NULL) != 0)
    abort();
  return policy;
}

static egress_snapshot *compile(egress_policy *policy, const egress_snapshot *previous, const egress_alloc *alloc) {
  egress_compile_options options = EGRESS_COMPILE_OPTIONS_INIT;
  options.alloc = alloc;
  options.explicit_address = "127.0.0.1:3128";
  options.sni_address = "127.0.0.1:8443";
  options.previous = previous;
  egress_snapshot *snap;
  if (egress_compile(&snap, policy, &options, NULL) != 0)
    abort();
  return snap;
}

static void bench_memory(const char *name, const text *from) {
  meter m = {0, 0};
  egress_alloc alloc = meter_alloc(&m);
  egress_policy *policy = read_policy(from, &alloc);
  egress_snapshot *snap = compile(policy, NULL, &alloc);
  egress_policy_unref(policy);
  struct rusage usage;
  getrusage(RUSAGE_SELF, &usage);
  printf("%s: memory %.1f MB peak, %.1f MB kept, process %.1f MB so far\n", name, (double)m.peak / 1e6,
         (double)m.now / 1e6, (double)usage.ru_maxrss / 1e3);
  for (size_t i = 0; i < egress_snapshot_type_count(snap); i++) {
    const char *type = egress_snapshot_type_url(snap, i);
    for (size_t j = 0; j < egress_snapshot_count(snap, type); j++) {
      egress_resource *resource = egress_snapshot_at(snap, type, j);
      printf("%s: %s %zu bytes\n", name, egress_resource_name(resource), egress_resource_size(resource));
    }
  }
  egress_snapshot_unref(snap);
}

static void print_times(const char *name, const char *what, const double *times) {
  double sum = 0, least = times[0];
  for (int i = 0; i < RUNS; i++) {
    sum += times[i];
    least = times[i] < least ? times[i] : least;
  }
  printf("%s: %s %.1f ms mean, %.1f ms least of %d\n", name, what, sum / RUNS, least, RUNS);
}

static void bench_time(const char *name, const text *from) {
  double whole[RUNS], compiled[RUNS], again[RUNS];
  for (int i = 0; i < RUNS; i++) {
    double start = now_ms();
    egress_policy *policy = read_policy(from, NULL);
    double read = now_ms();
    egress_snapshot *snap = compile(policy, NULL, NULL);
    double made = now_ms();
    egress_snapshot *next = compile(policy, snap, NULL);
    again[i] = now_ms() - made;
    whole[i] = made - start;
    compiled[i] = made - read;
    egress_snapshot_unref(next);
    egress_snapshot_unref(snap);
    egress_policy_unref(policy);
  }
  print_times(name, "text to snapshot", whole);
  print_times(name, "compile", compiled);
  print_times(name, "compile against the previous", again);
}

int main(int argc, char **argv) {
  int print = argc > 1 && strcmp(argv[1], "--print") == 0;
  const char *wanted = argc > 1 + print ? argv[1 + print] : NULL;
  for (size_t i = 0; i < sizeof scenarios / sizeof scenarios[0]; i++) {
    const struct scenario *at = &scenarios[i];
    if (wanted != NULL && strcmp(wanted, at->name) != 0)
      continue;
    text from = {malloc(MAX_TEXT), 0};
    if (from.data == NULL)
      return 1;
    add(&from, "version: egress/v1\n");
    at->write(&from);
    if (print) {
      fputs(from.data, stdout);
    } else {
      bench_memory(at->name, &from);
      bench_time(at->name, &from);
    }
    free(from.data);
  }
  return 0;
}
