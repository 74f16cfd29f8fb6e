#include "wire/sending.h"

#include "base/alloc.h"

egress__sending *egress__sending_new(const egress_alloc *alloc, const egress__response *response) {
  egress__sending *sending = egress__malloc(alloc, sizeof *sending);
  if (sending == NULL)
    return NULL;
  size_t size = (response->body != NULL ? response->body->size : 0) + response->tail_size;
  sending->response = *response;
  sending->size = EGRESS__MESSAGE_HEAD + size;
  sending->sent = 0;
  egress__message_head(sending->head, size);
  return sending;
}

/* Of a part that begins at `start` and has `part_size` bytes: those that are due now. */
typedef struct due {
  size_t from, size;
} due;

static due due_of(const egress__sending *sending, size_t start, size_t part_size, size_t size) {
  size_t from = sending->sent > start ? sending->sent - start : 0, end = sending->sent + size;
  size_t until = end < start ? 0 : end - start < part_size ? end - start : part_size;
  return (due){from, until > from ? until - from : 0};
}

void egress__sending_put(egress__sending *sending, egress__outbox *outbox, size_t size) {
  const egress__response *response = &sending->response;
  egress__blob *body = response->body;
  size_t body_size = body != NULL ? body->size : 0;
  due head = due_of(sending, 0, EGRESS__MESSAGE_HEAD, size);
  due middle = due_of(sending, EGRESS__MESSAGE_HEAD, body_size, size);
  due tail = due_of(sending, EGRESS__MESSAGE_HEAD + body_size, response->tail_size, size);
  if (head.size > 0)
    egress__outbox_copy(outbox, sending->head + head.from, head.size);
  if (middle.size > 0)
    egress__outbox_lend(outbox, body, body->bytes + middle.from, middle.size);
  if (tail.size > 0)
    egress__outbox_copy(outbox, response->tail + tail.from, tail.size);
  sending->sent += size;
}

void egress__sending_free(egress__sending *sending, const egress_alloc *alloc) {
  if (sending == NULL)
    return;
  egress__blob_unref(sending->response.body);
  egress__free(alloc, sending);
}
