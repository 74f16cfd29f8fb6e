#include "resource/resource.h"

#include <assert.h>
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

enum { MIN_TTL_MS = 1000 /* more frequent heartbeats than three in a second are no refreshment but a load */ };

/* Field numbers, as the xDS API has them. */
enum { RESPONSE_RESOURCES = 2, RESOURCE_VERSION = 1, RESOURCE_ANY = 2, RESOURCE_NAME = 3, RESOURCE_TTL = 6 };
enum { ANY_TYPE_URL = 1, ANY_VALUE = 2, DURATION_SECONDS = 1, DURATION_NANOS = 2 };

enum { TTL_BYTES = 2 + 2 * (1 + 5) /* field 6, and its two numbers below 2^32 */ };

static const char resource_type[] = "type.googleapis.com/envoy.service.discovery.v3.Resource";

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
  uint8_t ttl_size; /* of the field, which stands before the sotw entry */
  uint32_t ttl_ms;
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
  size_t ttl;      /* the field */
  size_t any;      /* content of the Any */
  size_t resource; /* content of the delta entry */
  size_t entry;    /* the delta entry */
} layout;

static int measure(layout *out, const char *type_url, const char *name, size_t value, size_t ttl) {
  layout l = {
      .type_url = strnlen(type_url, MAX_TYPE_URL + 1), .name = strnlen(name, MAX_NAME + 1), .value = value, .ttl = ttl};
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
               egress__bytes_field_size(RESOURCE_VERSION, VERSION_DIGITS) + l.ttl +
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

static void lay_out(draft *d, const layout *l, const char *type_url, const char *name, const uint8_t *ttl) {
  egress_resource *r = d->resource;
  uint8_t *to = egress__put_bytes_head(r->memory, RESPONSE_RESOURCES, l->resource);
  to = egress__put_bytes(to, RESOURCE_NAME, name, l->name);
  d->version = egress__put_bytes_head(to, RESOURCE_VERSION, VERSION_DIGITS);
  uint8_t *at = d->version + VERSION_DIGITS, *sotw = at + l->ttl;
  r->ttl_size = (uint8_t)l->ttl;
  if (l->ttl != 0)
    memcpy(at, ttl, l->ttl);
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

static int draft_new(draft *out, const char *type_url, const char *name, size_t size, uint32_t ttl_ms,
                     const egress_alloc *alloc) {
  layout l;
  uint8_t ttl[TTL_BYTES];
  int rv = measure(&l, type_url, name, size, write_ttl(ttl, ttl_ms));
  if (rv != 0)
    return rv;
  alloc = egress__alloc_or_default(alloc);
  egress_resource *r = egress__malloc(alloc, sizeof *r + l.entry + l.type_url + 1 + l.name + 1);
  if (r == NULL)
    return EGRESS_ENOMEM;
  atomic_init(&r->refs, 1);
  r->alloc = alloc;
  r->ttl_ms = ttl_ms;
  out->resource = r;
  lay_out(out, &l, type_url, name, ttl);
  return 0;
}

/* The delta entry with zeros for a version says type, name, time to live and bytes, each with its length: what is to be
   hashed. */
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
    rv = draft_new(&d, type_url, name, size, 0, alloc);
  if (rv != 0)
    return rv;
  if (size != 0)
    memcpy(d.value, bytes, size);
  *out = finish(&d);
  return 0;
}

int egress_resource_with_ttl(egress_resource **out, const egress_resource *resource, uint32_t ttl_ms,
                             const egress_alloc *alloc) {
  if (out == NULL || resource == NULL || (ttl_ms != 0 && ttl_ms < MIN_TTL_MS))
    return EGRESS_EINVAL;
  draft d;
  int rv = draft_new(&d, resource->type_url, resource->name, resource->value.size, ttl_ms, alloc);
  if (rv != 0)
    return rv;
  if (resource->value.size != 0)
    memcpy(d.value, resource->value.data, resource->value.size);
  *out = finish(&d);
  return 0;
}

int egress__resource_pack(egress_resource **out, const char *type_url, const char *name,
                          const ProtobufCMessage *message, const egress_alloc *alloc) {
  draft d;
  int rv = draft_new(&d, type_url, name, protobuf_c_message_get_packed_size(message), 0, alloc);
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

uint32_t egress_resource_ttl_ms(const egress_resource *resource) {
  return resource == NULL ? 0 : resource->ttl_ms;
}

/* The Resource without the tag and length that make it an entry. */
static egress__span content(const egress_resource *resource) {
  egress__span rest = resource->delta_entry;
  egress__field entry;
  int rv = egress__field_next(&rest, &entry);
  assert(rv == 1 && "an entry is one field");
  (void)rv;
  return entry.bytes;
}

/* The same without the message: name, version and time to live. */
static egress__span heartbeat(const egress_resource *resource) {
  egress__span all = content(resource);
  return (egress__span){all.data, all.size - resource->sotw_entry.size};
}

/* Name and version. */
static egress__span identity(const egress_resource *resource) {
  egress__span all = heartbeat(resource);
  return (egress__span){all.data, all.size - resource->ttl_size};
}

/* A Resource in an Any: the size of that Any. */
static size_t wrapped_size(const egress_resource *resource) {
  return egress__bytes_field_size(ANY_TYPE_URL, strlen(resource_type)) +
         egress__bytes_field_size(ANY_VALUE, content(resource).size);
}

/* A Resource without time to live. */
static size_t lasting_size(const egress_resource *resource) {
  return content(resource).size - resource->ttl_size;
}

/* Without a time to live a resource has two forms only, and no heartbeat. */
static egress__form form_of(const egress_resource *resource, egress__form form) {
  if (resource->ttl_ms != 0 || form == EGRESS__FORM_HEARTBEAT)
    return form;
  return form == EGRESS__FORM_SOTW_TTL ? EGRESS__FORM_SOTW : form == EGRESS__FORM_DELTA ? EGRESS__FORM_DELTA_TTL : form;
}

size_t egress__resource_form_size(const egress_resource *resource, egress__form form) {
  switch (form_of(resource, form)) {
  case EGRESS__FORM_SOTW:
    return resource->sotw_entry.size;
  case EGRESS__FORM_SOTW_TTL:
    return egress__bytes_field_size(RESPONSE_RESOURCES, wrapped_size(resource));
  case EGRESS__FORM_DELTA:
    return egress__bytes_field_size(RESPONSE_RESOURCES, lasting_size(resource));
  case EGRESS__FORM_DELTA_TTL:
    return resource->delta_entry.size;
  case EGRESS__FORM_HEARTBEAT:
    return resource->ttl_ms == 0 ? 0 : egress__bytes_field_size(RESPONSE_RESOURCES, heartbeat(resource).size);
  }
  assert(0 && "form is out of range");
  return 0;
}

static uint8_t *put_span(uint8_t *to, egress__span span) {
  memcpy(to, span.data, span.size);
  return to + span.size;
}

static uint8_t *put_wrapped(uint8_t *to, const egress_resource *resource) {
  egress__span all = content(resource);
  to = egress__put_bytes_head(to, RESPONSE_RESOURCES, wrapped_size(resource));
  to = egress__put_bytes(to, ANY_TYPE_URL, resource_type, strlen(resource_type));
  return egress__put_bytes(to, ANY_VALUE, all.data, all.size);
}

static uint8_t *put_lasting(uint8_t *to, const egress_resource *resource) {
  to = egress__put_bytes_head(to, RESPONSE_RESOURCES, lasting_size(resource));
  return put_span(put_span(to, identity(resource)), resource->sotw_entry);
}

static uint8_t *put_heartbeat(uint8_t *to, const egress_resource *resource) {
  egress__span beat = heartbeat(resource);
  return resource->ttl_ms == 0 ? to : egress__put_bytes(to, RESPONSE_RESOURCES, beat.data, beat.size);
}

uint8_t *egress__resource_put(uint8_t *to, const egress_resource *resource, egress__form form) {
  switch (form_of(resource, form)) {
  case EGRESS__FORM_SOTW:
    return put_span(to, resource->sotw_entry);
  case EGRESS__FORM_SOTW_TTL:
    return put_wrapped(to, resource);
  case EGRESS__FORM_DELTA:
    return put_lasting(to, resource);
  case EGRESS__FORM_DELTA_TTL:
    return put_span(to, resource->delta_entry);
  case EGRESS__FORM_HEARTBEAT:
    return put_heartbeat(to, resource);
  }
  assert(0 && "form is out of range");
  return to;
}

void egress__resource_hash(const egress_resource *resource, uint64_t out[2]) {
  out[0] = resource->hash[0];
  out[1] = resource->hash[1];
}

const egress_alloc *egress__resource_alloc(const egress_resource *resource) {
  return resource->alloc;
}
