/* Types of one stream that come from several caches. */
#include "support/xds_client.h"

static xds_client client;
static egress_cache *routes; /* of routes and listeners */
static int chosen;

static const char *group_of_routes(const egress_node *node, void *user) {
  (void)user;
  cr_assert_str_eq(node->id, "n");
  return "routes";
}

static int choose(egress_cache **out, egress__stream *stream, const egress_node *node, const char *type_url,
                  egress__stream_fault *fault, void *user) {
  const xds_client *of = user;
  cr_assert(of == &client && stream == client.stream && strcmp(node->cluster, "g") == 0);
  chosen++;
  char letter = xds_letter((egress__span){(const uint8_t *)type_url, strlen(type_url)});
  if (letter == 'S') {
    *fault = (egress__stream_fault){.status = 7, .message = "no secrets"};
    return EGRESS_EINVAL;
  }
  *out = letter == 'L' || letter == 'R' ? routes : client.cache;
  return 0;
}

static void begin(egress__xds_variant variant) {
  egress_cache_options options = EGRESS_CACHE_OPTIONS_INIT;
  options.group = group_of_routes;
  chosen = 0;
  cr_assert_eq(egress_cache_new(&routes, &options), 0);
  xds_begin(&client, variant);
  client.config.choose = choose;
}

static void end(void) {
  xds_end(&client);
  egress_cache_unref(routes);
}

static void set_routes(const char *text) {
  egress_snapshot *snap = xds_snapshot(text);
  cr_assert_eq(egress_cache_set(routes, "routes", snap), 0);
  egress_snapshot_unref(snap);
}

Test(source, each_type_comes_from_the_cache_chosen_for_it) {
  for (int variant = EGRESS__XDS_SOTW; variant <= EGRESS__XDS_DELTA; variant++) {
    begin((egress__xds_variant)variant);
    xds_set(&client, "g", "C: a=1 L: wrong=1");
    set_routes("C: wrong=1 L: l=1 R: r=1");
    SENT("C: a=1", xds_ask(&client, (xds_request){.type = 'C'}));
    SENT("L: l=1", xds_ask(&client, (xds_request){.type = 'L'}));
    SENT("R: r=1", xds_ask(&client, (xds_request){.type = 'R', .names = "r"}));
    SENT("", xds_ack(&client, 'R', variant == EGRESS__XDS_SOTW ? "r" : NULL));
    cr_assert_eq(chosen, 3, "once for each type");
    end();
  }
}

Test(source, c58_order_holds_over_all_caches) {
  begin(EGRESS__XDS_SOTW);
  SENT("", xds_ask(&client, (xds_request){.type = 'R', .names = "r"}));
  SENT("", xds_ask(&client, (xds_request){.type = 'E', .names = "a"}));
  SENT("", xds_ask(&client, (xds_request){.type = 'L'}));
  SENT("", xds_ask(&client, (xds_request){.type = 'C'}));
  set_routes("L: l=1 R: r=1");
  xds_set(&client, "g", "C: a=1 E: a=1");
  SENT("C: a=1 | E: a=1 | L: l=1 | R: r=1", xds_drain(&client));
  end();
}

Test(source, a_cache_without_a_snapshot_does_not_hold_up_others) {
  begin(EGRESS__XDS_DELTA);
  SENT("", xds_ask(&client, (xds_request){.type = 'R', .names = "r"}));
  xds_set(&client, "g", "C: a=1");
  SENT("C: a=1", xds_ask(&client, (xds_request){.type = 'C'}));
  client.ready = 0;
  set_routes("R: r=1");
  cr_assert_gt(client.ready, 0);
  SENT("R: r=1", xds_drain(&client));
  end();
}

/* What is in flight of one cache does not hold up a change in another; only its own waits. */
Test(source, caches_change_apart) {
  begin(EGRESS__XDS_SOTW);
  xds_set(&client, "g", "C: a=1");
  set_routes("R: r=1");
  SENT("C: a=1", xds_ask(&client, (xds_request){.type = 'C'}));
  SENT("R: r=1", xds_ask(&client, (xds_request){.type = 'R', .names = "r"}));
  SENT("", xds_ack(&client, 'R', "r"));
  xds_set(&client, "g", "C: a=2");
  set_routes("R: r=2");
  SENT("R: r=2", xds_drain(&client));
  SENT("C: a=2", xds_ack(&client, 'C', NULL));
  end();
}

Test(source, the_stream_is_of_the_group_of_its_first_type) {
  begin(EGRESS__XDS_SOTW);
  xds_set(&client, "g", "C: a=1");
  cr_assert_str_eq(egress__stream_group(client.stream), "");
  SENT("C: a=1", xds_ask(&client, (xds_request){.type = 'C'}));
  SENT("", xds_ask(&client, (xds_request){.type = 'R', .names = "r"}));
  cr_assert_str_eq(egress__stream_group(client.stream), "g");
  cr_assert_str_eq(client.events, "connected n of g; ");
  end();
}

Test(source, a_type_that_no_cache_has_ends_the_stream) {
  begin(EGRESS__XDS_SOTW);
  SENT("", xds_ask(&client, (xds_request){.type = 'C'}));
  cr_assert_eq(xds_send(&client, (xds_request){.type = 'S', .names = "s"}), EGRESS_EINVAL);
  cr_assert_eq(client.fault.status, 7);
  cr_assert_str_eq(client.fault.message, "no secrets");
  cr_assert_str_eq(client.fault.type_url, xds_type_url('S'));
  end();
}

static void try_with_rollback(egress_cache *cache, const char *group) {
  egress_trial_options options = EGRESS_TRIAL_OPTIONS_INIT;
  options.on_nack = EGRESS_ON_NACK_ROLLBACK;
  cr_assert_eq(egress_cache_set_trial(cache, group, &options), 0);
}

/* A snapshot is judged by the types that come from its cache. */
Test(source, trials_of_two_caches_have_nothing_to_do_with_each_other) {
  begin(EGRESS__XDS_SOTW);
  try_with_rollback(client.cache, "g");
  try_with_rollback(routes, "routes");
  xds_set(&client, "g", "C: a=1");
  set_routes("R: r=1");
  xds_ask(&client, (xds_request){.type = 'C'});
  xds_ask(&client, (xds_request){.type = 'R', .names = "r"});
  xds_ack(&client, 'C', NULL);
  cr_assert_eq(egress_cache_trial(client.cache, "g"), EGRESS_TRIAL_GOOD);
  cr_assert_eq(egress_cache_trial(routes, "routes"), EGRESS_TRIAL_OPEN);
  xds_ack(&client, 'R', "r");
  cr_assert_eq(egress_cache_trial(routes, "routes"), EGRESS_TRIAL_GOOD);

  xds_set(&client, "g", "C: a=2");
  SENT("C: a=2", xds_drain(&client));
  client.ready = 0;
  SENT("C: a=1", xds_nack(&client, 'C', NULL));
  cr_assert_eq(egress_cache_trial(client.cache, "g"), EGRESS_TRIAL_REFUSED);
  cr_assert_eq(egress_cache_trial(routes, "routes"), EGRESS_TRIAL_GOOD);
  end();
}
