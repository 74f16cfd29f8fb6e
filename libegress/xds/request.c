/*
 * A request is read twice: once as a whole, which checks all that will be used, and then field by field as names are
 * wanted; so nothing is unpacked into memory, whatever a client sends.
 */
#include "xds/request.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <egress/error.h>

/* What a field is to us, by its number; a table for each of the two messages. */
typedef enum role { IGNORED, NODE, TYPE_URL, NONCE, ADDED, REMOVED, INITIAL, ERROR_DETAIL } role;

static const uint8_t sotw_roles[] = {
    [2] = NODE, [3] = ADDED, [4] = TYPE_URL, [5] = NONCE, [6] = ERROR_DETAIL,
};
static const uint8_t delta_roles[] = {
    [1] = NODE, [2] = TYPE_URL, [3] = ADDED, [4] = REMOVED, [5] = INITIAL, [6] = NONCE, [7] = ERROR_DETAIL,
};

enum { STATUS_CODE = 1, STATUS_MESSAGE = 2, MAP_KEY = 1, MAP_VALUE = 2 };

static role role_of(egress__xds_variant variant, uint32_t number) {
  const uint8_t *roles = variant == EGRESS__XDS_SOTW ? sotw_roles : delta_roles;
  size_t count = variant == EGRESS__XDS_SOTW ? sizeof sotw_roles : sizeof delta_roles;
  return number < count ? (role)roles[number] : IGNORED;
}

int egress__stream_refuse(egress__stream_fault *fault, int code, const char *format, ...) {
  enum {
    INVALID_ARGUMENT = 3,
    PERMISSION_DENIED = 7,
    RESOURCE_EXHAUSTED = 8,
    UNIMPLEMENTED = 12
  }; /* google.rpc.Code */
  fault->status = code == EGRESS_EINVAL                            ? PERMISSION_DENIED
                  : code == EGRESS_ELIMIT || code == EGRESS_ENOMEM ? RESOURCE_EXHAUSTED
                  : code == EGRESS_EUNSUPPORTED                    ? UNIMPLEMENTED
                                                                   : INVALID_ARGUMENT;
  va_list args;
  va_start(args, format);
  vsnprintf(fault->message, sizeof fault->message, format, args);
  va_end(args);
  return code;
}

int egress__request_malformed(egress__stream_fault *fault) {
  return egress__stream_refuse(fault, EGRESS_EWIRE, "the request is not a well-formed protobuf message");
}

int egress__request_check(const char *what, egress__span text, size_t max, egress__stream_fault *fault) {
  if (text.size > max)
    return egress__stream_refuse(fault, EGRESS_ELIMIT, "%s is longer than %zu bytes", what, max);
  if (!egress__span_is_text(text))
    return egress__stream_refuse(fault, EGRESS_EWIRE, "%s is not UTF-8 text", what);
  return 0;
}

static int read_error(egress__request *request, egress__span rest, egress__stream_fault *fault) {
  request->has_error = 1;
  egress__field field;
  int rv;
  while ((rv = egress__field_next(&rest, &field)) == 1) {
    if (field.number == STATUS_CODE && field.type == EGRESS__WIRE_VARINT)
      request->error_code = (int32_t)(uint32_t)field.value;
    else if (field.number == STATUS_MESSAGE && field.type == EGRESS__WIRE_BYTES)
      request->error_text = field.bytes;
  }
  return rv == 0 ? 0 : egress__request_malformed(fault);
}

/* One entry of a map<string, string>. Returns 0 or EGRESS_EWIRE. */
static int read_entry(egress__span rest, egress__span *key, egress__span *value) {
  *key = *value = (egress__span){rest.data, 0};
  egress__field field;
  int rv;
  while ((rv = egress__field_next(&rest, &field)) == 1) {
    if (field.number != MAP_KEY && field.number != MAP_VALUE)
      continue;
    if (field.type != EGRESS__WIRE_BYTES)
      return EGRESS_EWIRE;
    *(field.number == MAP_KEY ? key : value) = field.bytes;
  }
  return rv;
}

static int read_initial(egress__request *request, egress__span entry, egress__stream_fault *fault) {
  egress__span name, version;
  if (read_entry(entry, &name, &version) != 0)
    return egress__request_malformed(fault);
  if (++request->initial > EGRESS__INITIAL_NAMES_MAX)
    return egress__stream_refuse(fault, EGRESS_ELIMIT, "more than %d initial_resource_versions",
                                 EGRESS__INITIAL_NAMES_MAX);
  int rv = egress__request_check("a name of initial_resource_versions", name, EGRESS__NAME_MAX, fault);
  return rv != 0 ? rv
                 : egress__request_check("a version of initial_resource_versions", version, EGRESS__NAME_MAX, fault);
}

