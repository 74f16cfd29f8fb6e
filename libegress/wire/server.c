#include "wire/server.h"

#include <assert.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <egress/error.h>

#include "base/diag.h"
#include "base/options.h"
#include "wire/call.h"
#include "wire/discovery.h"
#include "wire/listener.h"
#include "wire/served.h"
#include "wire/server_options.h"
#include "wire/tls.h"

/*
 *          listen            close              next turn of the loop
 *   IDLE ----------> SERVING -------> CLOSING ------------------------> ENDING
 *     |                                        streams get a status,      |  all connections have ended;
 *     |                                        clients are sent away      v  after CLOSE_WAIT_MS they are cut
 *     +-----------------------------------------------------------> RELEASING
 *        close                                                            |  libuv has let go of all handles
 *                                                                         v
 *                                                                      CLOSED: on_closed has been called
 *
 * Everything here runs on the loop. What the embedder calls never acts on streams at once, but in on_wake: so a
 * callback of the embedder may call anything. Events are told when nothing else of the server is under way.
 */

enum {
  /* For clients to take their last status; one that does not read is cut. */
  CLOSE_WAIT_MS = 1000,
  /* Until another try when descriptors ran out. */
  RETRY_ACCEPT_MS = 200,
  /* Each time that something of a stream is due, all are asked: not more often than this, a fraction of the shortest
     time between two heartbeats. */
  BEAT_WAIT_MS = 100
};

static const egress__place nowhere;

/* ---- making ---- */

int egress_server_new(egress_server **out, struct uv_loop_s *loop, egress_cache *cache,
                      const egress_server_options *options) {
  if (out == NULL || loop == NULL || cache == NULL)
    return EGRESS_EINVAL;
  egress_server_options own;
  int rv = egress__server_options_take(&own, options);
  if (rv != 0)
    return rv;
  const egress_alloc *alloc = egress__alloc_or_default(own.alloc);
  egress_server *server = egress__calloc(alloc, 1, sizeof *server);
  if (server == NULL)
    return EGRESS_ENOMEM;
  server->identifier = egress__strdup(alloc, own.identifier);
  if (server->identifier == NULL) {
    egress__free(alloc, server);
    return EGRESS_ENOMEM;
  }
  server->alloc = alloc;
  server->loop = loop;
  server->options = own;
  server->streams = (egress__stream_config){.alloc = alloc,
                                            .cache = cache,
                                            .identifier = server->identifier,
                                            .max_subscriptions = own.max_subscriptions,
                                            .max_bytes = EGRESS__STREAM_BYTES_MAX,
                                            .remembered = &server->remembered,
                                            .versions = &server->versions,
                                            .is_verbose = 1,
                                            .on_ready = egress__discovery_on_ready,
                                            .on_event = egress__discovery_on_event,
                                            .authorise = egress__discovery_authorise,
                                            .choose = own.choose == NULL ? NULL : egress__discovery_choose,
                                            .gate_on_ack = (uint8_t)own.gate_on_ack};
  server->beat_ms = UINT64_MAX;
  server->last_listener = &server->listeners;
  server->last_ready = &server->ready;
  egress__events_init(&server->events, alloc, own.max_events);
  egress__versions_init(&server->versions, alloc);
  egress__served_init(server, cache);
  egress__map_init(&server->peers, alloc);
  egress__unread_init(&server->unread, alloc);
  server->remembered.max_bytes = own.max_remembered_bytes;
  server->pending.max_bytes = own.max_pending_bytes;
  *out = server;
  return 0;
}

static void free_shared(egress_server *server) {
  egress__http2_dispose(&server->http2);
  BIO_meth_free(server->bio);
  egress__free(server->alloc, server->outbox);
  egress__free(server->alloc, server->in);
}

/* What all connections share; egress_server_free frees it. */
static int make_shared(egress_server *server) {
  if (server->in != NULL)
    return 0;
  server->bio = egress__socket_method();
  server->outbox = egress__calloc(server->alloc, 1, sizeof *server->outbox);
  server->in = egress__malloc(server->alloc, EGRESS__SERVER_IN);
  int rv = server->bio == NULL || server->outbox == NULL || server->in == NULL
               ? EGRESS_ENOMEM
               : egress__http2_init(&server->http2, server->alloc);
  if (rv == 0)
    return 0;
  free_shared(server);
  server->bio = NULL;
  server->outbox = NULL;
  server->in = NULL;
  return rv;
}

