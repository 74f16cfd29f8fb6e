/* Messages that proto3 JSON writes in a form of their own. */
#include <string.h>

#include <egress/error.h>

#include "resource/json_reader.h"
#include "resource/moment.h"

/* A text that is read from its front. */
typedef struct cursor {
  const char *at, *end;
} cursor;

static int next_is(cursor *c, char wanted) {
  if (c->at == c->end || *c->at != wanted)
    return 0;
  c->at++;
  return 1;
}

/* From `least` to `most` digits; returns how many, 0 when there are not so many. */
static int take_digits(cursor *c, int least, int most, int64_t *out) {
  int count = 0;
  *out = 0;
  for (; c->at < c->end && *c->at >= '0' && *c->at <= '9'; c->at++) {
    if (++count > most)
      return 0;
    *out = *out * 10 + (*c->at - '0');
  }
  return count < least ? 0 : count;
}

/* Nothing, or a point and up to nine digits; returns 1 unless it is malformed. */
static int take_fraction(cursor *c, int32_t *nanos) {
  enum { DIGITS = 9 };
  int64_t value;
  *nanos = 0;
  if (!next_is(c, '.'))
    return 1;
  int count = take_digits(c, 1, DIGITS, &value);
  if (count == 0)
    return 0;
  for (; count < DIGITS; count++)
    value *= 10;
  *nanos = (int32_t)value;
  return 1;
}

static int parse_duration(cursor c, egress__moment *out) {
  enum { DIGITS = 12 }; /* of ten thousand years */
  int negative = next_is(&c, '-');
  egress__moment m;
  if (take_digits(&c, 1, DIGITS, &m.seconds) == 0 || !take_fraction(&c, &m.nanos) || !next_is(&c, 's') || c.at != c.end)
    return 0;
  if (negative)
    m = (egress__moment){-m.seconds, -m.nanos};
  *out = m;
  return egress__moment_is_duration(m);
}

static int parse_date(cursor *c, egress__date *out) {
  static const int days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
  int64_t year, month, day;
  if (take_digits(c, 4, 4, &year) == 0 || !next_is(c, '-') || take_digits(c, 2, 2, &month) == 0 || !next_is(c, '-') ||
      take_digits(c, 2, 2, &day) == 0)
    return 0;
  int leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
  *out = (egress__date){year, (unsigned)month, (unsigned)day};
  return month >= 1 && month <= 12 && day >= 1 && day <= days[month - 1] + (leap && month == 2);
}

static int parse_clock(cursor *c, int64_t *seconds) {
  int64_t hour, minute, second;
  if (take_digits(c, 2, 2, &hour) == 0 || !next_is(c, ':') || take_digits(c, 2, 2, &minute) == 0 || !next_is(c, ':') ||
      take_digits(c, 2, 2, &second) == 0)
    return 0;
  *seconds = (hour * 60 + minute) * 60 + second;
  return hour < 24 && minute < 60 && second < 60; /* a leap second has no number */
}

/* `Z`, or how far local time is ahead. */
static int parse_offset(cursor *c, int64_t *seconds) {
  int64_t hour, minute;
  *seconds = 0;
  if (next_is(c, 'Z'))
    return 1;
  int64_t sign = next_is(c, '+') ? 1 : next_is(c, '-') ? -1 : 0;
  if (sign == 0 || take_digits(c, 2, 2, &hour) == 0 || !next_is(c, ':') || take_digits(c, 2, 2, &minute) == 0)
    return 0;
  *seconds = sign * (hour * 60 + minute) * 60;
  return hour < 24 && minute < 60;
}

static int parse_timestamp(cursor c, egress__moment *out) {
  egress__date date;
  egress__moment m;
  int64_t seconds, offset;
  if (!parse_date(&c, &date) || !next_is(&c, 'T') || !parse_clock(&c, &seconds) || !take_fraction(&c, &m.nanos) ||
      !parse_offset(&c, &offset) || c.at != c.end)
    return 0;
  m.seconds = egress__day_of(date) * 86400 + seconds - offset;
  *out = m;
  return egress__moment_is_timestamp(m);
}

