#include "resource/resource.h"

#include <string.h>

#include <protobuf-c/protobuf-c.h>
#include <xxhash.h>

#include <egress/error.h>

#include "base/alloc.h"
#include "resource/alias.h"
#include "resource/parts.h"
#include "resource/xdstp.h"

enum {
  MAX_TYPE_URL = 255,           /* a length byte in any client's log or table */
  MAX_NAME = EGRESS__XDSTP_MAX, /* xdstp names carry parameters; longer is a mistake */
  MAX_ERROR_TEXT = 4096,        /* for people, as the text of a NACK */
  MAX_BYTES = 64 << 20,         /* far above what a client takes in one gRPC message */
  VERSION_DIGITS = EGRESS__VERSION_TEXT - 1
};

enum { MIN_TTL_MS = 1000 /* more frequent heartbeats than three in a second are no refreshment but a load */ };

enum { DURATION_SECONDS = 1, DURATION_NANOS = 2, ERROR_RESOURCE = 1, ERROR_DETAIL = 2 };
enum { RESOURCE_NAME_NAME = 1, STATUS_CODE = 1, STATUS_MESSAGE = 2, LAST_CODE = 16 /* google.rpc.Code */ };

enum { TTL_BYTES = 2 + 2 * (1 + 5) /* field 6, and its two numbers below 2^32 */ };

void egress__version_format(char out[EGRESS__VERSION_TEXT], const uint64_t hash[2]) {
  for (size_t i = 0; i < VERSION_DIGITS; i++)
    out[i] = "0123456789abcdef"[hash[i < 16] >> (60 - 4 * (i % 16)) & 15];
  out[VERSION_DIGITS] = '\0';
}

/* What a resource says beside its message. Aliases are in normal form and sorted. */
typedef struct label {
  const char *type_url, *name;
  const char *const *aliases;
  uint32_t alias_count, ttl_ms;
} label;

/* Sizes of what is nested in each other; all far from overflow, because the limits were checked. */
typedef struct layout {
  size_t type_url;
  size_t name;
  size_t value;
  size_t ttl;      /* the field */
  size_t aliases;  /* their fields */
  size_t any;      /* content of the Any */
  size_t resource; /* content of the delta entry */
  size_t entry;    /* the delta entry */
  size_t memory;   /* all behind the struct */
} layout;

static int measure(layout *out, const label *of, size_t value, size_t ttl) {
  layout l = {.type_url = strnlen(of->type_url, MAX_TYPE_URL + 1),
              .name = strnlen(of->name, MAX_NAME + 1),
              .value = value,
              .ttl = ttl,
              .memory = of->alias_count * sizeof(char *)};
  if (l.type_url == 0 || l.type_url > MAX_TYPE_URL || l.name == 0 || l.name > MAX_NAME)
    return EGRESS_EINVAL;
  if (!egress__span_is_text((egress__span){(const uint8_t *)of->type_url, l.type_url}) ||
      !egress__span_is_text((egress__span){(const uint8_t *)of->name, l.name}))
    return EGRESS_EINVAL;
  if (value > MAX_BYTES)
    return EGRESS_ELIMIT;
  for (size_t i = 0; i < of->alias_count; i++) {
    l.aliases += egress__bytes_field_size(RESOURCE_ALIAS, strlen(of->aliases[i]));
    l.memory += strlen(of->aliases[i]) + 1;
  }
  l.any = egress__bytes_field_size(ANY_TYPE_URL, l.type_url);
  if (value != 0)
    l.any += egress__bytes_field_size(ANY_VALUE, value);
  l.resource = egress__bytes_field_size(RESOURCE_NAME, l.name) +
               egress__bytes_field_size(RESOURCE_VERSION, VERSION_DIGITS) + l.aliases + l.ttl +
               egress__bytes_field_size(RESOURCE_ANY, l.any);
  l.entry = egress__bytes_field_size(RESPONSE_RESOURCES, l.resource);
  l.memory += l.entry + l.type_url + 1 + l.name + 1;
  *out = l;
  return 0;
}

/* A resource whose message and version are still to be written, and where to. */
typedef struct draft {
  egress_resource *resource;
  uint8_t *value;
  uint8_t *version;
} draft;

static char *put_string(const char **out, char *to, const char *text, size_t size) {
  *out = memcpy(to, text, size + 1);
  return to + size + 1;
}

