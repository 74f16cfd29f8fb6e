#include "log.h"
#include "json_text.h"

#include <egress/egress.h>

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

typedef enum line_kind { OPEN, REQ, DREQ, RESP, DRESP, CLOSE } line_kind;
static const char *const kind_names[] = {"open", "req", "dreq", "resp", "dresp", "close"};

#define DISCOVERY "type.googleapis.com/envoy.service.discovery.v3."
static const char *const message_types[] = {
    [REQ] = DISCOVERY "DiscoveryRequest",
    [DREQ] = DISCOVERY "DeltaDiscoveryRequest",
    [RESP] = DISCOVERY "DiscoveryResponse",
    [DRESP] = DISCOVERY "DeltaDiscoveryResponse",
};

typedef struct line {
  uint64_t stream;
  size_t size;
  line_kind kind;
  unsigned char bytes[]; /* a packed message; of OPEN and CLOSE: JSON */
} line;

struct traffic_log {
  line *lines[LOG_MAX_LINES]; /* number n at n % LOG_MAX_LINES; NULL: it found no room */
  uint64_t first, next;
  size_t bytes;
};

struct log_reader {
  const traffic_log *log;
  uint64_t next, end; /* numbers; `end` is the first that is not given */
  char *text;         /* the line under way */
  size_t size, used;
};

/* ---- writing ---- */

traffic_log *traffic_log_new(void) {
  traffic_log *self = calloc(1, sizeof *self);
  if (self != NULL)
    self->first = self->next = 1;
  return self;
}

static void drop_oldest(traffic_log *self) {
  line **place = &self->lines[self->first++ % LOG_MAX_LINES];
  self->bytes -= *place != NULL ? (*place)->size : 0;
  free(*place);
  *place = NULL;
}

void traffic_log_free(traffic_log *self) {
  if (self == NULL)
    return;
  while (self->first < self->next)
    drop_oldest(self);
  free(self);
}

/* Adds a line of two parts. One that is larger than the whole log, or finds no memory, leaves its number behind. */
static void add(traffic_log *self, line_kind kind, uint64_t stream, const egress_message *parts) {
  size_t size = parts->head_size + parts->tail_size;
  int fits = size <= LOG_MAX_BYTES;
  while (self->first < self->next &&
         (self->next - self->first == LOG_MAX_LINES || (fits && self->bytes + size > LOG_MAX_BYTES)))
    drop_oldest(self);
  line *made = fits ? malloc(sizeof *made + size) : NULL;
  self->lines[self->next++ % LOG_MAX_LINES] = made;
  if (made == NULL)
    return;
  *made = (line){.stream = stream, .size = size, .kind = kind};
  if (parts->head_size > 0)
    memcpy(made->bytes, parts->head, parts->head_size);
  if (parts->tail_size > 0)
    memcpy(made->bytes + parts->head_size, parts->tail, parts->tail_size);
  self->bytes += size;
}

static line_kind kind_of(int32_t message_kind) {
  switch ((egress_message_kind)message_kind) {
  case EGRESS_MESSAGE_OPENED:
    return OPEN;
  case EGRESS_MESSAGE_REQUEST:
    return REQ;
  case EGRESS_MESSAGE_DELTA_REQUEST:
    return DREQ;
  case EGRESS_MESSAGE_RESPONSE:
    return RESP;
  case EGRESS_MESSAGE_DELTA_RESPONSE:
    return DRESP;
  }
  return OPEN;
}

static void add_text(traffic_log *self, line_kind kind, uint64_t stream, FILE *out, char *const *text,
                     const size_t *size) {
  if (fclose(out) == 0)
    add(self, kind, stream, &(egress_message){.head = *text, .head_size = *size});
  free(*text);
}

static void add_opened(traffic_log *self, const egress_message *message) {
  char *text = NULL;
  size_t size = 0;
  FILE *out = open_memstream(&text, &size);
  if (out == NULL)
    return;
  fputs("{\"peer\": ", out);
  json_put_quoted(out, message->peer);
  fputs(", \"typeUrl\": ", out);
  json_put_quoted(out, message->type_url);
  putc('}', out);
  add_text(self, OPEN, message->stream_id, out, &text, &size);
}

void traffic_log_message(traffic_log *self, const egress_message *message) {
  line_kind found = kind_of(message->kind);
  if (found == OPEN)
    add_opened(self, message);
  else
    add(self, found, message->stream_id, message);
}

