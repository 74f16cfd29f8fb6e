/*
 * Decides many flows: `decide POLICY` reads one flow a line on standard input and writes one decision a line.
 *
 *   in:   SOURCE PROTOCOL NAME ADDRESS PORT RESOLVED
 *   out:  VERDICT REASON RULE
 *
 * PROTOCOL, VERDICT and REASON are the numbers of egress/policy.h. NAME is `=` and its bytes in hexadecimal; RESOLVED
 * is addresses with commas between them; `-` stands for none.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <egress/egress.h>

enum {
  LINE_MAX_BYTES = 4096, /* a name of 1 KiB in hexadecimal, and some addresses */
  NAME_MAX_BYTES = 1024,
  RESOLVED_MAX = 16
};

static int hex_digit(char c) {
  const char *digits = "0123456789abcdef";
  const char *found = c == '\0' ? NULL : strchr(digits, c);
  return found == NULL ? -1 : (int)(found - digits);
}

/* Fills `out` from hexadecimal digits, ends it with a NUL and returns its size, or -1. */
static int unhex(char out[NAME_MAX_BYTES + 1], const char *text) {
  int size = 0;
  for (; text[0] != '\0'; text += 2) {
    int high = hex_digit(text[0]);
    int low = hex_digit(text[1]);
    if (high < 0 || low < 0 || size == NAME_MAX_BYTES)
      return -1;
    out[size++] = (char)(high * 16 + low);
  }
  out[size] = '\0';
  return size;
}

static const char *or_none(const char *word) {
  return strcmp(word, "-") == 0 ? NULL : word;
}

/* Cuts `text` at its commas. */
static size_t split(const char *out[RESOLVED_MAX], char *text) {
  size_t count = 0;
  for (char *rest = NULL, *word = strtok_r(text, ",", &rest); word != NULL && count < RESOLVED_MAX;
       word = strtok_r(NULL, ",", &rest))
    out[count++] = word;
  return count;
}

static int decide_line(const egress_policy *policy, char *line) {
  char *words[6];
  size_t count = 0;
  for (char *rest = NULL, *word = strtok_r(line, " \n", &rest); word != NULL && count < 6;
       word = strtok_r(NULL, " \n", &rest))
    words[count++] = word;
  if (count != 6)
    return EGRESS_EINVAL;

  egress_flow flow = EGRESS_FLOW_INIT;
  flow.source = words[0];
  flow.protocol = atoi(words[1]);
  char name[NAME_MAX_BYTES + 1];
  if (or_none(words[2]) != NULL) {
    int size = unhex(name, words[2] + 1);
    if (size < 0)
      return EGRESS_EINVAL;
    flow.name = name;
    flow.name_size = (size_t)size;
  }
  flow.address = or_none(words[3]);
  flow.port = (uint16_t)atoi(words[4]);
  const char *resolved[RESOLVED_MAX];
  if (or_none(words[5]) != NULL) {
    flow.resolved_count = split(resolved, words[5]);
    flow.resolved = resolved;
  }

  egress_decision decision = EGRESS_DECISION_INIT;
  int rv = egress_policy_decide(policy, &flow, &decision);
  if (rv == 0)
    printf("%d %d %s\n", decision.verdict, decision.reason, decision.rule == NULL ? "-" : decision.rule);
  return rv;
}

int main(int argc, char **argv) {
  if (argc != 2) {
    fprintf(stderr, "usage: decide POLICY < FLOWS\n");
    return 2;
  }
  egress_diag *diag = egress_diag_new(NULL);
  egress_policy *policy = NULL;
  int rv = egress_policy_load(&policy, argv[1], NULL, diag);
  if (rv != 0) {
    fprintf(stderr, "%s\n", egress_diag_text(diag));
  } else {
    char line[LINE_MAX_BYTES];
    while (rv == 0 && fgets(line, sizeof line, stdin) != NULL) {
      rv = decide_line(policy, line);
      if (rv != 0)
        fprintf(stderr, "decide: %s: %s\n", line, egress_strerror(rv));
    }
  }
  egress_policy_unref(policy);
  egress_diag_free(diag);
  return rv == 0 ? 0 : 2;
}
