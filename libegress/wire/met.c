#include "wire/met.h"

#include <egress/error.h>

#include "wire/access.h"
#include "wire/call.h"
#include "xds/request.h"

int egress__no_memory(egress__stream_fault *fault) {
  return egress__stream_refuse(fault, EGRESS_ENOMEM, "the server is out of memory");
}

static int authorise(const egress__caller *caller, const egress__xds_node *who, const char *type_url,
                     egress__stream_fault *fault) {
  int rv = egress__access_check(caller, &who->says, type_url, fault);
  if (rv == EGRESS_EINVAL)
    fault->type_url = type_url;
  return rv == EGRESS_ENOMEM ? egress__no_memory(fault) : rv;
}

int egress__meet(egress__xds_node *out, const egress__caller *caller, egress__span node, const char *type_url,
                 egress__stream_fault *fault) {
  const egress_alloc *alloc = caller->server->alloc;
  egress__xds_node_read read = {0};
  egress__xds_node who = {0};
  int rv = egress__xds_node_parse(&read, node, fault);
  if (rv != 0)
    return rv;
  rv = egress__xds_node_keep(&who, &read, alloc) == 0 ? authorise(caller, &who, type_url, fault)
                                                      : egress__no_memory(fault);
  if (rv != 0) {
    egress__xds_node_dispose(&who, alloc);
    return rv;
  }
  *out = who;
  egress__call_tell(caller,
                    (egress_event){.kind = EGRESS_EVENT_CONNECTED, .node_id = who.says.id, .type_url = type_url});
  return 0;
}
