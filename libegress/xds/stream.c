/*
 * A stream moves from snapshot to snapshot as a whole:
 *
 *   on_change      the group may have another snapshot: the watch is marked, wire comes back with stream_next
 *   stream_next    adopts it, unless a type that it changes has a response in flight: then after the client's answer.
 *                  Snapshots in between are never seen: only the newest is owed.
 *   then           clusters, endpoints, listeners, routes, others: in this order, so that nothing names what was not
 *                  sent before. Meanwhile new names are answered from the snapshot adopted: Envoy holds back the ACK of
 *                  clusters until it got their endpoints.
 *   at the end     nothing is left to send or to be answered: a snapshot on trial is accepted, or refused
 */
#include "xds/stream.h"

#include <assert.h>
#include <inttypes.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <egress/error.h>

#include "base/alloc.h"
#include "cache/cache.h"
#include "xds/beat.h"
#include "xds/request.h"
#include "xds/warm.h"

enum { NONCE_ROOM = 21 /* digits of a uint64_t and NUL */ };

/* Field numbers; those of both messages are equal but for the last. */
enum { VERSION = 1, TYPE_URL = 4, NONCE = 5, SOTW_CONTROL_PLANE = 6, DELTA_CONTROL_PLANE = 7, IDENTIFIER = 1 };

_Static_assert(EGRESS__LABEL_MAX + EGRESS__TYPE_URL_MAX + NONCE_ROOM + EGRESS__IDENTIFIER_MAX + 5 * 4 <=
                   EGRESS__RESPONSE_TAIL,
               "every tail has room");

struct egress__stream {
  const egress__stream_config *config;
  void *user;
  const char *type_url; /* the only one; NULL: any */
  egress__xds_variant variant;
  uint8_t features; /* of the client: egress__feature, added up */
  uint8_t inside;   /* a call is on: it looks for changes itself */
  egress__budget budget;
  uint32_t track_count;
  uint64_t nonce; /* of the last response of any type */
  egress__watch watch;
  egress_snapshot *snap; /* what the client is being brought to; NULL: there was none yet */
  egress__track *tracks; /* by rank */
  char *node_id;         /* NULL: before the first request */
  char *node_cluster;
};

static void on_change(egress__watch *watch) {
  egress__stream *stream = (egress__stream *)((char *)watch - offsetof(egress__stream, watch));
  if (!stream->inside)
    stream->config->on_ready(stream, stream->user);
}

int egress__stream_new(egress__stream **out, const egress__stream_config *config, egress__xds_variant variant,
                       const char *type_url, void *user) {
  assert((config->identifier == NULL || strlen(config->identifier) <= EGRESS__IDENTIFIER_MAX) && "it fits the tail");
  egress__stream *stream = egress__calloc(config->alloc, 1, sizeof *stream);
  if (stream == NULL)
    return EGRESS_ENOMEM;
  stream->config = config;
  stream->user = user;
  stream->variant = variant;
  stream->type_url = type_url;
  stream->watch.on_change = on_change;
  stream->budget = (egress__budget){.max_names = config->max_subscriptions, .max_bytes = config->max_bytes};
  *out = stream;
  return 0;
}

void egress__stream_free(egress__stream *stream) {
  if (stream == NULL)
    return;
  egress__watch_leave(&stream->watch);
  for (egress__track *track; (track = stream->tracks) != NULL;) {
    stream->tracks = track->next;
    egress__track_free(track);
  }
  assert(stream->budget.names == 0 && stream->budget.bytes == 0 && "what was taken was given back");
  egress_snapshot_unref(stream->snap);
  egress__free(stream->config->alloc, stream->node_id);
  egress__free(stream->config->alloc, stream->node_cluster);
  egress__free(stream->config->alloc, stream);
}

const char *egress__stream_node_id(const egress__stream *stream) {
  return stream->node_id == NULL ? "" : stream->node_id;
}

const char *egress__stream_group(const egress__stream *stream) {
  return stream->watch.group == NULL ? "" : egress__group_name(stream->watch.group);
}

