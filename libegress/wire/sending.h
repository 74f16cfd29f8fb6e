#ifndef EGRESS_WIRE_SENDING_H
#define EGRESS_WIRE_SENDING_H

#include "wire/message.h"
#include "wire/outbox.h"

/** A response on its way into frames: the head of its message, the body that many share, the tail. */
typedef struct egress__sending {
  egress__response response; /* its body is a reference of ours */
  size_t size;               /* of all of it */
  size_t sent;               /* what was put so far */
  uint8_t head[EGRESS__MESSAGE_HEAD];
} egress__sending;

/** Takes the reference to the body over on success. NULL when out of memory. */
egress__sending *egress__sending_new(const egress_alloc *alloc, const egress__response *response);

/** Puts the next `size` bytes, which there are. */
void egress__sending_put(egress__sending *sending, egress__outbox *outbox, size_t size);

/** NULL is allowed. */
void egress__sending_free(egress__sending *sending, const egress_alloc *alloc);

#endif
