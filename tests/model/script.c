#include "model/script.h"

#include <string.h>

static const char *const group_names[] = GROUP_NAMES;

static unsigned take(const choices *from, unsigned limit) {
  return from->take(from->user, limit);
}

/* How often each kind comes up; the first counts also when choices run out. */
static step_kind choose_kind(const choices *from) {
  static const uint8_t weights[STEP_KINDS] = {
      [STEP_SET] = 20,   [STEP_SHARE] = 2,   [STEP_CLEAR] = 2,      [STEP_SUBSCRIBE] = 21, [STEP_STALE] = 5,
      [STEP_DRAIN] = 20, [STEP_ANSWER] = 22, [STEP_DISCONNECT] = 1, [STEP_CONNECT] = 4,    [STEP_SETTLE] = 3,
  };
  unsigned drawn = take(from, 100), kind = 0;
  while (kind + 1 < STEP_KINDS && drawn >= weights[kind])
    drawn -= weights[kind++];
  return (step_kind)kind;
}

/* Mostly few names. */
static uint8_t choose_names(const choices *from) {
  uint8_t names = (uint8_t)take(from, 1 << NAMES);
  return take(from, 2) ? names : (uint8_t)(names & take(from, 1 << NAMES));
}

/* The same, and now and then the glob. */
static uint8_t choose_wanted(const choices *from) {
  return (uint8_t)(choose_names(from) | (take(from, 5) == 0 ? 1U << GLOB : 0));
}

static void choose_edits(step *out, const choices *from) {
  out->edit_count = (uint8_t)take(from, EDITS_MAX + 1);
  for (size_t i = 0; i < out->edit_count; i++)
    out->edits[i] = (edit){(uint8_t)take(from, TYPES - 1), (uint8_t)take(from, NAMES), (uint8_t)take(from, 4)};
  if (take(from, 4) == 0)
    out->flags = FLAG_FRESH;
}

static void choose_subscription(step *out, const choices *from) {
  out->names = choose_wanted(from);
  out->drop = (uint8_t)(take(from, 2) ? choose_wanted(from) & ~out->names : 0);
  unsigned star = take(from, 8); /* else neither */
  out->flags |= (uint8_t)(star == 0 ? FLAG_STAR : star == 1 ? FLAG_UNSTAR : 0);
  unsigned odd = take(from, 8);
  out->flags |= (uint8_t)(odd == 0 ? FLAG_FORGET : odd == 1 ? FLAG_CLAIMS : odd == 2 ? FLAG_STRANGE : 0);
  if (take(from, 4) == 0)
    out->names = 0;
  out->claims = out->flags & FLAG_CLAIMS ? choose_names(from) : 0;
}

static void choose_answer(step *out, const choices *from) {
  if (take(from, 4) == 0) {
    out->flags = FLAG_REFUSE;
    out->part = (uint8_t)(take(from, 2) ? take(from, 1 << NAMES) : 0);
  }
  if (take(from, 5) == 0) {
    choose_subscription(out, from);
    out->flags |= FLAG_CHANGE;
  }
}

static void choose_connect(step *out, const choices *from) {
  static const uint8_t odd[] = {0, 0, 0, FLAG_FORGET, FLAG_CLAIMS, FLAG_STRANGE};
  out->flags = odd[take(from, sizeof odd)];
  out->claims = out->flags & FLAG_CLAIMS ? choose_names(from) : 0;
  out->part = (uint8_t)(take(from, 4) ? (1 << TYPES) - 1 : take(from, 1 << TYPES));
}

void step_choose(step *out, const choices *from) {
  *out = (step){.kind = (uint8_t)choose_kind(from)};
  out->client = (uint8_t)take(from, CLIENTS);
  out->type = (uint8_t)take(from, TYPES);
  out->group = (uint8_t)(take(from, 4) ? 0 : take(from, GROUPS)); /* mostly one that all clients are in */
  switch ((step_kind)out->kind) {
  case STEP_SET:
    choose_edits(out, from);
    break;
  case STEP_SHARE:
    out->other = (uint8_t)take(from, GROUPS);
    break;
  case STEP_SUBSCRIBE:
    choose_subscription(out, from);
    break;
  case STEP_STALE:
    out->names = choose_wanted(from);
    out->flags = (uint8_t)((take(from, 2) ? FLAG_REFUSE : 0) | (take(from, 2) ? FLAG_STRANGE : 0) |
                           (take(from, 8) ? 0 : FLAG_STAR));
    break;
  case STEP_ANSWER:
    choose_answer(out, from);
    break;
  case STEP_CONNECT:
    choose_connect(out, from);
    break;
  case STEP_CLEAR:
  case STEP_DRAIN:
  case STEP_DISCONNECT:
  case STEP_SETTLE:
    break;
  }
}

/* Printing. */
static void print_names(FILE *to, const char *label, uint8_t names, int star) {
  fprintf(to, "%s%s", label, star ? " *" : "");
  for (int name = 0; name < NAMES; name++)
    if (names >> name & 1)
      fprintf(to, " %c", 'a' + name);
  fputs(names >> GLOB & 1 ? " glob" : "", to);
}

