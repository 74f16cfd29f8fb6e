#include <ctype.h>

#include "base/buf.h"
#include "policy/model.h"
#include "support/compiling.h"
#include "support/envoy.h"

/*
 * One meaning: what egress_policy_decide says of a flow is what Envoy does with it under the compiled policy. A
 * disagreement is printed with the fewest rules that still show it.
 *
 * Revocation: a connection that a later policy does not allow is in a filter chain that is not there any more, however
 * many policies came between; and a rule that is added takes no chain away.
 *
 * Policies and flows are random, the seed is from EGRESS_TEST_SEED or fixed; EGRESS_TEST_ROUNDS says how many policies.
 */

enum { MAX_ENTRIES = 10, FLOWS = 40, ROUNDS = 400 };

/* A policy in parts, so that some can be left out. */
typedef struct draft {
  char head[512];
  char entries[MAX_ENTRIES][512]; /* YAML of one rule or deny entry each */
  int deny[MAX_ENTRIES];
  int left_out[MAX_ENTRIES];
  size_t count;
  uint16_t sni_port;
} draft;

typedef enum way { BY_TLS, BY_CONNECT, BY_HTTP } way;

/* One attempt, as a client makes it. */
typedef struct attempt {
  way by;
  const char *source;
  char target[400]; /* server name, or authority */
  const char *resolved;
} attempt;

static uint64_t state;

static uint64_t next_random(void) {
  uint64_t z = state += UINT64_C(0x9e3779b97f4a7c15);
  z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
  z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
  return z ^ (z >> 31);
}

static unsigned below(unsigned limit) {
  return (unsigned)(next_random() % limit);
}

static int one_in(unsigned n) {
  return below(n) == 0;
}

#define PICK(list) (list)[below(sizeof(list) / sizeof((list)[0]))]

static const char *const labels[] = {"a", "b", "ab", "api-1", "x_y", "1"};
static const char *const tops[] = {"com", "org"};
static const char *const globs[] = {"*", "a*", "*b", "*-*", "a*b", "*1*"};
static const char *const client_ranges[] = {"10.0.0.0/8",    "10.1.0.0/16",     "10.1.1.0/24", "10.1.1.7/32",
                                            "2001:db8::/32", "2001:db8:1::/48", "0.0.0.0/0",   "::/0"};
static const char *const clients[] = {"10.2.0.1",  "10.1.2.3",    "10.1.1.1",      "10.1.1.7",
                                      "192.0.2.5", "2001:db8::1", "2001:db8:1::1", "2001:db9::1"};
static const char *const targets[] = {"203.0.113.0/24",    "203.0.113.20/32", "203.0.0.0/16",
                                      "10.0.0.0/8",        "169.254.0.0/16",  "2001:db8:f::/48",
                                      "2001:db8:f::1/128", "0.0.0.0/0",       "::/0"};
static const char *const addresses[] = {"203.0.113.20", "203.0.113.9",         "203.0.9.9",     "8.8.8.8",
                                        "10.9.0.1",     "169.254.169.254",     "127.0.0.1",     "::1",
                                        "2606:4700::1", "2001:db8:f::1",       "2001:db8:f::2", "fd00::1",
                                        "64:ff9b::1",   "::ffff:203.0.113.20", "::ffff:8.8.8.8"};
static const char *const ports[] = {"80", "443", "8443", "444"};

static void random_name(egress__buf *out) {
  for (unsigned depth = below(4); depth > 0; depth--)
    egress__buf_printf(out, "%s.", PICK(labels));
  egress__buf_str(out, PICK(tops));
}

static void random_pattern(egress__buf *out) {
  switch (below(12)) {
  case 0:
    egress__buf_str(out, one_in(2) ? "**" : "*");
    return;
  case 1:
    egress__buf_str(out, PICK(globs)); /* one label */
    return;
  case 2:
    egress__buf_printf(out, "**.%s.", PICK(globs));
    break;
  case 3:
    egress__buf_printf(out, "%s.%s.", PICK(globs), PICK(globs));
    break;
  case 4:
    egress__buf_printf(out, "%s.%s.", PICK(labels), PICK(globs));
    break;
  case 5:
  case 6:
    egress__buf_str(out, "**.");
    break;
  case 7:
    egress__buf_str(out, "*.");
    break;
  case 8:
    egress__buf_printf(out, "%s.", PICK(globs));
    break;
  default:
    break; /* exact */
  }
  random_name(out);
}

