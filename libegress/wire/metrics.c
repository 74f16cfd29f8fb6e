#include "wire/metrics.h"

#include <inttypes.h>
#include <string.h>

#include <egress/resource.h>

#include "wire/method.h"

enum { OTHER = EGRESS__METRIC_TYPES - 1 };

static const uint32_t bounds_ms[EGRESS__METRIC_BUCKETS] = {1,   2,    5,    10,   20,    50,    100,  200,
                                                           500, 1000, 2000, 5000, 10000, 30000, 60000};

size_t egress__metrics_type(const char *type_url) {
  size_t i = 0;
  for (const char *known; i < OTHER && (known = egress__method_type_url(i)) != NULL; i++)
    if (strcmp(known, type_url) == 0)
      return i;
  return OTHER;
}

static void count_time(egress__histogram *histogram, uint64_t elapsed_ms) {
  size_t i = 0;
  while (i < EGRESS__METRIC_BUCKETS && elapsed_ms > bounds_ms[i])
    i++;
  histogram->count++;
  histogram->buckets[i]++;
  histogram->total_ms += elapsed_ms;
}

void egress__metrics_count(egress__metrics *metrics, const egress_event *event) {
  egress__type_metrics *type = &metrics->types[event->type_url == NULL ? OTHER : egress__metrics_type(event->type_url)];
  switch ((egress_event_kind)event->kind) {
  case EGRESS_EVENT_DISCONNECTED:
    metrics->closed++;
    return;
  case EGRESS_EVENT_REJECTED:
    if (event->status >= 0 && event->status < EGRESS__METRIC_STATUSES)
      metrics->rejected[event->status]++;
    return;
  case EGRESS_EVENT_REQUEST:
    type->requests++;
    return;
  case EGRESS_EVENT_RESPONSE:
    type->responses++;
    type->bytes += event->bytes;
    return;
  case EGRESS_EVENT_ACKED:
    count_time(&type->acks, event->elapsed_ms);
    if (event->since_change_ms != 0)
      count_time(&type->changes, event->since_change_ms);
    return;
  case EGRESS_EVENT_NACKED:
    type->nacks++;
    return;
  case EGRESS_EVENT_CONNECTED:
  case EGRESS_EVENT_HELD:
  case EGRESS_EVENT_ROLLED_BACK:
  case EGRESS_EVENT_PROVEN:
  case EGRESS_EVENT_ROLLOUT_STAGED:
  case EGRESS_EVENT_ROLLOUT_SOAKING:
  case EGRESS_EVENT_ROLLOUT_OPEN:
  case EGRESS_EVENT_SUBSCRIPTION:
  case EGRESS_EVENT_LOST:
  case EGRESS_EVENT_LOAD_REPORT:
  case EGRESS_EVENT_WANTED:
    return;
  }
}

/* ---- printing ---- */

static const char *type_name(size_t index) {
  return index == OTHER ? "other" : egress__method_type_url(index);
}

static void head(egress__buf *out, const char *name, const char *kind, const char *help) {
  egress__buf_printf(out, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, kind);
}

static void one(egress__buf *out, const char *name, const char *kind, const char *help, uint64_t value) {
  head(out, name, kind, help);
  egress__buf_printf(out, "%s %" PRIu64 "\n", name, value);
}

/* `first` is that of the first type; `stride` bytes lie between two of them. */
static void by_type(egress__buf *out, const char *name, const char *kind, const char *help, const uint64_t *first,
                    size_t stride) {
  head(out, name, kind, help);
  for (size_t i = 0; i < EGRESS__METRIC_TYPES; i++)
    egress__buf_printf(out, "%s{type=\"%s\"} %" PRIu64 "\n", name, type_name(i),
                       *(const uint64_t *)((const char *)first + i * stride));
}

