#include "wire/served.h"

#include <criterion/criterion.h>

#include <egress/error.h>
#include <egress/resource.h>

#include "base/alloc.h"
#include "wire/status_code.h"

static egress_server server;
static egress_cache *caches[2];
static egress__stream_fault fault;

static egress_cache *choose(const egress_node *node, const char *type_url, void *user) {
  cr_assert_str_eq(node->id, "n");
  cr_assert_eq(user, &server);
  return strcmp(type_url, EGRESS_TYPE_CLUSTER) == 0 ? caches[0]
         : strcmp(type_url, EGRESS_TYPE_ROUTE) == 0 ? caches[1]
                                                    : NULL;
}

static int ask(egress_cache **out, const char *type_url) {
  return egress__served_choose(out, &server, &(egress_node){.id = "n", .cluster = "c"}, type_url, &fault);
}

static void begin(void) {
  server = (egress_server){.alloc = egress__alloc_or_default(NULL),
                           .options = {.choose = choose, .user = &server, .events = UINT32_MAX}};
  for (int i = 0; i < 2; i++)
    cr_assert_eq(egress_cache_new(&caches[i], NULL), 0);
  egress__events_init(&server.events, server.alloc, 10);
  egress__served_init(&server, caches[0]);
}

static void end(void) {
  egress__served_dispose(&server);
  egress__events_dispose(&server.events);
  for (int i = 0; i < 2; i++)
    egress_cache_unref(caches[i]);
}

TestSuite(served, .init = begin, .fini = end);

static size_t count(void) {
  size_t known = 0;
  for (const egress__served *served = &server.served; served != NULL; served = served->next)
    known++;
  return known;
}

Test(served, a_cache_is_met_once) {
  egress_cache *cache = NULL;
  for (int i = 0; i < 2; i++) {
    cr_assert_eq(ask(&cache, EGRESS_TYPE_CLUSTER), 0);
    cr_assert_eq(cache, caches[0]);
    cr_assert_eq(ask(&cache, EGRESS_TYPE_ROUTE), 0);
    cr_assert_eq(cache, caches[1]);
    cr_assert_eq(count(), 2);
  }
}

Test(served, a_cache_lives_as_long_as_the_server_though_its_owner_let_it_go) {
  egress_cache *cache = NULL;
  cr_assert_eq(ask(&cache, EGRESS_TYPE_ROUTE), 0);
  egress_cache_unref(caches[1]);
  cr_assert_eq(egress_cache_get(cache, "g"), NULL); /* valgrind and the sanitizers would tell */
  caches[1] = NULL;
}

Test(served, nothing_of_a_type_is_a_refusal) {
  egress_cache *cache = NULL;
  cr_assert_eq(ask(&cache, EGRESS_TYPE_LISTENER), EGRESS_EINVAL);
  cr_assert_eq(fault.status, EGRESS__STATUS_PERMISSION_DENIED);
  cr_assert_str_eq(fault.message, "there is nothing of this type for this client");
  cr_assert_null(cache);
}

/* Events of groups come from every cache that was met, and of no other. */
Test(served, events_of_each_cache_are_told) {
  egress_cache *cache;
  egress_event event;
  egress_trial_options options = EGRESS_TRIAL_OPTIONS_INIT;
  egress_snapshot_builder *builder;
  egress_snapshot *snap;
  options.on_nack = EGRESS_ON_NACK_HOLD;
  cr_assert_eq(egress_snapshot_builder_new(&builder, NULL, NULL), 0);
  cr_assert_eq(egress_snapshot_builder_build(&snap, builder), 0);
  cr_assert_eq(ask(&cache, EGRESS_TYPE_ROUTE), 0);
  for (int i = 0; i < 2; i++) {
    egress__watch watch = {0};
    cr_assert_eq(egress_cache_set_trial(caches[i], "g", &options), 0);
    cr_assert_eq(egress_cache_set(caches[i], "g", snap), 0);
    cr_assert_eq(egress__cache_join(caches[i], &(egress_node){.id = "n", .cluster = "g"}, &watch), 0);
    egress__watch_take(&watch, snap);
    egress__watch_accept(&watch);
    cr_assert(egress__events_take(&server.events, &event));
    cr_assert_eq(event.kind, EGRESS_EVENT_PROVEN);
    egress__watch_leave(&watch);
  }
  egress_snapshot_unref(snap);
  egress_snapshot_builder_free(builder);
}
