#include "wire/sending.h"

#include <criterion/criterion.h>
#include <string.h>

#include "support/counted.h"

enum { MOST = 200 };

/* What the outbox holds, put together. */
static size_t gather(uint8_t *out, const egress__outbox *outbox) {
  size_t size = 0;
  for (size_t i = 0; i < outbox->count; i++) {
    memcpy(out + size, outbox->pieces[i].iov_base, outbox->pieces[i].iov_len);
    size += outbox->pieces[i].iov_len;
  }
  return size;
}

static egress__response make(size_t body_size, size_t tail_size) {
  egress__response response = {.tail_size = tail_size};
  response.body = body_size > 0 ? egress__blob_new(&counted, body_size) : NULL;
  for (size_t i = 0; i < body_size; i++)
    response.body->bytes[i] = (uint8_t)(i + 1);
  for (size_t i = 0; i < tail_size; i++)
    response.tail[i] = (uint8_t)(200 - i);
  return response;
}

/* The message as gRPC has it. */
static size_t expect(uint8_t *out, const egress__response *response) {
  size_t body_size = response->body != NULL ? response->body->size : 0;
  const uint8_t head[] = {0, 0, 0, 0, (uint8_t)(body_size + response->tail_size)};
  memcpy(out, head, sizeof head);
  if (body_size > 0)
    memcpy(out + sizeof head, response->body->bytes, body_size);
  memcpy(out + sizeof head + body_size, response->tail, response->tail_size);
  return sizeof head + body_size + response->tail_size;
}

/* The whole of it by pieces of `first`, then `step` bytes. */
static void check(const egress__response *response, size_t first, size_t step) {
  static egress__outbox outbox;
  uint8_t wanted[MOST], got[MOST];
  size_t size = expect(wanted, response), at = 0;
  egress__sending *sending = egress__sending_new(&counted, response);
  cr_assert_eq(sending->size, size);
  for (size_t put = first; at < size; put = step) {
    put = put < size - at ? put : size - at;
    egress__outbox_clear(&outbox);
    egress__sending_put(sending, &outbox, put);
    cr_assert_leq(outbox.count, 3);
    cr_assert_eq(outbox.size, put);
    cr_assert_eq(gather(got + at, &outbox), put);
    at += put;
    cr_assert_eq(sending->sent, at);
  }
  cr_assert_eq(memcmp(got, wanted, size), 0, "%zu, then pieces of %zu", first, step);
  if (response->body != NULL)
    egress__blob_ref(response->body); /* the next one's */
  egress__outbox_clear(&outbox);
  egress__sending_free(sending, &counted);
}

Test(sending, any_split_gives_the_same_bytes) {
  static const size_t parts[][2] = {{0, 0}, {0, 1}, {1, 0}, {0, 30}, {40, 0}, {1, 1}, {40, 30}};
  for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++) {
    egress__response response = make(parts[i][0], parts[i][1]);
    size_t size = EGRESS__MESSAGE_HEAD + parts[i][0] + parts[i][1];
    for (size_t first = 1; first <= size; first++)
      for (size_t step = 1; step <= size; step++)
        check(&response, first, step);
    egress__blob_unref(response.body);
  }
  cr_assert_eq(counted_live, 0);
}

Test(sending, the_body_is_lent_and_the_rest_copied) {
  static egress__outbox outbox;
  egress__response response = make(40, 30);
  egress__sending *sending = egress__sending_new(&counted, &response);
  egress__sending_put(sending, &outbox, sending->size);
  cr_assert_eq(outbox.count, 3);
  cr_assert_eq(outbox.pieces[1].iov_base, response.body->bytes);
  cr_assert_eq(outbox.blobs[1], response.body);
  cr_assert_eq(outbox.copied, EGRESS__MESSAGE_HEAD + 30);
  egress__sending_free(sending, &counted);
  egress__outbox_clear(&outbox);
  cr_assert_eq(counted_live, 0, "the references were their own");
}

Test(sending, a_long_body_has_its_length_in_the_head) {
  enum { LONG = 0x123456 };
  egress__response response = make(LONG, 0);
  egress__sending *sending = egress__sending_new(&counted, &response);
  const uint8_t head[] = {0, 0, 0x12, 0x34, 0x56};
  cr_assert_eq(memcmp(sending->head, head, sizeof head), 0);
  egress__sending_free(sending, &counted);
}

Test(sending, without_memory_the_body_is_still_the_callers) {
  egress__response response = make(1, 1);
  counted_left = 0;
  cr_assert_null(egress__sending_new(&counted, &response));
  counted_left = SIZE_MAX;
  cr_assert_eq(response.body->refs, 1);
  egress__blob_unref(response.body);
  egress__sending_free(NULL, &counted);
  cr_assert_eq(counted_live, 0);
}
