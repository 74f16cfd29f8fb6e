#include "routes.h"
#include "faults.h"
#include "utf8.h"

#include <egress/egress.h>

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

static void refuse(http_answer *answer, unsigned status, const char *message) {
  answer->status = status;
  faults_only(answer->out, message);
}

/* ---- names in paths ---- */

static int hex_digit(char c) {
  static const char digits[] = "0123456789abcdef";
  const char *found = c != '\0' ? strchr(digits, c >= 'A' && c <= 'F' ? c - 'A' + 'a' : c) : NULL;
  return found != NULL ? (int)(found - digits) : -1;
}

/* Decodes %XX. NULL; or what is wrong. */
static const char *decode_node(char out[NODE_MAX_BYTES + 1], const char *text) {
  size_t used = 0;
  for (; *text != '\0'; text++) {
    int high = *text == '%' ? hex_digit(text[1]) : 0, low = *text == '%' && high >= 0 ? hex_digit(text[2]) : 0;
    if (used == NODE_MAX_BYTES)
      return "the node's name is longer than 255 bytes";
    if (high < 0 || low < 0)
      return "a % in the path is not followed by two hexadecimal digits";
    if (*text == '%' && high == 0 && low == 0)
      return "the node's name has a NUL in it";
    out[used++] = (char)(*text == '%' ? high << 4 | low : *text);
    text += *text == '%' ? 2 : 0;
  }
  out[used] = '\0';
  for (const char *at = out; *at != '\0'; at += utf8_size(at))
    if (utf8_size(at) == 0)
      return "the node's name is not UTF-8";
  return used == 0 ? "the path has no node; write /snapshot/NODE, or /snapshot/* for all that have none" : NULL;
}

/* ---- what is answered ---- */

static void answer_snapshot(const routes *self, http_answer *answer, const http_request *request, const char *rest) {
  char node[NODE_MAX_BYTES + 1];
  const char *fault = decode_node(node, rest);
  if (fault != NULL)
    refuse(answer, 400, fault);
  else if (strcmp(request->method, "PUT") == 0)
    answer->status = snapshots_put(self->snapshots, node, request->body, request->size, answer->out);
  else
    answer->status = snapshots_delete(self->snapshots, node, answer->out);
}

static void answer_status(const routes *self, http_answer *answer, const http_request *request, const char *rest) {
  (void)request;
  (void)rest;
  egress_text *streams = NULL;
  int rv = egress_server_status_json(&streams, self->server);
  if (rv != 0) {
    refuse(answer, 500, egress_strerror(rv));
    return;
  }
  fputs("{\"snapshots\": ", answer->out);
  snapshots_write(self->snapshots, answer->out);
  fprintf(answer->out, ",\n\"streams\": %s", egress_text_data(streams));
  egress_text_free(streams);
  fprintf(answer->out, ",\n\"log\": {\"first\": %" PRIu64 ", \"last\": %" PRIu64 "}}\n", traffic_log_first(self->log),
          traffic_log_last(self->log));
}

static void answer_metrics(const routes *self, http_answer *answer, const http_request *request, const char *rest) {
  (void)request;
  (void)rest;
  egress_text *metrics = NULL;
  int rv = egress_server_metrics(&metrics, self->server);
  if (rv != 0) {
    refuse(answer, 500, egress_strerror(rv));
    return;
  }
  answer->content_type = "text/plain; version=0.0.4; charset=utf-8";
  fputs(egress_text_data(metrics), answer->out);
  egress_text_free(metrics);
}

static unsigned fetch_status(int rv) {
  switch (rv) {
  case EGRESS_ESYNTAX:
  case EGRESS_ERESOURCE:
  case EGRESS_EPROTO:
    return 400;
  case EGRESS_EDENIED:
    return 403;
  case EGRESS_ELIMIT:
    return 413;
  case EGRESS_ENOENT:
    return 503;
  default:
    return 500;
  }
}

static void refuse_fetch(http_answer *answer, int rv, const egress_diag *diag) {
  faults found;
  if (egress_diag_count(diag) == 0) {
    refuse(answer, fetch_status(rv), egress_strerror(rv));
    return;
  }
  answer->status = fetch_status(rv);
  faults_begin(&found, answer->out);
  faults_add_diag(&found, diag);
  faults_end(&found);
}