/* `["x", "y"]`, each once. */
static void random_list(egress__buf *out, unsigned most, const char *const *words, unsigned count) {
  unsigned used = 0;
  egress__buf_char(out, '[');
  for (unsigned n = 1 + below(most); n > 0; n--) {
    unsigned at = below(count);
    if ((used >> at & 1) != 0)
      continue;
    egress__buf_printf(out, "%s\"%s\"", used == 0 ? "" : ", ", words[at]);
    used |= 1U << at;
  }
  egress__buf_char(out, ']');
}

#define RANDOM_LIST(out, most, words) random_list((out), (most), (words), sizeof(words) / sizeof((words)[0]))

static void random_ports(egress__buf *out) {
  unsigned used = 0;
  egress__buf_str(out, ", ports: [");
  for (unsigned n = 1 + below(2); n > 0; n--) {
    unsigned at = below(sizeof ports / sizeof ports[0]);
    if ((used >> at & 1) == 0)
      egress__buf_printf(out, "%s%s", used == 0 ? "" : ", ", ports[at]);
    used |= 1U << at;
  }
  egress__buf_char(out, ']');
}

/* The hosts of a rule; a host said twice is an error. */
static void random_hosts(egress__buf *out) {
  char seen[4][128];
  size_t count = 0;
  for (unsigned n = 1 + below(4); n > 0; n--) {
    egress__buf pattern;
    egress__buf_init(&pattern, egress__alloc_or_default(NULL));
    random_pattern(&pattern);
    char *text = seen[count];
    snprintf(text, sizeof seen[0], "%.*s", (int)pattern.size, pattern.data);
    egress__buf_dispose(&pattern);
    if (strcmp(text, "*") == 0)
      strcpy(text, "**");
    size_t at = 0;
    while (strcmp(seen[at], text) != 0)
      at++;
    if (at != count)
      continue;
    egress__buf_printf(out, "%s\"%s\"", count == 0 ? "" : ", ", text);
    count++;
  }
}

static void finish(egress__buf *buf, char *out, size_t room) {
  cr_assert(buf->rv == 0 && buf->size < room);
  if (buf->size != 0)
    memcpy(out, buf->data, buf->size);
  out[buf->size] = '\0';
  egress__buf_dispose(buf);
}

static void random_entry(draft *d) {
  static const char *const of_names[] = {"tls", "http", "any"}, *const of_addresses[] = {"tcp", "http", "any"};
  egress__buf buf;
  egress__buf_init(&buf, egress__alloc_or_default(NULL));
  const size_t number = d->count++;
  const int deny = d->deny[number] = one_in(3), names = !one_in(4), some_addresses = !names || one_in(5);
  egress__buf_printf(&buf, "  - {name: %c%zu, to: [", (char)('a' + below(26)), number);
  if (names)
    random_hosts(&buf);
  if (some_addresses)
    egress__buf_printf(&buf, "%s\"%s\"", names ? ", " : "", PICK(targets));
  egress__buf_char(&buf, ']');
  if (one_in(2)) {
    egress__buf_str(&buf, ", from: ");
    static const char *const sources[] = {"s0", "s1", "s2"};
    RANDOM_LIST(&buf, 2, sources);
  }
  if (deny ? one_in(2) : some_addresses || one_in(2))
    random_ports(&buf);
  if (one_in(2))
    egress__buf_printf(&buf, ", protocol: %s", names ? PICK(of_names) : PICK(of_addresses));
  egress__buf_str(&buf, "}\n");
  finish(&buf, d->entries[number], sizeof d->entries[0]);
}

static void random_draft(draft *d) {
  *d = (draft){.sni_port = one_in(3) ? 8443 : 443};
  egress__buf buf;
  egress__buf_init(&buf, egress__alloc_or_default(NULL));
  egress__buf_printf(&buf, HEAD "defaults: {deny_private_ips: %s", one_in(2) ? "true" : "false");
  if (one_in(3)) {
    egress__buf_str(&buf, ", allow_private: ");
    RANDOM_LIST(&buf, 3, targets);
  }
  egress__buf_printf(&buf, "%s}\nsources:\n", one_in(4) ? ", no_sni: address" : "");
  for (int i = 0; i < 3; i++) {
    egress__buf_printf(&buf, "  s%d: {cidrs: ", i);
    RANDOM_LIST(&buf, 3, client_ranges);
    egress__buf_str(&buf, "}\n");
  }
  finish(&buf, d->head, sizeof d->head);
  for (unsigned n = 1 + below(MAX_ENTRIES - 1); n > 0; n--)
    random_entry(d);
}