static void lay_out_strings(egress_resource *r, char *to, const layout *l, const label *of) {
  to = put_string(&r->type_url, to, of->type_url, l->type_url);
  to = put_string(&r->name, to, of->name, l->name);
  for (size_t i = 0; i < of->alias_count; i++)
    to = put_string(&r->aliases[i], to, of->aliases[i], strlen(of->aliases[i]));
}

static void lay_out(draft *d, const layout *l, const label *of, const uint8_t *ttl) {
  egress_resource *r = d->resource;
  uint8_t *memory = (uint8_t *)(r->aliases + of->alias_count);
  uint8_t *to = egress__put_bytes_head(memory, RESPONSE_RESOURCES, l->resource);
  to = egress__put_bytes(to, RESOURCE_NAME, of->name, l->name);
  d->version = egress__put_bytes_head(to, RESOURCE_VERSION, VERSION_DIGITS);
  to = d->version + VERSION_DIGITS;
  for (size_t i = 0; i < of->alias_count; i++)
    to = egress__put_bytes(to, RESOURCE_ALIAS, of->aliases[i], strlen(of->aliases[i]));
  uint8_t *sotw = to + l->ttl;
  r->ttl_size = (uint8_t)l->ttl;
  if (l->ttl != 0)
    memcpy(to, ttl, l->ttl);
  to = egress__put_bytes_head(sotw, RESOURCE_ANY, l->any);
  to = egress__put_bytes(to, ANY_TYPE_URL, of->type_url, l->type_url);
  d->value = l->value == 0 ? to : egress__put_bytes_head(to, ANY_VALUE, l->value);
  lay_out_strings(r, (char *)memory + l->entry, l, of);
  r->delta_entry = (egress__span){memory, l->entry};
  r->sotw_entry = (egress__span){sotw, l->entry - (size_t)(sotw - memory)};
  r->value = (egress__span){d->value, l->value};
}

/* Writes a time to live as field of a Resource; returns how long that is. */
static size_t write_ttl(uint8_t out[TTL_BYTES], uint32_t ttl_ms) {
  enum { TAG_SHIFT = 3, NANOS_PER_MS = 1000 * 1000 };
  uint8_t duration[TTL_BYTES], *to = duration;
  if (ttl_ms == 0)
    return 0;
  if (ttl_ms / 1000 != 0)
    to = egress__put_varint(egress__put_varint(to, DURATION_SECONDS << TAG_SHIFT), ttl_ms / 1000);
  if (ttl_ms % 1000 != 0)
    to = egress__put_varint(egress__put_varint(to, DURATION_NANOS << TAG_SHIFT), ttl_ms % 1000 * NANOS_PER_MS);
  return (size_t)(egress__put_bytes(out, RESOURCE_TTL, duration, (size_t)(to - duration)) - out);
}

static int draft_new(draft *out, label of, size_t size, const egress_alloc *alloc) {
  layout l;
  uint8_t ttl[TTL_BYTES];
  egress__xdstp_room room;
  of.name = egress__xdstp_normal_text(&room, of.name);
  int rv = measure(&l, &of, size, write_ttl(ttl, of.ttl_ms));
  if (rv != 0)
    return rv;
  alloc = egress__alloc_or_default(alloc);
  egress_resource *r = egress__malloc(alloc, sizeof *r + l.memory);
  if (r == NULL)
    return EGRESS_ENOMEM;
  *r = (egress_resource){.alloc = alloc, .ttl_ms = of.ttl_ms, .alias_count = of.alias_count, .error_text = ""};
  atomic_init(&r->refs, 1);
  out->resource = r;
  lay_out(out, &l, &of, ttl);
  return 0;
}

/* The first `size` bytes of the delta entry, or more behind it, say all that counts. */
static void set_version(egress_resource *resource, size_t size) {
  XXH128_hash_t hash = XXH3_128bits(resource->delta_entry.data, size);
  resource->hash[0] = hash.low64;
  resource->hash[1] = hash.high64;
  egress__version_format(resource->version, resource->hash);
}

/* The delta entry with zeros for a version says type, name, aliases, time to live and bytes, each with its length: what
   is to be hashed. */
static egress_resource *finish(const draft *d) {
  egress_resource *r = d->resource;
  memset(d->version, '0', VERSION_DIGITS);
  set_version(r, r->delta_entry.size);
  memcpy(d->version, r->version, VERSION_DIGITS);
  return r;
}

static int check_wire(egress__span bytes) {
  egress__field field;
  int rv;
  do
    rv = egress__field_next(&bytes, &field);
  while (rv == 1);
  return rv;
}

