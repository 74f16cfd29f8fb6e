#ifndef TESTS_SUPPORT_XDS_H
#define TESTS_SUPPORT_XDS_H

/*
 * xDS for tests: snapshots from a line of text, requests as bytes, responses read back and printed as a line of text.
 * A type is one letter: C clusters, E endpoints, L listeners, R routes, P scoped routes, V virtual hosts, S secrets, U
 * one that nobody knows. Lists are words: "a=1 b=2".
 */
#undef NDEBUG /* what a test asserts holds in every build */
#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <egress/error.h>
#include <egress/snapshot.h>

#include "resource/xdstp.h"
#include "xds/stream.h"

enum { XDS_TEXT = 4096, XDS_WORD = 64, XDS_LIST = 16, XDS_REQUEST = 1 << 16 };

static inline const char *xds_type_url(char letter) {
  switch (letter) {
  case 'C':
    return EGRESS_TYPE_CLUSTER;
  case 'E':
    return EGRESS_TYPE_ENDPOINT;
  case 'L':
    return EGRESS_TYPE_LISTENER;
  case 'R':
    return EGRESS_TYPE_ROUTE;
  case 'V':
    return "type.googleapis.com/envoy.config.route.v3.VirtualHost";
  case 'P':
    return "type.googleapis.com/envoy.config.route.v3.ScopedRouteConfiguration";
  case 'U':
    return "type.googleapis.com/test.Unknown";
  default:
    return "type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.Secret";
  }
}

static inline char xds_letter(egress__span url) {
  for (const char *letter = "CELRPVSU"; *letter != '\0'; letter++)
    if (strlen(xds_type_url(*letter)) == url.size && memcmp(xds_type_url(*letter), url.data, url.size) == 0)
      return *letter;
  return '?';
}

/* Takes one word off `*text`; 0 at the end. */
static inline int xds_word(const char **text, char word[XDS_WORD]) {
  *text += strspn(*text, " ");
  size_t size = strcspn(*text, " ");
  assert(size < XDS_WORD);
  memcpy(word, *text, size);
  word[size] = '\0';
  *text += size;
  return size > 0;
}

static inline uint8_t *xds_put_text(uint8_t *to, uint32_t number, const char *text) {
  return egress__put_bytes(to, number, text, strlen(text));
}

/* What is made of `*made` with that time to live takes its place. */
static inline int xds_give_ttl(egress_resource **made, uint32_t ttl_ms, const egress_alloc *alloc) {
  egress_resource *lasting = *made;
  int rv = egress_resource_with_ttl(made, lasting, ttl_ms, alloc);
  egress_resource_unref(lasting);
  return rv;
}

/* The same with the aliases of "^x^y". */
static inline int xds_give_aliases(egress_resource **made, const char *text, const egress_alloc *alloc) {
  egress_resource *plain = *made;
  char words[XDS_WORD], *next = words;
  const char *aliases[XDS_LIST];
  size_t count = 0;
  snprintf(words, sizeof words, "%s", text + 1);
  for (char *alias; (alias = strsep(&next, "^")) != NULL;)
    aliases[count++] = alias;
  int rv = egress_resource_with_aliases(made, plain, aliases, count, alloc);
  egress_resource_unref(plain);
  return rv;
}

/*
 * A resource named `name` whose content is the text `value` in field 15. A value that ends in '!' is an EDS cluster;
 * one that ends in '!other' has its endpoints under the name `other`. One that ends in '@2500' lives for so many ms.
 * '^x^y' behind all that are aliases. One that begins with 'vhds' is routes with virtual hosts on demand. '#5' is an
 * error with that code and the text "why" in the place of a resource.
 */