static void draft_text(const draft *d, char *out, size_t room) {
  egress__buf buf;
  egress__buf_init(&buf, egress__alloc_or_default(NULL));
  egress__buf_str(&buf, d->head);
  for (int deny = 1; deny >= 0; deny--) {
    int some = 0;
    for (size_t i = 0; i < d->count; i++) {
      if (d->deny[i] != deny || d->left_out[i])
        continue;
      egress__buf_printf(&buf, "%s%s", some ? "" : deny ? "deny:\n" : "rules:\n", d->entries[i]);
      some = 1;
    }
  }
  finish(&buf, out, room);
}

/* Some name that a pattern of the policy may match. */
static void name_near(egress__buf *out, const char *pattern) {
  static const char *const runs[] = {"", "a", "1-b", "b"};
  if (strncmp(pattern, "**", 2) == 0) {
    for (unsigned n = below(3); n > 0; n--)
      egress__buf_printf(out, "%s.", PICK(labels));
    egress__buf_str(out, PICK(labels));
    pattern += 2;
  }
  for (; *pattern != '\0'; pattern++) {
    if (*pattern == '*')
      egress__buf_str(out, PICK(runs));
    else
      egress__buf_char(out, one_in(20) ? (char)toupper(*pattern) : *pattern);
  }
}

static void odd_name(egress__buf *out) {
  static const char *const odd[] = {".a.com", "a..com", "a.com.",  "a b.com",   "1.2.3.4",  "a.1",
                                    "-.com",  "_.com",  "A.B.CoM", "a\x80.com", "*.com",    "",
                                    ".",      "1.2.3",  "a.com]",  "a@b.com",   "01.2.3.4", "256.1.1.1"};
  switch (below(5)) {
  case 0: /* labels of 63 and 64 */
    for (unsigned n = 63 + below(2); n > 0; n--)
      egress__buf_char(out, 'a');
    egress__buf_str(out, ".com");
    return;
  case 1: /* 252 to 255 bytes */
    for (unsigned n = 0; n < 124; n++)
      egress__buf_str(out, "a.");
    egress__buf_printf(out, "%s.com", PICK(((const char *const[]){"", "a", "b", "ab", "a.b"})));
    return;
  default:
    egress__buf_str(out, PICK(odd));
  }
}

/* The host that an attempt asks for. */
static void random_host(egress__buf *out, const char *const *hosts, size_t host_count) {
  if (host_count == 0 || one_in(6)) {
    random_name(out);
    return;
  }
  if (one_in(10)) {
    odd_name(out);
    return;
  }
  if (one_in(8))
    egress__buf_printf(out, "%s.", PICK(labels));
  name_near(out, hosts[below((unsigned)host_count)]);
}

static attempt random_attempt(const char *const *hosts, size_t host_count) {
  static const char *const odd_ports[] = {":0", ":", ":0443", ":443:443", ":65536", ":9999", ":80"};
  attempt a = {.by = below(3), .source = PICK(clients), .resolved = one_in(5) ? NULL : PICK(addresses)};
  egress__buf buf;
  egress__buf_init(&buf, egress__alloc_or_default(NULL));
  const char *address = PICK(addresses);
  if (a.by == BY_TLS || !one_in(3))
    random_host(&buf, hosts, host_count);
  else
    egress__buf_printf(&buf, strchr(address, ':') != NULL ? "[%s]" : "%s", address);
  if (a.by == BY_CONNECT || (a.by == BY_HTTP && one_in(2)))
    egress__buf_printf(&buf, ":%s", PICK(ports));
  if (a.by != BY_TLS && one_in(12))
    egress__buf_str(&buf, PICK(odd_ports));
  finish(&buf, a.target, sizeof a.target);
  return a;
}

/* Cuts `:PORT` off `host`. Returns the port, `otherwise` when none is said, 0 for what is no port. */
static uint16_t cut_port(char *host, uint16_t otherwise) {
  char *colon = strrchr(host, ':');
  if (colon == NULL || strchr(colon, ']') != NULL)
    return otherwise;
  *colon = '\0';
  const char *digits = colon + 1;
  size_t size = strspn(digits, "0123456789");
  unsigned long port = size == 0 || size > 5 || digits[size] != '\0' ? 0 : strtoul(digits, NULL, 10);
  int is_name = host[0] != '[' && host[strspn(host, "0123456789.")] != '\0';
  if (port > UINT16_MAX || (is_name && digits[0] == '0')) /* an address may have `:0443`: what is dialled is judged */
    return 0;
  return (uint16_t)port;
}

