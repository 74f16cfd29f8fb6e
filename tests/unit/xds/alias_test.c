/* Resources by aliases of theirs, and virtual hosts on demand. Names of tests carry the number of the rule in
   docs/xds.md. */
#include "support/xds_delta.h"

static void begin(void) {
  xds_begin(&client, EGRESS__XDS_DELTA);
}
static void end(void) {
  xds_end(&client);
}
TestSuite(alias, .init = begin, .fini = end);

/* Another stream of the same client, which holds `name` as `text` has it. */
static const char *come_again(const char *text, char type, const char *name, const char *names) {
  char held[XDS_WORD];
  egress_snapshot *snap = xds_snapshot(text);
  const egress_resource *resource = egress_snapshot_find(snap, xds_type_url(type), name);
  snprintf(held, sizeof held, "%s=%s", name, egress_resource_version(resource));
  egress_snapshot_unref(snap);
  xds_reconnect(&client);
  return xds_ask(&client, (xds_request){.type = type, .names = names, .initial = held});
}

Test(alias, c73_a_resource_is_told_by_its_name_and_with_all_aliases) {
  set("E: a=1^x^y b=1^z");
  SENT("E: a=1^x^y", subscribe('E', "y"));
}

Test(alias, c73_changes_and_removal_are_told_to_who_asked_by_an_alias) {
  set("E: a=1^x b=1");
  subscribe('E', "x");
  SENT("", ack('E'));
  SENT("E: a=2^x", set("E: a=2^x b=2"));
  ack('E');
  SENT("E: -a", set("E: b=2"));
  ack('E');
  SENT("E: c=1^x", set("E: b=2 c=1^x"));
}

Test(alias, c73_a_resource_wanted_by_several_names_is_told_once) {
  set("E: a=1^x^y");
  SENT("E: a=1^x^y", subscribe('E', "x a y"));
  ack('E');
  SENT("E: a=2^x^y", set("E: a=2^x^y"));
  ack('E');
  SENT("E: a=2^x^y", subscribe('E', "y"));
}

Test(alias, c73_an_alias_goes_to_another_resource) {
  set("E: a=1^x b=1");
  subscribe('E', "x");
  ack('E');
  SENT("E: b=1^x -a", set("E: a=1 b=1^x"));
  ack('E');
  SENT("", set("E: a=2 b=1^x"));
  SENT("E: x=1 -b", set("E: a=2 b=1 x=1"));
}

Test(alias, c73_an_alias_that_nobody_has_any_more) {
  set("E: a=1^x");
  subscribe('E', "x");
  ack('E');
  SENT("E: -a", set("E: a=1"));
  ack('E');
  SENT("E: a=1^x", set("E: a=1^x"));
}

Test(alias, c73_after_a_refusal_all_that_may_be_there_counts) {
  set("E: a=1^x");
  subscribe('E', "x");
  ack('E');
  SENT("E: b=1^x -a", set("E: a=1 b=1^x"));
  xds_nack(&client, 'E', NULL);
  SENT("E: c=1^x -a -b", set("E: a=1 b=1 c=1^x"));
}

Test(alias, c73_unsubscribed_by_the_alias) {
  set("E: a=1^x");
  subscribe('E', "x");
  ack('E');
  SENT("", unsubscribe('E', "x"));
  SENT("", set("E: a=2^x"));
}

Test(alias, c73_unsubscribed_by_another_name_of_it) {
  set("E: a=1^x^y");
  subscribe('E', "x");
  ack('E');
  SENT("", unsubscribe('E', "a"));
  SENT("", set("E: a=2^x^y"));
  subscribe('E', "a");
  ack('E');
  SENT("", unsubscribe('E', "y"));
  SENT("", set("E: a=3^x^y"));
}

Test(alias, c73_beside_everything) {
  set("C: a=1^x b=1");
  SENT("C: a=1^x b=1", subscribe('C', "* x"));
  ack('C');
  SENT("C: a=1^x", subscribe('C', "x"));
  ack('C');
  SENT("C: a=1^x", unsubscribe('C', "x")); /* c40 */
}

