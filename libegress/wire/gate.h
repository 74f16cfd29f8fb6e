#ifndef EGRESS_WIRE_GATE_H
#define EGRESS_WIRE_GATE_H

#include "wire/server.h"
#include "wire/slot.h"

enum {
  /* Streams that gRPC may take before the loop runs: a few, so that a fleet that reconnects does not come in one by
     one. */
  EGRESS__GATE_SLOTS = 16
};

/**
 * One server of gRPC: what connections come in by. Listeners without TLS share one, if what they say of their clients
 * is the same; it has no port of its own. Each TLS listener has its own, because gRPC takes no port once it has
 * started.
 */
typedef struct egress__gate {
  struct egress__gate *next;
  egress_server *server;
  grpc_server *grpc;
  egress_transport transport;    /* of all who come in by it, as the next */
  uint32_t insecure_secrets;     /* 1: they may have secrets, whatever the transport */
  struct egress__tls_feed *feed; /* NULL: no TLS */
  egress__op shutdown;
  int is_started, is_closing, is_down;
  size_t call_count; /* calls that came by it, and slots that wait for one */
  egress__slot slots[EGRESS__GATE_SLOTS];
} egress__gate;

/** A gate that has not started, not yet among the server's. Returns NULL when out of memory. */
egress__gate *egress__gate_new(egress_server *server);

/** Frees one that has neither started nor a port, or is down; NULL is allowed. */
void egress__gate_free(egress__gate *gate);

/** Joins the server's gates and asks gRPC for streams. */
void egress__gate_start(egress__gate *gate);

/** No more connections and streams; is_down is set once the last stream has ended. A second call does nothing. */
void egress__gate_shutdown(egress__gate *gate);

/** 1 when nothing of gRPC refers to it any more, so that it can be freed. */
int egress__gate_is_empty(const egress__gate *gate);

/** Ends what is left of streams and connections; after egress__gate_shutdown only. */
void egress__gate_cut(egress__gate *gate);

#endif