/* What the attempt is to the policy. Returns 0 when it is no flow: then it must be refused. */
static int to_flow(const attempt *a, uint16_t sni_port, char *host, egress_flow *flow) {
  *flow = (egress_flow)EGRESS_FLOW_INIT;
  flow->source = a->source;
  flow->resolved = &a->resolved;
  flow->resolved_count = a->resolved != NULL;
  strcpy(host, a->target);
  if (a->by == BY_TLS) {
    flow->port = sni_port;
    flow->name = host[0] == '\0' ? NULL : host;
    return 1;
  }
  flow->port = cut_port(host, a->by == BY_CONNECT ? 0 : 80); /* CONNECT always says the port */
  flow->protocol = a->by == BY_CONNECT ? EGRESS_PROTOCOL_TLS : EGRESS_PROTOCOL_HTTP;
  egress__addr addr;
  size_t size = strlen(host);
  if (size > 2 && host[0] == '[' && host[size - 1] == ']') {
    host[size - 1] = '\0';
    flow->address = host + 1;
  } else if (egress__addr_parse(&addr, host, size) == 0 && addr.family == 4) {
    flow->address = host;
  } else {
    flow->name = host;
  }
  if (flow->address != NULL && a->by == BY_CONNECT)
    flow->protocol = EGRESS_PROTOCOL_TCP;
  return flow->port != 0 && size != 0;
}

/* The name of a rule in Envoy's answer: without the number that keeps the order of addresses. */
static const char *plain_rule(const char *rule) {
  return strlen(rule) > 7 && rule[6] == ':' ? rule + 7 : rule;
}

/* 1 when both name the same rule, as far as they must. */
static int rules_agree(const egress_flow *flow, const egress_decision *wanted, const envoy_answer *got) {
  if (wanted->verdict != EGRESS_DENY)
    return strcmp(plain_rule(got->rule), wanted->rule) == 0 && got->dialled_port == flow->port;
  if (wanted->reason == EGRESS_REASON_DENY_ADDRESS)
    return strcmp(got->rule, wanted->rule) == 0;
  if (wanted->reason != EGRESS_REASON_DENY_RULE || flow->name == NULL)
    return 1;
  /* A deny entry for all ports has no virtual host where nothing is allowed, but on the usual ports. */
  int usual = flow->port == 80 || flow->port == 443;
  return !usual || strcmp(plain_rule(got->rule), wanted->rule) == 0;
}

/* 1 when both say the same; else `out` says what. */
static int agree(const egress_policy *policy, uint16_t sni_port, envoy *e, const attempt *a, char *out, size_t room) {
  char host[sizeof a->target];
  egress_flow flow;
  egress_decision wanted = EGRESS_DECISION_INIT;
  if (to_flow(a, sni_port, host, &flow))
    cr_assert_eq(egress_policy_decide(policy, &flow, &wanted), 0, "%s", a->target);
  envoy_answer got = a->by == BY_TLS ? envoy_tls(e, a->source, a->target, a->resolved)
                                     : envoy_http(e, a->source, a->by == BY_CONNECT, a->target, a->resolved);
  int same = wanted.verdict == (int32_t)got.verdict ||
             (a->resolved == NULL && wanted.verdict != EGRESS_DENY && got.verdict != EGRESS_DENY);
  same = same && rules_agree(&flow, &wanted, &got);
  snprintf(out, room, "%s %s from %s, resolved %s: decide says %d (%s, reason %d), Envoy %d (%s by %s)",
           (const char *[]){"TLS", "CONNECT", "HTTP"}[a->by], a->target, a->source,
           a->resolved == NULL ? "-" : a->resolved, wanted.verdict, wanted.rule == NULL ? "-" : wanted.rule,
           wanted.reason, got.verdict, got.rule, got.filter);
  return same;
}

/* A policy as both see it. */
typedef struct subject {
  egress_policy *policy;
  egress_snapshot *snap;
  envoy envoy;
} subject;

/* `previous` may be NULL. */
static void subject_init(subject *s, const draft *d, const egress_snapshot *previous, egress__map *regexes) {
  char text[8192];
  draft_text(d, text, sizeof text);
  s->policy = read_policy(text);
  egress_compile_options options = both_listeners();
  options.sni_port = d->sni_port;
  options.previous = previous;
  options.flags = EGRESS_COMPILE_SKIP_UNSUPPORTED;
  s->snap = compile_with(s->policy, &options);
  envoy_init(&s->envoy, s->snap, regexes);
}