int egress_resource_new(egress_resource **out, const char *type_url, const char *name, const void *bytes, size_t size,
                        const egress_alloc *alloc) {
  if (out == NULL || type_url == NULL || name == NULL || (bytes == NULL && size != 0))
    return EGRESS_EINVAL;
  draft d;
  int rv = size > MAX_BYTES ? EGRESS_ELIMIT : check_wire((egress__span){bytes, size});
  if (rv == 0)
    rv = draft_new(&d, (label){.type_url = type_url, .name = name}, size, alloc);
  if (rv != 0)
    return rv;
  if (size != 0)
    memcpy(d.value, bytes, size);
  *out = finish(&d);
  return 0;
}

/* The same message under another label. */
static int relabel(egress_resource **out, const egress_resource *resource, label of, const egress_alloc *alloc) {
  draft d;
  of.type_url = resource->type_url;
  of.name = resource->name;
  int rv = draft_new(&d, of, resource->value.size, alloc);
  if (rv != 0)
    return rv;
  if (resource->value.size != 0)
    memcpy(d.value, resource->value.data, resource->value.size);
  *out = finish(&d);
  return 0;
}

int egress_resource_with_ttl(egress_resource **out, const egress_resource *resource, uint32_t ttl_ms,
                             const egress_alloc *alloc) {
  if (out == NULL || resource == NULL || resource->error != 0 || (ttl_ms != 0 && ttl_ms < MIN_TTL_MS))
    return EGRESS_EINVAL;
  label of = {.aliases = resource->aliases, .alias_count = resource->alias_count, .ttl_ms = ttl_ms};
  return relabel(out, resource, of, alloc);
}

int egress_resource_with_aliases(egress_resource **out, const egress_resource *resource, const char *const *aliases,
                                 size_t count, const egress_alloc *alloc) {
  egress__aliases list;
  if (out == NULL || resource == NULL || resource->error != 0 || (aliases == NULL && count != 0))
    return EGRESS_EINVAL;
  int rv = egress__aliases_read(&list, aliases, count, egress__alloc_or_default(alloc));
  if (rv != 0)
    return rv;
  label of = {.aliases = list.items, .alias_count = (uint32_t)list.count, .ttl_ms = resource->ttl_ms};
  rv = relabel(out, resource, of, alloc);
  egress__aliases_dispose(&list);
  return rv;
}

/* Sizes of an error's parts; all far from overflow, because the limits were checked. */
typedef struct error_layout {
  size_t type_url, name, text;
  size_t resource; /* content of the ResourceName */
  size_t status;   /* content of the Status */
  size_t error;    /* content of the ResourceError */
} error_layout;

static int is_text(const char *text, size_t size, size_t max) {
  return size <= max && egress__span_is_text((egress__span){(const uint8_t *)text, size});
}

static int measure_error(error_layout *out, const char *type_url, const char *name, const char *text) {
  error_layout l = {.type_url = strnlen(type_url, MAX_TYPE_URL + 1),
                    .name = strnlen(name, MAX_NAME + 1),
                    .text = strnlen(text, MAX_ERROR_TEXT + 1)};
  if (l.type_url == 0 || l.name == 0 || strcmp(name, "*") == 0 || !is_text(type_url, l.type_url, MAX_TYPE_URL) ||
      !is_text(name, l.name, MAX_NAME) || !is_text(text, l.text, MAX_ERROR_TEXT))
    return EGRESS_EINVAL;
  l.resource = egress__bytes_field_size(RESOURCE_NAME_NAME, l.name);
  l.status = 2 + egress__bytes_field_size(STATUS_MESSAGE, l.text); /* a code takes one byte, as its tag does */
  l.error = egress__bytes_field_size(ERROR_RESOURCE, l.resource) + egress__bytes_field_size(ERROR_DETAIL, l.status);
  *out = l;
  return 0;
}