static inline int xds_resource(egress_resource **out, char type, const char *name, const char *value,
                               const egress_alloc *alloc) {
  if (value[0] == '#')
    return egress_resource_new_error(out, xds_type_url(type), name, atoi(value + 1), "why", alloc);
  uint8_t bytes[4 * XDS_WORD], *to = xds_put_text(bytes, 1, name);
  const char *service = strchr(value, '!'), *ttl = strchr(value, '@'), *aliases = strchr(value, '^');
  if (service != NULL) {
    uint8_t config[XDS_WORD + 2];
    to = egress__put_varint(egress__put_varint(to, 2 << 3), 3);
    size_t other = strcspn(service + 1, "@^");
    size_t size = other == 0 ? 0 : (size_t)(egress__put_bytes(config, 2, service + 1, other) - config);
    to = egress__put_bytes(to, 3, config, size);
  }
  if (strncmp(value, "vhds", 4) == 0)
    to = egress__put_bytes(to, 9, "", 0);
  to = egress__put_bytes(to, 15, value, strcspn(value, "@^"));
  int rv = egress_resource_new(out, xds_type_url(type), name, bytes, (size_t)(to - bytes), alloc);
  if (rv == 0 && aliases != NULL)
    rv = xds_give_aliases(out, aliases, alloc);
  return rv == 0 && ttl != NULL ? xds_give_ttl(out, (uint32_t)atoi(ttl + 1), alloc) : rv;
}

static inline int xds_put_word(egress_snapshot_builder *builder, char type, char *word, const egress_alloc *alloc) {
  char *equals = strrchr(word, '='); /* names of the new kind have some, too */
  assert(equals != NULL);
  *equals = '\0';
  egress_resource *resource;
  int rv = xds_resource(&resource, type, word, equals + 1, alloc);
  if (rv != 0)
    return rv;
  rv = egress_snapshot_builder_put(builder, resource);
  egress_resource_unref(resource);
  return rv;
}

/* "C: a=1 b=2 L: l=1". Returns 0 or EGRESS_ENOMEM. */
static inline int xds_snapshot_new(egress_snapshot **out, const char *text, const egress_alloc *alloc) {
  egress_snapshot_builder *builder;
  int rv = egress_snapshot_builder_new(&builder, NULL, alloc);
  if (rv != 0)
    return rv;
  char word[XDS_WORD], type = '?';
  while (rv == 0 && xds_word(&text, word)) {
    if (word[1] == ':')
      type = word[0];
    else
      rv = xds_put_word(builder, type, word, alloc);
  }
  if (rv == 0)
    rv = egress_snapshot_builder_build(out, builder);
  egress_snapshot_builder_free(builder);
  return rv;
}

/* A snapshot with one cluster, "a", of somewhat more than `size` bytes. Returns 0 or EGRESS_ENOMEM. */
static inline int xds_snapshot_large(egress_snapshot **out, size_t size, const egress_alloc *alloc) {
  uint8_t *bytes = malloc(size + XDS_WORD), *text = malloc(size);
  egress_snapshot_builder *builder = NULL;
  egress_resource *resource = NULL;
  assert(bytes != NULL && text != NULL);
  for (size_t i = 0; i < size; i++)
    text[i] = (uint8_t)('a' + i * i % 23);
  uint8_t *end = egress__put_bytes(xds_put_text(bytes, 1, "a"), 15, text, size);
  int rv = egress_snapshot_builder_new(&builder, NULL, alloc);
  if (rv == 0)
    rv = egress_resource_new(&resource, EGRESS_TYPE_CLUSTER, "a", bytes, (size_t)(end - bytes), alloc);
  if (rv == 0)
    rv = egress_snapshot_builder_put(builder, resource);
  if (rv == 0)
    rv = egress_snapshot_builder_build(out, builder);
  egress_resource_unref(resource);
  egress_snapshot_builder_free(builder);
  free(text);
  free(bytes);
  return rv;
}

/* A request; what is NULL or 0 is left out. */
typedef struct xds_request {
  char type;
  const char *names;   /* resource_names, or resource_names_subscribe */
  const char *drop;    /* resource_names_unsubscribe */
  const char *initial; /* initial_resource_versions: "a=VERSION" */
  const char *nonce;
  const char *version;
  const char *error;
  const char *node_id;
  const char *cluster;
  const char *features; /* node.client_features */
} xds_request;