static void subject_dispose(subject *s) {
  envoy_dispose(&s->envoy);
  egress_snapshot_unref(s->snap);
  egress_policy_unref(s->policy);
}

static int draft_agrees(const draft *d, const attempt *a, egress__map *regexes, char *out, size_t room) {
  subject s;
  subject_init(&s, d, NULL, regexes);
  int same = agree(s.policy, d->sni_port, &s.envoy, a, out, room);
  subject_dispose(&s);
  return same;
}

/* Leaves out what is not needed for the disagreement, and fails. */
static void report(draft d, const attempt *a, egress__map *regexes) {
  char said[1024], text[8192];
  for (size_t i = 0; i < d.count; i++) {
    d.left_out[i] = 1;
    d.left_out[i] = !draft_agrees(&d, a, regexes, said, sizeof said);
  }
  draft_agrees(&d, a, regexes, said, sizeof said);
  draft_text(&d, text, sizeof text);
  cr_assert_fail("%s\n%s", said, text);
}

static uint64_t setting(const char *name, uint64_t otherwise) {
  const char *text = getenv(name);
  return text == NULL ? otherwise : strtoull(text, NULL, 10);
}

/* The hosts of the policy's rules, to aim flows at. */
static size_t list_hosts(const egress_policy *policy, const char **hosts, size_t room) {
  size_t count = 0;
  for (size_t i = 0; i < policy->rule_count; i++)
    for (size_t j = 0; j < policy->rules[i].pattern_count && count < room; j++)
      hosts[count++] = policy->rules[i].patterns[j].text;
  return count;
}

Test(meaning, envoy_does_what_decide_says) {
  const uint64_t seed = setting("EGRESS_TEST_SEED", 1), rounds = setting("EGRESS_TEST_ROUNDS", ROUNDS);
  egress__map regexes = {.alloc = egress__alloc_or_default(NULL)};
  size_t seen[3] = {0};
  for (uint64_t round = 0; round < rounds; round++) {
    state = seed * 1000003 + round;
    draft d;
    random_draft(&d);
    subject s;
    subject_init(&s, &d, NULL, &regexes);
    const char *hosts[4 * MAX_ENTRIES];
    size_t host_count = list_hosts(s.policy, hosts, 4 * MAX_ENTRIES);
    for (int i = 0; i < FLOWS; i++) {
      attempt a = random_attempt(hosts, host_count);
      char said[1024];
      if (!agree(s.policy, d.sni_port, &s.envoy, &a, said, sizeof said)) {
        cr_log_error("seed %llu, round %llu", (unsigned long long)seed, (unsigned long long)round);
        report(d, &a, &regexes);
      }
      seen[strstr(said, "Envoy 0") == NULL ? strstr(said, "Envoy 1") == NULL ? 2 : 1 : 0]++;
    }
    subject_dispose(&s);
  }
  envoy_regexes_dispose(&regexes);
  /* A test that sees only refusals shows nothing. */
  for (int i = 0; i < 3; i++)
    cr_assert_gt(seen[i], rounds * FLOWS / 100, "verdict %d: %zu", i, seen[i]);
}

/* A connection that was let through, and where it is. */
typedef struct held {
  attempt by;
  char chain[128];
  int since; /* step */
} held;

enum { STEPS = 4, MAX_HELD = STEPS * FLOWS };

/* Takes an entry out or puts it back, writes it anew, or changes what stands at the head. */
static void change(draft *d) {
  size_t at = below((unsigned)d->count);
  switch (below(4)) {
  case 0:
    d->left_out[at] = !d->left_out[at];
    return;
  case 1: {
    draft other;
    random_draft(&other);
    memcpy(d->head, other.head, sizeof d->head);
    return;
  }
  default: {
    size_t count = d->count;
    d->count = at; /* of the same name */
    random_entry(d);
    d->count = count;
    return;
  }
  }
}

/* The name of the chain of a rule; every rule that lets something through has one. */
static const char *chain_of_rule(const envoy *e, const char *rule) {
  char plain[80];
  size_t size = (size_t)snprintf(plain, sizeof plain, "rule:%s", rule);
  for (size_t i = 0; i < e->sni->n_filter_chains; i++) {
    const char *name = e->sni->filter_chains[i]->name;
    if (strncmp(name, plain, size) == 0 && (name[size] == '\0' || name[size] == '@'))
      return name;
  }
  cr_assert_fail("no chain of %s", rule);
  return NULL;
}

