#ifndef EGRESS_WIRE_DISCOVERY_H
#define EGRESS_WIRE_DISCOVERY_H

#include "wire/service.h"

/** The discovery services, aggregated and one for each type: `self` is an egress__stream. */
extern const egress__service egress__discovery;

/** The open discovery stream behind that of `caller` (NULL: the first); NULL at the end. */
const egress__caller *egress__discovery_after(const egress_server *server, const egress__caller *caller);

/** The callbacks of egress__stream_config; the stream's user is the egress__caller. */
void egress__discovery_on_ready(egress__stream *stream, void *user);
void egress__discovery_on_event(egress__stream *stream, const egress_event *event, void *user);
int egress__discovery_authorise(egress__stream *stream, const egress_node *node, const char *type_url,
                                egress__stream_fault *fault, void *user);
int egress__discovery_choose(egress_cache **out, egress__stream *stream, const egress_node *node, const char *type_url,
                             egress__stream_fault *fault, void *user);

#endif