static inline uint8_t *xds_put_words(uint8_t *to, uint32_t number, const char *words) {
  char word[XDS_WORD];
  while (words != NULL && xds_word(&words, word))
    to = xds_put_text(to, number, word);
  return to;
}

static inline uint8_t *xds_put_initial(uint8_t *to, const char *words) {
  char word[XDS_WORD];
  while (words != NULL && xds_word(&words, word)) {
    uint8_t entry[2 * XDS_WORD], *end;
    char *equals = strrchr(word, '=');
    *equals = '\0';
    end = xds_put_text(xds_put_text(entry, 1, word), 2, equals + 1);
    to = egress__put_bytes(to, 5, entry, (size_t)(end - entry));
  }
  return to;
}

static inline size_t xds_encode(uint8_t out[XDS_REQUEST], egress__xds_variant variant, const xds_request *r) {
  int delta = variant == EGRESS__XDS_DELTA;
  uint8_t part[2 * XDS_TEXT], *end = part, *to = out;
  if (r->node_id != NULL)
    end = xds_put_text(end, 1, r->node_id);
  if (r->cluster != NULL)
    end = xds_put_text(end, 2, r->cluster);
  end = xds_put_words(end, 10, r->features);
  if (end != part)
    to = egress__put_bytes(to, delta ? 1 : 2, part, (size_t)(end - part));
  if (r->type != '\0')
    to = xds_put_text(to, delta ? 2 : 4, xds_type_url(r->type));
  to = xds_put_words(to, 3, r->names);
  to = delta ? xds_put_initial(xds_put_words(to, 4, r->drop), r->initial) : to;
  if (r->version != NULL && !delta)
    to = xds_put_text(to, 1, r->version);
  if (r->nonce != NULL)
    to = xds_put_text(to, delta ? 6 : 5, r->nonce);
  if (r->error != NULL) {
    end = xds_put_text(egress__put_varint(egress__put_varint(part, 1 << 3), 13), 2, r->error);
    to = egress__put_bytes(to, delta ? 7 : 6, part, (size_t)(end - part));
  }
  return (size_t)(to - out);
}

/* A response as it was read back. */
typedef struct xds_response {
  char type;
  char version[XDS_WORD];
  char nonce[XDS_WORD];
  char identifier[XDS_WORD];
  size_t count, removed, errors;
  char types[XDS_LIST];              /* of the messages; 0: there is none; not sorted */
  char puts[XDS_LIST][XDS_WORD];     /* "a=1", sorted */
  char versions[XDS_LIST][XDS_WORD]; /* of each of them; "": none is told */
  char gone[XDS_LIST][XDS_WORD];     /* sorted */
  char failed[XDS_LIST][XDS_WORD];   /* "a#5", sorted; "a#none": the server's own word for what does not exist */
} xds_response;

static inline void xds_copy(char out[XDS_WORD], egress__span span) {
  assert(span.size < XDS_WORD);
  memcpy(out, span.data, span.size);
  out[span.size] = '\0';
}

/* The last field `number` of a message; fails when the bytes are no message. */
static inline egress__span xds_field(egress__span message, uint32_t number) {
  egress__field field;
  egress__span found = {(const uint8_t *)"", 0};
  int rv;
  while ((rv = egress__field_next(&message, &field)) == 1)
    if (field.number == number)
      found = field.bytes;
  assert(rv == 0);
  return found;
}

/* Milliseconds of a google.protobuf.Duration. */
static inline unsigned xds_duration(egress__span duration) {
  egress__field field;
  uint64_t ms = 0;
  while (egress__field_next(&duration, &field) == 1)
    ms += field.number == 1 ? field.value * 1000 : field.value / 1000000;
  return (unsigned)ms;
}

/* In state of the world a Resource may stand in the place of the message: then `entry` becomes that. */
static inline int xds_unwrap(egress__span *entry) {
  static const char wrapper[] = "type.googleapis.com/envoy.service.discovery.v3.Resource";
  egress__span url = xds_field(*entry, 1);
  if (url.size != strlen(wrapper) || memcmp(url.data, wrapper, url.size) != 0)
    return 0;
  *entry = xds_field(*entry, 2);
  return 1;
}