/* xDS over REST. 304: the client has it all. */
static void answer_fetch(const routes *self, http_answer *answer, const http_request *request, const char *rest) {
  const char *type_url = egress_fetch_type_url(request->path);
  egress_text *text = NULL;
  (void)rest;
  if (type_url == NULL) {
    refuse(answer, 404, "there is no discovery of that: write /v3/discovery:clusters, say");
    return;
  }
  egress_diag *diag = egress_diag_new(NULL);
  int rv = egress_fetch_answer(&text, self->fetch, type_url, request->body, request->size, diag);
  if (rv != 0)
    refuse_fetch(answer, rv, diag);
  else if (text == NULL)
    answer->status = 304;
  else
    fprintf(answer->out, "%s\n", egress_text_data(text));
  egress_text_free(text);
  egress_diag_free(diag);
}

/* The number behind ?since=; 0 where there is none. Returns 0; -1: that is no number. */
static int read_since(uint64_t *out, const http_request *request) {
  enum { DIGITS_MAX = 18 /* fits a uint64_t */ };
  const char *text = request->argument_value;
  size_t digits = strspn(text, "0123456789");
  *out = 0;
  if (request->argument_count == 0)
    return 0;
  if (digits == 0 || digits > DIGITS_MAX || text[digits] != '\0')
    return -1;
  *out = strtoull(text, NULL, 10);
  return 0;
}

static void answer_log(const routes *self, http_answer *answer, const http_request *request, const char *rest) {
  uint64_t since;
  (void)rest;
  if (read_since(&since, request) != 0) {
    refuse(answer, 400, "since is not a number; write /log?since=N for the lines behind line N");
    return;
  }
  log_reader *reader = log_reader_new(self->log, since);
  if (reader == NULL) {
    refuse(answer, 500, "out of memory");
    return;
  }
  answer->content_type = "application/x-ndjson";
  answer->read = log_reader_read;
  answer->read_end = log_reader_free;
  answer->read_user = reader;
}

/* ---- which path is which ---- */

typedef struct route {
  const char *path;
  int has_rest;         /* something follows the path: what it is about */
  const char *methods;  /* as a header names them */
  const char *argument; /* the only one that is known; NULL: none */
  void (*answer)(const routes *self, http_answer *answer, const http_request *request, const char *rest);
} route;

static const route known[] = {
    {"/snapshot/", 1, "PUT, DELETE", NULL, answer_snapshot}, {"/status", 0, "GET, HEAD", NULL, answer_status},
    {"/metrics", 0, "GET, HEAD", NULL, answer_metrics},      {"/log", 0, "GET, HEAD", "since", answer_log},
    {"/v3/discovery:", 1, "POST", NULL, answer_fetch},
};
enum { ROUTE_COUNT = sizeof known / sizeof *known };

static const route *find_route(const char *path) {
  for (size_t i = 0; i < ROUTE_COUNT; i++)
    if (known[i].has_rest ? strncmp(path, known[i].path, strlen(known[i].path)) == 0 : strcmp(path, known[i].path) == 0)
      return &known[i];
  return NULL;
}

/* 1 when `word` is one of "WORD, WORD". */
static int is_listed(const char *words, const char *word) {
  size_t size = strlen(word);
  for (const char *at = words; at != NULL; at = (at = strchr(at, ' ')) != NULL ? at + 1 : NULL)
    if (strncmp(at, word, size) == 0 && (at[size] == ',' || at[size] == '\0'))
      return 1;
  return 0;
}

static int has_stray_argument(const route *found, const http_request *request) {
  if (request->argument_count == 0)
    return 0;
  return found->argument == NULL || request->argument_count > 1 || strcmp(found->argument, request->argument_name) != 0;
}

void routes_answer(http_answer *answer, const http_request *request, void *user) {
  const routes *self = user;
  const route *found = find_route(request->path);
  if (found == NULL) {
    refuse(answer, 404,
           "there are PUT and DELETE /snapshot/NODE, GET /status, /metrics and /log?since=N, and POST "
           "/v3/discovery:TYPES");
  } else if (!is_listed(found->methods, request->method)) {
    answer->allow = found->methods;
    refuse(answer, 405, "that path does not know this method");
  } else if (has_stray_argument(found, request)) {
    refuse(answer, 400, "unknown argument behind the ?: only /log has one, since");
  } else {
    found->answer(self, answer, request, request->path + strlen(found->path));
  }
}
