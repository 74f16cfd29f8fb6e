#include "wire/load.h"

#include <stdio.h>

#include <grpc/status.h>

#include <egress/error.h>

#include "wire/access.h"
#include "wire/call.h"
#include "xds/load.h"
#include "xds/request.h"

/* Who reports: the `self` of a caller, from its first message on. */
typedef struct reporter {
  char *node_id, *node_cluster;
  uint8_t features;
  uint8_t was_asked; /* for its reports */
} reporter;

static int open_stream(egress__caller *caller, egress__stream_fault *fault) {
  caller->self = NULL;
  if (caller->server->options.load_report_ms != 0)
    return 0;
  fault->status = GRPC_STATUS_UNIMPLEMENTED;
  snprintf(fault->message, sizeof fault->message, "load reports are not taken here (load_report_ms)");
  return EGRESS_EUNSUPPORTED;
}

static void free_reporter(const egress_alloc *alloc, reporter *who) {
  if (who == NULL)
    return;
  egress__free(alloc, who->node_id);
  egress__free(alloc, who->node_cluster);
  egress__free(alloc, who);
}

static void free_stream(egress__caller *caller) {
  free_reporter(caller->server->alloc, caller->self);
}

/* Returns NULL when out of memory. */
static reporter *new_reporter(const egress_alloc *alloc, const egress__request *node) {
  reporter *who = egress__calloc(alloc, 1, sizeof *who);
  if (who == NULL)
    return NULL;
  who->node_id = egress__strndup(alloc, (const char *)node->node_id.data, node->node_id.size);
  who->node_cluster = egress__strndup(alloc, (const char *)node->node_cluster.data, node->node_cluster.size);
  who->features = node->features;
  if (who->node_id != NULL && who->node_cluster != NULL)
    return who;
  free_reporter(alloc, who);
  return NULL;
}

static int authorise(const egress__caller *caller, const reporter *who, egress__stream_fault *fault) {
  const egress_node node = {who->node_id, who->node_cluster};
  int rv = egress__access_check(caller, &node, EGRESS_TYPE_LOAD_STATS, fault);
  if (rv == EGRESS_EINVAL)
    fault->type_url = EGRESS_TYPE_LOAD_STATS;
  return rv;
}

static int no_memory(egress__stream_fault *fault) {
  return egress__stream_refuse(fault, EGRESS_ENOMEM, "the server is out of memory");
}

static void tell(const egress__caller *caller, egress_event_kind kind, const egress__load *load) {
  const reporter *who = caller->self;
  egress__call_tell(caller, (egress_event){.kind = (int32_t)kind,
                                           .node_id = who->node_id,
                                           .type_url = EGRESS_TYPE_LOAD_STATS,
                                           .load = load != NULL ? &load->report : NULL});
}

/* Only the first message has to say who the client is. */
static int meet(egress__caller *caller, egress__span bytes, egress__stream_fault *fault) {
  egress__request node = {0};
  int rv = egress__request_node(&node, bytes, fault);
  if (rv != 0)
    return rv;
  reporter *who = new_reporter(caller->server->alloc, &node);
  if (who == NULL)
    return no_memory(fault);
  rv = authorise(caller, who, fault);
  if (rv != 0) {
    free_reporter(caller->server->alloc, who);
    return rv == EGRESS_ENOMEM ? no_memory(fault) : rv;
  }
  caller->self = who;
  tell(caller, EGRESS_EVENT_CONNECTED, NULL);
  return 0;
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
    tell(caller, EGRESS_EVENT_LOAD_REPORT, load);
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
                                       (who->features & EGRESS__FEATURE_ALL_CLUSTERS) != 0);
  return 1;
}

static uint64_t never_due(const egress__caller *caller) {
  (void)caller;
  return UINT64_MAX;
}

static void describe(const egress__caller *caller, egress_event *event) {
  const reporter *who = caller->self;
  event->node_id = who != NULL ? who->node_id : "";
}

const egress__service egress__load_service = {.open = open_stream,
                                              .free = free_stream,
                                              .request = take_report,
                                              .next = next_answer,
                                              .due = never_due,
                                              .describe = describe};
