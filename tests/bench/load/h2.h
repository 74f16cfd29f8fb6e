#ifndef TESTS_BENCH_LOAD_H2_H
#define TESTS_BENCH_LOAD_H2_H

#include <nghttp2/nghttp2.h>

#include "load/poll.h"
#include "load/request.h"

/*
 * Streams of aggregated discovery on plaintext HTTP/2, any number of them on a connection. Nothing here may be freed in
 * a callback.
 */
typedef struct connection connection;
typedef struct stream stream;

/** A response has been read: it stands in ``stream->reply``. */
typedef void (*stream_reply_fn)(stream *s);

/* What all connections of a client have alike. */
typedef struct network {
  int epoll;
  struct sockaddr_in address;
  uint32_t window;    /* HTTP/2's, of a stream and of a connection */
  int receive_buffer; /* the kernel's; 0: its choice */
  stream_reply_fn on_reply;
  unsigned connecting; /* now */
} network;

struct connection {
  source source;
  network *network;
  nghttp2_session *session;
  uint8_t *unsent; /* what the kernel had no room for */
  size_t unsent_size;
  int is_connected, is_stalled;
};

struct stream {
  connection *connection;
  int32_t id;
  reply reply;
  uint8_t *out; /* requests that wait to be sent */
  size_t out_sent, out_size, out_room;
  size_t filler_at, filler_left,
      filler_all;  /* the end of a node is not copied: it follows `filler_at` bytes of `out` */
  int is_finished; /* nothing more will be sent */
  int is_ended;    /* by the server */
  int status;      /* gRPC's, with which it was ended; -1: none was told */
  void *user;
};

void connection_open(connection *c, network *net);

/** Cuts it off, as a client does that dies; its streams have ended then, and still have to be closed. */
void connection_cut(connection *c);

/** Reads no more, or again. */
void connection_stall(connection *c, int is_stalled);

/** Sends what can be sent. Not in a callback, where it is done anyway. */
void connection_flush(connection *c);

/** A stream of `c`, whose session keeps a pointer to it. */
void stream_open(stream *s, connection *c, variant form, reply_resource_fn on_resource, void *user);

/** Puts a request in the queue. */
void stream_send(stream *s, const request *r);

/** Says that nothing more will be sent. */
void stream_finish(stream *s);

/** 1 when nothing more will come. */
int stream_is_ended(const stream *s);

/** Frees what it holds; its connection has been cut. */
void stream_close(stream *s);

#endif
