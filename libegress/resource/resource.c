#include "resource/resource.h"

#include <stdatomic.h>
#include <string.h>

#include <protobuf-c/protobuf-c.h>
#include <xxhash.h>

#include <egress/error.h>

#include "base/alloc.h"

enum {
  MAX_TYPE_URL = 255,   /* a length byte in any client's log or table */
  MAX_NAME = 4096,      /* xdstp names carry parameters; longer is a mistake */
  MAX_BYTES = 64 << 20, /* far above what a client takes in one gRPC message */
  VERSION_DIGITS = EGRESS__VERSION_TEXT - 1
};

/* Field numbers, as the xDS API has them. */
enum { RESPONSE_RESOURCES = 2, RESOURCE_VERSION = 1, RESOURCE_ANY = 2, RESOURCE_NAME = 3, ANY_TYPE_URL = 1, ANY_VALUE };

/* One allocation: the struct, the delta entry, then the type URL and the name as C strings. */
struct egress_resource {
  atomic_uint refs;
  const egress_alloc *alloc;
  const char *type_url;
  const char *name;
  egress__span value;
  egress__span sotw_entry;
  egress__span delta_entry;
  uint64_t hash[2];
  char version[EGRESS__VERSION_TEXT];
  uint8_t memory[];
};

void egress__version_format(char out[EGRESS__VERSION_TEXT], const uint64_t hash[2]) {
  for (size_t i = 0; i < VERSION_DIGITS; i++)
    out[i] = "0123456789abcdef"[hash[i < 16] >> (60 - 4 * (i % 16)) & 15];
  out[VERSION_DIGITS] = '\0';
}

/* Sizes of what is nested in each other; all far from overflow, because the limits were checked. */
typedef struct layout {
  size_t type_url;
  size_t name;
  size_t value;
  size_t any;      /* content of the Any */
  size_t resource; /* content of the delta entry */
  size_t entry;    /* the delta entry */
} layout;

static int measure(layout *out, const char *type_url, const char *name, size_t value) {
  layout l = {.type_url = strnlen(type_url, MAX_TYPE_URL + 1), .name = strnlen(name, MAX_NAME + 1), .value = value};
  if (l.type_url == 0 || l.type_url > MAX_TYPE_URL || l.name == 0 || l.name > MAX_NAME)
    return EGRESS_EINVAL;
  if (!egress__span_is_text((egress__span){(const uint8_t *)type_url, l.type_url}) ||
      !egress__span_is_text((egress__span){(const uint8_t *)name, l.name}))
    return EGRESS_EINVAL;
  if (value > MAX_BYTES)
    return EGRESS_ELIMIT;
  l.any = egress__bytes_field_size(ANY_TYPE_URL, l.type_url);
  if (value != 0)
    l.any += egress__bytes_field_size(ANY_VALUE, value);
  l.resource = egress__bytes_field_size(RESOURCE_NAME, l.name) +
               egress__bytes_field_size(RESOURCE_VERSION, VERSION_DIGITS) +
               egress__bytes_field_size(RESOURCE_ANY, l.any);
  l.entry = egress__bytes_field_size(RESPONSE_RESOURCES, l.resource);
  *out = l;
  return 0;
}

/* A resource whose message and version are still to be written, and where to. */
typedef struct draft {
  egress_resource *resource;
  uint8_t *value;
  uint8_t *version;
} draft;

static void lay_out(draft *d, const layout *l, const char *type_url, const char *name) {
  egress_resource *r = d->resource;
  uint8_t *to = egress__put_bytes_head(r->memory, RESPONSE_RESOURCES, l->resource);
  to = egress__put_bytes(to, RESOURCE_NAME, name, l->name);
  d->version = egress__put_bytes_head(to, RESOURCE_VERSION, VERSION_DIGITS);
  uint8_t *sotw = d->version + VERSION_DIGITS;
  to = egress__put_bytes_head(sotw, RESOURCE_ANY, l->any);
  to = egress__put_bytes(to, ANY_TYPE_URL, type_url, l->type_url);
  d->value = l->value == 0 ? to : egress__put_bytes_head(to, ANY_VALUE, l->value);
  char *strings = (char *)r->memory + l->entry;
  r->type_url = memcpy(strings, type_url, l->type_url + 1);
  r->name = memcpy(strings + l->type_url + 1, name, l->name + 1);
  r->delta_entry = (egress__span){r->memory, l->entry};
  r->sotw_entry = (egress__span){sotw, l->entry - (size_t)(sotw - r->memory)};
  r->value = (egress__span){d->value, l->value};
}

static int draft_new(draft *out, const char *type_url, const char *name, size_t size, const egress_alloc *alloc) {
  layout l;
  int rv = measure(&l, type_url, name, size);
  if (rv != 0)
    return rv;
  alloc = egress__alloc_or_default(alloc);
  egress_resource *r = egress__malloc(alloc, sizeof *r + l.entry + l.type_url + 1 + l.name + 1);
  if (r == NULL)
    return EGRESS_ENOMEM;
  atomic_init(&r->refs, 1);
  r->alloc = alloc;
  out->resource = r;
  lay_out(out, &l, type_url, name);
  return 0;
}

/* The delta entry with zeros for a version says type, name and bytes, each with its length: what is to be hashed. */
static egress_resource *finish(const draft *d) {
  egress_resource *r = d->resource;
  memset(d->version, '0', VERSION_DIGITS);
  XXH128_hash_t hash = XXH3_128bits(r->delta_entry.data, r->delta_entry.size);
  r->hash[0] = hash.low64;
  r->hash[1] = hash.high64;
  egress__version_format(r->version, r->hash);
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
    rv = draft_new(&d, type_url, name, size, alloc);
  if (rv != 0)
    return rv;
  if (size != 0)
    memcpy(d.value, bytes, size);
  *out = finish(&d);
  return 0;
}

int egress__resource_pack(egress_resource **out, const char *type_url, const char *name,
                          const ProtobufCMessage *message, const egress_alloc *alloc) {
  draft d;
  int rv = draft_new(&d, type_url, name, protobuf_c_message_get_packed_size(message), alloc);
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
  if (resource != NULL && atomic_fetch_sub_explicit(&resource->refs, 1, memory_order_acq_rel) == 1)
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

egress__span egress__resource_sotw_entry(const egress_resource *resource) {
  return resource->sotw_entry;
}

egress__span egress__resource_delta_entry(const egress_resource *resource) {
  return resource->delta_entry;
}

void egress__resource_hash(const egress_resource *resource, uint64_t out[2]) {
  out[0] = resource->hash[0];
  out[1] = resource->hash[1];
}

const egress_alloc *egress__resource_alloc(const egress_resource *resource) {
  return resource->alloc;
}
