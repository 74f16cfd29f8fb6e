/*
 * A stream moves from snapshot to snapshot as a whole:
 *
 *   on_change      the group may have another snapshot: the watch is marked, wire comes back with stream_next
 *   stream_next    adopts it, unless a type that it changes has a response in flight: then after the client's answer.
 *                  Snapshots in between are never seen: only the newest is owed.
 *   then           clusters, endpoints, listeners, routes, others: in this order, so that nothing names what was not
 *                  sent before; with `gate_on_ack`, nothing that was not accepted before. Meanwhile new names are
 *                  answered from the snapshot adopted: Envoy holds back the ACK of clusters until it got their
 *                  endpoints. What the snapshot removes of clusters and endpoints goes after the others (xds/source).
 *   at the end     nothing is left to send or to be answered: a snapshot on trial is accepted, or refused
 */
#include "xds/stream.h"

#include <assert.h>
#include <stddef.h>
#include <string.h>

#include <egress/error.h>

#include "base/alloc.h"
#include "xds/ask.h"
#include "xds/beat.h"
#include "xds/request.h"
#include "xds/source.h"
#include "xds/tail.h"
#include "xds/warm.h"

struct egress__stream {
  const egress__stream_config *config;
  void *user;
  const char *type_url; /* the only one; NULL: any */
  egress__xds_variant variant;
  uint8_t inside; /* a call is on: it looks for changes itself */
  egress__budget budget;
  uint32_t track_count;
  uint64_t nonce;        /* of the last response of any type */
  egress__source source; /* of the type asked for first; others follow it */
  egress__track *tracks; /* by rank */
  egress__xds_node node; /* `{0}` before the first request */
};

static void on_change(egress__watch *watch) {
  egress__source *source = (egress__source *)((char *)watch - offsetof(egress__source, watch));
  egress__stream *stream = source->stream;
  if (!stream->inside)
    stream->config->on_ready(stream, stream->user);
  egress__source_changed(source, stream->config->now_ms);
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
  stream->source = (egress__source){.stream = stream, .watch.on_change = on_change};
  stream->budget = (egress__budget){
      .all = config->remembered, .max_names = config->max_subscriptions, .max_bytes = config->max_bytes};
  *out = stream;
  return 0;
}

void egress__stream_set_peer(egress__stream *stream, egress__remembered *peer) {
  stream->budget.peer = peer;
}

void egress__stream_free(egress__stream *stream) {
  if (stream == NULL)
    return;
  egress__source_dispose(&stream->source);
  for (egress__source *source; (source = stream->source.next) != NULL;) {
    stream->source.next = source->next;
    egress__source_dispose(source);
    egress__free(stream->config->alloc, source);
  }
  for (egress__track *track; (track = stream->tracks) != NULL;) {
    stream->tracks = track->next;
    egress__track_free(track);
  }
  assert(stream->budget.names == 0 && stream->budget.bytes == 0 && "what was taken was given back");
  egress__xds_node_dispose(&stream->node, stream->config->alloc);
  egress__free(stream->config->alloc, stream);
}

const char *egress__stream_node_id(const egress__stream *stream) {
  return egress__xds_node_id(&stream->node);
}

const char *egress__stream_node_cluster(const egress__stream *stream) {
  return egress__xds_node_cluster(&stream->node);
}

egress__xds_variant egress__stream_variant(const egress__stream *stream) {
  return stream->variant;
}

const char *egress__stream_group(const egress__stream *stream) {
  return egress__source_group(&stream->source);
}

/* Fills in what every event says and raises it. */
static void raise_event(egress__stream *stream, egress_event event) {
  event.node_id = egress__stream_node_id(stream);
  event.group = event.group != NULL ? event.group : egress__stream_group(stream);
  event.resource = event.resource != NULL ? event.resource : "";
  event.peer = "";
  if (stream->config->on_event != NULL)
    stream->config->on_event(stream, &event, stream->user);
}

