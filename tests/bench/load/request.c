#include "load/request.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/protowire.h"

enum { PREFIX = 5, NODE_EXTENSIONS = 9, INVALID_ARGUMENT = 3 };

/* The numbers of the fields in a request of each variant; 0: it has none. */
static const struct fields {
  uint32_t version, node, names, dropped, type_url, nonce, error;
} fields_of[] = {[SOTW] = {1, 2, 3, 0, 4, 5, 6}, [DELTA] = {0, 1, 3, 4, 2, 6, 7}};

static uint8_t *put_text(uint8_t *to, uint32_t number, const char *text) {
  return text == NULL || number == 0 ? to : egress__put_bytes(to, number, text, strlen(text));
}

static uint8_t *put_texts(uint8_t *to, uint32_t number, const char *const *texts, size_t count) {
  for (size_t i = 0; i < count; i++)
    to = put_text(to, number, texts[i]);
  return to;
}

static uint8_t *put_error(uint8_t *to, uint32_t number, const char *text) {
  if (text == NULL)
    return to;
  uint8_t status[256] = {1 << 3, INVALID_ARGUMENT};
  uint8_t *end = put_text(status + 2, 2, text);
  return egress__put_bytes(to, number, status, (size_t)(end - status));
}

static uint8_t *put_node(uint8_t *to, uint32_t number, const char *id, size_t filler) {
  if (id == NULL)
    return to;
  uint8_t node[256];
  uint8_t *end = put_text(put_text(put_text(node, 1, id), 2, "egress"), 6, "load");
  size_t size = (size_t)(end - node);
  to = egress__put_bytes_head(to, number, size + filler);
  memcpy(to, node, size);
  return to + size;
}

size_t request_encode(uint8_t to[REQUEST_ROOM], const request *r) {
  const struct fields *fields = &fields_of[r->variant];
  uint8_t *end = to + PREFIX;
  end = put_text(end, fields->version, r->version);
  end = put_text(end, fields->type_url, r->type_url);
  end = put_text(end, fields->nonce, r->nonce);
  end = put_texts(end, fields->names, r->names, r->name_count);
  end = put_texts(end, fields->dropped, r->dropped, r->dropped_count);
  end = put_error(end, fields->error, r->error);
  end = put_node(end, fields->node, r->node_id, r->node_filler);
  size_t size = (size_t)(end - to), message = size - PREFIX + r->node_filler;
  memcpy(to,
         (uint8_t[]){0, (uint8_t)(message >> 24), (uint8_t)(message >> 16), (uint8_t)(message >> 8), (uint8_t)message},
         PREFIX);
  return size;
}

static uint8_t *put_extension(uint8_t *to, unsigned index) {
  char name[64], type_url[96];
  uint8_t extension[256];
  snprintf(name, sizeof name, "envoy.filters.http.number_%u", index);
  snprintf(type_url, sizeof type_url, "envoy.extensions.filters.http.number_%u.v3.Number", index);
  uint8_t *end = put_text(put_text(put_text(extension, 1, name), 2, "envoy.filters.http"), 6, type_url);
  return egress__put_bytes(to, NODE_EXTENSIONS, extension, (size_t)(end - extension));
}

const uint8_t *request_filler(size_t size, size_t *actual) {
  static uint8_t filler[REQUEST_FILLER + 256];
  uint8_t *end = filler;
  for (unsigned i = 0; (size_t)(end - filler) < size && size <= REQUEST_FILLER; i++)
    end = put_extension(end, i);
  *actual = (size_t)(end - filler);
  return filler;
}
