/* Messages that proto3 JSON writes in a form of their own. */
#include <inttypes.h>
#include <math.h>
#include <string.h>

#include <egress/error.h>

#include "resource/json.h"
#include "resource/moment.h"

static egress__moment read_moment(const egress__fields *fields, egress__range all) {
  const egress__field *seconds = egress__fields_last(fields, all, 1), *nanos = egress__fields_last(fields, all, 2);
  return (egress__moment){seconds == NULL ? 0 : (int64_t)seconds->value, nanos == NULL ? 0 : (int32_t)nanos->value};
}

/* None, three, six or nine digits. */
static void print_fraction(egress__buf *text, int32_t nanos) {
  if (nanos == 0)
    return;
  if (nanos % 1000000 == 0)
    egress__buf_printf(text, ".%03d", nanos / 1000000);
  else if (nanos % 1000 == 0)
    egress__buf_printf(text, ".%06d", nanos / 1000);
  else
    egress__buf_printf(text, ".%09d", nanos);
}

static int print_duration(egress__json_printer *p, egress__range all) {
  egress__moment m = read_moment(&p->fields, all);
  if (!egress__moment_is_duration(m))
    return EGRESS_EWIRE;
  int negative = m.seconds < 0 || m.nanos < 0;
  egress__buf_printf(&p->out.text, "\"%s%" PRId64, negative ? "-" : "", negative ? -m.seconds : m.seconds);
  print_fraction(&p->out.text, negative ? -m.nanos : m.nanos);
  egress__buf_str(&p->out.text, "s\"");
  return 0;
}

static int print_timestamp(egress__json_printer *p, egress__range all) {
  egress__moment m = read_moment(&p->fields, all);
  if (!egress__moment_is_timestamp(m))
    return EGRESS_EWIRE;
  int64_t days = m.seconds / 86400 - (m.seconds % 86400 < 0);
  unsigned second = (unsigned)(m.seconds - days * 86400);
  egress__date d = egress__date_of(days);
  egress__buf_printf(&p->out.text, "\"%04d-%02u-%02uT%02u:%02u:%02u", (int)d.year, d.month, d.day, second / 3600,
                     second / 60 % 60, second % 60);
  print_fraction(&p->out.text, m.nanos);
  egress__buf_str(&p->out.text, "Z\"");
  return 0;
}

/* snake_case to lowerCamelCase, only where that can be undone: no upper case, and each underscore before a letter. */
static int camel_path(egress__buf *to, egress__span path) {
  for (size_t i = 0; i < path.size; i++) {
    uint8_t c = path.data[i];
    if (c >= 'A' && c <= 'Z')
      return EGRESS_EWIRE;
    if (c == '_') {
      c = ++i < path.size ? path.data[i] : 0;
      if (c < 'a' || c > 'z')
        return EGRESS_EWIRE;
      c = (uint8_t)(c - 'a' + 'A');
    }
    egress__buf_char(to, (char)c);
  }
  return 0;
}

static int print_field_mask(egress__json_printer *p, egress__range all) {
  egress__buf joined;
  egress__buf_init(&joined, p->out.text.alloc);
  int rv = 0;
  for (size_t i = all.from; i < all.to && rv == 0; i++) {
    if (i > all.from)
      egress__buf_char(&joined, ',');
    rv = camel_path(&joined, p->fields.stack.items[i].wire.bytes);
  }
  if (rv == 0)
    rv = joined.rv;
  if (rv == 0)
    rv = egress__json_string(&p->out, (egress__span){(const uint8_t *)joined.data, joined.size});
  egress__buf_dispose(&joined);
  return rv;
}

/* Bare, and the default when it is not there. */
static int print_wrapper(egress__json_printer *p, const egress__schema_message *message, egress__range all) {
  const egress__field *found = egress__fields_last(&p->fields, all, 1);
  egress__field wire = found == NULL ? (egress__field){.number = 1} : *found;
  return egress__json_scalar(p, egress__schema_field_by_number(message, 1), &wire);
}

