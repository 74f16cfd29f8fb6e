#include "wire/message.h"

#include <stdio.h>
#include <string.h>

#include <egress/error.h>

#include "wire/status_code.h"

enum { FIRST_ROOM = 1024 };

static size_t declared_size(const uint8_t head[EGRESS__MESSAGE_HEAD]) {
  return (size_t)head[1] << 24 | (size_t)head[2] << 16 | (size_t)head[3] << 8 | head[4];
}

/* The head is complete. */
static int begin(egress__message *message, size_t max_bytes, egress__stream_fault *fault) {
  message->size = declared_size(message->head);
  if (message->head[0] != 0) {
    fault->status = EGRESS__STATUS_UNIMPLEMENTED;
    snprintf(fault->message, sizeof fault->message, "compressed requests are not taken");
    return EGRESS_EWIRE;
  }
  if (message->size <= max_bytes)
    return 0;
  fault->status = EGRESS__STATUS_RESOURCE_EXHAUSTED;
  snprintf(fault->message, sizeof fault->message,
           "a request of %zu bytes is larger than the largest that is taken, %zu bytes (max_request_bytes)",
           message->size, max_bytes);
  return EGRESS_ELIMIT;
}

static int make_room(egress__message *message, egress__pending *pending, size_t needed, egress__stream_fault *fault) {
  if (needed <= message->room)
    return 0;
  size_t room = message->room != 0 ? message->room : FIRST_ROOM;
  while (room < needed)
    room *= 2;
  room = room < message->size ? room : message->size;
  return egress__pending_grow(pending, &message->bytes, &message->room, room, fault);
}

static size_t take_head(egress__message *message, const uint8_t *data, size_t size) {
  size_t wanted = message->taken < EGRESS__MESSAGE_HEAD ? EGRESS__MESSAGE_HEAD - message->taken : 0;
  size_t taken = wanted < size ? wanted : size;
  if (taken > 0) /* else `data` may be NULL */
    memcpy(message->head + message->taken, data, taken);
  message->taken += taken;
  return taken;
}

static int take_body(size_t *out_taken, egress__message *message, egress__pending *pending, const uint8_t *data,
                     size_t size, egress__stream_fault *fault) {
  size_t had = message->taken - EGRESS__MESSAGE_HEAD, wanted = message->size - had;
  size_t taken = wanted < size ? wanted : size;
  int rv = make_room(message, pending, had + taken, fault);
  if (rv != 0)
    return rv;
  if (taken > 0)
    memcpy(message->bytes + had, data, taken);
  message->taken += taken;
  *out_taken += taken;
  return taken == wanted;
}

int egress__message_take(size_t *out_taken, egress__message *message, egress__pending *pending, const uint8_t *data,
                         size_t size, size_t max_bytes, egress__stream_fault *fault) {
  int was_begun = message->taken >= EGRESS__MESSAGE_HEAD;
  *out_taken = was_begun ? 0 : take_head(message, data, size);
  if (message->taken < EGRESS__MESSAGE_HEAD)
    return 0;
  int rv = was_begun ? 0 : begin(message, max_bytes, fault);
  return rv != 0 ? rv : take_body(out_taken, message, pending, data + *out_taken, size - *out_taken, fault);
}

int egress__message_is_begun(const egress__message *message) {
  return message->taken > 0;
}

void egress__message_reset(egress__message *message, egress__pending *pending) {
  egress__pending_free(pending, &message->bytes, &message->room);
  *message = (egress__message){0};
}

void egress__message_head(uint8_t out[EGRESS__MESSAGE_HEAD], size_t size) {
  out[0] = 0;
  for (int i = 1; i < EGRESS__MESSAGE_HEAD; i++)
    out[i] = (uint8_t)(size >> (8 * (EGRESS__MESSAGE_HEAD - 1 - i)));
}

size_t egress__message_encode(char out[EGRESS__STATUS_TEXT], const char *text) {
  static const char digits[] = "0123456789ABCDEF";
  size_t size = 0;
  for (; *text != '\0' && size + 3 <= EGRESS__STATUS_TEXT; text++) {
    unsigned char c = (unsigned char)*text;
    if (c >= ' ' && c <= '~' && c != '%') {
      out[size++] = (char)c;
      continue;
    }
    out[size++] = '%';
    out[size++] = digits[c >> 4];
    out[size++] = digits[c & 15];
  }
  return size;
}
