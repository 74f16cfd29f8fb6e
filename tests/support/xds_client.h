#ifndef TESTS_SUPPORT_XDS_CLIENT_H
#define TESTS_SUPPORT_XDS_CLIENT_H

/* A cache and clients of it for Criterion tests: what is sent is compared as text. */
#include <criterion/criterion.h>

#include "support/xds.h"

/* Everything that a test needs; one client. */
typedef struct xds_client {
  egress__xds_variant variant;
  egress_cache *cache;
  egress__stream_config config;
  egress__stream *stream;
  egress__stream_fault fault;
  int ready;                  /* calls of on_ready */
  char events[XDS_TEXT];      /* "connected; acked C; nacked C 13 text; held C a of g: text; " */
  char versions[XDS_TEXT];    /* of the acked and nacked responses, by type letter: "C=..." */
  char text[XDS_TEXT];        /* the responses of the last call of `xds_drain` */
  xds_response last;          /* the last of them */
  char nonces[128][XDS_WORD]; /* all nonces so far */
  size_t nonce_count;
  const char *features;                                                 /* said by the first request */
  void (*answer)(struct xds_client *client, const egress_event *event); /* to WANTED, at once; NULL: none */
  char nonce_of[128]; /* newest nonce of a type letter, as an index from 1 */
} xds_client;

static inline void xds_on_ready(egress__stream *stream, void *user) {
  xds_client *client = user;
  cr_assert_eq(client->stream, stream);
  client->ready++;
}

static inline void xds_on_event(egress__stream *stream, const egress_event *event, void *user) {
  xds_client *client = user;
  size_t used = strlen(client->events);
  char *to = client->events + used;
  size_t room = sizeof client->events - used;
  char letter = xds_letter((egress__span){(const uint8_t *)event->type_url, strlen(event->type_url)});
  cr_assert_str_eq(event->node_id, egress__stream_node_id(stream));
  if (event->kind == EGRESS_EVENT_HELD || event->kind == EGRESS_EVENT_ROLLED_BACK) {
    snprintf(to, room, "%s %c %s of %s: %s; ", event->kind == EGRESS_EVENT_HELD ? "held" : "rolled back", letter,
             event->resource, event->group, event->message);
    snprintf(client->versions, sizeof client->versions, "%s", event->version);
    return;
  }
  if (event->kind == EGRESS_EVENT_WANTED) {
    snprintf(to, room, "wanted %c %s of %s; ", letter, event->resource, event->group);
    if (client->answer != NULL)
      client->answer(client, event);
    return;
  }
  if (client->config.choose == NULL) /* else that of the cache which the type comes from */
    cr_assert_str_eq(event->group, egress__stream_group(stream));
  cr_assert_str_eq(event->resource, "");
  if (event->kind == EGRESS_EVENT_CONNECTED)
    snprintf(to, room, "connected %s of %s; ", event->node_id, event->group);
  else if (event->kind == EGRESS_EVENT_ACKED)
    snprintf(to, room, "acked %c; ", letter);
  else
    snprintf(to, room, "nacked %c %d %s; ", letter, event->status, event->message);
  if (event->kind != EGRESS_EVENT_CONNECTED)
    snprintf(client->versions, sizeof client->versions, "%s", event->version);
}

/* A stream of its own to a cache that may have others. */
static inline void xds_connect(xds_client *client, egress_cache *cache, egress__xds_variant variant) {
  *client = (xds_client){.variant = variant, .cache = egress_cache_ref(cache)};
  client->config = (egress__stream_config){.alloc = egress__alloc_or_default(NULL),
                                           .cache = cache,
                                           .identifier = "tested",
                                           .max_subscriptions = 100,
                                           .max_bytes = EGRESS__STREAM_BYTES_MAX,
                                           .on_ready = xds_on_ready,
                                           .on_event = xds_on_event};
  cr_assert_eq(egress__stream_new(&client->stream, &client->config, variant, NULL, client), 0);
}

static inline void xds_begin(xds_client *client, egress__xds_variant variant) {
  egress_cache *cache;
  cr_assert_eq(egress_cache_new(&cache, NULL), 0);
  xds_connect(client, cache, variant);
  egress_cache_unref(cache);
}

/* The same, of a cache that asks for what it does not know. */
static inline void xds_begin_asking(xds_client *client, egress__xds_variant variant, uint32_t answer_ms) {
  egress_cache_options options = EGRESS_CACHE_OPTIONS_INIT;
  egress_cache *cache;
  options.answer_ms = answer_ms;
  cr_assert_eq(egress_cache_new(&cache, &options), 0);
  xds_connect(client, cache, variant);
  egress_cache_unref(cache);
}

