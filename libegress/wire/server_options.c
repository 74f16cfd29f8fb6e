#include "wire/server_options.h"

#include <egress/error.h>

#include "base/options.h"
#include "wire/server.h"
#include "xds/tail.h"

enum {
  DEFAULT_REQUEST_BYTES = 4 << 20, /* what gRPC's servers take unless told otherwise */
  MAX_REQUEST_BYTES = 1 << 30,
  DEFAULT_STREAMS = 20 * 1000,
  DEFAULT_SUBSCRIPTIONS = 100 * 1000,
  DEFAULT_EVENTS = 1024,
  /* An Envoy accepts a change of all its types 100 times a second, or names a thousand hosts as they are first asked
     for; a client that repeats itself in a loop takes a few thousandths of a core. */
  DEFAULT_REQUESTS_PER_SECOND = 1000,
  /* One that connects may name what it has found on demand, one by one. */
  DEFAULT_REQUEST_BURST = 10 * 1000,
  /* Of 100 snapshots of 10 MB: several times what a change is while clients that read take it. */
  DEFAULT_UNREAD_BYTES = 1 << 30,
  /* Five thousand clients that subscribe to a thousand names of 40 bytes each take half of it. */
  DEFAULT_REMEMBERED_BYTES = 1 << 30,
  /* A restart: 16,000 clients whose first request, of 60 KB, is cut by the network; 4,000 of one address. */
  DEFAULT_PENDING_BYTES = 1 << 30,
  /* Whoever answers pings but takes nothing for five minutes is stuck. */
  DEFAULT_UNREAD_MS = 300 * 1000,
  /* An Envoy may open its stream before anything needs it; then it comes again, once a minute. */
  DEFAULT_FIRST_REQUEST_MS = 60 * 1000,
  /* A client that is gone without a word is noticed after at most both together. */
  DEFAULT_KEEPALIVE_MS = 60 * 1000,
  DEFAULT_KEEPALIVE_TIMEOUT_MS = 20 * 1000,
  DEFAULT_CONNECTION_GRACE_MS = 10 * 1000
};

/* EGRESS_EVENT_LOST needs no asking. */
enum {
  ALL_EVENTS = EGRESS_EVENT_BIT(EGRESS_EVENT_WANTED + 1) - EGRESS_EVENT_BIT(EGRESS_EVENT_CONNECTED),
  USUAL_EVENTS = ALL_EVENTS & ~(EGRESS_EVENT_BIT(EGRESS_EVENT_REQUEST) | EGRESS_EVENT_BIT(EGRESS_EVENT_RESPONSE) |
                                EGRESS_EVENT_BIT(EGRESS_EVENT_SUBSCRIPTION))
};

static void set_default(uint32_t *option, uint32_t value) {
  *option = *option != 0 ? *option : value;
}

/* A quarter: what one client takes shuts nobody else out. Rounded up, so that it is not 0. */
static uint32_t share_of_one(uint32_t all) {
  return all - all / 4 * 3;
}

static void set_defaults(egress_server_options *own) {
  own->identifier = own->identifier != NULL ? own->identifier : "libegress";
  set_default(&own->max_request_bytes, DEFAULT_REQUEST_BYTES);
  set_default(&own->max_streams, DEFAULT_STREAMS);
  set_default(&own->max_subscriptions, DEFAULT_SUBSCRIPTIONS);
  set_default(&own->max_events, DEFAULT_EVENTS);
  set_default(&own->events, USUAL_EVENTS);
  set_default(&own->max_peer_streams, own->max_streams);
  set_default(&own->max_requests_per_second, DEFAULT_REQUESTS_PER_SECOND);
  set_default(&own->max_request_burst, DEFAULT_REQUEST_BURST);
  set_default(&own->max_unread_bytes, DEFAULT_UNREAD_BYTES);
  set_default(&own->max_remembered_bytes, DEFAULT_REMEMBERED_BYTES);
  set_default(&own->max_pending_bytes, DEFAULT_PENDING_BYTES);
  set_default(&own->max_peer_remembered_bytes, share_of_one(own->max_remembered_bytes));
  set_default(&own->max_peer_pending_bytes, share_of_one(own->max_pending_bytes));
  set_default(&own->max_unread_ms, DEFAULT_UNREAD_MS);
  set_default(&own->first_request_ms, DEFAULT_FIRST_REQUEST_MS);
  set_default(&own->keepalive_ms, DEFAULT_KEEPALIVE_MS);
  set_default(&own->keepalive_timeout_ms, DEFAULT_KEEPALIVE_TIMEOUT_MS);
  set_default(&own->connection_age_ms, EGRESS__AGE_NEVER);
  set_default(&own->connection_grace_ms, DEFAULT_CONNECTION_GRACE_MS);
}

/* Times are added up, and a request's size is doubled. */
static int are_in_range(const egress_server_options *own) {
  return own->max_request_bytes <= MAX_REQUEST_BYTES && own->keepalive_ms <= INT32_MAX &&
         own->keepalive_timeout_ms <= INT32_MAX && own->connection_age_ms <= INT32_MAX &&
         own->connection_grace_ms <= INT32_MAX;
}

int egress__server_options_take(egress_server_options *own, const egress_server_options *given) {
  *own = (egress_server_options)EGRESS_SERVER_OPTIONS_INIT;
  int rv = egress__options_take(own, sizeof *own, given, sizeof *own);
  if (rv != 0)
    return rv;
  set_defaults(own);
  int fits = are_in_range(own) && egress__is_identifier(own->identifier) && own->gate_on_ack <= 1 &&
             own->client_status <= 1 && own->reserved == 0;
  return fits && (own->events & ~(uint32_t)ALL_EVENTS) == 0 ? 0 : EGRESS_EINVAL;
}
