/*
 * Each cache that a server has met tells it what becomes of its groups. It stays known until the server is freed:
 * streams borrow it, and there are few.
 */
#include "wire/served.h"

#include <stddef.h>
#include <stdio.h>

#include <egress/error.h>

#include "base/alloc.h"
#include "wire/status_code.h"

static egress__served *served_of(egress__observer *observer) {
  return (egress__served *)((char *)observer - offsetof(egress__served, observer));
}

static void on_group_event(egress__observer *observer, const egress_event *event) {
  egress_server *server = served_of(observer)->server;
  egress__server_tell(server, event);
  egress__server_wake(server); /* the embedder may be the one who calls the cache: later */
}

static void on_tick(uv_timer_t *timer) {
  egress_server *server = timer->data;
  uint64_t wait_ms = UINT64_MAX;
  for (egress__served *served = &server->served; served != NULL; served = served->next) {
    uint64_t own_ms = egress__cache_tick(served->cache, uv_now(server->loop));
    wait_ms = own_ms < wait_ms ? own_ms : wait_ms;
  }
  if (wait_ms != UINT64_MAX)
    uv_timer_start(timer, on_tick, wait_ms, 0);
}

void egress__served_start(egress_server *server) {
  uv_timer_start(&server->ticks, on_tick, 0, 0);
}

static void on_due(egress__observer *observer) {
  egress_server *server = served_of(observer)->server;
  if (server->state == EGRESS__SERVER_SERVING)
    egress__served_start(server);
}

static void add(egress__served *served, egress_server *server, egress_cache *cache) {
  *served = (egress__served){
      .server = server, .cache = egress_cache_ref(cache), .observer = {.on_event = on_group_event, .on_due = on_due}};
  egress__cache_observe(cache, &served->observer);
}

void egress__served_init(egress_server *server, egress_cache *cache) {
  add(&server->served, server, cache);
}

static void leave(egress__served *served) {
  egress__cache_unobserve(served->cache, &served->observer);
  egress_cache_unref(served->cache);
}

void egress__served_dispose(egress_server *server) {
  for (egress__served *served; (served = server->served.next) != NULL;) {
    server->served.next = served->next;
    leave(served);
    egress__free(server->alloc, served);
  }
  leave(&server->served);
}

/* Returns 0 or EGRESS_ENOMEM. */
static int meet(egress_server *server, egress_cache *cache) {
  egress__served *last = &server->served;
  while (last->cache != cache && last->next != NULL)
    last = last->next;
  if (last->cache == cache)
    return 0;
  egress__served *served = egress__malloc(server->alloc, sizeof *served);
  if (served == NULL)
    return EGRESS_ENOMEM;
  add(served, server, cache);
  last->next = served;
  on_due(&served->observer);
  return 0;
}

int egress__served_choose(egress_cache **out, egress_server *server, const egress_node *node, const char *type_url,
                          egress__stream_fault *fault) {
  egress_cache *cache = server->options.choose(node, type_url, server->options.user);
  if (cache == NULL) {
    fault->status = EGRESS__STATUS_PERMISSION_DENIED;
    snprintf(fault->message, sizeof fault->message, "there is nothing of this type for this client");
    return EGRESS_EINVAL;
  }
  int rv = meet(server, cache);
  if (rv == 0)
    *out = cache;
  return rv;
}