const struct egress__track *egress__stream_tracks(const egress__stream *stream) {
  return stream->tracks;
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
  int rv = config->authorise == NULL ? 0 : config->authorise(stream, &stream->node.says, type_url, fault, stream->user);
  if (rv == EGRESS_EINVAL)
    fault->type_url = type_url;
  return rv;
}

static int join(egress__stream *stream, egress__source *source, egress__stream_fault *fault) {
  int rv = egress__cache_join(source->cache, &stream->node.says, &source->watch);
  if (rv == EGRESS_EINVAL)
    return egress__stream_refuse(fault, rv, "no group for node \"%s\" of cluster \"%s\"",
                                 egress__stream_node_id(stream), egress__stream_node_cluster(stream));
  if (rv == 0 && source == &stream->source)
    raise_event(stream, (egress_event){.kind = EGRESS_EVENT_CONNECTED, .type_url = "", .version = "", .message = ""});
  return rv;
}

/* The source of that cache, made when there is none; NULL when out of memory. */
static egress__source *add_source(egress__stream *stream, egress_cache *cache) {
  egress__source *last = &stream->source;
  while (last->cache != cache && last->next != NULL)
    last = last->next;
  if (last->cache == NULL)
    last->cache = cache;
  if (last->cache == cache)
    return last;
  egress__source *source = egress__calloc(stream->config->alloc, 1, sizeof *source);
  if (source == NULL)
    return NULL;
  *source = (egress__source){.stream = stream, .cache = cache, .watch.on_change = on_change};
  last->next = source;
  return source;
}

/* Where a type comes from. */
static int need_source(egress__source **out, egress__stream *stream, const char *type_url,
                       egress__stream_fault *fault) {
  const egress__stream_config *config = stream->config;
  egress_cache *cache = config->cache;
  int rv =
      config->choose == NULL ? 0 : config->choose(&cache, stream, &stream->node.says, type_url, fault, stream->user);
  if (rv == EGRESS_EINVAL)
    fault->type_url = type_url;
  if (rv != 0)
    return rv;
  egress__source *source = add_source(stream, cache);
  if (source == NULL)
    return EGRESS_ENOMEM;
  *out = source;
  return source->watch.group != NULL ? 0 : join(stream, source, fault);
}

static int is_told_ttl(const egress__stream *stream) {
  unsigned needed = EGRESS__FEATURE_TTL | (stream->variant == EGRESS__XDS_SOTW ? EGRESS__FEATURE_WRAPPED : 0);
  return (stream->node.features & needed) == needed;
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
  int rv = authorise(stream, track->type_url, fault);
  return rv != 0 ? rv : need_source(&track->source, stream, track->type_url, fault);
}

/* A type that comes from `source` was refused, as the event says. Returns 1 when by that another snapshot counts. */
static int refuse(egress__stream *stream, egress__source *source, egress_event event) {
  if (!egress__watch_refuse(&event, &source->watch, egress__snapshot_type(egress__source_goal(source), event.type_url)))
    return 0;
  raise_event(stream, event);
  return 1;
}

/* Of a request or response; those who want to know are told. */
static void raise_passing(egress__stream *stream, const egress__track *track, egress_event_kind kind, size_t bytes) {
  if (!stream->config->is_verbose)
    return;
  const char *version = track->record.sent != NULL && kind == EGRESS_EVENT_RESPONSE ? track->record.sent->text : "";
  raise_event(stream, (egress_event){.kind = (int32_t)kind,
                                     .type_url = track->type_url,
                                     .version = version,
                                     .message = "",
                                     .group = egress__source_group(track->source),
                                     .bytes = bytes});
}

