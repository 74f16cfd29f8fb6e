#ifndef EGRESS_LOAD_H
#define EGRESS_LOAD_H

#include <stddef.h>
#include <stdint.h>

#include <egress/export.h>

EGRESS_BEGIN_DECLS

/** What ``authorise`` is asked for by a client that wants to report its load: the type of the reports. */
#define EGRESS_TYPE_LOAD_STATS "type.googleapis.com/envoy.service.load_stats.v3.LoadStatsRequest"

/** A measure that the endpoints of a locality told of themselves, such as ``"cpu"``. */
typedef struct egress_load_metric {
  /** Its name. */
  const char *name;
  /** Requests that ended with it. */
  uint64_t requests;
  /** Sum of what they told. */
  double total;
} egress_load_metric;

/** Requests to the endpoints of a cluster that are in one place and of one priority. */
typedef struct egress_load_locality {
  /** ``locality.region`` of the endpoints, ``""``: none; the two below likewise. */
  const char *region;
  /** ``locality.zone``. */
  const char *zone;
  /** ``locality.sub_zone``. */
  const char *sub_zone;
  /** Requests that ended well. */
  uint64_t succeeded;
  /** Requests that ended in an error. */
  uint64_t failed;
  /** Requests that were begun. */
  uint64_t issued;
  /** Requests under way when the report was made. */
  uint64_t in_progress;
  /** What the endpoints told. */
  const egress_load_metric *metrics;
  /** Number of ``metrics``. */
  size_t metric_count;
  /** Priority of the endpoints, from 0, the first. */
  uint32_t priority;
  /** 0. */
  uint32_t reserved;
} egress_load_locality;

/** Requests that the client itself dropped, for one reason. */
typedef struct egress_load_drops {
  /** The category of the cluster's drop policy. */
  const char *category;
  /** Number of requests. */
  uint64_t count;
} egress_load_drops;

/** What a client sent to one cluster since it reported last. */
typedef struct egress_load_cluster {
  /** Name of the cluster. */
  const char *name;
  /** ``service_name`` of its EDS configuration; ``""``: none. */
  const char *service_name;
  /** The time that the numbers are about, in milliseconds, as the client measured it. */
  uint64_t interval_ms;
  /** Requests dropped, for whatever reason. */
  uint64_t dropped;
  /** By place. */
  const egress_load_locality *localities;
  /** Number of ``localities``. */
  size_t locality_count;
  /** Of those dropped, the ones whose reason has a category. */
  const egress_load_drops *drops;
  /** Number of ``drops``. */
  size_t drop_count;
} egress_load_cluster;

/**
 * A load report (``EGRESS_EVENT_LOAD_REPORT``). It lives as long as the text of its event. All text is UTF-8, never
 * NULL. Numbers are what a client says: nothing vouches for them. Loads of single endpoints, connections, and
 * utilisation are not among them.
 */
typedef struct egress_load_report {
  /** What the client sent where; at least one. */
  const egress_load_cluster *clusters;
  /** Number of ``clusters``. */
  size_t cluster_count;
} egress_load_report;

EGRESS_END_DECLS

#endif
