/*
 * A report is read twice: first to check it and to learn how large it is, then into one block of memory of that size.
 * Messages lie in each other four deep, and so do the functions; what is unknown is skipped without a look inside.
 */
#include "xds/load.h"

#include <assert.h>
#include <string.h>

#include <egress/error.h>

#include "xds/request.h"

/* A field's number and type. One of another type is unknown, as protobuf has it. */
#define FIELD(number, type) ((number) << 3 | EGRESS__WIRE_##type)

enum {
  REQUEST_NODE = FIELD(1, BYTES),
  REQUEST_CLUSTER = FIELD(2, BYTES),
  CLUSTER_NAME = FIELD(1, BYTES),
  CLUSTER_LOCALITY = FIELD(2, BYTES),
  CLUSTER_DROPPED = FIELD(3, VARINT),
  CLUSTER_INTERVAL = FIELD(4, BYTES),
  CLUSTER_DROPS = FIELD(5, BYTES),
  CLUSTER_SERVICE = FIELD(6, BYTES),
  DROPS_CATEGORY = FIELD(1, BYTES),
  DROPS_COUNT = FIELD(2, VARINT),
  LOAD_PLACE = FIELD(1, BYTES),
  LOAD_SUCCEEDED = FIELD(2, VARINT),
  LOAD_IN_PROGRESS = FIELD(3, VARINT),
  LOAD_FAILED = FIELD(4, VARINT),
  LOAD_METRIC = FIELD(5, BYTES),
  LOAD_PRIORITY = FIELD(6, VARINT),
  LOAD_ISSUED = FIELD(8, VARINT),
  PLACE_REGION = FIELD(1, BYTES),
  PLACE_ZONE = FIELD(2, BYTES),
  PLACE_SUB_ZONE = FIELD(3, BYTES),
  METRIC_NAME = FIELD(1, BYTES),
  METRIC_REQUESTS = FIELD(2, VARINT),
  METRIC_TOTAL = FIELD(3, FIXED64),
  DURATION_SECONDS = FIELD(1, VARINT),
  DURATION_NANOS = FIELD(2, VARINT),
  ANSWER_INTERVAL = 2,
  ANSWER_ALL_CLUSTERS = FIELD(4, VARINT)
};

enum { MS_PER_S = 1000, NS_PER_MS = 1000 * 1000, NS_PER_S = 1000 * NS_PER_MS };

/* How much of everything. */
typedef struct tally {
  size_t clusters, localities, drops, metrics, text;
} tally;

/* Where the next of each goes; while the report is only counted, always to the same place, and text to none. */
typedef struct reader {
  egress__stream_fault *fault;
  egress__span node;
  tally used;
  egress_load_cluster *clusters;
  egress_load_locality *localities;
  egress_load_drops *drops;
  egress_load_metric *metrics;
  char *text; /* NULL: only counted */
} reader;

static uint32_t field_of(const egress__field *field) {
  return field->number << 3 | field->type;
}

/* Takes over one field of a message. Returns 0 or a code, with the fault filled. */
typedef int (*take_fn)(reader *r, void *out, const egress__field *field);

static int read_message(reader *r, egress__span rest, take_fn take, void *out) {
  egress__field field;
  int rv;
  while ((rv = egress__field_next(&rest, &field)) == 1) {
    rv = take(r, out, &field);
    if (rv != 0)
      return rv;
  }
  return rv == 0 ? 0 : egress__stream_refuse(r->fault, rv, "the load report is not a well-formed protobuf message");
}

static size_t next_of(const reader *r, size_t *used) {
  size_t index = r->text != NULL ? *used : 0;
  ++*used;
  return index;
}

static int take_text(reader *r, const char **out, const char *what, egress__span text) {
  if (text.size > EGRESS__NAME_MAX)
    return egress__stream_refuse(r->fault, EGRESS_ELIMIT, "%s of a load report is longer than %d bytes", what,
                                 EGRESS__NAME_MAX);
  if (!egress__span_is_text(text))
    return egress__stream_refuse(r->fault, EGRESS_EWIRE, "%s of a load report is not UTF-8 text", what);
  if (r->text != NULL) {
    char *to = r->text + r->used.text;
    memcpy(to, text.data, text.size);
    to[text.size] = '\0';
    *out = to;
  }
  r->used.text += text.size + 1;
  return 0;
}

static int check_counts(const reader *r) {
  const tally *used = &r->used;
  if (used->clusters > EGRESS__LOAD_CLUSTERS_MAX)
    return egress__stream_refuse(r->fault, EGRESS_ELIMIT, "more than %d clusters in a load report",
                                 EGRESS__LOAD_CLUSTERS_MAX);
  if (used->localities + used->drops + used->metrics > EGRESS__LOAD_ENTRIES_MAX)
    return egress__stream_refuse(r->fault, EGRESS_ELIMIT, "more than %d localities, drops and metrics in a load report",
                                 EGRESS__LOAD_ENTRIES_MAX);
  return 0;
}

