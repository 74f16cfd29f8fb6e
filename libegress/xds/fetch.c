/*
 * One request, one answer: a stream that ends before it begins. What the client has accepted is known by the version
 * that it says; so without a label that is a hash of just what is in the answer, and no two answers that differ have
 * the same, be it for a change or for a name that is new.
 *
 * That a client has refused an answer it does not say: it comes again with the version before. But Envoy may have taken
 * over a part of what it refused. So when that is taken back, and its version is current again, it does not have that
 * any more: who was not told last what is current is told (xds/told).
 */
#include <egress/fetch.h>

#include <string.h>

#include <egress/error.h>

#include "base/diag.h"
#include "base/options.h"
#include "base/text.h"
#include "resource/json.h"
#include "resource/resource.h"
#include "xds/fetch_request.h"
#include "xds/request.h"
#include "xds/source.h"
#include "xds/tail.h"
#include "xds/told.h"

enum { NAMES_MAX = 100000 /* as on a stream, unless its server says otherwise */ };

struct egress_fetch {
  egress_fetch_options options; /* with its own identifier */
  egress__stream_config config;
  egress__told told;
};

static const egress__place nowhere;

/* ---- what the stream asks ---- */

static void on_ready(egress__stream *stream, void *user) {
  (void)stream;
  (void)user;
}

/* ---- the answer ---- */

/* The version that a snapshot with just what is wanted would have. */
static void hash_wanted(char out[EGRESS__VERSION_TEXT], const egress__track *track, const egress__type_set *set) {
  uint64_t sum[2] = {0, 0}, hash[2];
  size_t count = 0, cursor = 0;
  for (const egress__map_entry *entry; (entry = egress__map_next(&track->want.names, &cursor)) != NULL;) {
    const egress__name *name = entry->value;
    const egress_resource *resource = egress__type_set_find(set, name->text);
    if (resource == NULL)
      continue;
    egress__resource_hash(resource, hash);
    egress__sum_add(sum, hash);
    count++;
  }
  egress__sum_version(out, sum, count);
}

/* What is in the answer to `track`, and as which version it is told. */
typedef struct content {
  char hash[EGRESS__VERSION_TEXT];
  const char *version; /* the type's label; or the hash */
} content;

static void find_content(content *out, const egress__track *track) {
  const egress_snapshot *snap = track->source->snap;
  const egress__type_set *set = egress__snapshot_type(snap, track->type_url);
  const char *whole = egress__type_set_version(set);
  if (track->want.wildcard)
    memcpy(out->hash, whole, sizeof out->hash);
  else
    hash_wanted(out->hash, track, set);
  out->version = egress_snapshot_type_label(snap, track->type_url);
  if (strcmp(out->version, whole) == 0)
    out->version = out->hash;
}

static int print(egress_text **out, const egress__response *response, const egress_alloc *alloc) {
  egress__buf bytes;
  egress__buf_init(&bytes, alloc);
  if (response->body != NULL)
    egress__buf_add(&bytes, response->body->bytes, response->body->size);
  egress__buf_add(&bytes, response->tail, response->tail_size);
  int rv = bytes.rv;
  if (rv == 0)
    rv = egress__json_of(out, "envoy.service.discovery.v3.DiscoveryResponse",
                         (egress__span){(const uint8_t *)bytes.data, bytes.size}, alloc);
  egress__buf_dispose(&bytes);
  return rv;
}

/* 1 when the client, who says that it has `held`, surely has just that. */
static int is_current(const egress_fetch *fetch, const egress__told_who *who, egress__span held, const content *now) {
  return held.size == strlen(now->version) && memcmp(held.data, now->version, held.size) == 0 &&
         egress__told_is(&fetch->told, who, now->version, now->hash);
}

static int answer(egress_text **out, egress_fetch *fetch, egress__response *response, const egress__track *track,
                  egress__span request) {
  content now;
  egress__span held;
  egress__told_who who = {.type_url = track->type_url};
  egress__fetch_request_cut(request, &held, &who.bytes);
  find_content(&now, track);
  if (is_current(fetch, &who, held, &now)) {
    *out = NULL;
    return 0;
  }
  egress__tail_write(response, &(egress__tail){.variant = EGRESS__XDS_SOTW,
                                               .version = now.version,
                                               .type_url = track->type_url,
                                               .identifier = fetch->config.identifier,
                                               .nonce = 1});
  egress_text *text;
  int rv = print(&text, response, fetch->config.alloc);
  if (rv != 0)
    return rv;
  rv = egress__told_set(&fetch->told, &who, now.version, now.hash);
  if (rv == 0)
    *out = text;
  else
    egress_text_free(text);
  return rv;
}

/* ---- one request ---- */

