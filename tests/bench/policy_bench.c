/*
 * Reads a policy of 10,000 hosts and decides flows on it. Prints the text's size, the time and memory of one reading
 * and how many flows are decided in a second.
 *
 *   policy_bench [--print]    --print: only writes the policy text
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <egress/egress.h>

#include "meter.h"

enum { RULES = 500, HOSTS_PER_RULE = 20, SOURCES = 50, READINGS = 20, FLOWS = 4096, ROUNDS = 500 };

/* ---- What is read: 70 % exact names, 20 % `*.`, 10 % `**.`; every second rule has a source. ---- */

static char *write_policy(void) {
  char *text = malloc(2 << 20), *at = text;
  if (text == NULL)
    abort();
  at += sprintf(at, "version: egress/v1\nsources:\n");
  for (int i = 0; i < SOURCES; i++)
    at += sprintf(at, "  team-%d: {cidrs: [10.%d.0.0/16]}\n", i, i);
  at += sprintf(
      at, "deny:\n  - {name: no-paste, to: [\"**.paste.example\", 169.254.0.0/16], reason: pastes leak}\nrules:\n");
  for (int i = 0; i < RULES; i++) {
    at += sprintf(at, "  - name: rule-%d\n    owner: team-%d\n", i, i % SOURCES);
    if (i % 2 == 0)
      at += sprintf(at, "    from: [team-%d]\n", i % SOURCES);
    at += sprintf(at, "    to:\n");
    for (int j = 0; j < HOSTS_PER_RULE; j++)
      at += sprintf(at, "      - \"%shost-%d.service-%d.example\"\n",
                    j % 10 < 7   ? ""
                    : j % 10 < 9 ? "*."
                                 : "**.",
                    j, i);
  }
  return text;
}

/* ---- Reading. ---- */

static egress_policy *read_once(const char *text, const egress_alloc *alloc) {
  egress_policy_options options = EGRESS_POLICY_OPTIONS_INIT;
  options.alloc = alloc;
  egress_policy *policy = NULL;
  if (egress_policy_parse(&policy, text, strlen(text), "bench", &options, NULL) != 0)
    abort();
  return policy;
}

static void bench_memory(const char *text) {
  meter m = {0, 0};
  egress_alloc alloc = meter_alloc(&m);
  egress_policy *policy = read_once(text, &alloc);
  printf("text: %zu hosts, %zu bytes\n", egress_policy_destination_count(policy), strlen(text));
  printf("memory: %.1f MB peak, %.1f MB kept (without what libyaml holds meanwhile)\n", (double)m.peak / 1e6,
         (double)m.now / 1e6);
  egress_policy_unref(policy);
}

static void bench_reading(const char *text) {
  double least = 0, sum = 0;
  for (int i = 0; i < READINGS; i++) {
    double start = now_ms();
    egress_policy *policy = read_once(text, NULL);
    double taken = now_ms() - start;
    egress_policy_unref(policy);
    sum += taken;
    least = i == 0 || taken < least ? taken : least;
  }
  printf("parse: %.1f ms mean, %.1f ms least of %d\n", sum / READINGS, least, READINGS);
}

/* ---- Flows: a third hit an exact name, a third a wildcard, a third nothing. ---- */

typedef struct sample {
  char source[16], name[64];
} sample;

static sample samples[FLOWS];

static void make_samples(void) {
  unsigned seed = 1;
  for (int i = 0; i < FLOWS; i++) {
    seed = seed * 1664525 + 1013904223;
    int rule = (int)(seed >> 16) % RULES, host = (int)(seed >> 8) % HOSTS_PER_RULE;
    sprintf(samples[i].source, "10.%d.1.%d", rule % SOURCES, i % 250 + 1);
    sprintf(samples[i].name, "%shost-%d.service-%d.%s", i % 3 == 1 ? "api." : "", i % 3 == 0 ? host % 7 : 7 + host % 3,
            rule, i % 3 == 2 ? "invalid" : "example");
  }
}

static void bench_deciding(const egress_policy *policy) {
  size_t allowed = 0;
  double start = now_ms();
  for (int round = 0; round < ROUNDS; round++) {
    for (int i = 0; i < FLOWS; i++) {
      egress_flow flow = EGRESS_FLOW_INIT;
      egress_decision decision = EGRESS_DECISION_INIT;
      flow.source = samples[i].source;
      flow.name = samples[i].name;
      if (egress_policy_decide(policy, &flow, &decision) != 0)
        abort();
      allowed += decision.verdict != EGRESS_DENY;
    }
  }
  double taken = now_ms() - start, flows = (double)FLOWS * ROUNDS;
  printf("decide: %.2f million flows/s, %.0f ns each, %.0f %% allowed\n", flows / taken / 1e3, taken * 1e6 / flows,
         (double)allowed * 100 / flows);
}

int main(int argc, char **argv) {
  char *text = write_policy();
  if (argc > 1 && strcmp(argv[1], "--print") == 0) {
    fputs(text, stdout);
    free(text);
    return 0;
  }
  bench_memory(text);
  bench_reading(text);
  egress_policy *policy = read_once(text, NULL);
  make_samples();
  bench_deciding(policy);
  egress_policy_unref(policy);
  free(text);
  return 0;
}