static inline void xds_end(xds_client *client) {
  egress__stream_free(client->stream);
  egress_cache_unref(client->cache);
}

/* The client goes and comes back on a new stream. */
static inline void xds_reconnect(xds_client *client) {
  egress_cache *cache = egress_cache_ref(client->cache);
  egress__xds_variant variant = client->variant;
  xds_end(client);
  xds_connect(client, cache, variant);
  egress_cache_unref(cache);
}

static inline egress_snapshot *xds_snapshot(const char *text) {
  egress_snapshot *snap;
  cr_assert_eq(xds_snapshot_new(&snap, text, NULL), 0);
  return snap;
}

static inline void xds_set(xds_client *client, const char *group, const char *text) {
  egress_snapshot *snap = xds_snapshot(text);
  cr_assert_eq(egress_cache_set(client->cache, group, snap), 0);
  egress_snapshot_unref(snap);
}

/* The same with every type labelled. */
static inline void xds_set_labelled(xds_client *client, const char *group, const char *text, const char *label) {
  egress_snapshot *snap = xds_snapshot(text), *labelled;
  egress_snapshot_builder *builder;
  cr_assert_eq(egress_snapshot_builder_new(&builder, snap, NULL), 0);
  cr_assert_eq(egress_snapshot_builder_set_label(builder, NULL, label), 0);
  cr_assert_eq(egress_snapshot_builder_build(&labelled, builder), 0);
  cr_assert_eq(egress_cache_set(client->cache, group, labelled), 0);
  egress_snapshot_builder_free(builder);
  egress_snapshot_unref(labelled);
  egress_snapshot_unref(snap);
}

/* Takes all that is to be sent now: "C: a=1 | L: l=1"; "" for nothing. */
static inline const char *xds_drain(xds_client *client) {
  egress__response response;
  size_t used = 0;
  client->text[0] = '\0';
  int rv;
  while ((rv = egress__stream_next(client->stream, &response)) == 1) {
    xds_decode(&client->last, &response, client->variant);
    used += (size_t)snprintf(client->text + used, sizeof client->text - used, used == 0 ? "" : " | ");
    xds_print(client->text + used, sizeof client->text - used, &client->last);
    used = strlen(client->text);
    cr_assert_neq(client->last.nonce[0], '\0');
    for (size_t i = 0; i < client->nonce_count; i++)
      cr_assert_str_neq(client->nonces[i], client->last.nonce, "c10: a nonce is used once");
    strcpy(client->nonces[client->nonce_count++], client->last.nonce);
    client->nonce_of[(unsigned char)client->last.type] = (char)client->nonce_count;
  }
  cr_assert_eq(rv, 0);
  return client->text;
}

/* Sends a request; returns the code. */
static inline int xds_send(xds_client *client, xds_request request) {
  static uint8_t bytes[XDS_REQUEST];
  return egress__stream_request(client->stream, bytes, xds_encode(bytes, client->variant, &request), &client->fault);
}

/* Sends a request, of node "n" in cluster "g" if it is the first, and returns what comes of it. */
static inline const char *xds_ask(xds_client *client, xds_request request) {
  if (client->nonce_count == 0 && request.node_id == NULL && egress__stream_node_id(client->stream)[0] == '\0') {
    request.node_id = "n";
    request.cluster = "g";
    request.features = client->features;
  }
  int rv = xds_send(client, request);
  cr_assert_eq(rv, 0, "%s", client->fault.message);
  return xds_drain(client);
}

/* The nonce of the newest response of a type. */
static inline const char *xds_nonce(const xds_client *client, char type) {
  return client->nonce_of[(unsigned char)type] == 0 ? "" : client->nonces[client->nonce_of[(unsigned char)type] - 1];
}

/* Accepts the newest response of a type, saying `names` again in state of the world; returns what comes of it. */
static inline const char *xds_ack(xds_client *client, char type, const char *names) {
  return xds_ask(client, (xds_request){.type = type, .names = names, .nonce = xds_nonce(client, type)});
}

static inline const char *xds_nack(xds_client *client, char type, const char *names) {
  return xds_ask(client, (xds_request){.type = type, .names = names, .nonce = xds_nonce(client, type), .error = "bad"});
}

#define SENT(expected, actual) cr_assert_str_eq(actual, expected)

#endif