void traffic_log_closed(traffic_log *self, const egress_event *event) {
  char *text = NULL;
  size_t size = 0;
  FILE *out = open_memstream(&text, &size);
  if (out == NULL)
    return;
  fputs("{\"node\": ", out);
  json_put_quoted(out, event->node_id);
  fprintf(out, ", \"status\": %" PRId32 ", \"message\": ", event->status);
  json_put_quoted(out, event->message);
  putc('}', out);
  add_text(self, CLOSE, event->stream_id, out, &text, &size);
}

uint64_t traffic_log_first(const traffic_log *self) {
  return self->first < self->next ? self->first : 0;
}

uint64_t traffic_log_last(const traffic_log *self) {
  return self->next - 1;
}

/* ---- reading ---- */

/* Prints what egress_resource_json made in one line, and without the "@type" that the line's kind says already. */
static void write_flat(FILE *out, const char *text) {
  const char *first = strstr(text, "\n  \""), *second = first != NULL ? strstr(first + 1, "\n  \"") : NULL;
  putc('{', out);
  for (const char *at = second != NULL ? second : "\n}"; *at != '\0'; at++) {
    if (*at != '\n') { /* line ends stand between tokens only: in texts they are escaped */
      putc(*at, out);
      continue;
    }
    fputs(at > text && at[-1] == ',' && at != second ? " " : "", out);
    at += strspn(at, "\n ") - 1;
  }
}

/* What a client sent need not be a message at all. */
static void write_undecodable(FILE *out, const line *of, int rv) {
  enum { SHOWN_BYTES = 4096 };
  fprintf(out, "{\"undecodable\": \"%s\", \"size\": %zu, \"hex\": \"", egress_strerror(rv), of->size);
  for (size_t i = 0; i < of->size && i < SHOWN_BYTES; i++)
    fprintf(out, "%02x", of->bytes[i]);
  fputs("\"}", out);
}

static void write_message(FILE *out, const line *of) {
  egress_resource *resource = NULL;
  egress_text *text = NULL;
  int rv = egress_resource_new(&resource, message_types[of->kind], "message", of->bytes, of->size, NULL);
  if (rv == 0)
    rv = egress_resource_json(&text, resource);
  if (rv == 0)
    write_flat(out, egress_text_data(text));
  else
    write_undecodable(out, of, rv);
  egress_text_free(text);
  egress_resource_unref(resource);
}

static void write_line(FILE *out, uint64_t number, const line *of) {
  fprintf(out, "{\"seq\": %" PRIu64 ", \"stream\": %" PRIu64 ", \"kind\": \"%s\", \"msg\": ", number, of->stream,
          kind_names[of->kind]);
  if (of->kind == OPEN || of->kind == CLOSE)
    fwrite(of->bytes, 1, of->size, out);
  else
    write_message(out, of);
  fputs("}\n", out);
}

log_reader *log_reader_new(const traffic_log *log, uint64_t since) {
  log_reader *self = calloc(1, sizeof *self);
  if (self == NULL)
    return NULL;
  self->log = log;
  self->end = log->next;
  self->next = since + 1;
  return self;
}

static const line *line_at(const log_reader *self, uint64_t number) {
  return number < self->log->first ? NULL : self->log->lines[number % LOG_MAX_LINES];
}

/* Prints the next line: one that says how many lines are lost, or one that is there. */
static void write_next(log_reader *self, FILE *out) {
  uint64_t from = self->next;
  if (self->next < self->log->first)
    self->next = self->log->first < self->end ? self->log->first : self->end;
  while (self->next < self->end && line_at(self, self->next) == NULL)
    self->next++;
  if (self->next > from) {
    fprintf(out, "{\"seq\": %" PRIu64 ", \"stream\": 0, \"kind\": \"lost\", \"msg\": {\"lines\": %" PRIu64 "}}\n",
            self->next - 1, self->next - from);
    return;
  }
  write_line(out, self->next, line_at(self, self->next));
  self->next++;
}

static int fill(log_reader *self) {
  free(self->text);
  self->text = NULL;
  self->size = self->used = 0;
  FILE *out = open_memstream(&self->text, &self->size);
  if (out == NULL)
    return -1;
  write_next(self, out);
  return fclose(out);
}

size_t log_reader_read(void *reader, char *to, size_t room) {
  log_reader *self = reader;
  if (self->used == self->size && (self->next >= self->end || fill(self) != 0))
    return 0;
  size_t size = self->size - self->used < room ? self->size - self->used : room;
  memcpy(to, self->text + self->used, size);
  self->used += size;
  return size;
}

void log_reader_free(void *reader) {
  log_reader *self = reader;
  free(self->text);
  free(self);
}