static const char *const status_names[EGRESS__METRIC_STATUSES] = {
    "OK",        "CANCELLED",      "UNKNOWN",           "INVALID_ARGUMENT",   "DEADLINE_EXCEEDED",
    "NOT_FOUND", "ALREADY_EXISTS", "PERMISSION_DENIED", "RESOURCE_EXHAUSTED", "FAILED_PRECONDITION",
    "ABORTED",   "OUT_OF_RANGE",   "UNIMPLEMENTED",     "INTERNAL",           "UNAVAILABLE",
    "DATA_LOSS", "UNAUTHENTICATED"};

static void print_rejected(egress__buf *out, const egress__metrics *metrics) {
  head(out, "egress_streams_rejected_total", "counter",
       "Streams ended because of what the client sent or may not have.");
  for (size_t i = 1; i < EGRESS__METRIC_STATUSES; i++)
    egress__buf_printf(out, "egress_streams_rejected_total{status=\"%s\"} %" PRIu64 "\n", status_names[i],
                       metrics->rejected[i]);
}

/* By whole numbers: a locale may write the point otherwise. */
static void put_seconds(egress__buf *out, uint64_t ms) {
  egress__buf_printf(out, "%" PRIu64 ".%03u", ms / 1000, (unsigned)(ms % 1000));
}

static void print_histogram(egress__buf *out, const char *name, const char *type_url,
                            const egress__histogram *histogram) {
  uint64_t count = 0;
  for (size_t i = 0; i < EGRESS__METRIC_BUCKETS; i++) {
    count += histogram->buckets[i];
    egress__buf_printf(out, "%s_bucket{type=\"%s\",le=\"", name, type_url);
    put_seconds(out, bounds_ms[i]);
    egress__buf_printf(out, "\"} %" PRIu64 "\n", count);
  }
  egress__buf_printf(out, "%s_bucket{type=\"%s\",le=\"+Inf\"} %" PRIu64 "\n", name, type_url, histogram->count);
  egress__buf_printf(out, "%s_sum{type=\"%s\"} ", name, type_url);
  put_seconds(out, histogram->total_ms);
  egress__buf_printf(out, "\n%s_count{type=\"%s\"} %" PRIu64 "\n", name, type_url, histogram->count);
}

/* `first` is that of the first type. */
static void print_latency(egress__buf *out, const char *name, const char *help, const egress__histogram *first) {
  head(out, name, "histogram", help);
  for (size_t i = 0; i < EGRESS__METRIC_TYPES; i++)
    print_histogram(out, name, type_name(i),
                    (const egress__histogram *)((const char *)first + i * sizeof(egress__type_metrics)));
}

void egress__metrics_print(egress__buf *out, const egress__metrics *metrics, const egress__gauges *gauges) {
  const egress__type_metrics *first = metrics->types;
  one(out, "egress_streams", "gauge", "Open streams.", gauges->streams);
  one(out, "egress_streams_opened_total", "counter", "Streams opened.", metrics->opened);
  one(out, "egress_streams_closed_total", "counter", "Streams that ended.", metrics->closed);
  print_rejected(out, metrics);
  by_type(out, "egress_subscribed_streams", "gauge", "Open streams that want resources of the type.",
          gauges->subscribed, sizeof gauges->subscribed[0]);
  by_type(out, "egress_requests_total", "counter", "Requests.", &first->requests, sizeof *first);
  one(out, "egress_requests_slowed_total", "counter", "Requests that had to wait, because their connection sent many.",
      metrics->slowed);
  by_type(out, "egress_responses_total", "counter", "Responses.", &first->responses, sizeof *first);
  by_type(out, "egress_response_bytes_total", "counter", "Bytes of responses.", &first->bytes, sizeof *first);
  by_type(out, "egress_acks_total", "counter", "Responses that clients accepted.", &first->acks.count, sizeof *first);
  by_type(out, "egress_nacks_total", "counter", "Responses that clients refused.", &first->nacks, sizeof *first);
  print_latency(out, "egress_ack_latency_seconds", "Time from a response to its acceptance.", &first->acks);
  print_latency(out, "egress_change_latency_seconds",
                "Time from a change to the acceptance of the response that brought it.", &first->changes);
  one(out, "egress_events_dropped_total", "counter", "Events that nobody took in time.", gauges->dropped_events);
}
