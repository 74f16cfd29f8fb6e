#include <string.h>

#include <egress/error.h>

#include "base/buf.h"
#include "base/fault.h"
#include "base/text.h"
#include "policy/decide.h"

/* Writes one sentence about a flow. For a refusal that no rule caused, the rule that comes nearest is named with what
 * it would have to say in addition: its source, protocol, port or host. */

enum { MAX_LISTED = 4 }; /* ports, ranges and hosts that a sentence lists before it says how many more there are */

/* In what a rule differs from a flow; a smaller sum is nearer. */
enum { PORT = 1, PROTOCOL = 2, SOURCE = 4, HOST = 8 };

typedef struct nearest {
  const egress__rule *rule; /* NULL: none is near */
  unsigned differs;
  size_t shared;                  /* HOST: labels that the name and `pattern` share at their end */
  const egress__pattern *pattern; /* HOST: the nearest of the rule */
} nearest;

typedef struct sentence {
  egress__buf buf;
  const egress_policy *policy;
  const egress__query *query;
} sentence;

static const char *protocol_text(int32_t protocol) {
  static const char *const texts[] = {"", "tls", "http", "tcp"};
  return texts[protocol];
}

static void say_place(sentence *s, const egress__rule *rule) {
  egress__buf_printf(&s->buf, "%s:%u", s->policy->file, rule->place.line);
}

static void say_rule(sentence *s, uint32_t index) {
  egress__buf_printf(&s->buf, "%s (", s->policy->rules[index].name);
  say_place(s, &s->policy->rules[index]);
  egress__buf_char(&s->buf, ')');
}

/* `: pastes leak`, where the rule has a reason. */
static void say_note(sentence *s, uint32_t index) {
  const egress__rule *rule = &s->policy->rules[index];
  if (rule->note != NULL)
    egress__buf_printf(&s->buf, ": %s", rule->note);
}

/* What the flow wants: its name, else its address. */
static void say_host(sentence *s) {
  char text[EGRESS__ADDR_TEXT];
  if (s->query->flow.name != NULL)
    egress__buf_str(&s->buf, s->query->name);
  else if (s->query->address.family != 0)
    egress__buf_str(&s->buf, egress__addr_format(text, &s->query->address));
  else
    egress__buf_str(&s->buf, "a flow without a name and an address");
}

static void say_more(sentence *s, size_t count) {
  if (count > MAX_LISTED)
    egress__buf_printf(&s->buf, " and %zu more", count - MAX_LISTED);
}

static void say_ports(sentence *s, const egress__ports *ports) {
  for (size_t i = 0; i < ports->count && i < MAX_LISTED; i++) {
    const egress__port_range *range = &ports->ranges[i];
    egress__buf_printf(&s->buf, range->low == range->high ? "%s%u" : "%s%u-%u", i == 0 ? "" : ", ", range->low,
                       range->high);
  }
  say_more(s, ports->count);
}

static void say_sources(sentence *s, const egress__rule *rule) {
  char text[EGRESS__PREFIX_TEXT];
  for (size_t i = 0; i < rule->from_count && i < MAX_LISTED; i++)
    egress__buf_printf(&s->buf, "%s%s", i == 0 ? "" : ", ", egress__prefix_format(text, &rule->froms[i]));
  say_more(s, rule->from_count);
}

/* The ports that the rule opens for this kind of flow, or for any kind when it opens none. */
static const egress__ports *ports_of(const egress__rule *rule, int32_t protocol) {
  if (rule->ports[protocol].count != 0)
    return &rule->ports[protocol];
  if (rule->ports[EGRESS_PROTOCOL_TCP].count != 0)
    return &rule->ports[EGRESS_PROTOCOL_TCP];
  return &rule->ports[protocol == EGRESS_PROTOCOL_TLS ? EGRESS_PROTOCOL_HTTP : EGRESS_PROTOCOL_TLS];
}

/* How many labels two names share at their end. */
static size_t shared_labels(const char *a, size_t a_size, const char *b, size_t b_size) {
  size_t labels = 0, i = 0;
  for (; i < a_size && i < b_size && a[a_size - 1 - i] == b[b_size - 1 - i]; i++)
    labels += a[a_size - 1 - i] == '.';
  int a_whole = i == a_size || a[a_size - 1 - i] == '.', b_whole = i == b_size || b[b_size - 1 - i] == '.';
  return labels + (i > 0 && a_whole && b_whole && !(i < a_size && i < b_size));
}