static int take_place(reader *r, void *out, const egress__field *field) {
  egress_load_locality *locality = out;
  switch (field_of(field)) {
  case PLACE_REGION:
    return take_text(r, &locality->region, "a region", field->bytes);
  case PLACE_ZONE:
    return take_text(r, &locality->zone, "a zone", field->bytes);
  case PLACE_SUB_ZONE:
    return take_text(r, &locality->sub_zone, "a sub-zone", field->bytes);
  default:
    return 0;
  }
}

static int take_metric(reader *r, void *out, const egress__field *field) {
  egress_load_metric *metric = out;
  switch (field_of(field)) {
  case METRIC_NAME:
    return take_text(r, &metric->name, "the name of a metric", field->bytes);
  case METRIC_REQUESTS:
    metric->requests = field->value;
    return 0;
  case METRIC_TOTAL:
    memcpy(&metric->total, &field->value, sizeof metric->total);
    return 0;
  default:
    return 0;
  }
}

static int add_metric(reader *r, egress_load_locality *locality, egress__span message) {
  egress_load_metric *metric = &r->metrics[next_of(r, &r->used.metrics)];
  *metric = (egress_load_metric){.name = ""};
  locality->metric_count++;
  int rv = check_counts(r);
  return rv != 0 ? rv : read_message(r, message, take_metric, metric);
}

static int take_locality(reader *r, void *out, const egress__field *field) {
  egress_load_locality *locality = out;
  switch (field_of(field)) {
  case LOAD_PLACE:
    return read_message(r, field->bytes, take_place, locality);
  case LOAD_SUCCEEDED:
    locality->succeeded = field->value;
    return 0;
  case LOAD_IN_PROGRESS:
    locality->in_progress = field->value;
    return 0;
  case LOAD_FAILED:
    locality->failed = field->value;
    return 0;
  case LOAD_METRIC:
    return add_metric(r, locality, field->bytes);
  case LOAD_PRIORITY:
    locality->priority = (uint32_t)field->value;
    return 0;
  case LOAD_ISSUED:
    locality->issued = field->value;
    return 0;
  default:
    return 0;
  }
}

static int add_locality(reader *r, egress_load_cluster *cluster, egress__span message) {
  egress_load_locality *locality = &r->localities[next_of(r, &r->used.localities)];
  *locality = (egress_load_locality){
      .region = "", .zone = "", .sub_zone = "", .metrics = &r->metrics[r->text != NULL ? r->used.metrics : 0]};
  cluster->locality_count++;
  int rv = check_counts(r);
  return rv != 0 ? rv : read_message(r, message, take_locality, locality);
}

static int take_drops(reader *r, void *out, const egress__field *field) {
  egress_load_drops *drops = out;
  if (field_of(field) == DROPS_CATEGORY)
    return take_text(r, &drops->category, "a category", field->bytes);
  if (field_of(field) == DROPS_COUNT)
    drops->count = field->value;
  return 0;
}

static int add_drops(reader *r, egress_load_cluster *cluster, egress__span message) {
  egress_load_drops *drops = &r->drops[next_of(r, &r->used.drops)];
  *drops = (egress_load_drops){.category = ""};
  cluster->drop_count++;
  int rv = check_counts(r);
  return rv != 0 ? rv : read_message(r, message, take_drops, drops);
}

typedef struct duration {
  uint64_t s, ns;
} duration;

static int take_duration(reader *r, void *out, const egress__field *field) {
  (void)r;
  duration *time = out;
  if (field_of(field) == DURATION_SECONDS)
    time->s = field->value;
  else if (field_of(field) == DURATION_NANOS)
    time->ns = field->value;
  return 0;
}

/* What is no time that can have passed, such as a negative one, counts as none. */
static int take_interval(reader *r, egress_load_cluster *cluster, egress__span message) {
  duration time = {0};
  int rv = read_message(r, message, take_duration, &time);
  if (rv == 0 && time.s <= UINT32_MAX && time.ns < NS_PER_S)
    cluster->interval_ms = time.s * MS_PER_S + time.ns / NS_PER_MS;
  return rv;
}

static int take_cluster(reader *r, void *out, const egress__field *field) {
  egress_load_cluster *cluster = out;
  switch (field_of(field)) {
  case CLUSTER_NAME:
    return take_text(r, &cluster->name, "the name of a cluster", field->bytes);
  case CLUSTER_LOCALITY:
    return add_locality(r, cluster, field->bytes);
  case CLUSTER_DROPPED:
    cluster->dropped = field->value;
    return 0;
  case CLUSTER_INTERVAL:
    return take_interval(r, cluster, field->bytes);
  case CLUSTER_DROPS:
    return add_drops(r, cluster, field->bytes);
  case CLUSTER_SERVICE:
    return take_text(r, &cluster->service_name, "the service name of a cluster", field->bytes);
  default:
    return 0;
  }
}