static void put_moment(egress__json_reader *r, egress__moment m) {
  if (m.seconds != 0)
    egress__json_put_field(r, 1, EGRESS__WIRE_VARINT, &(egress__json_wire){.value = (uint64_t)m.seconds});
  if (m.nanos != 0)
    egress__json_put_field(r, 2, EGRESS__WIRE_VARINT, &(egress__json_wire){.value = (uint64_t)(int64_t)m.nanos});
}

static void read_moment(egress__json_reader *r, const egress__node *node, const char *wanted,
                        int (*parse)(cursor c, egress__moment *out)) {
  egress__moment m;
  if (egress__node_type_of(node) == EGRESS__TYPE_TEXT && parse((cursor){node->text, node->text + node->size}, &m))
    put_moment(r, m);
  else
    egress__json_mistyped(r, node, wanted);
}

/* One path from camel case to underscores. */
static int put_path(egress__json_reader *r, const char *text, size_t size) {
  size_t begun = egress__json_begin(r, 1);
  for (size_t i = 0; i < size; i++) {
    char c = text[i];
    if (c == '_')
      return 0;
    if (c >= 'A' && c <= 'Z') {
      egress__buf_char(&r->out, '_');
      c = (char)(c - 'A' + 'a');
    }
    egress__buf_char(&r->out, c);
  }
  egress__json_end(r, begun);
  return 1;
}

static void read_field_mask(egress__json_reader *r, const egress__node *node) {
  static const char wanted[] = "paths in camel case with commas between them";
  if (egress__node_type_of(node) != EGRESS__TYPE_TEXT) {
    egress__json_mistyped(r, node, wanted);
    return;
  }
  const char *at = node->text, *end = at + node->size;
  while (node->size != 0) {
    const char *comma = memchr(at, ',', (size_t)(end - at));
    if (!put_path(r, at, (size_t)((comma == NULL ? end : comma) - at))) {
      egress__json_mistyped(r, node, wanted);
      return;
    }
    if (comma == NULL)
      return;
    at = comma + 1;
  }
}

/* Bare; the default is left out. */
static int read_wrapper(egress__json_reader *r, const egress__schema_message *message, const egress__node *node) {
  return egress__json_read_field(r, egress__schema_field_by_number(message, 1), node);
}

/* The member of Value's oneof that says it; all are written, also at their default. */
static int read_json_value(egress__json_reader *r, const egress__schema_message *message, const egress__node *node) {
  uint32_t number = 0;
  switch (egress__node_type_of(node)) {
  case EGRESS__TYPE_NULL:
    number = 1;
    break;
  case EGRESS__TYPE_NUMBER:
    number = 2;
    break;
  case EGRESS__TYPE_TEXT:
    number = 3;
    break;
  case EGRESS__TYPE_BOOL:
    number = 4;
    break;
  case EGRESS__TYPE_MAP:
    number = 5;
    break;
  case EGRESS__TYPE_LIST:
    number = 6;
    break;
  case EGRESS__TYPE_YAML_NUMBER:
  case EGRESS__TYPE_BROKEN:
    egress__json_mistyped(r, node, "a value");
    return 0;
  }
  return egress__json_read_field(r, egress__schema_field_by_number(message, number), node);
}

/* The message that a type URL names; NULL, reported: none. */
static const egress__schema_message *find_type(egress__json_reader *r, const egress__node *type) {
  if (egress__node_type_of(type) != EGRESS__TYPE_TEXT || memchr(type->text, '/', type->size) == NULL) {
    egress__json_mistyped(r, type, "a type URL such as \"type.googleapis.com/envoy.config.cluster.v3.Cluster\"");
    return NULL;
  }
  const egress__schema_message *found = egress__schema_message_of_url(type->text, type->size);
  if (found != NULL && found->kind != EGRESS__SCHEMA_MAP_ENTRY)
    return found;
  egress__json_fault(r, type, "names \"%s\", which is not in the Envoy v3 API", egress__quoted(type->text).text);
  return NULL;
}