/* Sets in what the rule differs from the flow when its destination matches `by_name` or by address. */
static unsigned differs_in_port(const egress__rule *rule, const egress_flow *flow, int by_name) {
  if (by_name ? egress__rule_has_name_port(rule, flow) : egress__rule_has_address_port(rule, flow))
    return 0;
  int spoken = rule->ports[flow->protocol].count != 0 && !(by_name && flow->protocol == EGRESS_PROTOCOL_TCP);
  return spoken || (!by_name && rule->ports[EGRESS_PROTOCOL_TCP].count != 0) ? PORT : PROTOCOL;
}

/* The rule's pattern that matches the name, or else shares most labels with it. */
static void compare_name(const egress__query *query, nearest *n) {
  for (size_t i = 0; i < n->rule->pattern_count; i++) {
    const egress__pattern *pattern = &n->rule->patterns[i];
    if (egress__pattern_match(pattern, query->name, query->name_size)) {
      n->differs = differs_in_port(n->rule, &query->flow, 1);
      return;
    }
    size_t shared = shared_labels(pattern->text, pattern->size, query->name, query->name_size);
    if (shared > n->shared) {
      n->shared = shared;
      n->pattern = pattern;
    }
  }
}

static int has_address(const egress__rule *rule, const egress__addr *addr) {
  for (size_t i = 0; i < rule->prefix_count; i++)
    if (egress__prefix_has(&rule->prefixes[i], addr))
      return 1;
  return 0;
}

static nearest compare_rule(const egress__query *query, const egress__rule *rule) {
  nearest n = {.rule = rule, .differs = HOST};
  if (query->name_size != 0)
    compare_name(query, &n);
  if (n.differs == HOST && query->address.family != 0 && has_address(rule, &query->address))
    n.differs = differs_in_port(rule, &query->flow, 0);
  if (n.differs == HOST)
    n.differs |= differs_in_port(rule, &query->flow, query->name_size != 0);
  if (!egress__rule_has_atom(rule, query->atom))
    n.differs |= SOURCE;
  return n;
}

/* A host is near only from two labels on: everything ends in `.com`. */
static nearest find_nearest(const sentence *s) {
  nearest best = {.rule = NULL};
  for (size_t i = s->policy->deny_count; i < s->policy->rule_count; i++) {
    nearest n = compare_rule(s->query, &s->policy->rules[i]);
    if ((n.differs & HOST) != 0 && n.shared < 2)
      continue;
    if (best.rule == NULL || n.differs < best.differs || (n.differs == best.differs && n.shared > best.shared))
      best = n;
  }
  return best;
}

static void say_and(sentence *s, int *said) {
  if (*said)
    egress__buf_str(&s->buf, " and ");
  *said = 1;
}

/* In what the flow differs from the rule: `port 8443`. */
static void say_wanted(sentence *s, unsigned differs) {
  char text[EGRESS__ADDR_TEXT];
  int said = 0;
  if ((differs & HOST) != 0) {
    say_and(s, &said);
    say_host(s);
  }
  if ((differs & SOURCE) != 0) {
    say_and(s, &said);
    egress__buf_printf(&s->buf, "source %s", egress__addr_format(text, &s->query->source));
  }
  if ((differs & PROTOCOL) != 0) {
    say_and(s, &said);
    egress__buf_str(&s->buf, protocol_text(s->query->flow.protocol));
  }
  if ((differs & PORT) != 0) {
    say_and(s, &said);
    egress__buf_printf(&s->buf, "port %u", s->query->flow.port);
  }
}

static void say_protocols(sentence *s, const egress__rule *rule) {
  int said = 0;
  for (int32_t protocol = EGRESS_PROTOCOL_TLS; protocol <= EGRESS_PROTOCOL_TCP; protocol++) {
    if (rule->ports[protocol].count == 0)
      continue;
    say_and(s, &said);
    egress__buf_str(&s->buf, protocol_text(protocol));
  }
}

/* What the rule has in these places instead. */
static void say_allowed(sentence *s, const nearest *n) {
  int said = 0;
  if ((n->differs & HOST) != 0) {
    say_and(s, &said);
    egress__buf_str(&s->buf, n->pattern->text);
  }
  if ((n->differs & SOURCE) != 0) {
    say_and(s, &said);
    say_sources(s, n->rule);
  }
  if ((n->differs & PROTOCOL) != 0) {
    say_and(s, &said);
    say_protocols(s, n->rule);
  }
  if ((n->differs & PORT) != 0) {
    say_and(s, &said);
    say_ports(s, ports_of(n->rule, s->query->flow.protocol));
  }
}

