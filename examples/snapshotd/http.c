/*
 * libmicrohttpd without threads: its epoll descriptor is polled by the loop, and a timer follows what it says of its
 * own timeouts. A body is kept whole, within limits, and then given away.
 */
#include "http.h"
#include "faults.h"

#include <errno.h>
#include <microhttpd.h>
#include <stdlib.h>
#include <string.h>

enum {
  BODY_MAX_BYTES = 64 << 20,    /* what egress_document_from_json takes */
  BODIES_MAX_BYTES = 128 << 20, /* of all requests under way: they come from anybody on this machine */
  CONNECTIONS_MAX = 256,
  IDLE_SECONDS = 30, /* a client that neither reads nor writes for this long is gone */
  READ_BLOCK_BYTES = 64 << 10
};

struct http {
  struct MHD_Daemon *daemon;
  uv_poll_t poll;
  uv_timer_t timer;
  http_fn on_request;
  void *user;
  size_t bodies; /* bytes of all bodies kept */
};

typedef struct upload {
  http *owner;
  char *path; /* as it was sent */
  char *body;
  size_t size, room;
  unsigned refused; /* a status; 0: so far all is well */
} upload;

/* ---- the loop ---- */

static void on_timer(uv_timer_t *timer);

static void run(http *self) {
  MHD_UNSIGNED_LONG_LONG wait_ms;
  MHD_run(self->daemon);
  if (MHD_get_timeout(self->daemon, &wait_ms) == MHD_YES)
    uv_timer_start(&self->timer, on_timer, wait_ms, 0);
  else
    uv_timer_stop(&self->timer);
}

static void on_timer(uv_timer_t *timer) {
  run(timer->data);
}

static void on_poll(uv_poll_t *poll, int status, int events) {
  (void)status;
  (void)events;
  run(poll->data);
}

/* ---- bodies ---- */

static const char *refusal_text(unsigned status) {
  return status == MHD_HTTP_CONTENT_TOO_LARGE ? "the body is larger than 64 MiB"
         : status == MHD_HTTP_SERVICE_UNAVAILABLE
             ? "the bodies of all requests under way are larger than 128 MiB; try again"
             : "out of memory";
}

static void drop_body(upload *self) {
  self->owner->bodies -= self->room;
  free(self->body);
  self->body = NULL;
  self->size = self->room = 0;
}

/* The rest of a body that is refused is read and dropped: the client listens only afterwards. */
static void refuse(upload *self, unsigned status) {
  drop_body(self);
  self->refused = status;
}

/* Makes room for `size` more bytes; 0 or a status. */
static unsigned make_room(upload *self, size_t size) {
  if (size > BODY_MAX_BYTES - self->size)
    return MHD_HTTP_CONTENT_TOO_LARGE;
  if (size <= self->room - self->size)
    return 0;
  size_t needed = self->size + size, doubled = self->room < BODY_MAX_BYTES / 2 ? 2 * self->room : BODY_MAX_BYTES;
  size_t room = needed > doubled ? needed : doubled;
  if (room - self->room > BODIES_MAX_BYTES - self->owner->bodies)
    return MHD_HTTP_SERVICE_UNAVAILABLE;
  char *body = realloc(self->body, room);
  if (body == NULL)
    return MHD_HTTP_INTERNAL_SERVER_ERROR;
  self->owner->bodies += room - self->room;
  self->body = body;
  self->room = room;
  return 0;
}

static void take_body(upload *self, const char *bytes, size_t size) {
  if (self->refused != 0)
    return;
  unsigned status = make_room(self, size);
  if (status != 0) {
    refuse(self, status);
    return;
  }
  memcpy(self->body + self->size, bytes, size);
  self->size += size;
}

/* ---- answering ---- */

typedef struct reader {
  size_t (*read)(void *user, char *to, size_t room);
  void (*end)(void *user);
  void *user;
} reader;

static ssize_t on_read(void *cls, uint64_t position, char *to, size_t room) {
  reader *self = cls;
  (void)position;
  size_t size = self->read(self->user, to, room);
  return size > 0 ? (ssize_t)size : MHD_CONTENT_READER_END_OF_STREAM;
}

static void on_read_end(void *cls) {
  reader *self = cls;
  self->end(self->user);
  free(self);
}

static struct MHD_Response *response_by_reading(const http_answer *answer) {
  reader *made = malloc(sizeof *made);
  struct MHD_Response *response = NULL;
  if (made != NULL) {
    *made = (reader){answer->read, answer->read_end, answer->read_user};
    response = MHD_create_response_from_callback(MHD_SIZE_UNKNOWN, READ_BLOCK_BYTES, on_read, made, on_read_end);
  }
  if (response == NULL) {
    free(made);
    answer->read_end(answer->read_user);
  }
  return response;
}

/* MHD_NO, which cuts the connection, where there is no memory for an answer. */
static enum MHD_Result send_answer(struct MHD_Connection *connection, const http_answer *answer, char *text,
                                   size_t size) {
  struct MHD_Response *response = answer->read != NULL
                                      ? response_by_reading(answer)
                                      : MHD_create_response_from_buffer(size, text, MHD_RESPMEM_MUST_COPY);
  if (response == NULL)
    return MHD_NO;
  MHD_add_response_header(response, MHD_HTTP_HEADER_CONTENT_TYPE, answer->content_type);
  if (answer->allow != NULL)
    MHD_add_response_header(response, MHD_HTTP_HEADER_ALLOW, answer->allow);
  enum MHD_Result rv = MHD_queue_response(connection, answer->status, response);
  MHD_destroy_response(response);
  return rv;
}