static int read_field(egress__request *request, const egress__field *field, egress__stream_fault *fault) {
  role r = role_of(request->variant, field->number);
  if (r != IGNORED && field->type != EGRESS__WIRE_BYTES)
    return egress__request_malformed(fault);
  switch (r) {
  case IGNORED:
    return 0;
  case NODE:
    return egress__xds_node_parse(&request->node, field->bytes, fault);
  case TYPE_URL:
    request->type_url = field->bytes;
    return egress__request_check("type_url", field->bytes, EGRESS__TYPE_URL_MAX, fault);
  case NONCE:
    request->nonce = field->bytes; /* only ever compared */
    return 0;
  case ADDED:
    request->added++;
    return egress__request_check("a resource name", field->bytes, EGRESS__NAME_MAX, fault);
  case REMOVED:
    request->removed++;
    return egress__request_check("a resource name", field->bytes, EGRESS__NAME_MAX, fault);
  case INITIAL:
    return read_initial(request, field->bytes, fault);
  case ERROR_DETAIL:
    return read_error(request, field->bytes, fault);
  }
  return 0;
}

/* The type that a request is about: what it says and what the service is for must not differ. */
static int check_type(egress__request *request, const char *service, egress__stream_fault *fault) {
  egress__span said = request->type_url;
  if (service == NULL)
    return said.size > 0
               ? 0
               : egress__stream_refuse(fault, EGRESS_EPROTO, "a request on an aggregated stream must say its type_url");
  request->type_url = (egress__span){(const uint8_t *)service, strlen(service)};
  if (said.size == 0 || (said.size == strlen(service) && memcmp(said.data, service, said.size) == 0))
    return 0;
  return egress__stream_refuse(fault, EGRESS_EPROTO, "the type_url of the request is not that of its service, %s",
                               service);
}

int egress__request_read(egress__request *out, egress__xds_variant variant, const char *type_url, const void *bytes,
                         size_t size, egress__stream_fault *fault) {
  egress__request request = {.variant = variant, .bytes = {bytes, size}};
  egress__span rest = request.bytes;
  egress__field field;
  int rv;
  while ((rv = egress__field_next(&rest, &field)) == 1) {
    int fault_rv = read_field(&request, &field, fault);
    if (fault_rv != 0)
      return fault_rv;
  }
  if (rv != 0)
    return egress__request_malformed(fault);
  int type_rv = check_type(&request, type_url, fault);
  if (type_rv == 0)
    *out = request;
  return type_rv;
}

int egress__span_is_star(egress__span name) {
  return name.size == 1 && name.data[0] == '*';
}

/* The next field of that role; a request that was read has no malformed one. */
static int next_of(const egress__request *request, role wanted, egress__span *rest, egress__span *bytes) {
  egress__field field;
  while (egress__field_next(rest, &field) == 1) {
    if (role_of(request->variant, field.number) != wanted)
      continue;
    *bytes = field.bytes;
    return 1;
  }
  return 0;
}

int egress__request_name(const egress__request *request, egress__names which, egress__span *rest, egress__span *name) {
  return next_of(request, which == EGRESS__NAMES_ADDED ? ADDED : REMOVED, rest, name);
}

int egress__request_initial(const egress__request *request, egress__span *rest, egress__span *name,
                            egress__span *version) {
  egress__span entry;
  return next_of(request, INITIAL, rest, &entry) == 1 && read_entry(entry, name, version) == 0;
}

/* Bytes of the UTF-8 sequence at the front; 0: there is none. */
static size_t sequence(egress__span text) {
  for (size_t size = 1; size <= 4 && size <= text.size; size++)
    if (egress__span_is_text((egress__span){text.data, size}))
      return size;
  return 0;
}

void egress__request_error_text(char out[EGRESS__ERROR_TEXT_MAX + 1], const egress__request *request) {
  egress__span text = request->error_text;
  size_t used = 0;
  while (text.size > 0) {
    size_t size = sequence(text);
    if (used + (size == 0 ? 1 : size) > EGRESS__ERROR_TEXT_MAX)
      break;
    if (size == 0) {
      out[used++] = '?';
      size = 1;
    } else {
      memcpy(out + used, text.data, size);
      used += size;
    }
    text.data += size;
    text.size -= size;
  }
  out[used] = '\0';
}