/* The client's answer to the response in flight. Returns 0 or EGRESS_ENOMEM: nothing changed. */
static int take_answer(egress__stream *stream, egress__track *track, const egress__request *request) {
  char message[EGRESS__ERROR_TEXT_MAX + 1] = "";
  int was_beat = track->beat.sent;
  uint64_t now_ms = stream->config->now_ms;
  egress_event event = {.kind = EGRESS_EVENT_ACKED, .type_url = track->type_url, .message = message};
  /* While a type waits, no snapshot that changes it is adopted: `snap` has what was sent. */
  event.version = egress_snapshot_type_label(track->source->snap, track->type_url);
  event.group = egress__source_group(track->source);
  event.elapsed_ms = now_ms - track->record.sent_ms;
  uint64_t brought_ms = track->record.brought_ms;
  if (request->has_error) {
    event.kind = EGRESS_EVENT_NACKED;
    event.status = request->error_code;
    egress__request_error_text(message, request);
    int rv = egress__record_refused(&track->record, stream->config->alloc, event.status, message, now_ms);
    if (rv != 0)
      return rv;
    egress__track_refused(track);
  } else {
    if (brought_ms != 0)
      event.since_change_ms = now_ms > brought_ms ? now_ms - brought_ms : 1;
    egress__record_accepted(&track->record, now_ms);
    egress__track_accepted(track);
  }
  if (request->has_error || !was_beat) /* that a heartbeat was taken is no news */
    raise_event(stream, event);
  event.elapsed_ms = 0;
  if (request->has_error)
    refuse(stream, track->source, event);
  return 0;
}

static int take_request(egress__stream *stream, egress__track *track, const egress__request *request) {
  int current = egress__nonce_is(track->nonce, request->nonce), rv = 0;
  switch ((egress__phase)track->phase) {
  case EGRESS__PHASE_FRESH:
    current = 1; /* a nonce here is of another stream and means nothing */
    break;
  case EGRESS__PHASE_WAITING:
    if (current)
      rv = take_answer(stream, track, request);
    break;
  case EGRESS__PHASE_ACCEPTED:
  case EGRESS__PHASE_REFUSED:
    break;
  }
  if (rv != 0)
    return rv;
  if (stream->variant == EGRESS__XDS_DELTA) /* what it subscribes to counts, whatever its nonce */
    return egress__delta_subscribe(track, request);
  if (current)
    return egress__sotw_subscribe(track, request);
  egress__sotw_overtaken(track, request); /* the client will say it all again */
  return 0;
}

