#include "wire/csds.h"

#include <stdio.h>
#include <string.h>

#include "wire/status_code.h"

#include <egress/error.h>
#include <egress/status.h>

#include "wire/discovery.h"
#include "wire/epoch.h"
#include "wire/met.h"
#include "wire/server.h"
#include "xds/client_status.h"

/* Who asks: the `self` of a caller. */
typedef struct asker {
  egress__xds_node node;
  egress__blob *answer; /* NULL: nobody is spoken of */
  uint8_t has_asked;    /* and the answer is due */
} asker;

static int open_stream(egress__caller *caller, egress__stream_fault *fault) {
  caller->self = NULL;
  if (caller->server->options.client_status == 0) {
    fault->status = EGRESS__STATUS_UNIMPLEMENTED;
    snprintf(fault->message, sizeof fault->message, "client status is not served here (client_status)");
    return EGRESS_EUNSUPPORTED;
  }
  caller->self = egress__calloc(caller->server->alloc, 1, sizeof(asker));
  return caller->self != NULL ? 0 : EGRESS_ENOMEM;
}

static void drop_answer(asker *who) {
  egress__blob_unref(who->answer);
  who->answer = NULL;
  who->has_asked = 0;
}

static void free_stream(egress__caller *caller) {
  asker *who = caller->self;
  if (who == NULL)
    return;
  drop_answer(who);
  egress__xds_node_dispose(&who->node, caller->server->alloc);
  egress__free(caller->server->alloc, who);
}

/* Those that have not said who they are have nothing to tell of. */
static int write_all(egress__buf *out, const egress__caller *caller, const egress__status_request *request,
                     egress__stream_fault *fault) {
  uint64_t epoch_ms = egress__epoch_ms(caller->server);
  int rv = 0;
  for (const egress__caller *other = NULL;
       rv == 0 && (other = egress__discovery_after(caller->server, other)) != NULL;) {
    const egress__stream *stream = other->self;
    if (egress__stream_tracks(stream) != NULL && egress__status_request_means(request, egress__stream_node_id(stream)))
      rv = egress__client_status_write(out, stream, request->is_bare, epoch_ms, fault);
  }
  return rv;
}

static int answer(asker *who, const egress__caller *caller, const egress__status_request *request,
                  egress__stream_fault *fault) {
  egress__buf response;
  egress__buf_init(&response, caller->server->alloc);
  int rv = write_all(&response, caller, request, fault);
  drop_answer(who);
  if (rv == 0 && response.size > 0) {
    who->answer = egress__blob_new(caller->server->alloc, response.size);
    rv = who->answer == NULL ? EGRESS_ENOMEM : 0;
  }
  if (who->answer != NULL)
    memcpy(who->answer->bytes, response.data, response.size);
  egress__buf_dispose(&response);
  who->has_asked = rv == 0;
  return rv == EGRESS_ENOMEM ? egress__no_memory(fault) : rv;
}

static int take_request(egress__caller *caller, const void *bytes, size_t size, egress__stream_fault *fault) {
  asker *who = caller->self;
  egress__status_request request;
  int rv = egress__status_request_read(&request, bytes, size, fault);
  if (rv == 0 && who->node.texts == NULL)
    rv = egress__meet(&who->node, caller, request.node, EGRESS_TYPE_CLIENT_STATUS, fault);
  return rv != 0 ? rv : answer(who, caller, &request, fault);
}

static int next_answer(egress__caller *caller, egress__response *out, egress__stream_fault *fault) {
  (void)fault;
  asker *who = caller->self;
  if (!who->has_asked)
    return 0;
  out->body = who->answer;
  out->tail_size = 0;
  who->answer = NULL;
  who->has_asked = 0;
  return 1;
}

static uint64_t never_due(const egress__caller *caller) {
  (void)caller;
  return UINT64_MAX;
}

static void describe(const egress__caller *caller, egress_event *event) {
  const asker *who = caller->self;
  event->node_id = who != NULL ? egress__xds_node_id(&who->node) : "";
}

const egress__service egress__csds = {.open = open_stream,
                                      .free = free_stream,
                                      .request = take_request,
                                      .next = next_answer,
                                      .due = never_due,
                                      .describe = describe};