/* The aliases of a Resource: "^x^y". */
static inline void xds_read_aliases(char out[XDS_WORD], egress__span entry) {
  egress__field field;
  out[0] = '\0';
  while (egress__field_next(&entry, &field) == 1)
    if (field.number == 4)
      snprintf(out + strlen(out), XDS_WORD - strlen(out), "^%.*s", (int)field.bytes.size,
               (const char *)field.bytes.data);
}

/* "a=1", "a=1@2500" with a time to live, "a~2500" for a heartbeat, "a=1^x^y" with aliases, "a~^a" for an absent one. */
static inline void xds_read_put(xds_response *out, egress__span entry, int delta) {
  assert(out->count < XDS_LIST);
  int wrapped = delta || xds_unwrap(&entry);
  egress__span any = wrapped ? xds_field(entry, 2) : entry, message = xds_field(any, 2);
  char name[XDS_WORD], value[XDS_WORD], ttl[16] = "", aliases[XDS_WORD] = "";
  xds_copy(name, xds_field(wrapped ? entry : message, wrapped ? 3 : 1));
  xds_copy(value, xds_field(message, 15));
  if (wrapped)
    xds_read_aliases(aliases, entry);
  if (wrapped)
    xds_copy(out->versions[out->count], xds_field(entry, 1));
  if (wrapped && xds_field(entry, 6).size > 0)
    snprintf(ttl, sizeof ttl, "%c%u", any.size > 0 ? '@' : '~', xds_duration(xds_field(entry, 6)));
  if (any.size > 0) {
    out->types[out->count] = xds_letter(xds_field(any, 1));
    egress__xdstp_room rooms[2];
    const char *said = egress__xdstp_normal_text(&rooms[0], name);
    egress__span own = egress__xdstp_normal(&rooms[1], xds_field(message, 1));
    assert(own.size == strlen(said) && memcmp(own.data, said, own.size) == 0);
  }
  const char *equals = any.size > 0 ? "=" : ttl[0] == '\0' ? "~" : "";
  assert(snprintf(out->puts[out->count++], XDS_WORD, "%s%s%s%s%s", name, equals, value, ttl, aliases) < XDS_WORD);
}

static inline void xds_read_error(xds_response *out, egress__span error) {
  assert(out->errors < XDS_LIST);
  char name[XDS_WORD], text[XDS_WORD];
  egress__span status = xds_field(error, 2);
  egress__field code;
  xds_copy(name, xds_field(xds_field(error, 1), 1));
  xds_copy(text, xds_field(status, 2));
  assert(egress__field_next(&status, &code) == 1 && code.number == 1);
  int is_own = code.value == 5 && strcmp(text, "there is none") == 0;
  assert(is_own || strcmp(text, "why") == 0);
  char *to = out->failed[out->errors++];
  int size = is_own ? snprintf(to, XDS_WORD, "%s#none", name) : snprintf(to, XDS_WORD, "%s#%d", name, (int)code.value);
  assert(size < XDS_WORD);
}

/* By name, each with its version. */
static inline void xds_sort_puts(xds_response *response) {
  for (size_t i = 1; i < response->count; i++)
    for (size_t j = i; j > 0 && strcmp(response->puts[j - 1], response->puts[j]) > 0; j--) {
      char word[2][XDS_WORD];
      memcpy(word[0], response->puts[j], XDS_WORD);
      memcpy(word[1], response->versions[j], XDS_WORD);
      memcpy(response->puts[j], response->puts[j - 1], XDS_WORD);
      memcpy(response->versions[j], response->versions[j - 1], XDS_WORD);
      memcpy(response->puts[j - 1], word[0], XDS_WORD);
      memcpy(response->versions[j - 1], word[1], XDS_WORD);
    }
}

static inline int xds_compare(const void *a, const void *b) {
  return strcmp(a, b);
}