/* JSON has no such numbers, and as strings they would read back as strings. */
static int is_finite(const egress__item *item) {
  double value;
  memcpy(&value, &item->wire.value, sizeof value);
  return isfinite(value);
}

/* All members are of one oneof, so what is left belongs to one field. */
static int print_json_value(egress__json_printer *p, egress__range all) {
  if (all.from == all.to) {
    egress__buf_str(&p->out.text, "null");
    return 0;
  }
  const egress__item *item = &p->fields.stack.items[all.to - 1];
  if (item->field->type == EGRESS__SCHEMA_DOUBLE && !is_finite(item))
    return EGRESS_EWIRE;
  return egress__json_field(p, item->field, all);
}

/* Both have one field, a map or a list; without items it is empty. */
static int print_container(egress__json_printer *p, const egress__schema_message *message, egress__range all) {
  return egress__json_field(p, egress__schema_field_by_number(message, 1), all);
}

static egress__span bytes_of(const egress__field *wire) {
  return wire == NULL ? (egress__span){(const uint8_t *)"", 0} : wire->bytes;
}

static int print_any(egress__json_printer *p, egress__range all) {
  egress__span type_url = bytes_of(egress__fields_last(&p->fields, all, 1));
  egress__span value = bytes_of(egress__fields_last(&p->fields, all, 2));
  if (type_url.size == 0 && value.size == 0) {
    egress__buf_str(&p->out.text, "{}");
    return 0;
  }
  return egress__json_any(p, egress__schema_message_of_url((const char *)type_url.data, type_url.size), type_url,
                          value);
}

/* The members of what is inside stand beside `@type`; what is not an object of members stands under "value". */
static int print_content(egress__json_printer *p, const egress__schema_message *message, egress__span value) {
  egress__range chunk;
  size_t top = p->fields.stack.count;
  int rv = egress__fields_push_message(&p->fields, value, &chunk);
  if (rv == 0 && message->kind == EGRESS__SCHEMA_PLAIN) {
    rv = egress__json_members(p, message, chunk);
  } else if (rv == 0) {
    egress__json_key(&p->out, "value");
    rv = egress__json_message(p, message, chunk);
  }
  egress__fields_pop(&p->fields, top);
  return rv;
}

int egress__json_any(egress__json_printer *p, const egress__schema_message *message, egress__span type_url,
                     egress__span value) {
  egress__json_open(&p->out, '{');
  egress__json_key(&p->out, "@type");
  int rv = egress__json_string(&p->out, type_url);
  if (rv == 0 && message != NULL) {
    rv = print_content(p, message, value);
  } else if (rv == 0) {
    egress__json_key(&p->out, "value");
    egress__json_bytes(&p->out, value);
  }
  egress__json_close(&p->out, '}');
  return rv;
}

int egress__json_known(egress__json_printer *p, const egress__schema_message *message, egress__range chunks) {
  egress__range all;
  size_t top = p->fields.stack.count;
  int rv = egress__fields_scan(&p->fields, message, chunks, &all);
  if (rv == 0) {
    switch ((egress__schema_kind)message->kind) {
    case EGRESS__SCHEMA_ANY:
      rv = print_any(p, all);
      break;
    case EGRESS__SCHEMA_DURATION:
      rv = print_duration(p, all);
      break;
    case EGRESS__SCHEMA_FIELD_MASK:
      rv = print_field_mask(p, all);
      break;
    case EGRESS__SCHEMA_LIST_VALUE:
    case EGRESS__SCHEMA_STRUCT:
      rv = print_container(p, message, all);
      break;
    case EGRESS__SCHEMA_TIMESTAMP:
      rv = print_timestamp(p, all);
      break;
    case EGRESS__SCHEMA_VALUE:
      rv = print_json_value(p, all);
      break;
    case EGRESS__SCHEMA_WRAPPER:
      rv = print_wrapper(p, message, all);
      break;
    case EGRESS__SCHEMA_PLAIN:
    case EGRESS__SCHEMA_MAP_ENTRY:
      rv = EGRESS_EWIRE; /* an Any that names a map entry: no message of its own */
      break;
    }
  }
  egress__fields_pop(&p->fields, top);
  return rv;
}
