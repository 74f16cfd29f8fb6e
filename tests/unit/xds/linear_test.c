/* One type of which all clients have the same, changed a resource at a time: docs/snapshots.md. */
#include "support/xds_client.h"

#include "cache/cache.h"

enum { MANY = 1000, CHUNKS = 16 /* the most that hold so many, none fuller than half */ };

static xds_client client;

static egress_resource *endpoints(const char *name, const char *value) {
  egress_resource *made;
  cr_assert_eq(xds_resource(&made, 'E', name, value, NULL), 0);
  return made;
}

/* What the page shows: `put` (NULL: nothing) and what it replaces, and `removed` (NULL: nothing), in a transaction. */
static void change(const char *put, const char *value, const char *removed) {
  egress_snapshot_builder *builder;
  egress_snapshot *next;
  cr_assert_eq(egress_snapshot_builder_new(&builder, egress_cache_get(client.cache, "*"), NULL), 0);
  if (put != NULL) {
    egress_resource *made = endpoints(put, value);
    cr_assert_eq(egress_snapshot_builder_put(builder, made), 0);
    egress_resource_unref(made);
  }
  if (removed != NULL)
    cr_assert_eq(egress_snapshot_builder_remove(builder, EGRESS_TYPE_ENDPOINT, removed), 0);
  cr_assert_eq(egress_snapshot_builder_build(&next, builder), 0);
  egress_snapshot_builder_free(builder);
  cr_assert_eq(egress_cache_set(client.cache, "*", next), 0);
  egress_snapshot_unref(next);
}

static void fill(int count) {
  egress_snapshot_builder *builder;
  egress_snapshot *all;
  cr_assert_eq(egress_snapshot_builder_new(&builder, NULL, NULL), 0);
  for (int i = 0; i < count; i++) {
    char name[XDS_WORD];
    snprintf(name, sizeof name, "name-%04d", i);
    egress_resource *made = endpoints(name, "1");
    cr_assert_eq(egress_snapshot_builder_put(builder, made), 0);
    egress_resource_unref(made);
  }
  cr_assert_eq(egress_snapshot_builder_build(&all, builder), 0);
  egress_snapshot_builder_free(builder);
  cr_assert_eq(egress_cache_set(client.cache, "*", all), 0);
  egress_snapshot_unref(all);
}

/* The node is of a group that nobody speaks of. */
static void linear(egress__xds_variant variant) {
  const char *names = "name-0007 name-0500 new";
  xds_begin(&client, variant);
  fill(MANY);
  const char *gone = variant == EGRESS__XDS_DELTA ? "E: name-0007=1 name-0500=1 -new" : "E: name-0007=1 name-0500=1";
  SENT(gone, xds_ask(&client, (xds_request){.type = 'E', .names = names}));
  const char *again = variant == EGRESS__XDS_DELTA ? NULL : names;
  SENT("", xds_ack(&client, 'E', again));
  change("name-0500", "2", NULL);
  SENT("E: name-0500=2", xds_drain(&client));
  SENT("", xds_ack(&client, 'E', again));
  change("new", "1", "name-0999");
  SENT("E: new=1", xds_drain(&client));
  SENT("", xds_ack(&client, 'E', again));
  change(NULL, NULL, "new");
  SENT(variant == EGRESS__XDS_DELTA ? "E: -new" : "", xds_drain(&client));
  change("name-0001", "2", NULL); /* nothing that it wants */
  SENT("", variant == EGRESS__XDS_DELTA ? xds_ack(&client, 'E', NULL) : xds_drain(&client));
  xds_end(&client);
}

Test(linear, single_resources_come_and_go_sotw) {
  linear(EGRESS__XDS_SOTW);
}

Test(linear, single_resources_come_and_go_delta) {
  linear(EGRESS__XDS_DELTA);
}

/* All chunks of a set but those that a change fell into are the same in the next. */
Test(linear, change_costs_what_changes) {
  xds_begin(&client, EGRESS__XDS_DELTA);
  fill(MANY);
  egress_snapshot *before = egress_snapshot_ref(egress_cache_get(client.cache, "*"));
  change("name-0500", "2", NULL);
  const egress__type_set *from = egress__snapshot_type(before, EGRESS_TYPE_ENDPOINT);
  const egress__type_set *to = egress__snapshot_type(egress_cache_get(client.cache, "*"), EGRESS_TYPE_ENDPOINT);
  size_t shared = 0;
  cr_assert_leq(to->chunks.count, CHUNKS);
  cr_assert_eq(to->chunks.count, from->chunks.count);
  for (size_t i = 0; i < to->chunks.count; i++)
    shared += to->chunks.items[i].chunk == from->chunks.items[i].chunk;
  cr_assert_eq(shared, to->chunks.count - 1);
  egress_snapshot_unref(before);
  xds_end(&client);
}