static void print_edits(FILE *to, const step *s) {
  fprintf(to, "set %s:", group_names[s->group]);
  for (size_t i = 0; i < s->edit_count; i++) {
    const edit *e = &s->edits[i];
    fprintf(to, e->value == 0 ? " -%c/%c" : " %c/%c=%d", TYPE_LETTERS[e->type], 'a' + e->name, e->value);
  }
  fputs(s->edit_count == 0 ? " the same again" : "", to);
  fputs(s->flags & FLAG_FRESH ? ", made from nothing" : "", to);
}

static void print_change(FILE *to, const step *s) {
  print_names(to, " names", s->names, s->flags & FLAG_STAR);
  if (s->drop != 0 || s->flags & FLAG_UNSTAR)
    print_names(to, ", delta: drops", s->drop, s->flags & FLAG_UNSTAR);
  fputs(s->flags & FLAG_FORGET ? ", delta: has forgotten them" : "", to);
  if (s->claims != 0)
    print_names(to, ", delta: claims to hold", s->claims, 0);
  fputs(s->flags & FLAG_STRANGE ? ", with a strange nonce" : "", to);
}

static void print_answer(FILE *to, const step *s) {
  fprintf(to, s->flags & FLAG_REFUSE ? " refuses %c" : " accepts %c", TYPE_LETTERS[s->type]);
  if (s->flags & FLAG_REFUSE && s->part != 0)
    print_names(to, ", takes over", s->part, 0);
  if (s->flags & FLAG_CHANGE)
    print_change(to, s);
}

static void print_connect(FILE *to, const step *s) {
  fprintf(to, " connects as one of %s for ", group_names[s->group % 2]);
  for (int type = 0; type < TYPES; type++)
    if (s->part >> type & 1)
      fputc(TYPE_LETTERS[type], to);
  fputs(s->flags & FLAG_FORGET ? ", holding nothing" : "", to);
  if (s->claims != 0)
    print_names(to, ", delta: claims to hold", s->claims, 0);
  fputs(s->flags & FLAG_STRANGE ? ", with strange nonces" : "", to);
}

/* The client at the front of a line; even ones speak state of the world. */
static void print_client(FILE *to, const step *s) {
  fprintf(to, "client %d (%s)", s->client, s->client % 2 == 0 ? "sotw" : "delta");
}

static void print_client_step(FILE *to, const step *s) {
  print_client(to, s);
  switch ((step_kind)s->kind) {
  case STEP_SUBSCRIBE:
    fprintf(to, " subscribes %c:", TYPE_LETTERS[s->type]);
    print_change(to, s);
    break;
  case STEP_STALE:
    fprintf(to, " sends a stale %s for %c, sotw:", s->flags & FLAG_REFUSE ? "refusal" : "request",
            TYPE_LETTERS[s->type]);
    print_names(to, " names", s->names, s->flags & FLAG_STAR);
    fputs(s->flags & FLAG_STRANGE ? ", with a strange nonce" : "", to);
    break;
  case STEP_DRAIN:
    fputs(" is sent what is due", to);
    break;
  case STEP_ANSWER:
    print_answer(to, s);
    break;
  case STEP_CONNECT:
    print_connect(to, s);
    break;
  case STEP_DISCONNECT:
  case STEP_SET:
  case STEP_SHARE:
  case STEP_CLEAR:
  case STEP_SETTLE:
    fputs(" disconnects", to);
    break;
  }
}

void step_print(FILE *to, const step *s) {
  switch ((step_kind)s->kind) {
  case STEP_SET:
    print_edits(to, s);
    break;
  case STEP_SHARE:
    fprintf(to, "set %s: what %s has", group_names[s->group], group_names[s->other]);
    break;
  case STEP_CLEAR:
    fprintf(to, "clear %s", group_names[s->group]);
    break;
  case STEP_SETTLE:
    fputs("settle", to);
    break;
  case STEP_SUBSCRIBE:
  case STEP_STALE:
  case STEP_DRAIN:
  case STEP_ANSWER:
  case STEP_DISCONNECT:
  case STEP_CONNECT:
    print_client_step(to, s);
    break;
  }
  fputc('\n', to);
}

static int simplify_edits(step *out, const step *s, size_t index) {
  if (index >= s->edit_count)
    return 0;
  out->edit_count--;
  memmove(&out->edits[index], &out->edits[index + 1], (out->edit_count - index) * sizeof out->edits[0]);
  return 1;
}

/* A bit of `*bits` goes, if `*index` says so; else `*index` is counted down by the bits there are. */
static int simplify_bits(uint8_t *bits, size_t *index) {
  for (int bit = 0; bit < 8; bit++)
    if (*bits >> bit & 1 && (*index)-- == 0) {
      *bits &= (uint8_t) ~(1U << bit);
      return 1;
    }
  return 0;
}

int step_simplify(step *out, const step *s, size_t index) {
  *out = *s;
  return simplify_bits(&out->flags, &index) || simplify_bits(&out->names, &index) ||
         simplify_bits(&out->drop, &index) || simplify_bits(&out->claims, &index) ||
         simplify_bits(&out->part, &index) || simplify_edits(out, s, index);
}