static int still_allowed(subject *s, uint16_t sni_port, const attempt *a) {
  char host[sizeof a->target];
  egress_flow flow;
  egress_decision decision = EGRESS_DECISION_INIT;
  to_flow(a, sni_port, host, &flow);
  cr_assert_eq(egress_policy_decide(s->policy, &flow, &decision), 0);
  return decision.verdict != EGRESS_DENY;
}

/* Every held connection that lost its permission must have lost its chain. Returns how many did. */
static size_t check_held(subject *s, const draft *d, const held *connections, size_t count) {
  size_t ended = 0;
  for (size_t i = 0; i < count; i++) {
    const held *at = &connections[i];
    if (still_allowed(s, d->sni_port, &at->by))
      continue;
    ended++;
    char text[8192];
    draft_text(d, text, sizeof text);
    cr_assert_null(envoy_chain(s->envoy.sni, at->chain), "%s from %s, resolved %s, lives on in %s since step %d\n%s",
                   at->by.target, at->by.source, at->by.resolved == NULL ? "-" : at->by.resolved, at->chain, at->since,
                   text);
  }
  return ended;
}

static size_t open_some(subject *s, held *connections, int step) {
  const char *hosts[4 * MAX_ENTRIES];
  size_t host_count = list_hosts(s->policy, hosts, 4 * MAX_ENTRIES), count = 0;
  for (int i = 0; i < FLOWS; i++) {
    attempt a = random_attempt(hosts, host_count);
    envoy_answer answer = a.by == BY_TLS ? envoy_tls(&s->envoy, a.source, a.target, a.resolved) : (envoy_answer){0};
    if (answer.verdict == EGRESS_DENY)
      continue;
    held *kept = &connections[count++];
    *kept = (held){.by = a, .since = step};
    snprintf(kept->chain, sizeof kept->chain, "%s", chain_of_rule(&s->envoy, answer.rule));
  }
  return count;
}

Test(meaning, connections_that_lose_their_permission_lose_their_chain) {
  const uint64_t seed = setting("EGRESS_TEST_SEED", 1), rounds = setting("EGRESS_TEST_ROUNDS", ROUNDS);
  static held connections[MAX_HELD];
  egress__map regexes = {.alloc = egress__alloc_or_default(NULL)};
  size_t ended = 0;
  for (uint64_t round = 0; round < rounds; round++) {
    state = seed * 1000003 + round;
    cr_log_info("seed %llu, round %llu", (unsigned long long)seed, (unsigned long long)round);
    draft d;
    random_draft(&d);
    subject before = {0};
    size_t count = 0;
    for (int step = 0; step < STEPS; step++) {
      subject now;
      subject_init(&now, &d, before.snap, &regexes);
      ended += check_held(&now, &d, connections, count);
      count += open_some(&now, connections + count, step);
      if (before.policy != NULL)
        subject_dispose(&before);
      before = now;
      change(&d);
    }
    subject_dispose(&before);
  }
  envoy_regexes_dispose(&regexes);
  cr_assert_gt(ended, rounds, "a test in which nothing ends shows nothing");
}

Test(meaning, a_rule_more_ends_nothing) {
  const uint64_t seed = setting("EGRESS_TEST_SEED", 1), rounds = setting("EGRESS_TEST_ROUNDS", ROUNDS);
  egress__map regexes = {.alloc = egress__alloc_or_default(NULL)};
  for (uint64_t round = 0; round < rounds; round++) {
    state = seed * 1000003 + round;
    draft d;
    random_draft(&d);
    size_t added = below((unsigned)d.count); /* anywhere in the file */
    d.left_out[added] = 1;
    subject before, after;
    subject_init(&before, &d, NULL, &regexes);
    d.left_out[added] = d.deny[added];
    subject_init(&after, &d, before.snap, &regexes);
    for (size_t i = 0; i < before.envoy.sni->n_filter_chains; i++) {
      const char *chain = before.envoy.sni->filter_chains[i]->name;
      if (strncmp(chain, "rule:", 5) == 0)
        cr_assert_not_null(envoy_chain(after.envoy.sni, chain), "round %llu: %s is gone", (unsigned long long)round,
                           chain);
    }
    subject_dispose(&before);
    subject_dispose(&after);
  }
  envoy_regexes_dispose(&regexes);
}
