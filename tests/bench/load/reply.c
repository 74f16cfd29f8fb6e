#include "load/reply.h"

#include <string.h>

#include "base/protowire.h"

typedef enum stage { PREFIX, TAG, LENGTH, NUMBER, BYTES } stage;
typedef enum level { RESPONSE, RESOURCE, ANY } level;

void reply_init(reply *r, variant form, reply_resource_fn on_resource, void *user) {
  memset(r, 0, sizeof *r);
  r->variant = form;
  r->on_resource = on_resource;
  r->user = user;
}

static void begin(reply *r) {
  const uint8_t *p = r->prefix;
  r->version[0] = r->type_url[0] = r->nonce[0] = r->name[0] = '\0';
  r->resources = r->removed = 0;
  r->sum = r->hash = 0;
  r->prefix_size = 0;
  r->at = 0;
  r->depth = 0;
  r->level[0] = RESPONSE;
  r->end[0] = (size_t)p[1] << 24 | (size_t)p[2] << 16 | (size_t)p[3] << 8 | p[4];
  r->bytes = sizeof r->prefix + r->end[0];
  r->stage = TAG;
}

static int read_prefix(reply *r, uint8_t byte) {
  r->prefix[r->prefix_size++] = byte;
  if (r->prefix_size < sizeof r->prefix)
    return 0;
  begin(r);
  return r->prefix[0] == 0 ? 0 : -1; /* nobody asked for compression */
}

static int open_message(reply *r, level inside, size_t size) {
  r->depth++;
  r->level[r->depth] = (uint8_t)inside;
  r->end[r->depth] = r->at + size;
  r->hash = 0;
  r->stage = TAG;
  return 0;
}

static int take_bytes(reply *r, size_t size, char *text) {
  r->text = text;
  r->text_size = 0;
  r->bytes_end = r->at + size;
  r->stage = size == 0 ? TAG : BYTES;
  if (text != NULL)
    text[0] = '\0';
  return text == NULL || size < REPLY_TEXT ? 0 : -1;
}

static int open_content(reply *r, size_t size) {
  r->is_content = size > 0;
  XXH64_reset(&r->hashing, 0);
  return take_bytes(r, size, NULL);
}

static int open_in_response(reply *r, size_t size) {
  switch (r->field) {
  case 1:
    return take_bytes(r, size, r->version);
  case 2:
    return open_message(r, r->variant == SOTW ? ANY : RESOURCE, size);
  case 4:
    return take_bytes(r, size, r->type_url);
  case 5:
    return take_bytes(r, size, r->nonce);
  case 6:
    r->removed += r->variant == DELTA; /* elsewhere it is the control plane's name */
    return take_bytes(r, size, NULL);
  default:
    return take_bytes(r, size, NULL);
  }
}

/* A field of so many bytes follows. */
static int open_field(reply *r, size_t size) {
  if (size > r->end[r->depth] - r->at)
    return -1;
  switch ((level)r->level[r->depth]) {
  case RESPONSE:
    return open_in_response(r, size);
  case RESOURCE:
    if (r->field == 2)
      return open_message(r, ANY, size);
    return take_bytes(r, size, r->field == 3 ? r->name : NULL);
  case ANY:
    return r->field == 2 ? open_content(r, size) : take_bytes(r, size, NULL);
  }
  return -1;
}

static int open_tag(reply *r) {
  r->field = r->number >> 3;
  egress__wire_type type = r->number & 7;
  r->stage = type == EGRESS__WIRE_VARINT ? NUMBER : LENGTH;
  return type == EGRESS__WIRE_VARINT || type == EGRESS__WIRE_BYTES ? 0 : -1; /* responses have no others */
}

static int read_number(reply *r, uint8_t byte) {
  r->at++;
  if (r->shift > 63 || r->at > r->end[r->depth])
    return -1;
  r->number |= (uint64_t)(byte & 0x7f) << r->shift;
  r->shift += 7;
  if (byte & 0x80)
    return 0;
  uint8_t was = r->stage;
  r->stage = TAG;
  int rv = was == TAG ? open_tag(r) : was == LENGTH ? open_field(r, r->number) : 0;
  r->number = r->shift = 0;
  return rv;
}

static size_t read_bytes(reply *r, const uint8_t *data, size_t size) {
  size_t left = r->bytes_end - r->at, taken = size < left ? size : left;
  if (r->text != NULL) {
    memcpy(r->text + r->text_size, data, taken);
    r->text_size += taken;
    r->text[r->text_size] = '\0';
  }
  if (r->is_content)
    XXH64_update(&r->hashing, data, taken);
  r->at += taken;
  if (r->at < r->bytes_end)
    return taken;
  if (r->is_content)
    r->hash = XXH64_digest(&r->hashing);
  r->is_content = 0;
  r->stage = TAG;
  return taken;
}

/* Closes the messages that end here; returns 1 when the response is one of them. */
static int close_messages(reply *r) {
  while (r->stage == TAG && r->shift == 0 && r->at == r->end[r->depth]) {
    if (r->depth == 1) {
      r->resources++;
      r->sum += r->hash;
      if (r->on_resource != NULL)
        r->on_resource(r->name, r->hash, r->user);
    }
    if (r->depth == 0) {
      r->stage = PREFIX;
      return 1;
    }
    r->depth--;
  }
  return 0;
}

int reply_read(reply *r, const uint8_t **data, size_t *size) {
  while (*size > 0) {
    size_t taken = 1;
    int rv = 0;
    if (r->stage == PREFIX)
      rv = read_prefix(r, **data);
    else if (r->stage == BYTES)
      taken = read_bytes(r, *data, *size);
    else
      rv = read_number(r, **data);
    if (rv != 0)
      return rv;
    *data += taken;
    *size -= taken;
    if (r->stage != PREFIX && close_messages(r))
      return 1;
  }
  return 0;
}
