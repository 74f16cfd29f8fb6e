#ifndef EGRESS_WIRE_MESSAGE_H
#define EGRESS_WIRE_MESSAGE_H

#include "wire/pending.h"

/*
 * Messages of gRPC on an HTTP/2 stream: each has a byte that says whether it is compressed, four that say how long it
 * is, and its own.
 */

enum { EGRESS__MESSAGE_HEAD = 5 };

/** A message that is coming, piece by piece. `{0}` at the beginning, and again after egress__message_reset. */
typedef struct egress__message {
  uint8_t *bytes; /* what has come of it */
  size_t size;    /* how long it is, once its head has come */
  size_t taken;   /* bytes of head and message that have come */
  size_t room;    /* for that many of its bytes there is memory, of what is pending */
  uint8_t head[EGRESS__MESSAGE_HEAD];
} egress__message;

/**
 * Takes bytes of the message from the front of `data`, and says how many in `*out_taken`. Memory is had as bytes come,
 * not as the head promises.
 *
 * Returns 1: the message is complete, and what is left of `data` is not its; 0: more has to come; or, with `fault`
 * filled, EGRESS_ELIMIT: it is longer than `max_bytes`, or `pending` is full; EGRESS_EWIRE: it is compressed;
 * EGRESS_ENOMEM.
 */
int egress__message_take(size_t *out_taken, egress__message *message, egress__pending *pending, const uint8_t *data,
                         size_t size, size_t max_bytes, egress__stream_fault *fault);

/** 1 when a part of a message has come. */
int egress__message_is_begun(const egress__message *message);

void egress__message_reset(egress__message *message, egress__pending *pending);

/** Writes the head of a message of `size` bytes. */
void egress__message_head(uint8_t out[EGRESS__MESSAGE_HEAD], size_t size);

/** Room for any text of a status, written as a header: each byte may take three. */
enum { EGRESS__STATUS_TEXT = 3 * 256 };

/** Writes a text as `grpc-message` has it, percent-encoded and cut to fit; returns its length. */
size_t egress__message_encode(char out[EGRESS__STATUS_TEXT], const char *text);

#endif