static enum MHD_Result on_argument(void *cls, enum MHD_ValueKind kind, const char *name, const char *value) {
  http_request *request = cls;
  (void)kind;
  if (request->argument_count++ == 0) {
    request->argument_name = name != NULL ? name : "";
    request->argument_value = value != NULL ? value : "";
  }
  return MHD_YES;
}

static enum MHD_Result answer(upload *self, struct MHD_Connection *connection, const char *method) {
  http_request request = {method, self->path, 0, "", "", self->body != NULL ? self->body : "", self->size};
  http_answer made = {.status = MHD_HTTP_OK, .content_type = "application/json"};
  char *text = NULL;
  size_t size = 0;
  made.out = open_memstream(&text, &size);
  if (made.out == NULL)
    return MHD_NO;
  MHD_get_connection_values(connection, MHD_GET_ARGUMENT_KIND, on_argument, &request);
  if (self->refused != 0) {
    made.status = self->refused;
    faults_only(made.out, refusal_text(self->refused));
  } else {
    self->owner->on_request(&made, &request, self->owner->user);
  }
  int failed = ferror(made.out);
  enum MHD_Result rv = MHD_NO;
  if (fclose(made.out) == 0 && !failed)
    rv = send_answer(connection, &made, text, size);
  else if (made.read != NULL)
    made.read_end(made.read_user);
  free(text);
  return rv;
}

/* ---- what libmicrohttpd calls ---- */

static upload *begin(http *owner, struct MHD_Connection *connection, const char *url) {
  upload *self = calloc(1, sizeof *self);
  char *path = strdup(url);
  if (self == NULL || path == NULL) {
    free(self);
    free(path);
    return NULL;
  }
  self->owner = owner;
  self->path = path;
  const char *length = MHD_lookup_connection_value(connection, MHD_HEADER_KIND, MHD_HTTP_HEADER_CONTENT_LENGTH);
  if (length != NULL && strtoull(length, NULL, 10) > BODY_MAX_BYTES)
    self->refused = MHD_HTTP_CONTENT_TOO_LARGE;
  return self;
}

static enum MHD_Result on_request(void *cls, struct MHD_Connection *connection, const char *url, const char *method,
                                  const char *version, const char *bytes, size_t *size, void **state) {
  upload *self = *state;
  (void)version;
  if (self == NULL) {
    *state = self = begin(cls, connection, url);
    if (self == NULL)
      return MHD_NO;
    return self->refused != 0 ? answer(self, connection, method) : MHD_YES; /* before the body is sent */
  }
  if (*size == 0)
    return answer(self, connection, method);
  take_body(self, bytes, *size);
  *size = 0;
  return MHD_YES;
}

static void on_completed(void *cls, struct MHD_Connection *connection, void **state,
                         enum MHD_RequestTerminationCode code) {
  upload *self = *state;
  (void)cls;
  (void)connection;
  (void)code;
  if (self == NULL)
    return;
  drop_body(self);
  free(self->path);
  free(self);
  *state = NULL;
}

/* Paths are decoded by who knows what stands in them. */
static size_t keep_encoded(void *cls, struct MHD_Connection *connection, char *text) {
  (void)cls;
  (void)connection;
  return strlen(text);
}

/* ---- life ---- */

int http_start(http **out, uv_loop_t *loop, const struct sockaddr *address, http_fn callback, void *user) {
  http *self = calloc(1, sizeof *self);
  if (self == NULL)
    return ENOMEM;
  self->on_request = callback;
  self->user = user;
  unsigned flags = MHD_USE_EPOLL | (address->sa_family == AF_INET6 ? MHD_USE_IPv6 : 0U);
  errno = 0;
  self->daemon = MHD_start_daemon(flags, 0, NULL, NULL, on_request, self, MHD_OPTION_SOCK_ADDR, address,
                                  MHD_OPTION_NOTIFY_COMPLETED, on_completed, NULL, MHD_OPTION_UNESCAPE_CALLBACK,
                                  keep_encoded, NULL, MHD_OPTION_CONNECTION_LIMIT, (unsigned)CONNECTIONS_MAX,
                                  MHD_OPTION_CONNECTION_TIMEOUT, (unsigned)IDLE_SECONDS, MHD_OPTION_END);
  if (self->daemon == NULL) {
    int error = errno != 0 ? errno : EIO;
    free(self);
    return error;
  }
  uv_poll_init(loop, &self->poll, MHD_get_daemon_info(self->daemon, MHD_DAEMON_INFO_EPOLL_FD)->epoll_fd);
  uv_timer_init(loop, &self->timer);
  self->poll.data = self->timer.data = self;
  uv_poll_start(&self->poll, UV_READABLE, on_poll);
  *out = self;
  return 0;
}

uint16_t http_port(const http *self) {
  return MHD_get_daemon_info(self->daemon, MHD_DAEMON_INFO_BIND_PORT)->port;
}

void http_stop(http *self) {
  if (self == NULL || self->daemon == NULL)
    return;
  uv_close((uv_handle_t *)&self->poll, NULL);
  uv_close((uv_handle_t *)&self->timer, NULL);
  MHD_stop_daemon(self->daemon);
  self->daemon = NULL;
}

void http_free(http *self) {
  free(self);
}
