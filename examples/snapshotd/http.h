/* HTTP on the loop: requests with their whole body in, answers out. */
#ifndef SNAPSHOTD_HTTP_H
#define SNAPSHOTD_HTTP_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/types.h>
#include <uv.h>

typedef struct http http;

typedef struct http_request {
  const char *method;
  /* The path as it was sent: still percent-encoded. */
  const char *path;
  /* How many arguments stand behind the ?, and the first of them; "" where it has no name or no value. */
  size_t argument_count;
  const char *argument_name, *argument_value;
  /* `size` bytes. */
  const char *body;
  size_t size;
} http_request;

/* What is answered: what is written to `out`, or what `read` gives, bit by bit. */
typedef struct http_answer {
  unsigned status;
  const char *content_type;
  /* Methods that the path knows, with a 405; else NULL. */
  const char *allow;
  FILE *out;
  /* Writes up to `room` bytes and returns their number; 0: that was all. NULL: the answer is what `out` got. */
  size_t (*read)(void *user, char *to, size_t room);
  void (*read_end)(void *user);
  void *read_user;
} http_answer;

typedef void (*http_fn)(http_answer *answer, const http_request *request, void *user);

/* Listens on `address`. 0 or an errno. */
int http_start(http **out, uv_loop_t *loop, const struct sockaddr *address, http_fn on_request, void *user);

uint16_t http_port(const http *self);

/* Takes it off the loop and cuts what is under way; NULL is allowed. http_free once the loop has ended. */
void http_stop(http *self);
void http_free(http *self);

#endif
