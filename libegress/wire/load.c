#include "wire/load.h"

#include <stdio.h>

#include "wire/status_code.h"

#include <egress/error.h>

#include "wire/call.h"
#include "wire/met.h"
#include "xds/load.h"
#include "xds/request.h"

/* Who reports: the `self` of a caller, from its first message on. */
typedef struct reporter {
  egress__xds_node node;
  uint8_t was_asked; /* for its reports */
} reporter;

static int open_stream(egress__caller *caller, egress__stream_fault *fault) {
  caller->self = NULL;
  if (caller->server->options.load_report_ms != 0)
    return 0;
  fault->status = EGRESS__STATUS_UNIMPLEMENTED;
  snprintf(fault->message, sizeof fault->message, "load reports are not taken here (load_report_ms)");
  return EGRESS_EUNSUPPORTED;
}

static void free_stream(egress__caller *caller) {
  reporter *who = caller->self;
  if (who == NULL)
    return;
  egress__xds_node_dispose(&who->node, caller->server->alloc);
  egress__free(caller->server->alloc, who);
}

/* Only the first message has to say who the client is. */
static int meet(egress__caller *caller, egress__span node, egress__stream_fault *fault) {
  reporter *who = egress__calloc(caller->server->alloc, 1, sizeof *who);
  int rv =
      who == NULL ? egress__no_memory(fault) : egress__meet(&who->node, caller, node, EGRESS_TYPE_LOAD_STATS, fault);
  if (rv != 0)
    egress__free(caller->server->alloc, who);
  else
    caller->self = who;
  return rv;
}

static void tell_report(const egress__caller *caller, const egress__load *load) {
  const reporter *who = caller->self;
  egress__call_tell(caller, (egress_event){.kind = EGRESS_EVENT_LOAD_REPORT,
                                           .node_id = egress__xds_node_id(&who->node),
                                           .type_url = EGRESS_TYPE_LOAD_STATS,
                                           .load = &load->report});
}

static int take_report(egress__caller *caller, const void *bytes, size_t size, egress__stream_fault *fault) {
  egress__load *load;
  egress__span node;
  int rv = egress__load_read(&load, &node, caller->server->alloc, bytes, size, fault);
  if (rv != 0)
    return rv;
  if (caller->self == NULL)
    rv = meet(caller, node, fault);
  if (rv == 0 && load != NULL)
    tell_report(caller, load);
  egress__load_unref(load);
  return rv;
}

/* A client is asked once; it then reports without being asked again. */
static int next_answer(egress__caller *caller, egress__response *out, egress__stream_fault *fault) {
  (void)fault;
  reporter *who = caller->self;
  if (who == NULL || who->was_asked)
    return 0;
  who->was_asked = 1;
  out->body = NULL;
  out->tail_size = egress__load_answer(out->tail, caller->server->options.load_report_ms,
                                       (who->node.features & EGRESS__FEATURE_ALL_CLUSTERS) != 0);
  return 1;
}

static uint64_t never_due(const egress__caller *caller) {
  (void)caller;
  return UINT64_MAX;
}

static void describe(const egress__caller *caller, egress_event *event) {
  const reporter *who = caller->self;
  event->node_id = who != NULL ? egress__xds_node_id(&who->node) : "";
}

const egress__service egress__load_service = {.open = open_stream,
                                              .free = free_stream,
                                              .request = take_report,
                                              .next = next_answer,
                                              .due = never_due,
                                              .describe = describe};
