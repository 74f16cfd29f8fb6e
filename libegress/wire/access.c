#include "wire/access.h"

#include <stdio.h>
#include <string.h>

#include <egress/error.h>

#include "base/protowire.h"
#include "resource/resource.h"
#include "wire/conn.h"
#include "wire/status_code.h"

static int check_secret(const egress__conn *conn, egress__stream_fault *fault) {
  if (conn->insecure_secrets)
    return 0;
  switch (conn->transport) {
  case EGRESS_TRANSPORT_UNIX:
  case EGRESS_TRANSPORT_MUTUAL_TLS:
    return 0;
  case EGRESS_TRANSPORT_PLAINTEXT:
  case EGRESS_TRANSPORT_TLS:
    break;
  }
  fault->status = EGRESS__STATUS_PERMISSION_DENIED;
  snprintf(fault->message, sizeof fault->message,
           "secrets (SDS) are served over mutual TLS or a unix socket only, and this is %s; connect that way, or allow "
           "it at the server (insecure_secrets of the listen options)",
           conn->transport == EGRESS_TRANSPORT_TLS ? "TLS without a client certificate" : "plaintext TCP");
  return EGRESS_EINVAL;
}

/* What the embedder's function left is made what a client can be sent. */
static int refuse(egress__stream_fault *fault, int32_t code) {
  fault->message[sizeof fault->message - 1] = '\0';
  const egress__span text = {(const uint8_t *)fault->message, strlen(fault->message)};
  fault->status = code >= EGRESS__STATUS_CANCELLED && code <= EGRESS__STATUS_UNAUTHENTICATED
                      ? code
                      : EGRESS__STATUS_PERMISSION_DENIED;
  if (text.size == 0 || !egress__span_is_text(text))
    snprintf(fault->message, sizeof fault->message, "this client may not have resources of this type");
  return EGRESS_EINVAL;
}

static int ask_embedder(const egress__caller *caller, const egress_node *node, const char *type_url,
                        egress__stream_fault *fault) {
  const egress_server *server = caller->server;
  egress__identity who;
  int rv = egress__conn_identity(&who, caller->conn);
  if (rv != 0)
    return rv;
  const egress_access access = {.stream_id = caller->stream_id, .peer = &who.peer, .node = node, .type_url = type_url};
  memset(fault->message, 0, sizeof fault->message);
  int32_t code = server->options.authorise(&access, fault->message, sizeof fault->message, server->options.user);
  egress__identity_dispose(&who, server->alloc);
  return code == 0 ? 0 : refuse(fault, code);
}

int egress__access_check(const egress__caller *caller, const egress_node *node, const char *type_url,
                         egress__stream_fault *fault) {
  int rv = egress__is_secret(type_url) ? check_secret(caller->conn, fault) : 0;
  return rv != 0 || caller->server->options.authorise == NULL ? rv : ask_embedder(caller, node, type_url, fault);
}