/* What a stream ends with, as a code of our own. */
static int refuse(int code, const egress__stream_fault *fault, egress_diag *diag) {
  if (code == EGRESS_ENOMEM)
    return code;
  return egress__diag_error(diag, code == EGRESS_EINVAL ? EGRESS_EDENIED : code, nowhere, "%s", fault->message);
}

static int ask(egress_text **out, egress_fetch *fetch, egress__stream *stream, egress__span request,
               egress_diag *diag) {
  egress__stream_fault fault;
  egress__response response = {.body = NULL};
  int rv = egress__stream_request(stream, request.data, request.size, &fault);
  if (rv != 0)
    return refuse(rv, &fault, diag);
  rv = egress__stream_fetch(stream, &response);
  if (rv == 0)
    return egress__diag_error(diag, EGRESS_ENOENT, nowhere, "there is no snapshot yet for the group of this node");
  if (rv != 1)
    return rv;
  rv = answer(out, fetch, &response, egress__stream_tracks(stream), request);
  egress__blob_unref(response.body);
  if (rv == EGRESS_EWIRE)
    egress__diag_error(diag, rv, nowhere, "a resource in the answer is not the message that its type says");
  if (rv == EGRESS_ELIMIT)
    egress__diag_error(diag, rv, nowhere, "the answer is larger than JSON of 256 MiB, or nested too deep for it");
  return rv;
}

static int answer_packed(egress_text **out, egress_fetch *fetch, const char *type_url, egress__span request,
                         egress_diag *diag) {
  egress__stream *stream;
  int rv = egress__stream_new(&stream, &fetch->config, EGRESS__XDS_SOTW, type_url, NULL);
  if (rv != 0)
    return rv;
  rv = ask(out, fetch, stream, request, diag);
  egress__stream_free(stream);
  return rv;
}

int egress_fetch_answer(egress_text **out, egress_fetch *fetch, const char *type_url, const char *text, size_t size,
                        egress_diag *diag) {
  if (out == NULL || fetch == NULL || text == NULL || !egress__is_short_text(type_url, EGRESS__TYPE_URL_MAX))
    return EGRESS_EINVAL;
  if (egress__is_secret(type_url) && !fetch->options.secrets)
    return egress__diag_error(diag, EGRESS_EDENIED, nowhere,
                              "secrets (SDS) are not served here: nothing says that only their client can read them");
  egress__buf request;
  egress__buf_init(&request, fetch->config.alloc);
  int rv = egress__fetch_request_read(&request, text, size, diag);
  if (rv == 0)
    rv = answer_packed(out, fetch, type_url, (egress__span){(const uint8_t *)request.data, request.size}, diag);
  egress__buf_dispose(&request);
  return rv;
}

/* ---- life ---- */

static int take_options(egress_fetch_options *own, const egress_fetch_options *options) {
  int rv = egress__options_take(own, sizeof *own, options, sizeof *own);
  if (rv != 0)
    return rv;
  own->alloc = egress__alloc_or_default(own->alloc);
  own->identifier = own->identifier != NULL ? own->identifier : "libegress";
  if (own->reserved != 0)
    return EGRESS_EABI;
  return own->secrets <= 1 && egress__is_identifier(own->identifier) ? 0 : EGRESS_EINVAL;
}

int egress_fetch_new(egress_fetch **out, egress_cache *cache, const egress_fetch_options *options) {
  egress_fetch_options own = EGRESS_FETCH_OPTIONS_INIT;
  int rv = take_options(&own, options);
  if (rv == 0 && (out == NULL || cache == NULL))
    rv = EGRESS_EINVAL;
  if (rv != 0)
    return rv;
  egress_fetch *fetch = egress__calloc(own.alloc, 1, sizeof *fetch);
  char *identifier = egress__strdup(own.alloc, own.identifier);
  if (fetch == NULL || identifier == NULL) {
    egress__free(own.alloc, fetch);
    egress__free(own.alloc, identifier);
    return EGRESS_ENOMEM;
  }
  own.identifier = identifier;
  *fetch = (egress_fetch){own,
                          {.alloc = own.alloc,
                           .cache = egress_cache_ref(cache),
                           .identifier = identifier,
                           .max_subscriptions = NAMES_MAX,
                           .max_bytes = EGRESS__STREAM_BYTES_MAX,
                           .on_ready = on_ready},
                          {{0}}};
  egress__told_init(&fetch->told, own.alloc);
  *out = fetch;
  return 0;
}

void egress_fetch_free(egress_fetch *fetch) {
  if (fetch == NULL)
    return;
  egress__told_dispose(&fetch->told);
  egress_cache_unref(fetch->config.cache);
  egress__free(fetch->options.alloc, (char *)fetch->options.identifier); /* our copy */
  egress__free(fetch->options.alloc, fetch);
}
