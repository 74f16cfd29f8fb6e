#include "wire/met.h"

#include <egress/error.h>

#include "wire/access.h"
#include "wire/call.h"
#include "xds/request.h"

int egress__no_memory(egress__stream_fault *fault) {
  return egress__stream_refuse(fault, EGRESS_ENOMEM, "the server is out of memory");
}

void egress__met_dispose(egress__met *met, const egress_alloc *alloc) {
  egress__free(alloc, met->node_id);
  egress__free(alloc, met->node_cluster);
  *met = (egress__met){0};
}

static int authorise(const egress__caller *caller, const egress__met *who, const char *type_url,
                     egress__stream_fault *fault) {
  const egress_node node = {who->node_id, who->node_cluster};
  int rv = egress__access_check(caller, &node, type_url, fault);
  if (rv == EGRESS_EINVAL)
    fault->type_url = type_url;
  return rv == EGRESS_ENOMEM ? egress__no_memory(fault) : rv;
}

int egress__meet(egress__met *out, const egress__caller *caller, egress__span node, const char *type_url,
                 egress__stream_fault *fault) {
  const egress_alloc *alloc = caller->server->alloc;
  egress__request read = {0};
  int rv = egress__request_node(&read, node, fault);
  if (rv != 0)
    return rv;
  egress__met who = {.node_id = egress__strndup(alloc, (const char *)read.node_id.data, read.node_id.size),
                     .node_cluster =
                         egress__strndup(alloc, (const char *)read.node_cluster.data, read.node_cluster.size),
                     .features = read.features};
  rv = who.node_id != NULL && who.node_cluster != NULL ? authorise(caller, &who, type_url, fault)
                                                       : egress__no_memory(fault);
  if (rv != 0) {
    egress__met_dispose(&who, alloc);
    return rv;
  }
  *out = who;
  egress__call_tell(caller,
                    (egress_event){.kind = EGRESS_EVENT_CONNECTED, .node_id = who.node_id, .type_url = type_url});
  return 0;
}
