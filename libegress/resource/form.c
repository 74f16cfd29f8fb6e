#include "resource/parts.h"

#include <assert.h>
#include <string.h>

static const char resource_type[] = "type.googleapis.com/envoy.service.discovery.v3.Resource";

/* The Resource, or the error, without the tag and length that make it an entry. */
static egress__span content(const egress_resource *resource) {
  egress__span rest = resource->delta_entry;
  egress__field entry;
  int rv = egress__field_next(&rest, &entry);
  assert(rv == 1 && "an entry is one field");
  (void)rv;
  return entry.bytes;
}

/* The same without the message: name, version, aliases and time to live. */
static egress__span heartbeat(const egress_resource *resource) {
  egress__span all = content(resource);
  return (egress__span){all.data, all.size - resource->sotw_entry.size};
}

/* Name, version and aliases. */
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
