#include "status.h"
#include "json_text.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

/* What a client said of one type. */
typedef struct type_status {
  struct type_status *next;
  char *type_url;
  char *acked, *nacked; /* versions; NULL: none yet */
  char *why;            /* the last refusal's text */
} type_status;

struct stream_status {
  stream_status *next;
  uint64_t id;
  char *node, *peer;
  type_status *types;
};

static void free_type(type_status *type) {
  free(type->type_url);
  free(type->acked);
  free(type->nacked);
  free(type->why);
  free(type);
}

static void free_stream(stream_status *stream) {
  for (type_status *type; (type = stream->types) != NULL;) {
    stream->types = type->next;
    free_type(type);
  }
  free(stream->node);
  free(stream->peer);
  free(stream);
}

void status_dispose(stream_list *self) {
  for (stream_status *stream; (stream = self->streams) != NULL;) {
    self->streams = stream->next;
    free_stream(stream);
  }
}

/* Where the stream is linked; at the end: it is not known. */
static stream_status **place_of(stream_list *self, uint64_t id) {
  stream_status **at = &self->streams;
  while (*at != NULL && (*at)->id != id)
    at = &(*at)->next;
  return at;
}

/* Without memory the stream is not listed; all else goes on. */
static void open_stream(stream_list *self, const egress_event *event) {
  stream_status *made = calloc(1, sizeof *made);
  if (made == NULL)
    return;
  made->id = event->stream_id;
  made->node = strdup(event->node_id);
  made->peer = strdup(event->peer);
  if (made->node == NULL || made->peer == NULL) {
    free_stream(made);
    return;
  }
  made->next = self->streams;
  self->streams = made;
}

static void close_stream(stream_list *self, uint64_t id) {
  stream_status **place = place_of(self, id), *gone = *place;
  if (gone == NULL)
    return;
  *place = gone->next;
  free_stream(gone);
}

static type_status *need_type(stream_status *stream, const char *type_url) {
  type_status *type = stream->types;
  while (type != NULL && strcmp(type->type_url, type_url) != 0)
    type = type->next;
  if (type != NULL || (type = calloc(1, sizeof *type)) == NULL)
    return type;
  if ((type->type_url = strdup(type_url)) == NULL) {
    free(type);
    return NULL;
  }
  type->next = stream->types;
  stream->types = type;
  return type;
}

static void replace(char **text, const char *with) {
  free(*text);
  *text = strdup(with);
}

static void note_answer(stream_list *self, const egress_event *event) {
  stream_status *stream = *place_of(self, event->stream_id);
  type_status *type = stream != NULL ? need_type(stream, event->type_url) : NULL;
  if (type == NULL)
    return;
  if (event->kind == EGRESS_EVENT_ACKED) {
    replace(&type->acked, event->version);
    return;
  }
  replace(&type->nacked, event->version);
  replace(&type->why, event->message);
}

void status_event(stream_list *self, const egress_event *event) {
  switch ((egress_event_kind)event->kind) {
  case EGRESS_EVENT_CONNECTED:
    open_stream(self, event);
    return;
  case EGRESS_EVENT_DISCONNECTED:
    close_stream(self, event->stream_id);
    return;
  case EGRESS_EVENT_ACKED:
  case EGRESS_EVENT_NACKED:
    note_answer(self, event);
    return;
  case EGRESS_EVENT_REJECTED:
    return; /* it ends the stream: DISCONNECTED follows */
  case EGRESS_EVENT_HELD:
  case EGRESS_EVENT_ROLLED_BACK:
  case EGRESS_EVENT_PROVEN:
  case EGRESS_EVENT_ROLLOUT_STAGED:
  case EGRESS_EVENT_ROLLOUT_SOAKING:
  case EGRESS_EVENT_ROLLOUT_OPEN:
  case EGRESS_EVENT_LOAD_REPORT:
    return; /* nothing is tried here, and nobody asked for reports */
  }
}

/* A member, if there is a text. */
static void put_member(FILE *out, const char **separator, const char *key, const char *text) {
  if (text == NULL)
    return;
  fprintf(out, "%s\"%s\": ", *separator, key);
  json_put_quoted(out, text);
  *separator = ", ";
}

static void write_type(FILE *out, const type_status *type) {
  const char *separator = "";
  json_put_quoted(out, type->type_url);
  fputs(": {", out);
  put_member(out, &separator, "acked", type->acked);
  put_member(out, &separator, "nacked", type->nacked);
  put_member(out, &separator, "why", type->why);
  putc('}', out);
}

static void write_stream(FILE *out, const stream_status *stream) {
  fprintf(out, "{\"stream\": %" PRIu64 ", \"node\": ", stream->id);
  json_put_quoted(out, stream->node);
  fputs(", \"peer\": ", out);
  json_put_quoted(out, stream->peer);
  fputs(", \"types\": {", out);
  for (const type_status *type = stream->types; type != NULL; type = type->next) {
    write_type(out, type);
    fputs(type->next != NULL ? ", " : "", out);
  }
  fputs("}}", out);
}

void status_write(const stream_list *self, FILE *out) {
  putc('[', out);
  for (const stream_status *stream = self->streams; stream != NULL; stream = stream->next) {
    fputs(stream != self->streams ? ",\n  " : "\n  ", out);
    write_stream(out, stream);
  }
  putc(']', out);
}
