#ifndef TESTS_BENCH_LOAD_REPLY_H
#define TESTS_BENCH_LOAD_REPLY_H

#include <stddef.h>
#include <stdint.h>
#define XXH_STATIC_LINKING_ONLY /* its state, by value */
#include <xxhash.h>

/*
 * Reads responses of aggregated discovery off the wire, gRPC's framing included, piece by piece as they come: whatever
 * a response weighs, a reader holds only what stands here.
 */
typedef enum variant { SOTW, DELTA } variant;

enum {
  REPLY_TEXT = 128, /* longer than any version, nonce, type or name of what is measured; a longer one is malformed */
  REPLY_DEPTH = 3   /* response, Resource (delta), Any */
};

typedef struct reply reply;

/** Told of each resource; `name` is "" in state of the world, where only the resource itself says it. */
typedef void (*reply_resource_fn)(const char *name, uint64_t hash, void *user);

struct reply {
  /* The response that is being read, and that was read last. */
  char version[REPLY_TEXT], type_url[REPLY_TEXT], nonce[REPLY_TEXT];
  char name[REPLY_TEXT]; /* delta: of the last resource */
  unsigned resources, removed;
  uint64_t sum;   /* of the hashes of all resources: whatever their order, equal responses have equal sums */
  uint64_t bytes; /* gRPC's prefix included */
  variant variant;
  reply_resource_fn on_resource; /* or NULL */
  void *user;
  /* Where the reader is. */
  uint8_t prefix[5], prefix_size;
  uint8_t stage, level[REPLY_DEPTH], depth, shift;
  uint64_t number, field;
  size_t at, end[REPLY_DEPTH], bytes_end, text_size;
  char *text; /* where the bytes that are being read go; NULL: nowhere */
  int is_content;
  uint64_t hash;
  XXH64_state_t hashing;
};

void reply_init(reply *r, variant form, reply_resource_fn on_resource, void *user);

/** Takes bytes off the front. Returns 1: a response is complete; 0: all are taken; -1: this is no response. */
int reply_read(reply *r, const uint8_t **data, size_t *size);

#endif