/* Fills in what every event says and raises it. */
static void raise_event(egress__stream *stream, egress_event event) {
  event.node_id = egress__stream_node_id(stream);
  event.group = event.group != NULL ? event.group : egress__stream_group(stream);
  event.resource = event.resource != NULL ? event.resource : "";
  event.peer = "";
  stream->config->on_event(stream, &event, stream->user);
}

/* Only the first request has to say who the client is; what later ones say of it is not looked at. */
static int meet(egress__stream *stream, const egress__request *request) {
  const egress_alloc *alloc = stream->config->alloc;
  char *id = egress__strndup(alloc, (const char *)request->node_id.data, request->node_id.size);
  char *cluster = egress__strndup(alloc, (const char *)request->node_cluster.data, request->node_cluster.size);
  if (id == NULL || cluster == NULL) {
    egress__free(alloc, id);
    egress__free(alloc, cluster);
    return EGRESS_ENOMEM;
  }
  stream->node_id = id;
  stream->node_cluster = cluster;
  stream->features = request->features;
  return 0;
}

static int join(egress__stream *stream, egress__stream_fault *fault) {
  const egress_node node = {stream->node_id, stream->node_cluster};
  int rv = egress__cache_join(stream->config->cache, &node, &stream->watch);
  if (rv == EGRESS_EINVAL)
    return egress__stream_refuse(fault, rv, "no group for node \"%s\" of cluster \"%s\"", node.id, node.cluster);
  if (rv == 0)
    raise_event(stream, (egress_event){.kind = EGRESS_EVENT_CONNECTED, .type_url = "", .version = "", .message = ""});
  return rv;
}

static egress__track *find_track(const egress__stream *stream, egress__span type_url) {
  egress__track *track = stream->tracks;
  while (track != NULL &&
         (strlen(track->type_url) != type_url.size || memcmp(track->type_url, type_url.data, type_url.size) != 0))
    track = track->next;
  return track;
}

static int authorise(egress__stream *stream, const char *type_url, egress__stream_fault *fault) {
  const egress__stream_config *config = stream->config;
  const egress_node node = {stream->node_id, stream->node_cluster};
  int rv = config->authorise == NULL ? 0 : config->authorise(stream, &node, type_url, fault, stream->user);
  if (rv == EGRESS_EINVAL)
    fault->type_url = type_url;
  return rv;
}

static int is_told_ttl(const egress__stream *stream) {
  unsigned needed = EGRESS__FEATURE_TTL | (stream->variant == EGRESS__XDS_SOTW ? EGRESS__FEATURE_WRAPPED : 0);
  return (stream->features & needed) == needed;
}

static int need_track(egress__track **out, egress__stream *stream, egress__span type_url, egress__stream_fault *fault) {
  *out = find_track(stream, type_url);
  if (*out != NULL)
    return 0;
  if (stream->track_count == EGRESS__TYPES_MAX)
    return egress__stream_refuse(fault, EGRESS_ELIMIT, "more than %d types on one stream", EGRESS__TYPES_MAX);
  egress__track *track = egress__track_new(stream->config->alloc, type_url, &stream->budget);
  if (track == NULL)
    return EGRESS_ENOMEM;
  track->told_ttl = (uint8_t)is_told_ttl(stream);
  egress__track **place = &stream->tracks;
  while (*place != NULL && (*place)->rank <= track->rank)
    place = &(*place)->next;
  track->next = *place;
  *place = track;
  stream->track_count++;
  *out = track;
  return authorise(stream, track->type_url, fault);
}

/* Bytes of the UTF-8 sequence at the front; 0: there is none. */
static size_t sequence(egress__span text) {
  for (size_t size = 1; size <= 4 && size <= text.size; size++)
    if (egress__span_is_text((egress__span){text.data, size}))
      return size;
  return 0;
}

/* Copies a NACK's text; what is not UTF-8 becomes '?', because clients quote there what they could not read. */
static void copy_error_text(char out[EGRESS__ERROR_TEXT_MAX + 1], egress__span text) {
  size_t used = 0;
  while (text.size > 0) {
    size_t size = sequence(text);
    if (used + (size == 0 ? 1 : size) > EGRESS__ERROR_TEXT_MAX)
      break;
    if (size == 0) {
      out[used++] = '?';
      size = 1;
    } else {
      memcpy(out + used, text.data, size);
      used += size;
    }
    text.data += size;
    text.size -= size;
  }
  out[used] = '\0';
}