const egress__node *egress__json_type(egress__json_reader *r, const egress__node *node,
                                      const egress__schema_message **message) {
  const egress__node *type = egress__node_member(node, "@type");
  if (type == NULL) {
    egress__json_fault(r, node, "has no `@type`");
    return NULL;
  }
  egress__json_step step = {.up = r->step, .key = type->key};
  r->step = &step;
  const egress__schema_message *found = find_type(r, type);
  r->step = step.up;
  if (found == NULL)
    return NULL;
  *message = found;
  return type;
}

/* What is not an object of fields stands under "value", and nothing else beside it. */
static int read_under_value(egress__json_reader *r, const egress__schema_message *message, const egress__node *node,
                            const egress__node *type) {
  const egress__node *value = egress__node_member(node, "value");
  int rv = 0;
  for (const egress__node *at = node->first; at != NULL && rv == 0; at = at->next) {
    egress__json_step step = {.up = r->step, .key = at->key};
    r->step = &step;
    if (at == value) {
      rv = egress__json_read_message(r, message, at);
    } else if (at != type) {
      egress__json_fault(r, at->key, "cannot stand here: %s is written as `value` beside `@type`",
                         egress__schema_text(message->name));
    }
    r->step = step.up;
  }
  if (rv == 0 && value == NULL)
    egress__json_fault(r, node, "has no `value`, which is how %s is written beside `@type`",
                       egress__schema_text(message->name));
  return rv;
}

int egress__json_read_content(egress__json_reader *r, const egress__schema_message *message, const egress__node *node,
                              const egress__node *type) {
  if (message->kind == EGRESS__SCHEMA_PLAIN)
    return egress__json_read_members(r, message, node, type);
  return read_under_value(r, message, node, type);
}

/* An empty object is an Any of nothing. */
static int read_any(egress__json_reader *r, const egress__node *node) {
  if (node->kind != EGRESS__NODE_MAP) {
    egress__json_mistyped(r, node, "an object with `@type`");
    return 0;
  }
  const egress__schema_message *message;
  const egress__node *type = node->first == NULL ? NULL : egress__json_type(r, node, &message);
  if (type == NULL)
    return 0;
  egress__json_wire type_url = {.bytes = {(const uint8_t *)type->text, type->size}};
  egress__json_put_field(r, 1, EGRESS__WIRE_BYTES, &type_url);
  size_t before = r->out.size, begun = egress__json_begin(r, 2);
  int rv = egress__json_read_content(r, message, node, type);
  if (r->out.size == begun)
    r->out.size = before; /* no bytes at all are the default */
  else
    egress__json_end(r, begun);
  return rv;
}

int egress__json_read_known(egress__json_reader *r, const egress__schema_message *message, const egress__node *node) {
  switch ((egress__schema_kind)message->kind) {
  case EGRESS__SCHEMA_ANY:
    return read_any(r, node);
  case EGRESS__SCHEMA_DURATION:
    read_moment(r, node, "a duration of up to ten thousand years such as \"1.5s\"", parse_duration);
    return 0;
  case EGRESS__SCHEMA_TIMESTAMP:
    read_moment(r, node, "a time such as \"2026-01-31T12:00:00.5Z\"", parse_timestamp);
    return 0;
  case EGRESS__SCHEMA_FIELD_MASK:
    read_field_mask(r, node);
    return 0;
  case EGRESS__SCHEMA_LIST_VALUE:
  case EGRESS__SCHEMA_STRUCT:
    return egress__json_read_field(r, egress__schema_field_by_number(message, 1), node);
  case EGRESS__SCHEMA_VALUE:
    return read_json_value(r, message, node);
  case EGRESS__SCHEMA_WRAPPER:
    return read_wrapper(r, message, node);
  case EGRESS__SCHEMA_PLAIN:
  case EGRESS__SCHEMA_MAP_ENTRY:
    break;
  }
  return EGRESS_EWIRE;
}
