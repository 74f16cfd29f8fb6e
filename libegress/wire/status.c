#include <string.h>

#include <egress/error.h>
#include <egress/status.h>

#include "base/protowire.h"
#include "base/text.h"
#include "resource/json_writer.h"
#include "resource/moment.h"
#include "wire/call.h"
#include "wire/conn.h"
#include "wire/discovery.h"
#include "wire/epoch.h"
#include "wire/identity.h"
#include "xds/track.h"

struct egress_status {
  egress_server *server;
  const egress__caller *caller; /* NULL: before the first stream, or behind the last */
  const egress__track *track;   /* the next type */
  const egress__track *named;   /* whose names are next; NULL: none */
  size_t cursor;                /* among them */
  egress__identity identity;
  uint64_t epoch_ms; /* Unix time when the clock of streams was 0 */
  uint8_t ended;
};

static egress_status begin(egress_server *server) {
  return (egress_status){.server = server, .epoch_ms = egress__epoch_ms(server)};
}

static void end(egress_status *status) {
  egress__identity_dispose(&status->identity, status->server->alloc);
}

int egress_status_new(egress_status **out, egress_server *server) {
  if (out == NULL || server == NULL)
    return EGRESS_EINVAL;
  egress_status *status = egress__malloc(server->alloc, sizeof *status);
  if (status == NULL)
    return EGRESS_ENOMEM;
  *status = begin(server);
  *out = status;
  return 0;
}

void egress_status_free(egress_status *status) {
  if (status == NULL)
    return;
  end(status);
  egress__free(status->server->alloc, status);
}

/* ---- walking ---- */

static void describe_stream(egress_stream_status *out, const egress_status *status) {
  const egress__caller *caller = status->caller;
  const egress__stream *stream = caller->self;
  *out = (egress_stream_status){.stream_id = caller->stream_id,
                                .node_id = egress__stream_node_id(stream),
                                .node_cluster = egress__stream_node_cluster(stream),
                                .group = egress__stream_group(stream),
                                .peer = &status->identity.peer,
                                .type_url = caller->method.type_url != NULL ? caller->method.type_url : "",
                                .opened_ms = status->epoch_ms + caller->opened_ms,
                                .variant = caller->method.variant == EGRESS__XDS_SOTW ? EGRESS_VARIANT_SOTW
                                                                                      : EGRESS_VARIANT_DELTA};
}

int egress_status_next_stream(egress_status *status, egress_stream_status *out) {
  if (status == NULL || out == NULL)
    return EGRESS_EINVAL;
  const egress_alloc *alloc = status->server->alloc;
  const egress__caller *caller = status->ended ? NULL : egress__discovery_after(status->server, status->caller);
  status->track = status->named = NULL;
  if (caller == NULL) {
    status->ended = 1;
    return 0;
  }
  egress__identity identity;
  int rv = egress__conn_identity(&identity, caller->conn);
  if (rv != 0)
    return rv;
  egress__identity_dispose(&status->identity, alloc);
  status->identity = identity;
  status->caller = caller;
  status->track = egress__stream_tracks(caller->self);
  describe_stream(out, status);
  return 1;
}

static uint64_t at(const egress_status *status, uint64_t time_ms) {
  return time_ms == 0 ? 0 : status->epoch_ms + time_ms;
}

int egress_status_next_type(egress_status *status, egress_type_status *out) {
  if (status == NULL || out == NULL || status->track == NULL)
    return 0;
  const egress__track *track = status->track;
  const egress__record *record = &track->record;
  *out = (egress_type_status){.type_url = track->type_url,
                              .sent = egress__version_text(record->sent),
                              .acked = egress__version_text(record->acked),
                              .nacked = egress__version_text(record->nacked),
                              .message = record->refusal == NULL ? "" : record->refusal->text,
                              .requested_ms = at(status, record->requested_ms),
                              .sent_ms = at(status, record->sent_ms),
                              .acked_ms = at(status, record->acked_ms),
                              .nacked_ms = at(status, record->nacked_ms),
                              .name_count = track->want.wanted,
                              .code = record->refusal == NULL ? 0 : record->refusal->code,
                              .wildcard = track->want.wildcard,
                              .in_flight = track->phase == EGRESS__PHASE_WAITING};
  status->track = track->next;
  status->named = track;
  status->cursor = 0;
  return 1;
}

const char *egress_status_next_name(egress_status *status) {
  if (status == NULL || status->named == NULL)
    return NULL;
  for (const egress__map_entry *entry;
       (entry = egress__map_next(&status->named->want.names, &status->cursor)) != NULL;) {
    const egress__name *name = entry->value;
    if (name->wanted)
      return name->text;
  }
  return NULL;
}

/* ---- as JSON ---- */

static void put_text(egress__json_writer *w, const char *key, const char *text) {
  egress__json_key(w, key);
  int rv = egress__json_string(w, (egress__span){(const uint8_t *)text, strlen(text)});
  w->text.rv = w->text.rv != 0 ? w->text.rv : rv;
}

static void put_text_if_any(egress__json_writer *w, const char *key, const char *text) {
  if (text[0] != '\0')
    put_text(w, key, text);
}

static void put_item(egress__json_writer *w, const char *text) {
  egress__json_next(w);
  egress__json_string(w, (egress__span){(const uint8_t *)text, strlen(text)});
}

static void put_list_if_any(egress__json_writer *w, const char *key, const char *const *texts, size_t count) {
  if (count == 0)
    return;
  egress__json_key(w, key);
  egress__json_open(w, '[');
  for (size_t i = 0; i < count; i++)
    put_item(w, texts[i]);
  egress__json_close(w, ']');
}

