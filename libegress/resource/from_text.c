/* Resources from JSON, YAML, and values of a document. */
#include <string.h>

#include <egress/error.h>
#include <egress/resource.h>

#include "base/alloc.h"
#include "base/document.h"
#include "base/options.h"
#include "resource/json_reader.h"

enum { MAX_TYPE_URL = 255, MAX_NAME = 4096 /* both as egress_resource_new */ };

/* The field that names a resource; NULL: it has none. */
static const egress__schema_field *name_field(const egress__schema_message *message) {
  int is_endpoint = strcmp(egress__schema_text(message->name), "envoy.config.endpoint.v3.ClusterLoadAssignment") == 0;
  const char *name = is_endpoint ? "cluster_name" : "name";
  const egress__schema_field *field = egress__schema_field_by_name(message, name, strlen(name));
  return field != NULL && field->type == EGRESS__SCHEMA_STRING && (field->flags & EGRESS__SCHEMA_REPEATED) == 0 ? field
                                                                                                                : NULL;
}

/* The member for a field, under whichever of its names; NULL: there is none. */
static const egress__node *member_of(const egress__node *node, const egress__schema_message *message,
                                     const egress__schema_field *field) {
  for (const egress__node *at = node->first; at != NULL; at = at->next)
    if (egress__schema_field_by_name(message, at->key->text, at->key->size) == field)
      return at;
  return NULL;
}

/* NULL, reported: the message does not say a name that a resource may have. */
static const char *own_name(egress__json_reader *r, const egress__schema_message *message, const egress__node *node) {
  const egress__schema_field *field = name_field(message);
  if (field == NULL) {
    egress__json_fault(r, node, "is a %s, which has no name of its own; the caller has to give the resource one",
                       egress__schema_text(message->name));
    return NULL;
  }
  const egress__node *name = member_of(node, message, field);
  if (name == NULL || egress__node_type_of(name) == EGRESS__TYPE_NULL || name->size == 0) {
    egress__json_fault(r, name == NULL ? node : name, "needs a `%s`: it is the name of the resource",
                       egress__schema_text(field->json_name));
    return NULL;
  }
  if (egress__node_type_of(name) != EGRESS__TYPE_TEXT)
    return NULL; /* reported when the field was read */
  if (name->size <= MAX_NAME && memchr(name->text, '\0', name->size) == NULL)
    return name->text;
  egress__json_fault(r, name, "needs a `%s` of at most %d bytes without NULs: it is the name of the resource",
                     egress__schema_text(field->json_name), MAX_NAME);
  return NULL;
}

/* The member `@type` and its message; NULL, reported: a resource cannot have it. */
static const egress__node *own_type(egress__json_reader *r, const egress__node *node,
                                    const egress__schema_message **message) {
  if (node->kind != EGRESS__NODE_MAP) {
    egress__json_mistyped(r, node, "an object with `@type`");
    return NULL;
  }
  const egress__node *type = egress__json_type(r, node, message);
  if (type == NULL || (type->size <= MAX_TYPE_URL && memchr(type->text, '\0', type->size) == NULL))
    return type;
  egress__json_fault(r, type, "needs an `@type` of at most %d bytes without NULs", MAX_TYPE_URL);
  return NULL;
}

static int read_resource(egress_resource **out, egress__json_reader *r, const egress__node *node, const char *name) {
  const egress__schema_message *message;
  const egress__node *type = own_type(r, node, &message);
  if (type == NULL)
    return EGRESS_ERESOURCE;
  int rv = egress__json_read_content(r, message, node, type);
  if (rv == 0)
    rv = r->out.rv;
  if (rv != 0)
    return rv;
  if (name == NULL)
    name = own_name(r, message, node);
  if (r->faults->count != 0)
    return EGRESS_ERESOURCE;
  rv = egress_resource_new(out, type->text, name, r->out.data, r->out.size, r->out.alloc);
  return rv == EGRESS_ELIMIT ? egress__fault_limit(r->faults, node, "packed, the message is too large") : rv;
}

static int read_node(egress_resource **out, const egress__node *node, const egress_resource_options *options,
                     egress__arena *scratch, egress__faults *faults) {
  egress__json_reader r = {.scratch = scratch, .faults = faults};
  egress__buf_init(&r.out, scratch->alloc);
  egress__buf_init(&r.moved, scratch->alloc);
  int rv = read_resource(out, &r, node, options->name);
  EGRESS__VEC_FREE(scratch->alloc, &r.parts);
  egress__buf_dispose(&r.moved);
  egress__buf_dispose(&r.out);
  return rv;
}

/* Takes the options, and says what may be said about the arguments. */
static int prepare(egress_resource_options *own, egress__arena *scratch, egress__faults *faults,
                   const egress_resource_options *options, egress_diag *diag) {
  int rv = egress__options_take(own, sizeof *own, options, sizeof *own);
  if (rv != 0)
    return rv;
  egress__arena_init(scratch, egress__alloc_or_default(own->alloc));
  *faults = (egress__faults){own->file == NULL ? "resource" : own->file, EGRESS_ERESOURCE, diag, 0};
  return 0;
}

typedef int read_document(egress__node **out, egress__arena *arena, const char *text, size_t size,
                          const egress__document_rules *rules, egress__faults *faults);

static int from_text(egress_resource **out, const char *text, size_t size, const egress_resource_options *options,
                     egress_diag *diag, read_document *read) {
  egress_resource_options own = EGRESS_RESOURCE_OPTIONS_INIT;
  egress__arena scratch;
  egress__faults faults;
  if (out == NULL || text == NULL)
    return EGRESS_EINVAL;
  int rv = prepare(&own, &scratch, &faults, options, diag);
  if (rv != 0)
    return rv;
  egress__node *root = NULL;
  rv = read(&root, &scratch, text, size, &egress__document_rules_default, &faults);
  if (rv == 0 && root == NULL) {
    egress__fault(&faults, &(egress__node){.line = 1, .column = 1}, "the text is empty");
    rv = EGRESS_ERESOURCE;
  }
  if (rv == 0)
    rv = read_node(out, root, &own, &scratch, &faults);
  egress__arena_dispose(&scratch);
  return rv;
}

int egress_resource_from_json(egress_resource **out, const char *text, size_t size,
                              const egress_resource_options *options, egress_diag *diag) {
  return from_text(out, text, size, options, diag, egress__document_read_json);
}

int egress_resource_from_yaml(egress_resource **out, const char *text, size_t size,
                              const egress_resource_options *options, egress_diag *diag) {
  return from_text(out, text, size, options, diag, egress__document_read_yaml);
}

int egress_resource_from_value(egress_resource **out, const egress_value *value, const egress_resource_options *options,
                               egress_diag *diag) {
  egress_resource_options own = EGRESS_RESOURCE_OPTIONS_INIT;
  egress__arena scratch;
  egress__faults faults;
  if (out == NULL || value == NULL)
    return EGRESS_EINVAL;
  int rv = prepare(&own, &scratch, &faults, options, diag);
  if (rv != 0)
    return rv;
  rv = read_node(out, value, &own, &scratch, &faults);
  egress__arena_dispose(&scratch);
  return rv;
}