static int add_cluster(reader *r, egress__span message) {
  egress_load_cluster *cluster = &r->clusters[next_of(r, &r->used.clusters)];
  int fills = r->text != NULL;
  *cluster = (egress_load_cluster){.name = "",
                                   .service_name = "",
                                   .localities = &r->localities[fills ? r->used.localities : 0],
                                   .drops = &r->drops[fills ? r->used.drops : 0]};
  int rv = check_counts(r);
  return rv != 0 ? rv : read_message(r, message, take_cluster, cluster);
}

static int take_request(reader *r, void *out, const egress__field *field) {
  (void)out;
  if (field_of(field) == REQUEST_NODE)
    r->node = field->bytes;
  return field_of(field) == REQUEST_CLUSTER ? add_cluster(r, field->bytes) : 0;
}

static int count(tally *out, egress__span *node, egress__span request, egress__stream_fault *fault) {
  egress_load_cluster cluster;
  egress_load_locality locality;
  egress_load_drops drops;
  egress_load_metric metric;
  reader r = {.fault = fault, .clusters = &cluster, .localities = &locality, .drops = &drops, .metrics = &metric};
  int rv = read_message(&r, request, take_request, NULL);
  if (rv != 0)
    return rv;
  *out = r.used;
  *node = r.node;
  return 0;
}

/* The limits above, and that of requests, are far from an overflow. */
static egress__load *make(const egress_alloc *alloc, const tally *room) {
  size_t size = sizeof(egress__load) + room->clusters * sizeof(egress_load_cluster) +
                room->localities * sizeof(egress_load_locality) + room->drops * sizeof(egress_load_drops) +
                room->metrics * sizeof(egress_load_metric) + room->text;
  egress__load *load = egress__malloc(alloc, size);
  if (load != NULL)
    *load = (egress__load){.alloc = alloc, .size = size, .refs = 1};
  return load;
}

/* It was counted, so it is well-formed and has room. The members are of the same alignment; text comes last. */
static void fill(egress__load *load, const tally *room, egress__span request) {
  egress__stream_fault fault;
  reader r = {.fault = &fault, .clusters = (egress_load_cluster *)(load + 1)};
  r.localities = (egress_load_locality *)(r.clusters + room->clusters);
  r.drops = (egress_load_drops *)(r.localities + room->localities);
  r.metrics = (egress_load_metric *)(r.drops + room->drops);
  r.text = (char *)(r.metrics + room->metrics);
  int rv = read_message(&r, request, take_request, NULL);
  assert(rv == 0 && memcmp(&r.used, room, sizeof *room) == 0 && "as it was counted");
  (void)rv;
  load->report = (egress_load_report){.clusters = r.clusters, .cluster_count = room->clusters};
}

int egress__load_read(egress__load **out, egress__span *node, const egress_alloc *alloc, const void *bytes, size_t size,
                      egress__stream_fault *fault) {
  const egress__span request = {bytes, size};
  tally room;
  egress__span said;
  int rv = count(&room, &said, request, fault);
  if (rv != 0)
    return rv;
  egress__load *load = room.clusters == 0 ? NULL : make(alloc, &room);
  if (load == NULL && room.clusters > 0)
    return egress__stream_refuse(fault, EGRESS_ENOMEM, "the server is out of memory");
  if (load != NULL)
    fill(load, &room, request);
  *out = load;
  *node = said;
  return 0;
}

egress__load *egress__load_of(const egress_load_report *report) {
  return (egress__load *)(uintptr_t)report;
}

egress__load *egress__load_ref(egress__load *load) {
  load->refs++;
  return load;
}

void egress__load_unref(egress__load *load) {
  if (load != NULL && --load->refs == 0)
    egress__free(load->alloc, load);
}

size_t egress__load_answer(uint8_t to[EGRESS__LOAD_ANSWER], uint32_t interval_ms, int all_clusters) {
  uint8_t time[EGRESS__LOAD_ANSWER], *end = egress__put_varint(time, DURATION_SECONDS);
  end = egress__put_varint(end, interval_ms / MS_PER_S);
  end = egress__put_varint(end, DURATION_NANOS);
  end = egress__put_varint(end, (uint64_t)(interval_ms % MS_PER_S) * NS_PER_MS);
  uint8_t *at = egress__put_bytes(to, ANSWER_INTERVAL, time, (size_t)(end - time));
  if (all_clusters)
    at = egress__put_varint(egress__put_varint(at, ANSWER_ALL_CLUSTERS), 1);
  return (size_t)(at - to);
}