/* As RFC 3339 writes it. */
static void put_time(egress__json_writer *w, const char *key, uint64_t time_ms) {
  if (time_ms == 0)
    return;
  enum { DAY_MS = 24 * 60 * 60 * 1000 };
  egress__date date = egress__date_of((int64_t)(time_ms / DAY_MS));
  unsigned ms = (unsigned)(time_ms % DAY_MS);
  egress__json_key(w, key);
  egress__buf_printf(&w->text, "\"%04d-%02u-%02uT%02u:%02u:%02u.%03uZ\"", (int)date.year, date.month, date.day,
                     ms / 3600000, ms / 60000 % 60, ms / 1000 % 60, ms % 1000);
}

static void put_names(egress__json_writer *w, egress_status *status) {
  egress__json_key(w, "names");
  egress__json_open(w, '[');
  for (const char *name; (name = egress_status_next_name(status)) != NULL;)
    put_item(w, name);
  egress__json_close(w, ']');
}

static void put_type(egress__json_writer *w, egress_status *status, const egress_type_status *type) {
  egress__json_string_key(w, (egress__span){(const uint8_t *)type->type_url, strlen(type->type_url)});
  egress__json_open(w, '{');
  egress__json_key(w, "wildcard");
  egress__buf_str(&w->text, type->wildcard ? "true" : "false");
  put_names(w, status);
  put_text_if_any(w, "sent", type->sent);
  put_text_if_any(w, "acked", type->acked);
  put_text_if_any(w, "nacked", type->nacked);
  if (type->nacked_ms != 0) {
    put_text(w, "why", type->message);
    egress__json_key(w, "code");
    egress__buf_printf(&w->text, "%d", (int)type->code);
  }
  egress__json_key(w, "inFlight");
  egress__buf_str(&w->text, type->in_flight ? "true" : "false");
  put_time(w, "requestedAt", type->requested_ms);
  put_time(w, "sentAt", type->sent_ms);
  put_time(w, "ackedAt", type->acked_ms);
  put_time(w, "nackedAt", type->nacked_ms);
  egress__json_close(w, '}');
}

static const char *transport_name(int32_t transport) {
  switch ((egress_transport)transport) {
  case EGRESS_TRANSPORT_PLAINTEXT:
    return "plaintext";
  case EGRESS_TRANSPORT_UNIX:
    return "unix";
  case EGRESS_TRANSPORT_TLS:
    return "tls";
  case EGRESS_TRANSPORT_MUTUAL_TLS:
    return "mutual-tls";
  }
  return "";
}

static void put_stream(egress__json_writer *w, egress_status *status, const egress_stream_status *stream) {
  egress_type_status type;
  egress__json_next(w);
  egress__json_open(w, '{');
  egress__json_key(w, "stream");
  egress__buf_printf(&w->text, "%llu", (unsigned long long)stream->stream_id);
  put_text(w, "node", stream->node_id);
  put_text(w, "cluster", stream->node_cluster);
  put_text(w, "group", stream->group);
  put_text(w, "peer", stream->peer->address);
  put_text(w, "transport", transport_name(stream->peer->transport));
  put_text_if_any(w, "spiffeId", stream->peer->spiffe_id);
  put_text_if_any(w, "commonName", stream->peer->common_name);
  put_list_if_any(w, "uris", stream->peer->uris, stream->peer->uri_count);
  put_list_if_any(w, "dnsNames", stream->peer->dns_names, stream->peer->dns_name_count);
  put_text(w, "variant", stream->variant == EGRESS_VARIANT_SOTW ? "sotw" : "delta");
  put_text(w, "typeUrl", stream->type_url);
  put_time(w, "openedAt", stream->opened_ms);
  egress__json_key(w, "types");
  egress__json_open(w, '{');
  while (egress_status_next_type(status, &type))
    put_type(w, status, &type);
  egress__json_close(w, '}');
  egress__json_close(w, '}');
}

int egress_server_status_json(egress_text **out, egress_server *server) {
  if (out == NULL || server == NULL)
    return EGRESS_EINVAL;
  egress__json_writer w = {.empty = 1};
  egress_stream_status stream;
  egress_status status = begin(server);
  egress__buf_init(&w.text, server->alloc);
  egress__json_open(&w, '[');
  int rv;
  while ((rv = egress_status_next_stream(&status, &stream)) == 1 && w.text.rv == 0)
    put_stream(&w, &status, &stream);
  end(&status);
  egress__json_close(&w, ']');
  egress__buf_char(&w.text, '\n');
  if (rv >= 0)
    rv = egress__text_take(out, &w.text);
  egress__buf_dispose(&w.text);
  return rv;
}

/* ---- metrics ---- */

int egress_server_metrics(egress_text **out, egress_server *server) {
  if (out == NULL || server == NULL)
    return EGRESS_EINVAL;
  egress__gauges gauges = {.streams = server->stream_count, .dropped_events = server->events.dropped};
  for (const egress__caller *caller = NULL; (caller = egress__discovery_after(server, caller)) != NULL;)
    for (const egress__track *track = egress__stream_tracks(caller->self); track != NULL; track = track->next)
      if (track->want.wildcard || track->want.wanted > 0)
        gauges.subscribed[egress__metrics_type(track->type_url)]++;
  egress__buf text;
  egress__buf_init(&text, server->alloc);
  egress__metrics_print(&text, &server->metrics, &gauges);
  int rv = egress__text_take(out, &text);
  egress__buf_dispose(&text);
  return rv;
}