/* A type of `snap` was refused, as the event says. Returns 1 when by that another snapshot counts. */
static int refuse(egress__stream *stream, egress_event event) {
  if (!egress__watch_refuse(&event, &stream->watch, egress__snapshot_type(stream->snap, event.type_url)))
    return 0;
  raise_event(stream, event);
  return 1;
}

/* The client's answer to the response in flight. */
static void take_answer(egress__stream *stream, egress__track *track, const egress__request *request) {
  char message[EGRESS__ERROR_TEXT_MAX + 1] = "";
  int was_beat = track->beat.sent;
  egress_event event = {.kind = EGRESS_EVENT_ACKED, .type_url = track->type_url, .message = message};
  /* While a type waits, no snapshot that changes it is adopted: `snap` has what was sent. */
  event.version = egress_snapshot_type_label(stream->snap, track->type_url);
  if (request->has_error) {
    event.kind = EGRESS_EVENT_NACKED;
    event.status = request->error_code;
    copy_error_text(message, request->error_text);
    egress__track_refused(track);
  } else {
    egress__track_accepted(track);
  }
  if (request->has_error || !was_beat) /* that a heartbeat was taken is no news */
    raise_event(stream, event);
  if (request->has_error)
    refuse(stream, event);
}

static int is_current(const egress__track *track, egress__span nonce) {
  char text[NONCE_ROOM];
  int size = snprintf(text, sizeof text, "%" PRIu64, track->nonce);
  return nonce.size == (size_t)size && memcmp(text, nonce.data, nonce.size) == 0;
}

static int take_request(egress__stream *stream, egress__track *track, const egress__request *request) {
  int current = is_current(track, request->nonce);
  switch ((egress__phase)track->phase) {
  case EGRESS__PHASE_FRESH:
    current = 1; /* a nonce here is of another stream and means nothing */
    break;
  case EGRESS__PHASE_WAITING:
    if (current)
      take_answer(stream, track, request);
    break;
  case EGRESS__PHASE_ACCEPTED:
  case EGRESS__PHASE_REFUSED:
    break;
  }
  if (stream->variant == EGRESS__XDS_DELTA) /* what it subscribes to counts, whatever its nonce */
    return egress__delta_subscribe(track, request);
  if (current)
    return egress__sotw_subscribe(track, request);
  egress__sotw_overtaken(track, request); /* the client will say it all again */
  return 0;
}

static int over_budget(const egress__budget *budget, egress__stream_fault *fault) {
  switch (budget->refused) {
  case EGRESS__BUDGET_NAMES:
    return egress__stream_refuse(fault, EGRESS_ELIMIT, "more than %" PRIu32 " resource names subscribed to",
                                 budget->max_names);
  case EGRESS__BUDGET_BYTES:
    return egress__stream_refuse(fault, EGRESS_ELIMIT, "the names and versions of one stream take more than %zu bytes",
                                 budget->max_bytes);
  }
  assert(0 && "refused is out of range");
  return EGRESS_ELIMIT;
}

static int read_request(egress__stream *stream, const void *bytes, size_t size, egress__stream_fault *fault) {
  egress__request request;
  egress__track *track;
  int is_first = stream->node_id == NULL;
  int rv = egress__request_read(&request, stream->variant, stream->type_url, bytes, size, fault);
  if (rv == 0 && is_first)
    rv = meet(stream, &request);
  if (rv == 0)
    rv = need_track(&track, stream, request.type_url, fault);
  if (rv == 0 && is_first)
    rv = join(stream, fault);
  if (rv != 0)
    return rv;
  rv = take_request(stream, track, &request);
  return rv == EGRESS_ELIMIT ? over_budget(&stream->budget, fault) : rv;
}

int egress__stream_request(egress__stream *stream, const void *bytes, size_t size, egress__stream_fault *fault) {
  stream->inside = 1;
  fault->type_url = NULL;
  int rv = read_request(stream, bytes, size, fault);
  stream->inside = 0;
  if (rv == EGRESS_ENOMEM)
    egress__stream_refuse(fault, rv, "out of memory");
  return rv;
}

