#include <string.h>
#include <strings.h>

#include <egress/error.h>

#include "xds/client_status.h"
#include "xds/request.h"

enum {
  REQUEST_MATCHER = 1,
  REQUEST_NODE = 2,
  REQUEST_BARE = 3,
  MATCHER_ID = 1,
  MATCHER_METADATA = 2,
  STRING_EXACT = 1,
  STRING_PREFIX = 2,
  STRING_SUFFIX = 3,
  STRING_REGEX = 5,
  STRING_IGNORE_CASE = 6,
  STRING_CONTAINS = 7,
  STRING_CUSTOM = 8
};

static int malformed(egress__stream_fault *fault) {
  return egress__stream_refuse(fault, EGRESS_EWIRE, "the ClientStatusRequest is not a well-formed protobuf message");
}

static int unsupported(egress__stream_fault *fault, const char *what) {
  return egress__stream_refuse(fault, EGRESS_EUNSUPPORTED,
                               "%s in node_matchers is not supported: match node_id by exact, prefix, suffix or "
                               "contains",
                               what);
}

static egress__match match_of(uint32_t number) {
  return number == STRING_EXACT    ? EGRESS__MATCH_EXACT
         : number == STRING_PREFIX ? EGRESS__MATCH_PREFIX
         : number == STRING_SUFFIX ? EGRESS__MATCH_SUFFIX
                                   : EGRESS__MATCH_CONTAINS;
}

static int read_string(egress__matcher *out, egress__span rest, egress__stream_fault *fault) {
  egress__field field;
  int rv;
  while ((rv = egress__field_next(&rest, &field)) == 1) {
    if (field.type == EGRESS__WIRE_VARINT && field.number == STRING_IGNORE_CASE)
      out->ignores_case = field.value != 0;
    if (field.type != EGRESS__WIRE_BYTES)
      continue;
    if (field.number == STRING_REGEX || field.number == STRING_CUSTOM)
      return unsupported(fault, field.number == STRING_REGEX ? "safe_regex" : "custom");
    if (field.number == STRING_EXACT || field.number == STRING_PREFIX || field.number == STRING_SUFFIX ||
        field.number == STRING_CONTAINS) {
      out->kind = match_of(field.number);
      out->text = field.bytes;
    }
  }
  if (rv != 0)
    return malformed(fault);
  if (out->kind == EGRESS__MATCH_ALL) /* fail closed: it is not known what was meant */
    return unsupported(fault, "a string that says nothing");
  return 0;
}

static int read_matcher(egress__status_request *out, egress__span rest, egress__stream_fault *fault) {
  if (out->matcher_count == EGRESS__MATCHERS_MAX)
    return egress__stream_refuse(fault, EGRESS_ELIMIT, "more than %d node_matchers", EGRESS__MATCHERS_MAX);
  egress__matcher *matcher = &out->matchers[out->matcher_count++];
  *matcher = (egress__matcher){.kind = EGRESS__MATCH_ALL};
  egress__field field;
  int rv;
  while ((rv = egress__field_next(&rest, &field)) == 1) {
    if (field.type != EGRESS__WIRE_BYTES)
      continue;
    if (field.number == MATCHER_METADATA)
      return unsupported(fault, "node_metadatas");
    rv = field.number == MATCHER_ID ? read_string(matcher, field.bytes, fault) : 0;
    if (rv != 0)
      return rv;
  }
  return rv == 0 ? 0 : malformed(fault);
}

int egress__status_request_read(egress__status_request *out, const void *bytes, size_t size,
                                egress__stream_fault *fault) {
  egress__span rest = {bytes, size};
  egress__field field;
  int rv;
  out->node = (egress__span){0};
  out->is_bare = 0;
  out->matcher_count = 0;
  while ((rv = egress__field_next(&rest, &field)) == 1) {
    if (field.type == EGRESS__WIRE_VARINT && field.number == REQUEST_BARE)
      out->is_bare = field.value != 0;
    if (field.type == EGRESS__WIRE_BYTES && field.number == REQUEST_NODE)
      out->node = field.bytes;
    rv =
        field.type == EGRESS__WIRE_BYTES && field.number == REQUEST_MATCHER ? read_matcher(out, field.bytes, fault) : 0;
    if (rv != 0)
      return rv;
  }
  return rv == 0 ? 0 : malformed(fault);
}

static int is_at(const egress__matcher *matcher, const char *text) {
  const char *wanted = (const char *)matcher->text.data;
  return matcher->text.size == 0 || (matcher->ignores_case ? strncasecmp(text, wanted, matcher->text.size) == 0
                                                           : memcmp(text, wanted, matcher->text.size) == 0);
}

static int matches(const egress__matcher *matcher, const char *text) {
  size_t size = strlen(text), wanted = matcher->text.size;
  if (matcher->kind == EGRESS__MATCH_ALL)
    return 1;
  if (wanted > size)
    return 0;
  switch (matcher->kind) {
  case EGRESS__MATCH_ALL:
  case EGRESS__MATCH_EXACT:
    return wanted == size && is_at(matcher, text);
  case EGRESS__MATCH_PREFIX:
    return is_at(matcher, text);
  case EGRESS__MATCH_SUFFIX:
    return is_at(matcher, text + size - wanted);
  case EGRESS__MATCH_CONTAINS:
    break;
  }
  for (size_t i = 0; i + wanted <= size; i++)
    if (is_at(matcher, text + i))
      return 1;
  return 0;
}

int egress__status_request_means(const egress__status_request *request, const char *node_id) {
  for (size_t i = 0; i < request->matcher_count; i++)
    if (matches(&request->matchers[i], node_id))
      return 1;
  return request->matcher_count == 0;
}