static int read_request(egress__stream *stream, const void *bytes, size_t size, egress__stream_fault *fault) {
  egress__request request;
  egress__track *track;
  int rv = egress__request_read(&request, stream->variant, stream->type_url, bytes, size, fault);
  if (rv == 0 && stream->node.texts == NULL) /* what later requests say of it is not looked at */
    rv = egress__xds_node_keep(&stream->node, &request.node, stream->config->alloc);
  if (rv == 0)
    rv = need_track(&track, stream, request.type_url, fault);
  if (rv != 0)
    return rv;
  track->record.requested_ms = stream->config->now_ms;
  raise_passing(stream, track, EGRESS_EVENT_REQUEST, size);
  uint32_t changes = track->want.changes;
  rv = take_request(stream, track, &request);
  if (rv == 0 && track->want.changes != changes)
    raise_passing(stream, track, EGRESS_EVENT_SUBSCRIPTION, 0);
  return rv == EGRESS_ELIMIT ? egress__budget_explain(&stream->budget, fault) : rv;
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

/* The version that is about to be sent. NULL: they are not kept. Returns 0 or EGRESS_ENOMEM. */
static int note_version(egress__version **out, const egress__stream *stream, const egress__track *track) {
  *out = NULL;
  if (stream->config->versions == NULL)
    return 0;
  return egress__versions_get(out, stream->config->versions,
                              egress_snapshot_type_label(track->source->snap, track->type_url));
}

/* A response is complete. Takes the references to `body` and `version` over. */
static void respond(egress__response *out, egress__stream *stream, egress__track *track, egress__blob *body,
                    egress__version *version, uint64_t nonce) {
  egress__tail_write(out, &(egress__tail){.variant = stream->variant,
                                          .version = egress_snapshot_type_label(track->source->snap, track->type_url),
                                          .type_url = track->type_url,
                                          .identifier = stream->config->identifier,
                                          .nonce = nonce});
  out->body = body;
  egress__record_sent(&track->record, version, stream->config->now_ms);
  raise_passing(stream, track, EGRESS_EVENT_RESPONSE, out->tail_size + (body != NULL ? body->size : 0));
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
  int rv = all ? egress__track_changes(&changes, track, egress__cache_steps(track->source->cache), to) : 0;
  return rv != 0 ? rv : egress__warm_clusters(endpoints, track, changes, to, all);
}

/* Returns 1 with `out` filled, 0 or EGRESS_ENOMEM. */
static int next_beat(egress__stream *stream, egress__track *track, egress__response *out) {
  if (egress__beat_due(track) > stream->config->now_ms)
    return 0;
  egress__blob *body = NULL;
  egress__version *version;
  int rv = note_version(&version, stream, track);
  if (rv != 0)
    return rv;
  egress__steps *steps = egress__cache_steps(track->source->cache);
  rv = stream->variant == EGRESS__XDS_SOTW ? egress__sotw_beat(&body, track, steps)
                                           : egress__delta_beat(&body, track, steps);
  if (rv >= 0)
    egress__beat_done(track, stream->config->now_ms);
  if (rv != 1) {
    egress__version_unref(version);
    return rv;
  }
  egress__track_beaten(track, ++stream->nonce);
  respond(out, stream, track, body, version, track->nonce);
  return 1;
}

/*
 * 1 when a change of the type has to wait, because one before it in the order was not accepted. Nothing here waits for
 * what Envoy may wait for before it answers: see docs/xds.md.
 */
static int is_gated(const egress__stream *stream, const egress__track *track) {
  if (!stream->config->gate_on_ack)
    return 0;
  for (const egress__track *other = stream->tracks; other->rank < track->waits_for; other = other->next)
    if (other->objected || (other->phase == EGRESS__PHASE_WAITING && !other->beat.sent))
      return 1;
  return 0;
}

/* 1 when what is asked for can be told without what changed of the rest. */
static int can_tell_apart(const egress__stream *stream, const egress__track *track) {
  if (track->want.wildcard_owed)
    return 0;
  if (track->want.owed[EGRESS__OWED_NOW] == 0)
    return 1;
  if (track->has.count == 0 || track->has.count == EGRESS__BASES_MAX)
    return 0;
  return stream->variant == EGRESS__XDS_DELTA || (!track->whole && !track->want.wildcard);
}

/* Returns 1 with `out` filled, 0 or EGRESS_ENOMEM. */
static int next_of_track(egress__stream *stream, egress__track *track, egress__response *out) {
  if (track->phase == EGRESS__PHASE_WAITING)
    return 0;
  const egress__type_set *to = egress__snapshot_type(track->source->snap, track->type_url);
  int step = egress__track_must_step(track, to) && !(is_gated(stream, track) && can_tell_apart(stream, track));
  if (!step && track->want.owed[EGRESS__OWED_NOW] == 0)
    return next_beat(stream, track, out);
  int rv = warm(stream, track, to, step);
  if (rv != 0)
    return rv;
  egress__version *version;
  rv = note_version(&version, stream, track);
  if (rv != 0)
    return rv;
  egress__blob *body = NULL;
  egress__steps *steps = egress__cache_steps(track->source->cache);
  rv = stream->variant == EGRESS__XDS_SOTW ? egress__sotw_answer(&body, track, steps, to, step)
                                           : egress__delta_answer(&body, track, steps, to, step);
  if (rv >= 0)
    egress__beat_told(track, stream->config->now_ms);
  if (rv >= 0 && !step && egress__track_differs(track, to))
    egress__track_mixed(track, to);
  if (rv != 1)
    egress__version_unref(version);
  if (rv == 0) {
    egress__track_settled(track, to, step);
    return next_beat(stream, track, out);
  }
  if (rv != 1)
    return rv;
  egress__track_sent(track, to, step, ++stream->nonce);
  respond(out, stream, track, body, version, track->nonce);
  return 1;
}

static int next_of_tracks(egress__stream *stream, egress__response *out) {
  int rv = 0;
  for (egress__track *track = stream->tracks; rv == 0 && track != NULL; track = track->next)
    if (track->source->snap != NULL)
      rv = next_of_track(stream, track, out);
  return rv;
}

/* An asker that is a stream's. */
typedef struct stream_asker {
  egress__asker asker;
  egress__stream *stream;
} stream_asker;

static void tell_wanted(egress__asker *asker, const egress__track *track, const char *name) {
  raise_event(((stream_asker *)asker)->stream, (egress_event){.kind = EGRESS_EVENT_WANTED,
                                                              .type_url = track->type_url,
                                                              .version = "",
                                                              .message = "",
                                                              .group = egress__source_group(track->source),
                                                              .resource = name});
}

/* Returns 1 when the embedder was told of names that are wanted: he may have answered already. */
static int ask_unknown(egress__stream *stream) {
  stream_asker own = {{stream->config->now_ms, tell_wanted}, stream};
  int told = 0, rv = 0;
  if (stream->config->on_event == NULL)
    return 0;
  stream->inside = 1;
  for (egress__track *track = stream->tracks; rv >= 0 && track != NULL; track = track->next) {
    rv = track->source->snap == NULL ? 0 : egress__track_ask(&own.asker, track);
    told |= rv == 1;
  }
  stream->inside = 0;
  return rv < 0 ? rv : told;
}

static int adopt(egress__stream *stream, const egress__manner *manner) {
  int rv = 0;
  for (egress__source *source = &stream->source; rv == 0 && source != NULL; source = source->next)
    rv = egress__source_adopt(source, stream->tracks, manner);
  return rv;
}

static int next(egress__stream *stream, egress__response *out) {
  const egress__manner manner = {stream->variant, stream->type_url == NULL, stream->config->gate_on_ack};
  int rv = adopt(stream, &manner), arrived = 0;
  while (rv == 0 && (rv = ask_unknown(stream)) == 1)
    rv = adopt(stream, &manner);
  if (rv == 0)
    rv = next_of_tracks(stream, out);
  if (rv != 0)
    return rv;
  for (egress__source *source = &stream->source; source != NULL; source = source->next)
    arrived |= egress__source_arrive(source, stream->tracks, &manner);
  return arrived ? next_of_tracks(stream, out) : 0;
}

uint64_t egress__stream_due(const egress__stream *stream) {
  uint64_t due = UINT64_MAX;
  for (const egress__track *track = stream->tracks; track != NULL; track = track->next) {
    uint64_t mine = egress__beat_due(track);
    due = mine < due ? mine : due;
    due = track->asked_until_ms < due ? track->asked_until_ms : due;
  }
  return due;
}

/* All that is to be sent of a snapshot on trial was sent. Returns 1 when another snapshot counts now. */
static int judge(egress__stream *stream, egress__source *source) {
  const egress__track *refused;
  switch (egress__source_judge(&refused, source, stream->tracks)) {
  case EGRESS__VERDICT_OPEN:
    return 0;
  case EGRESS__VERDICT_ACCEPTED:
    egress__watch_accept(&source->watch);
    return 0;
  case EGRESS__VERDICT_REFUSED:
    break;
  }
  return refuse(stream, source,
                (egress_event){.type_url = refused->type_url,
                               .version = egress_snapshot_type_label(source->snap, refused->type_url),
                               .message = "the client has refused this before"});
}

int egress__stream_next(egress__stream *stream, egress__response *out) {
  int rv = next(stream, out), moved = 0;
  if (rv != 0)
    return rv;
  stream->inside = 1;
  for (egress__source *source = &stream->source; source != NULL; source = source->next)
    moved |= source->watch.judged && source->bridge == NULL && judge(stream, source);
  stream->inside = 0;
  return moved ? next(stream, out) : 0;
}

int egress__stream_fetch(egress__stream *stream, egress__response *out) {
  int rv = next(stream, out); /* who stays no longer is no judge of a snapshot on trial */
  if (rv != 0 || stream->source.snap == NULL)
    return rv;
  egress__version *version;
  rv = note_version(&version, stream, stream->tracks);
  if (rv != 0)
    return rv;
  respond(out, stream, stream->tracks, NULL, version, ++stream->nonce);
  return 1;
}
