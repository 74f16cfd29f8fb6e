#include "xds/client_status.h"

#include <string.h>

#include <egress/error.h>

#include "resource/resource.h"
#include "xds/members.h"
#include "xds/request.h"
#include "xds/source.h"
#include "xds/standing.h"

/* Fields of the messages of envoy.service.status.v3 and envoy.admin.v3. */
enum {
  RESPONSE_CONFIG = 1,
  CONFIG_NODE = 1,
  CONFIG_ITEM = 3,
  ITEM_TYPE_URL = 1,
  ITEM_NAME = 2,
  ITEM_VERSION = 3,
  ITEM_RESOURCE = 4,
  ITEM_UPDATED = 5,
  ITEM_CONFIG_STATUS = 6,
  ITEM_CLIENT_STATUS = 7,
  ITEM_ERROR = 8,
  ANY_TYPE_URL = 1,
  ANY_VALUE = 2,
  ERROR_TIME = 2,
  ERROR_DETAILS = 3,
  ERROR_VERSION = 4,
  TIME_SECONDS = 1,
  TIME_NANOS = 2
};

/* envoy.admin.v3.ClientResourceStatus */
typedef enum client_status { REQUESTED = 1, DOES_NOT_EXIST = 2, ACKED = 3, NACKED = 4 } client_status;

/* A ClientConfig being written: messages that lie in each other, each in a buffer of its own. */
typedef struct writer {
  egress__buf *response;
  egress__buf config, item, part;
  const egress__stream *stream;
  int is_bare;
  uint64_t epoch_ms;
} writer;

/* ---- fields ---- */

static void put_bytes(egress__buf *to, uint32_t number, const void *bytes, size_t size) {
  char *at = size == 0 ? NULL : egress__buf_reserve(to, egress__bytes_field_size(number, size));
  if (at != NULL)
    to->size += (size_t)(egress__put_bytes((uint8_t *)at, number, bytes, size) - (uint8_t *)at);
}

static void put_text(egress__buf *to, uint32_t number, const char *text) {
  put_bytes(to, number, text, strlen(text));
}

static void put_number(egress__buf *to, uint32_t number, uint64_t value) {
  enum { VARINTS = 20 };
  char *at = value == 0 ? NULL : egress__buf_reserve(to, VARINTS);
  if (at == NULL)
    return;
  uint8_t *end = egress__put_varint((uint8_t *)at, number << 3 | EGRESS__WIRE_VARINT);
  to->size += (size_t)(egress__put_varint(end, value) - (uint8_t *)at);
}

static void put_time(writer *w, egress__buf *to, uint32_t number, uint64_t time_ms) {
  if (time_ms == 0)
    return;
  egress__buf time;
  egress__buf_init(&time, to->alloc);
  put_number(&time, TIME_SECONDS, (w->epoch_ms + time_ms) / 1000);
  put_number(&time, TIME_NANOS, (w->epoch_ms + time_ms) % 1000 * 1000 * 1000);
  put_bytes(to, number, time.data, time.size);
  to->rv = to->rv != 0 ? to->rv : time.rv;
  egress__buf_dispose(&time);
}

static void put_part(writer *w, egress__buf *to, uint32_t number) {
  put_bytes(to, number, w->part.data, w->part.size);
  to->rv = to->rv != 0 ? to->rv : w->part.rv;
  w->part.size = 0;
}

/* ---- one resource ---- */

static client_status client_status_of(egress__config_status status) {
  return status == EGRESS__CONFIG_SYNCED ? ACKED : status == EGRESS__CONFIG_ERROR ? NACKED : REQUESTED;
}

static void put_resource(writer *w, const egress_resource *resource) {
  const char *type_url = egress_resource_type_url(resource);
  if (w->is_bare || egress_resource_error(resource) != 0 || egress__is_secret(type_url))
    return;
  put_text(&w->part, ANY_TYPE_URL, type_url);
  put_bytes(&w->part, ANY_VALUE, egress_resource_bytes(resource), egress_resource_size(resource));
  put_part(w, &w->item, ITEM_RESOURCE);
}

static void put_refusal(writer *w, const egress__record *record, const char *version) {
  put_time(w, &w->part, ERROR_TIME, record->nacked_ms);
  put_text(&w->part, ERROR_DETAILS, record->refusal == NULL ? "" : record->refusal->text);
  put_text(&w->part, ERROR_VERSION, version);
  put_part(w, &w->item, ITEM_ERROR);
}

/* Moves the item to the config. Returns 0, EGRESS_ENOMEM or EGRESS_ELIMIT. */
static int end_item(writer *w) {
  put_bytes(&w->config, CONFIG_ITEM, w->item.data, w->item.size);
  w->config.rv = w->config.rv != 0 ? w->config.rv : w->item.rv;
  w->item.size = 0;
  if (w->config.rv != 0)
    return w->config.rv;
  return w->response->size + w->config.size > EGRESS__CLIENT_STATUS_BYTES_MAX ? EGRESS_ELIMIT : 0;
}