/* c6: what is in a response is of its type. */
static inline void xds_check_types(const xds_response *response) {
  assert(response->type != '?');
  for (size_t i = 0; i < response->count; i++)
    assert(response->types[i] == '\0' || response->types[i] == response->type);
}

/* c7, c51, c65: no name stands twice in a response; but "not found" (5) may be told as removed, too. */
static inline void xds_check_names(const xds_response *response) {
  char names[3 * XDS_LIST][XDS_WORD] = {{0}};
  size_t count = 0;
  for (size_t i = 0; i < response->count; i++) {
    const char *end = strrchr(response->puts[i], '~');
    end = end != NULL ? end : strrchr(response->puts[i], '=');
    size_t size = (size_t)(end - response->puts[i]);
    memcpy(names[count], response->puts[i], size);
    names[count++][size] = '\0';
  }
  for (size_t i = 0; i < response->removed; i++)
    memcpy(names[count++], response->gone[i], XDS_WORD);
  for (size_t i = 0; i < response->errors; i++)
    if (strcmp(strchr(response->failed[i], '#'), "#5") != 0)
      memcpy(names[count++], response->failed[i], strcspn(response->failed[i], "#"));
  qsort(names, count, XDS_WORD, xds_compare);
  for (size_t i = 1; i < count; i++)
    assert(strcmp(names[i - 1], names[i]) != 0);
}

/* Reads a response; takes its body. Asserts that it is whole and says nothing twice. */
static inline void xds_decode(xds_response *out, egress__response *response, egress__xds_variant variant) {
  int delta = variant == EGRESS__XDS_DELTA;
  size_t body_size = response->body == NULL ? 0 : response->body->size, size = body_size + response->tail_size;
  uint8_t *bytes = malloc(size);
  assert(bytes != NULL);
  if (body_size > 0)
    memcpy(bytes, response->body->bytes, body_size);
  memcpy(bytes + body_size, response->tail, response->tail_size);
  egress__blob_unref(response->body);
  egress__span rest = {bytes, size};
  egress__field field;
  memset(out, 0, sizeof *out);
  int rv;
  while ((rv = egress__field_next(&rest, &field)) == 1) {
    if (field.number == 1)
      xds_copy(out->version, field.bytes);
    else if (field.number == 2)
      xds_read_put(out, field.bytes, delta);
    else if (field.number == 4)
      out->type = xds_letter(field.bytes);
    else if (field.number == 5)
      xds_copy(out->nonce, field.bytes);
    else if (field.number == (delta ? 7U : 6U))
      xds_copy(out->identifier, xds_field(field.bytes, 1));
    else if (field.number == (delta ? 9U : 7U))
      xds_read_error(out, field.bytes);
    else {
      assert(delta && field.number == 6 && out->removed < XDS_LIST);
      xds_copy(out->gone[out->removed++], field.bytes);
    }
  }
  assert(rv == 0);
  xds_check_types(out);
  xds_check_names(out);
  xds_sort_puts(out);
  qsort(out->failed, out->errors, XDS_WORD, xds_compare);
  qsort(out->gone, out->removed, XDS_WORD, xds_compare);
  free(bytes);
}

/* "C: a=1 b=2 d#5 -c", or "C:" for an empty response. */
static inline void xds_print(char *out, size_t room, const xds_response *response) {
  char sorted[XDS_LIST][XDS_WORD];
  memcpy(sorted, response->puts, sizeof sorted);
  qsort(sorted, response->count, XDS_WORD, xds_compare);
  size_t used = (size_t)snprintf(out, room, "%c:", response->type);
  for (size_t i = 0; i < response->count; i++)
    used += (size_t)snprintf(out + used, room - used, " %s", sorted[i]);
  for (size_t i = 0; i < response->errors; i++)
    used += (size_t)snprintf(out + used, room - used, " %s", response->failed[i]);
  for (size_t i = 0; i < response->removed; i++)
    used += (size_t)snprintf(out + used, room - used, " -%s", response->gone[i]);
  assert(used < room);
}

#endif
