#include "resource/resource.h"

#include <assert.h>
#include <stdatomic.h>
#include <string.h>

#include <protobuf-c/protobuf-c.h>
#include <xxhash.h>

#include <egress/error.h>

#include "base/alloc.h"
#include "resource/xdstp.h"

enum {
  MAX_TYPE_URL = 255,           /* a length byte in any client's log or table */
  MAX_NAME = EGRESS__XDSTP_MAX, /* xdstp names carry parameters; longer is a mistake */
  MAX_ERROR_TEXT = 4096,        /* for people, as the text of a NACK */
  MAX_BYTES = 64 << 20,         /* far above what a client takes in one gRPC message */
  VERSION_DIGITS = EGRESS__VERSION_TEXT - 1
};

enum { MIN_TTL_MS = 1000 /* more frequent heartbeats than three in a second are no refreshment but a load */ };

/* Field numbers, as the xDS API has them. */
enum { RESPONSE_RESOURCES = 2, RESOURCE_VERSION = 1, RESOURCE_ANY = 2, RESOURCE_NAME = 3, RESOURCE_TTL = 6 };
enum { ANY_TYPE_URL = 1, ANY_VALUE = 2, DURATION_SECONDS = 1, DURATION_NANOS = 2 };

enum { SOTW_ERRORS = 7, DELTA_ERRORS = 9, DELTA_REMOVED = 6, ERROR_RESOURCE = 1, ERROR_DETAIL = 2 };
enum {
  RESOURCE_NAME_NAME = 1,
  STATUS_CODE = 1,
  STATUS_MESSAGE = 2,
  NOT_FOUND = 5,
  LAST_CODE = 16 /* google.rpc.Code */
};

enum { TTL_BYTES = 2 + 2 * (1 + 5) /* field 6, and its two numbers below 2^32 */ };

static const char resource_type[] = "type.googleapis.com/envoy.service.discovery.v3.Resource";

/*
 * One allocation: the struct, the delta entry, then the type URL and the name as C strings. Of an error the entry is a
 * ResourceError, and its text stands behind the name.
 */
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
  int32_t error; /* a google.rpc.Code; 0: it is a resource */
  const char *error_text;
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
  egress__xdstp_room room;
  name = egress__xdstp_normal_text(&room, name);
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
  r->error = 0;
  r->error_text = "";
  out->resource = r;
  lay_out(out, &l, type_url, name, ttl);
  return 0;
}

/* The first `size` bytes of its memory say all that counts. */
static void set_version(egress_resource *resource, size_t size) {
  XXH128_hash_t hash = XXH3_128bits(resource->memory, size);
  resource->hash[0] = hash.low64;
  resource->hash[1] = hash.high64;
  egress__version_format(resource->version, resource->hash);
}

/* The delta entry with zeros for a version says type, name, time to live and bytes, each with its length: what is to be
   hashed. */
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
  if (out == NULL || resource == NULL || resource->error != 0 || (ttl_ms != 0 && ttl_ms < MIN_TTL_MS))
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
  uint8_t *to = egress__put_bytes_head(r->memory, DELTA_ERRORS, l->error);
  to = egress__put_bytes_head(to, ERROR_RESOURCE, l->resource);
  to = egress__put_bytes(to, RESOURCE_NAME_NAME, name, l->name);
  to = egress__put_bytes_head(to, ERROR_DETAIL, l->status);
  to = egress__put_varint(egress__put_varint(to, STATUS_CODE << 3), (uint64_t)r->error);
  to = egress__put_bytes(to, STATUS_MESSAGE, text, l->text);
  r->delta_entry = (egress__span){r->memory, (size_t)(to - r->memory)};
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

int32_t egress_resource_error(const egress_resource *resource) {
  return resource == NULL ? 0 : resource->error;
}

const char *egress_resource_error_text(const egress_resource *resource) {
  return resource == NULL ? "" : resource->error_text;
}

uint32_t egress_resource_ttl_ms(const egress_resource *resource) {
  return resource == NULL ? 0 : resource->ttl_ms;
}

/* The Resource, or the error, without the tag and length that make it an entry. */
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

static int is_sotw(egress__form form) {
  return form == EGRESS__FORM_SOTW || form == EGRESS__FORM_SOTW_TTL;
}

/* In delta "not found" is told as removed, too, which clients understand that know nothing of errors. */
static int is_removal(const egress_resource *resource, egress__form form) {
  return resource->error == NOT_FOUND && !is_sotw(form);
}

static size_t error_size(const egress_resource *resource, egress__form form) {
  if (form == EGRESS__FORM_HEARTBEAT)
    return 0;
  size_t size = resource->delta_entry.size; /* the two field numbers take a byte each */
  return is_removal(resource, form) ? size + egress__bytes_field_size(DELTA_REMOVED, strlen(resource->name)) : size;
}

size_t egress__resource_form_size(const egress_resource *resource, egress__form form) {
  if (resource->error != 0)
    return error_size(resource, form);
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

static uint8_t *put_error(uint8_t *to, const egress_resource *resource, egress__form form) {
  if (form == EGRESS__FORM_HEARTBEAT)
    return to;
  egress__span error = content(resource);
  to = egress__put_bytes(to, is_sotw(form) ? SOTW_ERRORS : DELTA_ERRORS, error.data, error.size);
  return is_removal(resource, form) ? egress__put_bytes(to, DELTA_REMOVED, resource->name, strlen(resource->name)) : to;
}

uint8_t *egress__resource_put(uint8_t *to, const egress_resource *resource, egress__form form) {
  if (resource->error != 0)
    return put_error(to, resource, form);
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

/* Whatever stands before the last '/' of a type URL, the message behind it is the same. */
int egress__is_secret(const char *type_url) {
  const char *slash = strrchr(type_url, '/');
  return strcmp(slash != NULL ? slash + 1 : type_url, "envoy.extensions.transport_sockets.tls.v3.Secret") == 0;
}