Test(alias, c73_a_glob_stands_for_names_only) {
  set("E: xdstp://a/T/b/c=1^xdstp://a/T/d/e xdstp://a/T/d/f=1");
  SENT("E: xdstp://a/T/d/f=1", subscribe('E', "xdstp://a/T/d/*"));
}

Test(alias, c73_an_alias_of_the_new_kind_in_any_form) {
  set("E: a=1^xdstp://a/T/%62");
  SENT("E: a=1^xdstp://a/T/b", subscribe('E', "xdstp://a/T/b#d"));
}

Test(alias, c73_state_of_the_world_knows_none) {
  xds_client other;
  set("E: a=1^x");
  xds_connect(&other, client.cache, EGRESS__XDS_SOTW);
  SENT("", xds_ask(&other, (xds_request){.type = 'E', .names = "x"}));
  SENT("E: a=1", xds_ask(&other, (xds_request){.type = 'E', .names = "x a"}));
  xds_end(&other);
}

Test(alias, c54_what_a_client_holds_is_not_told_for_an_alias) {
  set("E: a=1^x");
  SENT("", come_again("E: a=1^x", 'E', "a", "x"));
  SENT("E: a=2^x", set("E: a=2^x"));
}

Test(alias, c55_what_it_holds_by_an_alias_and_is_gone) {
  set("E: b=1");
  SENT("E: -a -x", come_again("E: a=1^x", 'E', "a", "x"));
}

Test(alias, c62_a_heartbeat_for_who_asked_by_an_alias) {
  client.features = "xds.config.supports-resource-ttl";
  set("E: a=1@3000^x");
  SENT("E: a=1@3000^x", subscribe('E', "x"));
  ack('E');
  client.config.now_ms += 1000;
  SENT("E: a~3000^x", xds_drain(&client));
}

/* VHDS: Envoy goes on with a request that waits when an answer has its name or alias, be it empty. */
Test(alias, c73_an_unknown_virtual_host_is_answered_by_an_empty_entry) {
  set("V: r/v=1^r/a");
  SENT("V: r/b~^r/b", subscribe('V', "r/b"));
  ack('V');
  SENT("V: r/v=1^r/a", subscribe('V', "r/a"));
  ack('V');
  SENT("V: r/w=1^r/b", set("V: r/v=1^r/a r/w=1^r/b"));
}

Test(alias, c42_who_wants_no_virtual_hosts_yet_is_answered) {
  set("V: r/v=1^r/a C: a=1");
  SENT("V:", subscribe('V', ""));
  SENT("", ack('V'));
  SENT("V: r/v=1^r/a", subscribe('V', "r/a"));
  ack('V');
  SENT("V: r/v=2^r/a", set("V: r/v=2^r/a r/w=1"));
}

Test(alias, c73_an_envoy_that_starts_is_told_of_the_routes_that_have_some) {
  set("R: r=vhds s=1 t=vhds V: r/v=1^r/a");
  SENT("V: r/~^r/ t/~^t/", subscribe('V', ""));
  SENT("", ack('V'));
  SENT("", set("R: r=vhds s=2 t=vhds V: r/v=2^r/a"));
}

Test(alias, c73_a_virtual_host_that_goes_is_told_as_removed) {
  set("V: r/a=1");
  subscribe('V', "r/a");
  ack('V');
  SENT("V: -r/a", set("V: r/b=1"));
  ack('V');
  SENT("V: r/a~^r/a", subscribe('V', "r/a"));
}

Test(alias, c55_a_virtual_host_that_went_while_the_client_was_away) {
  set("V: r/b=1");
  SENT("V: -r/a", come_again("V: r/a=1", 'V', "r/a", "r/a"));
}

Test(alias, c73_in_state_of_the_world_nothing_is_said_of_unknown_virtual_hosts) {
  xds_client other;
  set("V: r/a=1");
  xds_connect(&other, client.cache, EGRESS__XDS_SOTW);
  SENT("", xds_ask(&other, (xds_request){.type = 'V', .names = "r/b"}));
  xds_end(&other);
}
