#ifndef TESTS_BENCH_LOAD_REQUEST_H
#define TESTS_BENCH_LOAD_REQUEST_H

#include "load/reply.h"

/** A request of aggregated discovery; what is NULL or 0 is left out. */
typedef struct request {
  variant variant;
  const char *type_url, *version, *nonce;
  const char *const *names; /* to subscribe to */
  size_t name_count;
  const char *const *dropped; /* delta: to unsubscribe from */
  size_t dropped_count;
  const char *error;   /* refuses the response */
  const char *node_id; /* says the node, which stands last */
  size_t node_filler;  /* bytes of request_filler with which the caller goes on: the end of the node */
} request;

enum {
  REQUEST_NAMES = 64,                    /* at most */
  REQUEST_ROOM = 1024 + 64 * REPLY_TEXT, /* what any of these takes */
  REQUEST_FILLER = 1 << 20               /* at most; an Envoy's is some 60 KB */
};

/** Writes it with gRPC's prefix; returns its size, the filler left out. */
size_t request_encode(uint8_t to[REQUEST_ROOM], const request *r);

/** The part of a node that is large: at least `size` bytes of names of extensions, the same for all who ask. */
const uint8_t *request_filler(size_t size, size_t *actual);

#endif