/* 1 when a type would be told as another version than the stream's last snapshot has it. */
static int is_told_anew(const egress__stream *stream, const egress_snapshot *snap, const char *type_url) {
  return strcmp(egress_snapshot_type_label(stream->snap, type_url), egress_snapshot_type_label(snap, type_url)) != 0;
}

/* 1 when a response in flight would be overtaken by `snap`. */
static int is_held_up(const egress__stream *stream, const egress_snapshot *snap) {
  for (const egress__track *track = stream->tracks; track != NULL; track = track->next)
    if (track->phase == EGRESS__PHASE_WAITING &&
        (egress__track_differs(track, egress__snapshot_type(snap, track->type_url)) ||
         is_told_anew(stream, snap, track->type_url)))
      return 1;
  return 0;
}

/* Content counts; but in state of the world a label is news, too. */
static void adopt_type(const egress__stream *stream, egress__track *track, const egress_snapshot *snap) {
  const egress__type_set *to = egress__snapshot_type(snap, track->type_url);
  if (stream->variant == EGRESS__XDS_SOTW && !egress__track_differs(track, to) &&
      is_told_anew(stream, snap, track->type_url))
    track->relabelled = 1;
  egress__track_refresh(track, to);
}

static void adopt_newest(egress__stream *stream) {
  if (stream->watch.group == NULL || (!stream->watch.changed && stream->snap != NULL))
    return;
  egress_snapshot *snap = egress__watch_snapshot(&stream->watch);
  if (snap != NULL && is_held_up(stream, snap))
    return;
  egress__watch_take(&stream->watch, snap);
  if (snap == NULL) /* forgotten, or not there yet: the client keeps what it has */
    return;
  for (egress__track *track = stream->tracks; track != NULL; track = track->next)
    adopt_type(stream, track, snap);
  egress_snapshot_ref(snap);
  egress_snapshot_unref(stream->snap);
  stream->snap = snap;
}

static void write_tail(egress__response *out, const egress__stream *stream, const egress__track *track,
                       uint64_t nonce) {
  const char *version = egress_snapshot_type_label(stream->snap, track->type_url);
  const char *identifier = stream->config->identifier;
  char nonce_text[NONCE_ROOM];
  int nonce_size = snprintf(nonce_text, sizeof nonce_text, "%" PRIu64, nonce);
  uint8_t *to = out->tail;
  to = egress__put_bytes(to, VERSION, version, strlen(version));
  to = egress__put_bytes(to, TYPE_URL, track->type_url, strlen(track->type_url));
  to = egress__put_bytes(to, NONCE, nonce_text, (size_t)nonce_size);
  if (identifier != NULL) {
    uint32_t number = stream->variant == EGRESS__XDS_SOTW ? SOTW_CONTROL_PLANE : DELTA_CONTROL_PLANE;
    to = egress__put_bytes_head(to, number, egress__bytes_field_size(IDENTIFIER, strlen(identifier)));
    to = egress__put_bytes(to, IDENTIFIER, identifier, strlen(identifier));
  }
  out->tail_size = (size_t)(to - out->tail);
}

/* Clusters are about to be told: their endpoints will have to be, too. */
static int warm(egress__stream *stream, egress__track *track, const egress__type_set *to, int step) {
  if (strcmp(track->type_url, EGRESS_TYPE_CLUSTER) != 0)
    return 0;
  egress__track *endpoints =
      find_track(stream, (egress__span){(const uint8_t *)EGRESS_TYPE_ENDPOINT, strlen(EGRESS_TYPE_ENDPOINT)});
  if (endpoints == NULL)
    return 0;
  int all =
      step || stream->variant == EGRESS__XDS_SOTW; /* which tells again what was refused, with whatever it tells */
  egress__step *changes = NULL;
  int rv = all ? egress__track_changes(&changes, track, egress__cache_steps(stream->config->cache), to) : 0;
  return rv != 0 ? rv : egress__warm_clusters(endpoints, track, changes, to, all);
}

