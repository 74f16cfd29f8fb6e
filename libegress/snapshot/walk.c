#include "snapshot/walk.h"

#include <string.h>

#include <egress/error.h>

enum { MAX_DEPTH = 64 /* as for printing JSON */ };

static int walk(egress__walk *w, const egress__schema_message *message, egress__range chunks);

/* An Any of a type that is not in the API cannot be looked into. */
static int walk_any(egress__walk *w, egress__range all) {
  const egress__field *url = egress__fields_last(&w->fields, all, 1), *value = egress__fields_last(&w->fields, all, 2);
  if (url == NULL || value == NULL)
    return 0;
  const egress__schema_message *message = egress__schema_message_of_url((const char *)url->bytes.data, url->bytes.size);
  egress__range chunk;
  if (message == NULL)
    return 0;
  int rv = egress__fields_push_message(&w->fields, value->bytes, &chunk);
  return rv == 0 ? walk(w, message, chunk) : rv;
}

/* Of a field that is not repeated the last occurrence counts. */
static int tell_texts(egress__walk *w, const egress__schema_field *field, egress__range all, egress__range group) {
  int rv = 0;
  for (size_t i = (field->flags & EGRESS__SCHEMA_REPEATED) != 0 ? group.from : group.to - 1; i < group.to && rv == 0;
       i++)
    rv = w->on_text(w, field, all, w->fields.stack.items[i].wire.bytes);
  return rv;
}

static int walk_group(egress__walk *w, egress__range all, egress__range group) {
  const egress__schema_field *field = w->fields.stack.items[group.from].field;
  if (field->type == EGRESS__SCHEMA_STRING)
    return tell_texts(w, field, all, group);
  if (field->type != EGRESS__SCHEMA_MESSAGE)
    return 0;
  const egress__schema_message *message = egress__schema_field_message(field);
  if ((field->flags & EGRESS__SCHEMA_REPEATED) == 0)
    return walk(w, message, group);
  int rv = 0;
  for (size_t i = group.from; i < group.to && rv == 0; i++)
    rv = walk(w, message, (egress__range){i, i + 1});
  return rv;
}

static int walk_fields(egress__walk *w, egress__range all) {
  int rv = 0;
  for (size_t i = all.from; i < all.to && rv == 0;) {
    egress__range group = egress__fields_group(&w->fields, i, all.to);
    rv = walk_group(w, all, group);
    i = group.to;
  }
  return rv;
}

static int walk(egress__walk *w, const egress__schema_message *message, egress__range chunks) {
  if (w->depth >= MAX_DEPTH)
    return EGRESS_ELIMIT;
  w->depth++;
  egress__range all;
  size_t top = w->fields.stack.count;
  int rv = egress__fields_scan(&w->fields, message, chunks, &all);
  if (rv == 0)
    rv = message->kind == EGRESS__SCHEMA_ANY ? walk_any(w, all) : walk_fields(w, all);
  egress__fields_pop(&w->fields, top);
  w->depth--;
  return rv;
}

static int walk_resource(egress__walk *w, const egress__schema_message *message, egress_resource *resource) {
  egress__range chunk;
  w->resource = resource;
  egress__fields_pop(&w->fields, 0);
  egress__span bytes = {egress_resource_bytes(resource), egress_resource_size(resource)};
  int rv = egress__fields_push_message(&w->fields, bytes, &chunk);
  if (rv == 0)
    rv = walk(w, message, chunk);
  return rv == 0 && w->on_end != NULL ? w->on_end(w, message, chunk) : rv;
}

int egress__walk_snapshot(egress__walk *w, const egress_snapshot *snap) {
  int rv = 0;
  for (size_t i = 0; i < egress_snapshot_type_count(snap) && rv == 0; i++) {
    const egress__type_set *set = egress__snapshot_type_at(snap, i);
    const egress__schema_message *message = egress__schema_message_of_url(set->type_url, strlen(set->type_url));
    egress__cursor cursor = {.set = set};
    egress_resource *resource;
    while (message != NULL && rv == 0 && (resource = egress__cursor_next(&cursor)) != NULL)
      rv = walk_resource(w, message, resource);
  }
  return rv;
}

void egress__walk_dispose(egress__walk *w) {
  EGRESS__VEC_FREE(w->fields.alloc, &w->fields.stack);
}