static void free_listeners(egress_server *server) {
  while (server->listeners != NULL) {
    egress__listener *first = server->listeners;
    server->listeners = first->next;
    egress__listener_free(first);
  }
}

void egress_server_free(egress_server *server) {
  if (server == NULL)
    return;
  assert((server->state == EGRESS__SERVER_IDLE || server->state == EGRESS__SERVER_CLOSED) && "close comes first");
  free_listeners(server);
  egress__events_dispose(&server->events);
  egress__versions_dispose(&server->versions);
  egress__served_dispose(server);
  egress__map_dispose(&server->peers);
  egress__unread_dispose(&server->unread);
  assert(server->remembered.bytes == 0 && server->pending.bytes == 0 && "streams go before it");
  free_shared(server);
  egress__free(server->alloc, server->identifier);
  egress__free(server->alloc, server);
}

/* ---- telling ---- */

void egress__server_log(const egress_server *server, egress_log_level level, const char *format, ...) {
  if (server->options.log == NULL)
    return;
  char text[512];
  va_list args;
  va_start(args, format);
  vsnprintf(text, sizeof text, format, args);
  va_end(args);
  server->options.log((int32_t)level, "wire", text, server->options.user);
}

void egress__server_tell(egress_server *server, const egress_event *event) {
  egress__metrics_count(&server->metrics, event);
  if ((server->options.events & EGRESS_EVENT_BIT(event->kind)) != 0)
    egress__events_add(&server->events, event);
}

static void tell_events(egress_server *server) {
  egress_event event;
  if (server->options.on_event == NULL)
    return;
  while (egress__events_take(&server->events, &event))
    server->options.on_event(&event, server->options.user);
}

int egress_server_event_fd(egress_server *server) {
  if (server == NULL || server->options.on_event != NULL)
    return EGRESS_EINVAL;
  int fd = egress__events_fd(&server->events);
  return fd >= 0 ? fd : EGRESS_ENOMEM;
}

int egress_server_next_event(egress_server *server, egress_event *out) {
  return server != NULL && out != NULL && egress__events_take(&server->events, out);
}

uint64_t egress_server_dropped_events(const egress_server *server) {
  return server == NULL ? 0 : server->events.dropped;
}

size_t egress_server_stream_count(const egress_server *server) {
  return server == NULL ? 0 : server->stream_count;
}

static egress__listener *listener_at(const egress_server *server, size_t index) {
  egress__listener *listener = server == NULL ? NULL : server->listeners;
  while (listener != NULL && index-- > 0)
    listener = listener->next;
  return listener;
}

uint16_t egress_server_port(const egress_server *server, size_t index) {
  const egress__listener *listener = listener_at(server, index);
  return listener == NULL ? 0 : listener->port;
}

/* ---- ending ---- */

void egress__server_hold_handle(egress_server *server) {
  server->open_handles++;
}

void egress__server_release_handle(egress_server *server) {
  if (--server->open_handles > 0 || server->state != EGRESS__SERVER_RELEASING)
    return;
  tell_events(server);
  server->state = EGRESS__SERVER_CLOSED;
  if (server->on_closed != NULL)
    server->on_closed(server, server->close_user); /* may have freed the server */
}

static void on_handle_closed(uv_handle_t *handle) {
  egress__server_release_handle(handle->data);
}

static void on_timer(uv_timer_t *timer);

static void begin_end(egress_server *server) {
  uv_timer_stop(&server->timer);
  uv_timer_stop(&server->beats);
  uv_timer_stop(&server->ticks);
  for (egress__listener *listener = server->listeners; listener != NULL; listener = listener->next)
    egress__listener_close(listener);
  egress__calls_finish(server, EGRESS__STATUS_UNAVAILABLE, "the server is closing");
  egress__conns_leave(server);
}