static void write_error(egress_resource *r, const error_layout *l, const char *type_url, const char *name,
                        const char *text) {
  uint8_t *memory = (uint8_t *)r->aliases, *to = egress__put_bytes_head(memory, DELTA_ERRORS, l->error);
  to = egress__put_bytes_head(to, ERROR_RESOURCE, l->resource);
  to = egress__put_bytes(to, RESOURCE_NAME_NAME, name, l->name);
  to = egress__put_bytes_head(to, ERROR_DETAIL, l->status);
  to = egress__put_varint(egress__put_varint(to, STATUS_CODE << 3), (uint64_t)r->error);
  to = egress__put_bytes(to, STATUS_MESSAGE, text, l->text);
  r->delta_entry = (egress__span){memory, (size_t)(to - memory)};
  char *strings = (char *)to;
  r->type_url = memcpy(strings, type_url, l->type_url + 1);
  r->name = memcpy(strings + l->type_url + 1, name, l->name + 1);
  r->error_text = memcpy(strings + l->type_url + 1 + l->name + 1, text, l->text + 1);
}

int egress_resource_new_error(egress_resource **out, const char *type_url, const char *name, int32_t code,
                              const char *text, const egress_alloc *alloc) {
  error_layout l;
  egress__xdstp_room room;
  if (out == NULL || type_url == NULL || name == NULL || text == NULL || code < 1 || code > LAST_CODE)
    return EGRESS_EINVAL;
  name = egress__xdstp_normal_text(&room, name);
  if (measure_error(&l, type_url, name, text) != 0)
    return EGRESS_EINVAL;
  alloc = egress__alloc_or_default(alloc);
  size_t entry = egress__bytes_field_size(DELTA_ERRORS, l.error);
  egress_resource *r = egress__calloc(alloc, 1, sizeof *r + entry + l.type_url + 1 + l.name + 1 + l.text + 1);
  if (r == NULL)
    return EGRESS_ENOMEM;
  atomic_init(&r->refs, 1);
  r->alloc = alloc;
  r->error = code;
  write_error(r, &l, type_url, name, text);
  set_version(r, entry + l.type_url);
  *out = r;
  return 0;
}

int egress__resource_pack(egress_resource **out, const char *type_url, const char *name,
                          const ProtobufCMessage *message, const egress_alloc *alloc) {
  draft d;
  label of = {.type_url = type_url, .name = name};
  int rv = draft_new(&d, of, protobuf_c_message_get_packed_size(message), alloc);
  if (rv != 0)
    return rv;
  protobuf_c_message_pack(message, d.value);
  *out = finish(&d);
  return 0;
}

egress_resource *egress_resource_ref(egress_resource *resource) {
  if (resource != NULL)
    atomic_fetch_add_explicit(&resource->refs, 1, memory_order_relaxed);
  return resource;
}

void egress_resource_unref(egress_resource *resource) {
  if (resource == NULL || atomic_fetch_sub_explicit(&resource->refs, 1, memory_order_acq_rel) != 1)
    return;
  egress_resource_unref(resource->target); /* which has none itself */
  egress__free(resource->alloc, resource);
}

const char *egress_resource_type_url(const egress_resource *resource) {
  return resource == NULL ? "" : resource->type_url;
}

const char *egress_resource_name(const egress_resource *resource) {
  return resource == NULL ? "" : resource->name;
}

const char *egress_resource_version(const egress_resource *resource) {
  return resource == NULL ? "" : resource->version;
}

const void *egress_resource_bytes(const egress_resource *resource) {
  return resource == NULL ? NULL : resource->value.data;
}

size_t egress_resource_size(const egress_resource *resource) {
  return resource == NULL ? 0 : resource->value.size;
}

int32_t egress_resource_error(const egress_resource *resource) {
  return resource == NULL ? 0 : resource->error;
}

const char *egress_resource_error_text(const egress_resource *resource) {
  return resource == NULL ? "" : resource->error_text;
}

size_t egress_resource_alias_count(const egress_resource *resource) {
  return resource == NULL ? 0 : resource->alias_count;
}

const char *egress_resource_alias(const egress_resource *resource, size_t index) {
  return index < egress_resource_alias_count(resource) ? resource->aliases[index] : NULL;
}

uint32_t egress_resource_ttl_ms(const egress_resource *resource) {
  return resource == NULL ? 0 : resource->ttl_ms;
}

void egress__resource_hash(const egress_resource *resource, uint64_t out[2]) {
  out[0] = resource->hash[0];
  out[1] = resource->hash[1];
}

const egress_alloc *egress__resource_alloc(const egress_resource *resource) {
  return resource->alloc;
}

/* Whatever stands before the last '/' of a type URL, the message behind it is the same. */
int egress__is_secret(const char *type_url) {
  const char *slash = strrchr(type_url, '/');
  return strcmp(slash != NULL ? slash + 1 : type_url, "envoy.extensions.transport_sockets.tls.v3.Secret") == 0;
}
