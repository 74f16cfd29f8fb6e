#include "wire/metrics.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#include <egress/error.h>
#include <egress/resource.h>

#include "support/counted.h"
#include "wire/method.h"

static egress__metrics metrics;
static egress__gauges gauges;

static void count(egress_event event) {
  egress__metrics_count(&metrics, &event);
}

static const char *print(void) {
  static char text[1 << 16];
  egress__buf out;
  egress__buf_init(&out, egress__alloc_or_default(NULL));
  egress__metrics_print(&out, &metrics, &gauges);
  cr_assert_eq(out.rv, 0);
  cr_assert_lt(out.size, sizeof text);
  memcpy(text, out.data, out.size);
  text[out.size] = '\0';
  egress__buf_dispose(&out);
  return text;
}

static void has_line(const char *text, const char *line) {
  char all[300];
  snprintf(all, sizeof all, "\n%s\n", line);
  cr_assert_not_null(strstr(text, all), "%s is not in\n%s", line, text);
}

#define CDS "type=\"" EGRESS_TYPE_CLUSTER "\""

Test(metrics, types_without_a_service_are_counted_together) {
  size_t i = 0;
  for (; egress__method_type_url(i) != NULL; i++)
    cr_assert_eq(egress__metrics_type(egress__method_type_url(i)), i);
  cr_assert_eq(i, EGRESS__METRIC_TYPES - 1, "there is a place for each, and one more");
  cr_assert_eq(egress__metrics_type("type.googleapis.com/made.up.by.a.Client\"} 1\n"), i);
  cr_assert_eq(egress__metrics_type(""), i);
}

Test(metrics, every_event_is_counted_where_it_belongs) {
  metrics.opened = 3;
  metrics.slowed = 4;
  gauges.streams = 2;
  gauges.dropped_events = 9;
  gauges.subscribed[egress__metrics_type(EGRESS_TYPE_CLUSTER)] = 2;
  count((egress_event){.kind = EGRESS_EVENT_DISCONNECTED});
  count((egress_event){.kind = EGRESS_EVENT_REJECTED, .status = 8});
  count((egress_event){.kind = EGRESS_EVENT_REJECTED, .status = 99});
  count((egress_event){.kind = EGRESS_EVENT_REQUEST, .type_url = EGRESS_TYPE_CLUSTER, .bytes = 7});
  count((egress_event){.kind = EGRESS_EVENT_RESPONSE, .type_url = EGRESS_TYPE_CLUSTER, .bytes = 1000});
  count((egress_event){.kind = EGRESS_EVENT_RESPONSE, .type_url = EGRESS_TYPE_CLUSTER, .bytes = 24});
  count((egress_event){.kind = EGRESS_EVENT_NACKED, .type_url = "type.googleapis.com/other.Type", .elapsed_ms = 3});
  const char *text = print();
  cr_assert_eq(strncmp(text, "# HELP egress_streams ", 22), 0);
  has_line(text, "egress_streams 2");
  has_line(text, "# TYPE egress_streams gauge");
  has_line(text, "egress_streams_opened_total 3");
  has_line(text, "egress_streams_closed_total 1");
  has_line(text, "egress_streams_rejected_total{status=\"RESOURCE_EXHAUSTED\"} 1");
  has_line(text, "egress_streams_rejected_total{status=\"INTERNAL\"} 0");
  has_line(text, "egress_subscribed_streams{" CDS "} 2");
  has_line(text, "egress_requests_total{" CDS "} 1");
  has_line(text, "egress_requests_slowed_total 4");
  has_line(text, "# TYPE egress_requests_slowed_total counter");
  has_line(text, "egress_responses_total{" CDS "} 2");
  has_line(text, "egress_response_bytes_total{" CDS "} 1024");
  has_line(text, "egress_nacks_total{" CDS "} 0");
  has_line(text, "egress_nacks_total{type=\"other\"} 1");
  has_line(text, "egress_events_dropped_total 9");
}

Test(metrics, an_ack_is_in_all_buckets_that_it_is_fast_enough_for) {
  static const uint64_t took[] = {0, 1, 2, 60000, 60001};
  for (size_t i = 0; i < sizeof took / sizeof took[0]; i++)
    count((egress_event){.kind = EGRESS_EVENT_ACKED, .type_url = EGRESS_TYPE_CLUSTER, .elapsed_ms = took[i]});
  const char *text = print();
  has_line(text, "# TYPE egress_ack_latency_seconds histogram");
  has_line(text, "egress_ack_latency_seconds_bucket{" CDS ",le=\"0.001\"} 2");
  has_line(text, "egress_ack_latency_seconds_bucket{" CDS ",le=\"0.002\"} 3");
  has_line(text, "egress_ack_latency_seconds_bucket{" CDS ",le=\"30.000\"} 3");
  has_line(text, "egress_ack_latency_seconds_bucket{" CDS ",le=\"60.000\"} 4");
  has_line(text, "egress_ack_latency_seconds_bucket{" CDS ",le=\"+Inf\"} 5");
  has_line(text, "egress_ack_latency_seconds_sum{" CDS "} 120.004");
  has_line(text, "egress_ack_latency_seconds_count{" CDS "} 5");
  has_line(text, "egress_acks_total{" CDS "} 5");
  has_line(text, "egress_change_latency_seconds_count{" CDS "} 0");
}

Test(metrics, an_ack_of_a_change_counts_from_that_too) {
  count((egress_event){
      .kind = EGRESS_EVENT_ACKED, .type_url = EGRESS_TYPE_CLUSTER, .elapsed_ms = 1, .since_change_ms = 20001});
  count((egress_event){.kind = EGRESS_EVENT_ACKED, .type_url = EGRESS_TYPE_CLUSTER, .elapsed_ms = 4});
  const char *text = print();
  has_line(text, "egress_ack_latency_seconds_sum{" CDS "} 0.005");
  has_line(text, "# TYPE egress_change_latency_seconds histogram");
  has_line(text, "egress_change_latency_seconds_bucket{" CDS ",le=\"10.000\"} 0");
  has_line(text, "egress_change_latency_seconds_bucket{" CDS ",le=\"30.000\"} 1");
  has_line(text, "egress_change_latency_seconds_bucket{" CDS ",le=\"+Inf\"} 1");
  has_line(text, "egress_change_latency_seconds_sum{" CDS "} 20.001");
  has_line(text, "egress_change_latency_seconds_count{" CDS "} 1");
  has_line(text, "egress_change_latency_seconds_count{type=\"other\"} 0");
}