static void say_no_match(sentence *s) {
  char text[EGRESS__ADDR_TEXT];
  if (egress__addr_is_v4_mapped(&s->query->address)) {
    egress__buf_printf(&s->buf, "denied: %s is IPv4 written as IPv6, which no rule can name",
                       egress__addr_format(text, &s->query->address));
    return;
  }
  nearest n = find_nearest(s);
  egress__buf_str(&s->buf, "denied: no rule allows ");
  say_wanted(s, n.rule == NULL ? HOST : n.differs);
  if (n.rule == NULL)
    return;
  egress__buf_printf(&s->buf, " (nearest: %s, ", n.rule->name);
  say_place(s, n.rule);
  egress__buf_str(&s->buf, ", allows ");
  say_allowed(s, &n);
  egress__buf_char(&s->buf, ')');
}

/* A name may hold any bytes, and the sentence may end on a terminal. */
static void say_bad_name(sentence *s) {
  enum { MOST = 64 };
  const egress_flow *flow = &s->query->flow;
  size_t size = flow->name_size != 0 ? flow->name_size : strlen(flow->name);
  egress__addr addr;
  egress__buf_str(&s->buf, "denied: `");
  for (size_t i = 0; i < size && i < MOST; i++) {
    unsigned char c = (unsigned char)flow->name[i];
    egress__buf_printf(&s->buf, c < 0x20 || c >= 0x7f ? "\\x%02x" : "%c", c);
  }
  egress__buf_str(&s->buf, size > MOST ? "...` is not a valid host name" : "` is not a valid host name");
  if (egress__addr_parse(&addr, flow->name, size) == 0)
    egress__buf_str(&s->buf, " but an address");
}

static void say_allow(sentence *s, const egress__outcome *outcome) {
  egress__buf_str(&s->buf, "allowed: ");
  say_rule(s, outcome->rule);
  if (outcome->verdict != EGRESS_ALLOW_IF_ADDRESS)
    return;
  if (s->policy->deny_private_ips)
    egress__buf_printf(&s->buf, ", if %s resolves to public addresses", s->query->name);
  else
    egress__buf_printf(&s->buf, ", if no deny entry covers what %s resolves to", s->query->name);
}

static void say_outcome(sentence *s, const egress__outcome *outcome) {
  const char *resolved = s->query->flow.resolved == NULL ? "" : s->query->flow.resolved[outcome->resolved];
  switch (outcome->reason) {
  case EGRESS_REASON_RULE:
    say_allow(s, outcome);
    break;
  case EGRESS_REASON_DENY_RULE:
    egress__buf_str(&s->buf, "denied by ");
    say_rule(s, outcome->rule);
    say_note(s, outcome->rule);
    break;
  case EGRESS_REASON_NO_MATCH:
    say_no_match(s);
    break;
  case EGRESS_REASON_BAD_NAME:
    say_bad_name(s);
    break;
  case EGRESS_REASON_NO_SNI:
    egress__buf_str(&s->buf, "denied: TLS without a server name (`no_sni: deny`)");
    break;
  case EGRESS_REASON_GUARD:
    egress__buf_str(&s->buf, "denied: ");
    say_rule(s, outcome->rule);
    egress__buf_printf(&s->buf, " allows %s, but it resolves to the special-use address %s", s->query->name, resolved);
    break;
  case EGRESS_REASON_DENY_ADDRESS:
    egress__buf_str(&s->buf, "denied by ");
    say_rule(s, outcome->rule);
    egress__buf_printf(&s->buf, ", which covers %s, to which %s resolves", resolved, s->query->name);
    say_note(s, outcome->rule);
    break;
  }
}

int egress_policy_explain(egress_text **out, const egress_policy *policy, const egress_flow *flow) {
  egress__query query;
  if (out == NULL)
    return EGRESS_EINVAL;
  int rv = egress__query_take(&query, policy, flow);
  if (rv != 0)
    return rv;
  egress__outcome outcome = egress__query_decide(policy, &query);
  sentence s = {.policy = policy, .query = &query};
  egress__buf_init(&s.buf, policy->alloc);
  say_outcome(&s, &outcome);
  rv = egress__text_take(out, &s.buf);
  egress__buf_dispose(&s.buf);
  return rv;
}
