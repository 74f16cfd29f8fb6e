/* How each resource stands with a client: by itself in delta, by its type in state of the world. */
#include "xds/standing.h"

#include "support/xds_client.h"

static xds_client client;
static egress__versions versions;

static void begin(egress__xds_variant variant) {
  xds_begin(&client, variant);
  egress__versions_init(&versions, client.config.alloc);
  client.config.versions = &versions;
}
static void begin_delta(void) {
  begin(EGRESS__XDS_DELTA);
}
static void begin_sotw(void) {
  begin(EGRESS__XDS_SOTW);
}
static void end(void) {
  xds_end(&client);
  egress__versions_dispose(&versions);
}
TestSuite(standing, .init = begin_delta, .fini = end);
TestSuite(standing_sotw, .init = begin_sotw, .fini = end);

static const char *ask(char type, const char *names) {
  return xds_ask(&client, (xds_request){.type = type, .names = names});
}
static const char *set(const char *text) {
  xds_set(&client, "g", text);
  return xds_drain(&client);
}
static void ack(char type) {
  SENT("", xds_ack(&client, type, NULL));
}
static void nack(char type) {
  SENT("", xds_nack(&client, type, NULL));
}

/* The value, "1" to "9", with which the resource of that name has the version; "": none is said; "?": another. */
static const char *value_of(char type, const char *name, const char *version) {
  static const char *const values[] = {"1", "2", "3", "4"};
  for (size_t i = 0; i < sizeof values / sizeof values[0]; i++) {
    egress_resource *made;
    cr_assert_eq(xds_resource(&made, type, name, values[i], NULL), 0);
    int is_it = strcmp(egress_resource_version(made), version) == 0;
    egress_resource_unref(made);
    if (is_it)
      return values[i];
  }
  return version[0] == '\0' ? "" : "?";
}

static egress__standing standing(char type, const char *name) {
  const egress__track *track = egress__stream_tracks(client.stream);
  while (strcmp(track->type_url, xds_type_url(type)) != 0)
    track = track->next;
  const egress_resource *now = egress_snapshot_find(egress_cache_get(client.cache, "g"), xds_type_url(type), name);
  cr_assert_not_null(now);
  return egress__standing_of(track, client.variant, now);
}

/* "synced 1", "not sent ", "stale 2", "error 1, refused 2". */
static const char *how(char type, const char *name) {
  static const char *const words[] = {"", "synced", "not sent", "stale", "error"};
  static char text[XDS_WORD];
  egress__standing is = standing(type, name);
  size_t used = (size_t)snprintf(text, sizeof text, "%s %s", words[is.status], value_of(type, name, is.version));
  if (is.status == EGRESS__CONFIG_ERROR)
    snprintf(text + used, sizeof text - used, ", refused %s", value_of(type, name, is.refused));
  else
    cr_assert_str_eq(is.refused, "");
  return text;
}

Test(standing, everything_at_first) {
  set("C: a=1 b=1");
  ask('C', NULL);
  SENT("stale 1", how('C', "a"));
  nack('C');
  SENT("error , refused 1", how('C', "a"));
  SENT("C: a=2 b=1", set("C: a=2 b=1"));
  ack('C');
  SENT("synced 2", how('C', "a"));
}

Test(standing, what_a_response_is_not_about_stays_as_it_was) {
  set("C: a=1 b=1");
  ask('C', NULL);
  ack('C');
  SENT("C: a=2", set("C: a=2 b=1"));
  SENT("stale 2", how('C', "a"));
  SENT("synced 1", how('C', "b"));
  nack('C');
  SENT("error 1, refused 2", how('C', "a"));
  SENT("synced 1", how('C', "b"));
}

Test(standing, the_version_is_what_was_told_not_what_there_is) {
  set("C: a=1 b=1");
  ask('C', NULL);
  ack('C');
  set("C: a=2 b=1");
  set("C: a=3 b=2 c=1"); /* waits for the answer */
  SENT("stale 2", how('C', "a"));
  SENT("not sent ", how('C', "b"));
  SENT("not sent ", how('C', "c"));
}

Test(standing, what_was_refused_stays_so_when_something_else_is_accepted) {
  set("E: a=1 b=1");
  ask('E', "a");
  ack('E');
  SENT("E: a=2", set("E: a=2 b=1"));
  nack('E');
  SENT("E: b=1", ask('E', "b"));
  SENT("error 1, refused 2", how('E', "a"));
  SENT("stale 1", how('E', "b"));
  ack('E');
  SENT("error 1, refused 2", how('E', "a"));
  SENT("synced 1", how('E', "b"));
  SENT("E: a=3", set("E: a=3 b=1"));
  ack('E');
  SENT("synced 3", how('E', "a"));
}

Test(standing, a_name_asked_for_and_refused_was_never_accepted) {
  set("E: a=1 b=1");
  ask('E', "a");
  ack('E');
  SENT("E: b=1", ask('E', "b"));
  nack('E');
  SENT("synced 1", how('E', "a"));
  SENT("error , refused 1", how('E', "b"));
}

Test(standing, a_name_asked_for_while_another_is_in_flight_is_not_sent) {
  set("E: a=1 b=1");
  ask('E', "a");
  SENT("", ask('E', "b"));
  SENT("stale 1", how('E', "a"));
  SENT("not sent ", how('E', "b"));
}

Test(standing, a_glob_stands_for_what_is_below_it) {
  set("E: xdstp://x/T/a=1 xdstp://x/T/b=1");
  ask('E', "xdstp://x/T/*");
  SENT("stale 1", how('E', "xdstp://x/T/b"));
  ack('E');
  SENT("E: xdstp://x/T/a=2", set("E: xdstp://x/T/a=2 xdstp://x/T/b=1"));
  SENT("stale 2", how('E', "xdstp://x/T/a"));
  SENT("synced 1", how('E', "xdstp://x/T/b"));
}

/* Listeners wait for clusters, but a name that is asked for is told as there is now; the other as it was. */
Test(standing, what_is_told_between_two_states) {
  client.config.gate_on_ack = 1;
  set("C: a=1 L: l=1 m=1");
  ask('C', NULL);
  ack('C');
  ask('L', "l");
  ack('L');
  SENT("C: a=2", set("C: a=2 L: l=2 m=2"));
  SENT("L: m=2", ask('L', "m"));
  SENT("not sent ", how('L', "l"));
  SENT("stale ", how('L', "m"));
}

Test(standing, heartbeats_change_nothing) {
  client.features = "xds.config.supports-resource-ttl";
  set("C: a=1@3000 b=1");
  ask('C', NULL);
  ack('C');
  client.config.now_ms = 1000;
  SENT("C: a~3000", xds_drain(&client));
  SENT("synced 1", how('C', "b"));
  nack('C');
  SENT("synced 1", how('C', "b"));
}

Test(standing_sotw, a_response_stands_for_its_type) {
  xds_set_labelled(&client, "g", "C: a=1 b=1", "v1");
  xds_ask(&client, (xds_request){.type = 'C'});
  ack('C');
  egress__standing is = standing('C', "b");
  cr_assert_eq(is.status, EGRESS__CONFIG_SYNCED);
  SENT("v1", is.version);
  xds_set_labelled(&client, "g", "C: a=2 b=1", "v2");
  xds_drain(&client);
  is = standing('C', "b");
  cr_assert_eq(is.status, EGRESS__CONFIG_STALE);
  SENT("v2", is.version);
  nack('C');
  is = standing('C', "b");
  cr_assert_eq(is.status, EGRESS__CONFIG_ERROR);
  SENT("v1", is.version);
  SENT("v2", is.refused);
}