static void release(egress_server *server) {
  while (egress__calls_flush(server)) /* those that ended while they waited for their turn are let go of */
    ;
  server->state = EGRESS__SERVER_RELEASING;
  uv_close((uv_handle_t *)&server->timer, on_handle_closed);
  uv_close((uv_handle_t *)&server->beats, on_handle_closed);
  uv_close((uv_handle_t *)&server->ticks, on_handle_closed);
  uv_close((uv_handle_t *)&server->wake, on_handle_closed);
}

/* ---- what the loop does ---- */

/* Takes the next step towards the end, if it is time for one. */
static void advance(egress_server *server) {
  if (server->state == EGRESS__SERVER_CLOSING) {
    server->state = EGRESS__SERVER_ENDING;
    begin_end(server);
    uv_timer_start(&server->timer, on_timer, CLOSE_WAIT_MS, 0);
    egress__conns_settle(server);
  }
  if (server->state == EGRESS__SERVER_ENDING && server->conns == NULL)
    release(server);
}

void egress__server_enter(egress_server *server) {
  server->is_turning = 1;
  server->streams.now_ms = uv_now(server->loop);
}

void egress__server_set_clock(egress_server *server) {
  if (server->is_turning)
    return;
  uv_update_time(server->loop);
  server->streams.now_ms = uv_now(server->loop);
}

void egress__server_leave(egress_server *server) {
  egress__conns_settle(server);
  tell_events(server);
  advance(server);
  tell_events(server);
  server->is_turning = 0;
  if (server->ready != NULL || server->touched != NULL || server->state == EGRESS__SERVER_CLOSING)
    egress__server_wake(server);
}

void egress__server_wake(egress_server *server) {
  switch (server->state) {
  case EGRESS__SERVER_SERVING:
  case EGRESS__SERVER_CLOSING:
  case EGRESS__SERVER_ENDING:
    if (!server->is_turning)
      uv_async_send(&server->wake);
    return;
  case EGRESS__SERVER_IDLE:
  case EGRESS__SERVER_RELEASING:
  case EGRESS__SERVER_CLOSED:
    return;
  }
  assert(0 && "server_state out of range");
}

static void on_wake(uv_async_t *wake) {
  egress_server *server = wake->data;
  egress__server_enter(server);
  egress__calls_flush(server);
  egress__server_leave(server);
}

static void on_timer(uv_timer_t *timer) {
  egress_server *server = timer->data;
  egress__server_enter(server);
  if (server->state == EGRESS__SERVER_SERVING) {
    for (egress__listener *listener = server->listeners; listener != NULL; listener = listener->next)
      egress__listener_resume(listener);
  } else if (server->state == EGRESS__SERVER_ENDING) {
    egress__conns_cut(server);
  }
  egress__server_leave(server);
}

void egress__server_retry_accept(egress_server *server) {
  uv_timer_start(&server->timer, on_timer, RETRY_ACCEPT_MS, 0);
}

static void on_beats(uv_timer_t *beats) {
  egress_server *server = beats->data;
  egress__server_enter(server);
  server->beat_ms = UINT64_MAX;
  egress__calls_beat(server);
  egress__conns_beat(server);
  egress__server_leave(server);
}

void egress__server_beat_at(egress_server *server, uint64_t due_ms) {
  uint64_t now_ms = uv_now(server->loop), soonest_ms = now_ms + BEAT_WAIT_MS;
  uint64_t beat_ms = due_ms > soonest_ms ? due_ms : soonest_ms;
  if (beat_ms >= server->beat_ms || server->state != EGRESS__SERVER_SERVING)
    return;
  server->beat_ms = beat_ms;
  uv_timer_start(&server->beats, on_beats, beat_ms - now_ms, 0);
}

/* ---- listening and closing ---- */

static int take_listen_options(egress_listen_options *own, const egress_listen_options *given, egress_diag *diag) {
  *own = (egress_listen_options)EGRESS_LISTEN_OPTIONS_INIT;
  int rv = egress__options_take(own, sizeof *own, given, sizeof *own);
  if (rv != 0)
    return egress__diag_error(diag, rv, nowhere, "the listen options are not those of this version of libegress");
  if (own->insecure > 1)
    return egress__diag_error(diag, EGRESS_EINVAL, nowhere, "insecure is %" PRIu32 "; write 1 to allow plaintext, or 0",
                              own->insecure);
  if (own->insecure_secrets > 1)
    return egress__diag_error(diag, EGRESS_EINVAL, nowhere,
                              "insecure_secrets is %" PRIu32 "; write 1 to serve secrets to anybody, or 0",
                              own->insecure_secrets);
  return 0;
}

