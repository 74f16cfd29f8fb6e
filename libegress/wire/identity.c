/*
 * gRPC keeps the names of a verified certificate as properties of the connection, and lends them as long as it has the
 * call. They are read when somebody asks, so that a stream keeps nothing of them. OpenSSL bounds their size: it takes
 * no chain of certificates above 100 KiB.
 */
#include "wire/identity.h"

#include <string.h>

#include <grpc/grpc_security.h>

#include <egress/error.h>

#include "base/protowire.h"

/* A name with a NUL in it would be read as a shorter one, which somebody else may have. */
static int is_name(const grpc_auth_property *property) {
  const egress__span text = {(const uint8_t *)property->value, property->value_length};
  return memchr(property->value, '\0', property->value_length) == NULL && egress__span_is_text(text);
}

/* The next name, or NULL at the end. */
static const grpc_auth_property *next_name(grpc_auth_property_iterator *at) {
  const grpc_auth_property *property;
  do
    property = grpc_auth_property_iterator_next(at);
  while (property != NULL && !is_name(property));
  return property;
}

static size_t measure(size_t *bytes, const grpc_auth_context *context, const char *kind) {
  grpc_auth_property_iterator at = grpc_auth_context_find_properties_by_name(context, kind);
  size_t count = 0;
  for (const grpc_auth_property *name; (name = next_name(&at)) != NULL; count++)
    *bytes += name->value_length + 1;
  return count;
}

static const char *copy(char **to, const grpc_auth_property *name) {
  const char *text = *to;
  memcpy(*to, name->value, name->value_length);
  (*to)[name->value_length] = '\0';
  *to += name->value_length + 1;
  return text;
}

/* The one name of a kind; "" where there is none. */
static const char *copy_one(char **to, const grpc_auth_context *context, const char *kind) {
  grpc_auth_property_iterator at = grpc_auth_context_find_properties_by_name(context, kind);
  const grpc_auth_property *name = next_name(&at);
  return name != NULL ? copy(to, name) : "";
}

static void copy_all(const char **list, char **to, const grpc_auth_context *context, const char *kind) {
  grpc_auth_property_iterator at = grpc_auth_context_find_properties_by_name(context, kind);
  for (const grpc_auth_property *name; (name = next_name(&at)) != NULL;)
    *list++ = copy(to, name);
}

/* Sizes cannot overflow: see above. */
static int read_names(egress__identity *out, const egress_alloc *alloc, const grpc_auth_context *context) {
  size_t bytes = 0;
  size_t uris = measure(&bytes, context, GRPC_PEER_URI_PROPERTY_NAME);
  size_t dns_names = measure(&bytes, context, GRPC_PEER_DNS_PROPERTY_NAME);
  measure(&bytes, context, GRPC_PEER_SPIFFE_ID_PROPERTY_NAME);
  measure(&bytes, context, GRPC_X509_CN_PROPERTY_NAME);
  const char **list = egress__malloc(alloc, (uris + dns_names) * sizeof *list + bytes + 1);
  if (list == NULL)
    return EGRESS_ENOMEM;
  char *text = (char *)(list + uris + dns_names);
  copy_all(list, &text, context, GRPC_PEER_URI_PROPERTY_NAME);
  copy_all(list + uris, &text, context, GRPC_PEER_DNS_PROPERTY_NAME);
  out->peer.spiffe_id = copy_one(&text, context, GRPC_PEER_SPIFFE_ID_PROPERTY_NAME);
  out->peer.common_name = copy_one(&text, context, GRPC_X509_CN_PROPERTY_NAME);
  out->peer.uris = list;
  out->peer.uri_count = uris;
  out->peer.dns_names = list + uris;
  out->peer.dns_name_count = dns_names;
  out->names = list;
  return 0;
}

int egress__identity_read(egress__identity *out, const egress_alloc *alloc, grpc_call *call, egress_transport transport,
                          const char *address) {
  egress__identity identity = {
      .peer = {.address = address, .spiffe_id = "", .common_name = "", .transport = (int32_t)transport}};
  int rv = 0;
  if (transport == EGRESS_TRANSPORT_MUTUAL_TLS) {
    grpc_auth_context *context = grpc_call_auth_context(call);
    rv = read_names(&identity, alloc, context);
    grpc_auth_context_release(context);
  }
  if (rv == 0)
    *out = identity;
  return rv;
}

void egress__identity_dispose(egress__identity *identity, const egress_alloc *alloc) {
  egress__free(alloc, identity->names);
  *identity = (egress__identity){0};
}
