#ifndef EGRESS_WIRE_METRICS_H
#define EGRESS_WIRE_METRICS_H

#include <egress/event.h>

#include "base/buf.h"

/*
 * Counters of a server. Clients may ask for any type; so that they cannot make metrics grow, types are told apart only
 * as far as the API has a service for them, and all others are counted together.
 */
enum {
  EGRESS__METRIC_TYPES = 10,    /* the last: all others */
  EGRESS__METRIC_BUCKETS = 15,  /* of the time to an answer; a last one has no bound */
  EGRESS__METRIC_STATUSES = 17, /* the values of google.rpc.Code */
};

typedef struct egress__histogram {
  uint64_t buckets[EGRESS__METRIC_BUCKETS + 1]; /* how many took so long */
  uint64_t count, total_ms;                     /* all of them together */
} egress__histogram;

typedef struct egress__type_metrics {
  uint64_t requests, responses, bytes, nacks;
  egress__histogram acks;    /* from the response */
  egress__histogram changes; /* of these, those that brought a change: from that */
} egress__type_metrics;

/** `{0}` at the beginning. */
typedef struct egress__metrics {
  uint64_t opened, closed;
  uint64_t slowed; /* requests that had to wait for their turn */
  uint64_t rejected[EGRESS__METRIC_STATUSES];
  egress__type_metrics types[EGRESS__METRIC_TYPES];
} egress__metrics;

/** What is counted elsewhere, or only when somebody asks. */
typedef struct egress__gauges {
  uint64_t streams, dropped_events;
  uint64_t subscribed[EGRESS__METRIC_TYPES]; /* streams that want something of the type */
} egress__gauges;

/** Where a type is counted. */
size_t egress__metrics_type(const char *type_url);

void egress__metrics_count(egress__metrics *metrics, const egress_event *event);

/** Prints all in the text format of Prometheus. */
void egress__metrics_print(egress__buf *out, const egress__metrics *metrics, const egress__gauges *gauges);

#endif