/* Returns 1 with `out` filled, 0 or EGRESS_ENOMEM. */
static int next_beat(egress__stream *stream, egress__track *track, egress__response *out) {
  if (egress__beat_due(track) > stream->config->now_ms)
    return 0;
  egress__blob *body = NULL;
  egress__steps *steps = egress__cache_steps(stream->config->cache);
  int rv = stream->variant == EGRESS__XDS_SOTW ? egress__sotw_beat(&body, track, steps)
                                               : egress__delta_beat(&body, track, steps);
  if (rv >= 0)
    egress__beat_done(track, stream->config->now_ms);
  if (rv != 1)
    return rv;
  egress__track_beaten(track, ++stream->nonce);
  write_tail(out, stream, track, track->nonce);
  out->body = body;
  return 1;
}

/* Returns 1 with `out` filled, 0 or EGRESS_ENOMEM. */
static int next_of_track(egress__stream *stream, egress__track *track, egress__response *out) {
  if (track->phase == EGRESS__PHASE_WAITING)
    return 0;
  const egress__type_set *to = egress__snapshot_type(stream->snap, track->type_url);
  int step = egress__track_must_step(track, to);
  if (!step && track->want.owed[EGRESS__OWED_NOW] == 0)
    return next_beat(stream, track, out);
  int rv = warm(stream, track, to, step);
  if (rv != 0)
    return rv;
  egress__blob *body = NULL;
  egress__steps *steps = egress__cache_steps(stream->config->cache);
  rv = stream->variant == EGRESS__XDS_SOTW ? egress__sotw_answer(&body, track, steps, to, step)
                                           : egress__delta_answer(&body, track, steps, to, step);
  if (rv >= 0)
    egress__beat_told(track, stream->config->now_ms);
  if (rv == 0) {
    egress__track_settled(track, to, step);
    return next_beat(stream, track, out);
  }
  if (rv != 1)
    return rv;
  egress__track_sent(track, to, step, ++stream->nonce);
  write_tail(out, stream, track, track->nonce);
  out->body = body;
  return 1;
}

static int next(egress__stream *stream, egress__response *out) {
  adopt_newest(stream);
  int rv = 0;
  for (egress__track *track = stream->tracks; rv == 0 && stream->snap != NULL && track != NULL; track = track->next)
    rv = next_of_track(stream, track, out);
  return rv;
}

uint64_t egress__stream_due(const egress__stream *stream) {
  uint64_t due = UINT64_MAX;
  for (const egress__track *track = stream->tracks; track != NULL; track = track->next) {
    uint64_t mine = egress__beat_due(track);
    due = mine < due ? mine : due;
  }
  return due;
}

/*
 * All that is to be sent of a snapshot on trial was sent: what does the client say? A type that it refused before, in
 * another snapshot, is not sent again; so here that counts as its answer. Returns 1 when another snapshot counts now.
 */
static int judge(egress__stream *stream) {
  const egress__track *refused = NULL;
  for (const egress__track *track = stream->tracks; track != NULL; track = track->next) {
    if (track->phase == EGRESS__PHASE_WAITING)
      return 0;
    if (track->phase == EGRESS__PHASE_REFUSED && egress__watch_tries(&stream->watch, track->type_url))
      refused = track;
  }
  if (refused == NULL) {
    egress__watch_accept(&stream->watch);
    return 0;
  }
  return refuse(stream, (egress_event){.type_url = refused->type_url,
                                       .version = egress_snapshot_type_label(stream->snap, refused->type_url),
                                       .message = "the client has refused this before"});
}

int egress__stream_next(egress__stream *stream, egress__response *out) {
  int rv = next(stream, out);
  if (rv != 0 || !stream->watch.judged)
    return rv;
  stream->inside = 1;
  int moved = judge(stream);
  stream->inside = 0;
  return moved ? next(stream, out) : 0;
}

int egress__stream_fetch(egress__stream *stream, egress__response *out) {
  int rv = egress__stream_next(stream, out);
  if (rv != 0 || stream->snap == NULL)
    return rv;
  out->body = NULL;
  write_tail(out, stream, stream->tracks, ++stream->nonce);
  return 1;
}