static int put_item(writer *w, const egress__track *track, const egress_resource *resource) {
  egress__standing is = egress__standing_of(track, egress__stream_variant(w->stream), resource);
  put_text(&w->item, ITEM_TYPE_URL, track->type_url);
  put_text(&w->item, ITEM_NAME, egress_resource_name(resource));
  put_text(&w->item, ITEM_VERSION, is.version);
  if (is.version[0] != '\0')
    put_time(w, &w->item, ITEM_UPDATED,
             is.status == EGRESS__CONFIG_ERROR ? track->record.acked_ms : track->record.sent_ms);
  put_resource(w, resource);
  put_number(&w->item, ITEM_CONFIG_STATUS, is.status);
  put_number(&w->item, ITEM_CLIENT_STATUS, client_status_of(is.status));
  if (is.status == EGRESS__CONFIG_ERROR)
    put_refusal(w, &track->record, is.refused);
  return end_item(w);
}

/* A name that the client wants, of which there is nothing, or nobody has said so yet. */
static int put_absent(writer *w, const egress__track *track, const egress__name *name) {
  int is_unknown = track->source->snap == NULL || name->owed == EGRESS__OWED_ASKED;
  put_text(&w->item, ITEM_TYPE_URL, track->type_url);
  put_text(&w->item, ITEM_NAME, name->text);
  put_number(&w->item, ITEM_CONFIG_STATUS, EGRESS__CONFIG_NOT_SENT);
  put_number(&w->item, ITEM_CLIENT_STATUS, is_unknown ? REQUESTED : DOES_NOT_EXIST);
  return end_item(w);
}

/* ---- all of them ---- */

static int put_everything(writer *w, const egress__track *track, const egress__type_set *set) {
  egress__cursor cursor = {.set = set};
  int rv = 0;
  for (const egress_resource *resource; rv == 0 && (resource = egress__cursor_next(&cursor)) != NULL;)
    rv = put_item(w, track, resource);
  return rv;
}

static int put_names(writer *w, const egress__track *track, const egress__type_set *set) {
  size_t cursor = 0;
  int rv = 0;
  for (const egress__map_entry *entry; rv == 0 && (entry = egress__map_next(&track->want.names, &cursor)) != NULL;) {
    const egress__name *name = entry->value;
    egress__members members = egress__members_of(name, set);
    const egress_resource *resource = egress__members_next(&members);
    if (!name->wanted)
      continue;
    if (resource == NULL)
      rv = put_absent(w, track, name);
    else if (!track->want.wildcard && !name->glob && egress__subscription_by(&track->want, resource) == name)
      /* else it is among many, or told under another name of it */
      rv = put_item(w, track, resource);
  }
  return rv;
}

/* What is not everything, and wanted below a glob only. */
static int put_below_globs(writer *w, const egress__track *track, const egress__type_set *set) {
  egress__cursor cursor = {.set = track->want.wildcard || track->want.globs == 0 ? NULL : set};
  int rv = 0;
  for (const egress_resource *resource; rv == 0 && (resource = egress__cursor_next(&cursor)) != NULL;) {
    const egress__name *own = egress__subscription_by(&track->want, resource);
    if ((own == NULL || own->glob) && egress__subscription_covers(&track->want, egress_resource_name(resource)))
      rv = put_item(w, track, resource);
  }
  return rv;
}

static int put_type(writer *w, const egress__track *track) {
  const egress__type_set *set =
      track->source->snap == NULL ? NULL : egress__snapshot_type(track->source->snap, track->type_url);
  int rv = track->want.wildcard ? put_everything(w, track, set) : 0;
  rv = rv != 0 ? rv : put_names(w, track, set);
  return rv != 0 ? rv : put_below_globs(w, track, set);
}

static int write(writer *w) {
  put_text(&w->part, EGRESS__NODE_FIELD_ID, egress__stream_node_id(w->stream));
  put_text(&w->part, EGRESS__NODE_FIELD_CLUSTER, egress__stream_node_cluster(w->stream));
  put_part(w, &w->config, CONFIG_NODE);
  int rv = 0;
  for (const egress__track *track = egress__stream_tracks(w->stream); rv == 0 && track != NULL; track = track->next)
    rv = put_type(w, track);
  if (rv != 0)
    return rv;
  put_bytes(w->response, RESPONSE_CONFIG, w->config.data, w->config.size);
  return w->config.rv != 0 ? w->config.rv : w->response->rv;
}

int egress__client_status_write(egress__buf *response, const egress__stream *stream, int is_bare, uint64_t epoch_ms,
                                egress__stream_fault *fault) {
  writer w = {.response = response, .stream = stream, .is_bare = is_bare, .epoch_ms = epoch_ms};
  egress__buf_init(&w.config, response->alloc);
  egress__buf_init(&w.item, response->alloc);
  egress__buf_init(&w.part, response->alloc);
  int rv = write(&w);
  egress__buf_dispose(&w.config);
  egress__buf_dispose(&w.item);
  egress__buf_dispose(&w.part);
  if (rv == EGRESS_ELIMIT)
    return egress__stream_refuse(fault, rv,
                                 "the answer is larger than %d MiB: mean fewer nodes (node_matchers), or leave the "
                                 "resources out (exclude_resource_contents)",
                                 EGRESS__CLIENT_STATUS_BYTES_MAX >> 20);
  return rv;
}
