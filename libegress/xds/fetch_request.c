/*
 * A request in JSON is made one in bytes, which the stream reads as any other. First goes what nobody reads: a client
 * of a newer API may have members there, in its node above all, that the one of this build does not know.
 */
#include "xds/fetch_request.h"

#include <string.h>

#include <egress/error.h>

#include "base/document.h"
#include "resource/json_reader.h"
#include "xds/node.h"

/* Field numbers of DiscoveryRequest. */
enum { VERSION_INFO = 1, NODE = 2, RESOURCE_NAMES = 3, TYPE_URL = 4, USED_MAX = 16 };

static const uint8_t used_of_request[USED_MAX] = {[VERSION_INFO] = 1, [NODE] = 1, [RESOURCE_NAMES] = 1, [TYPE_URL] = 1};
static const uint8_t used_of_node[USED_MAX] = {[EGRESS__NODE_FIELD_ID] = 1,
                                               [EGRESS__NODE_FIELD_CLUSTER] = 1,
                                               [EGRESS__NODE_FIELD_LOCALITY] = 1,
                                               [EGRESS__NODE_FIELD_USER_AGENT_NAME] = 1,
                                               [EGRESS__NODE_FIELD_CLIENT_FEATURES] = 1};
static const uint8_t used_of_locality[USED_MAX] = {
    [EGRESS__LOCALITY_FIELD_REGION] = 1, [EGRESS__LOCALITY_FIELD_ZONE] = 1, [EGRESS__LOCALITY_FIELD_SUB_ZONE] = 1};

static const egress__schema_field *field_of(const egress__schema_message *message, const egress__node *member) {
  return egress__schema_field_by_name(message, member->key->text, member->key->size);
}

/* Takes the other members out of an object; anything else is left to be reported. */
static void keep_used(egress__node *object, const egress__schema_message *message, const uint8_t used[USED_MAX]) {
  if (object->kind != EGRESS__NODE_MAP)
    return;
  for (egress__node **at = &object->first; *at != NULL;) {
    const egress__schema_field *field = field_of(message, *at);
    if (field != NULL && field->number < USED_MAX && used[field->number])
      at = &(*at)->next;
    else
      *at = (*at)->next;
  }
}

/* The same in each member that is this field of the object's message. Returns the last such member; NULL: none. */
static egress__node *keep_used_in(egress__node *object, const egress__schema_message *message, uint32_t number,
                                  const uint8_t used[USED_MAX]) {
  const egress__schema_field *field = egress__schema_field_by_number(message, number);
  egress__node *found = NULL;
  for (egress__node *at = object->first; at != NULL && object->kind == EGRESS__NODE_MAP; at = at->next)
    if (field_of(message, at) == field) {
      keep_used(at, egress__schema_field_message(field), used);
      found = at;
    }
  return found;
}

static void keep_used_of_all(egress__node *request, const egress__schema_message *message) {
  keep_used(request, message, used_of_request);
  egress__node *node = keep_used_in(request, message, NODE, used_of_node);
  if (node != NULL)
    keep_used_in(node, egress__schema_field_message(egress__schema_field_by_number(message, NODE)),
                 EGRESS__NODE_FIELD_LOCALITY, used_of_locality);
}

static int pack(egress__buf *out, const egress__schema_message *message, const egress__node *root,
                egress__arena *scratch, egress__faults *faults) {
  egress__json_reader r = {.out = *out, .scratch = scratch, .faults = faults};
  egress__buf_init(&r.moved, out->alloc);
  int rv = egress__json_read_message(&r, message, root);
  *out = r.out;
  EGRESS__VEC_FREE(out->alloc, &r.parts);
  egress__buf_dispose(&r.moved);
  if (rv == 0)
    rv = out->rv;
  return rv == 0 && faults->count != 0 ? EGRESS_ERESOURCE : rv;
}

int egress__fetch_request_read(egress__buf *out, const char *text, size_t size, egress_diag *diag) {
  static const egress__document_rules rules = {
      "a request", "", EGRESS__FETCH_BYTES_MAX, EGRESS__FETCH_VALUES_MAX, EGRESS__DOCUMENT_DEPTH, 0};
  static const char name[] = "envoy.service.discovery.v3.DiscoveryRequest";
  const egress__schema_message *message = egress__schema_message_find(name, strlen(name));
  egress__faults faults = {"request", EGRESS_ERESOURCE, diag, 0};
  egress__arena scratch;
  egress__node *root = NULL;
  egress__arena_init(&scratch, out->alloc);
  int rv = egress__document_read_json(&root, &scratch, text, size, &rules, &faults);
  if (rv == 0) {
    keep_used_of_all(root, message);
    rv = pack(out, message, root, &scratch, &faults);
  }
  egress__arena_dispose(&scratch);
  return rv;
}

/* Fields stand by number, and that of the version is the first. */
void egress__fetch_request_cut(egress__span packed, egress__span *version, egress__span *rest) {
  egress__field field;
  *rest = packed;
  *version = (egress__span){packed.data, 0};
  if (egress__field_next(&packed, &field) != 1 || field.number != VERSION_INFO)
    return;
  *version = field.bytes;
  *rest = packed;
}