static void init_handles(egress_server *server) {
  uv_timer_t *timers[] = {&server->timer, &server->beats, &server->ticks};
  int rv = uv_async_init(server->loop, &server->wake, on_wake);
  /* A loop has the descriptor that this needs from its beginning: uv_loop_init makes one of these. */
  assert(rv == 0 && "uv_async_init");
  (void)rv;
  server->wake.data = server;
  egress__server_hold_handle(server);
  for (size_t i = 0; i < sizeof timers / sizeof timers[0]; i++) {
    uv_timer_init(server->loop, timers[i]);
    timers[i]->data = server;
    egress__server_hold_handle(server);
  }
}

static int listen_on(egress_server *server, const char *address, const egress_listen_options *options,
                     egress_diag *diag) {
  egress__listener *listener;
  int rv = make_shared(server);
  if (rv == 0)
    rv = egress__listener_open(&listener, server, address, options, diag);
  if (rv != 0)
    return rv;
  if (server->state == EGRESS__SERVER_IDLE) {
    init_handles(server);
    server->state = EGRESS__SERVER_SERVING;
    egress__served_start(server);
  }
  *server->last_listener = listener;
  server->last_listener = &listener->next;
  egress__listener_start(listener);
  return 0;
}

int egress_server_listen(egress_server *server, const char *address, const egress_listen_options *options,
                         egress_diag *diag) {
  if (server == NULL || address == NULL)
    return EGRESS_EINVAL;
  if (server->state != EGRESS__SERVER_IDLE && server->state != EGRESS__SERVER_SERVING)
    return egress__diag_error(diag, EGRESS_ESTATE, nowhere, "the server is closing");
  egress_listen_options own;
  int rv = take_listen_options(&own, options, diag);
  return rv != 0 ? rv : listen_on(server, address, &own, diag);
}

/* What a listener began with cannot become something else. */
static int check_kind(const egress__listener *listener, const egress_listen_options *options, egress_diag *diag) {
  if (listener == NULL)
    return egress__diag_error(diag, EGRESS_EINVAL, nowhere, "the server does not listen on so many addresses");
  if (listener->entry.context == NULL || options->tls_cert == NULL)
    return egress__diag_error(diag, EGRESS_EINVAL, nowhere, "an address is served by TLS from its beginning, or never");
  if ((listener->entry.transport == EGRESS_TRANSPORT_MUTUAL_TLS) != (options->tls_client_ca != NULL))
    return egress__diag_error(diag, EGRESS_EINVAL, nowhere,
                              "an address asks for client certificates (tls_client_ca) from its beginning, or never");
  return 0;
}

int egress_server_set_tls(egress_server *server, size_t index, const egress_listen_options *options,
                          egress_diag *diag) {
  if (server == NULL)
    return EGRESS_EINVAL;
  if (server->state != EGRESS__SERVER_IDLE && server->state != EGRESS__SERVER_SERVING)
    return egress__diag_error(diag, EGRESS_ESTATE, nowhere, "the server is closing");
  egress__listener *listener = listener_at(server, index);
  egress_listen_options own;
  int rv = take_listen_options(&own, options, diag);
  SSL_CTX *context = NULL;
  if (rv == 0)
    rv = egress__tls_context(&context, &own, diag);
  if (rv == 0)
    rv = check_kind(listener, &own, diag);
  if (rv == 0)
    egress__listener_set_context(listener, context);
  else
    SSL_CTX_free(context);
  return rv;
}

void egress_server_close(egress_server *server, egress_close_fn on_closed, void *user) {
  if (server == NULL || (server->state != EGRESS__SERVER_IDLE && server->state != EGRESS__SERVER_SERVING))
    return;
  server->on_closed = on_closed;
  server->close_user = user;
  if (server->state == EGRESS__SERVER_SERVING) {
    server->state = EGRESS__SERVER_CLOSING;
    egress__server_wake(server);
    return;
  }
  init_handles(server); /* for their close callbacks: the first that can come on the loop */
  release(server);
}
