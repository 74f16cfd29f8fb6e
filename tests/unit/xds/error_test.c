/* Errors in the place of resources. Names of tests carry the number of the rule in docs/xds.md. */
#include "support/xds_client.h"

static xds_client client;

static void end(void) {
  xds_end(&client);
}
TestSuite(error, .fini = end);

static const char *ask(char type, const char *names) {
  return xds_ask(&client, (xds_request){.type = type, .names = names});
}
static const char *ack(char type, const char *names) {
  return xds_ack(&client, type, client.variant == EGRESS__XDS_SOTW ? names : NULL);
}
static const char *nack(char type, const char *names) {
  return xds_nack(&client, type, client.variant == EGRESS__XDS_SOTW ? names : NULL);
}
static const char *set(const char *text) {
  xds_set(&client, "g", text);
  return xds_drain(&client);
}

static const egress__xds_variant both[] = {EGRESS__XDS_SOTW, EGRESS__XDS_DELTA};

Test(error, c65_c68_told_once_then_the_resource_or_another_error) {
  for (int i = 0; i < 2; i++) {
    xds_begin(&client, both[i]);
    set("E: a=#14 b=1");
    SENT("E: b=1 a#14", ask('E', "a b"));
    SENT("", ack('E', "a b"));
    SENT("E: b=2", set("E: a=#14 b=2"));
    SENT("", ack('E', "a b"));
    SENT("E: a#7", set("E: a=#7 b=2"));
    SENT("", ack('E', "a b"));
    SENT("E: a=1", set("E: a=1 b=2"));
    SENT("", ack('E', "a b"));
    SENT("E: a#13", set("E: a=#13 b=2")); /* the client keeps what it has */
    if (i == 0)
      end();
  }
}

Test(error, c65_only_who_wants_the_name_is_told) {
  for (int i = 0; i < 2; i++) {
    xds_begin(&client, both[i]);
    set("E: a=1 b=1");
    ask('E', "b");
    ack('E', "b");
    SENT("", set("E: a=#14 b=1"));
    SENT("E: a#14",
         xds_ask(&client, (xds_request){.type = 'E', .names = i == 0 ? "a b" : "a", .nonce = xds_nonce(&client, 'E')}));
    if (i == 0)
      end();
  }
}

Test(error, c66_delta_not_found_is_removed_too) {
  xds_begin(&client, EGRESS__XDS_DELTA);
  set("E: a=1 b=#5 C: c=1 d=#5");
  SENT("E: a=1 b#5 -b", ask('E', "a b"));
  SENT("C: c=1 d#5 -d", ask('C', NULL));
  ack('E', NULL);
  ack('C', NULL);
  SENT("E: a#5 -a", set("E: a=#5 b=#5 C: c=1 d=#5"));
  SENT("", ack('E', NULL));
  SENT("E: -a", set("E: b=#5 C: c=1 d=#5")); /* it is unknown now why */
}

Test(error, c67_delta_other_codes_remove_nothing) {
  xds_begin(&client, EGRESS__XDS_DELTA);
  set("E: a=1");
  ask('E', "a");
  ack('E', NULL);
  for (int code = 1; code <= 16; code++) {
    char text[XDS_WORD], sent[XDS_WORD];
    snprintf(text, sizeof text, "E: a=#%d", code);
    snprintf(sent, sizeof sent, code == 5 ? "E: a#%d -a" : "E: a#%d", code);
    SENT(sent, set(text));
    SENT("", ack('E', NULL));
  }
}

Test(error, c68_sotw_clusters_and_listeners_come_whole_beside_it) {
  xds_begin(&client, EGRESS__XDS_SOTW);
  set("C: a=1 b=#14 c=1 L: l=#14 m=1 n=1");
  SENT("C: a=1 c=1 b#14", ask('C', NULL));
  SENT("L: m=1 l#14", ask('L', "l m"));
  SENT("", ack('C', NULL));
  SENT("", ack('L', "l m"));
  SENT("C: a=2 c=1 | L: m=2", set("C: a=2 b=#14 c=1 L: l=#14 m=2 n=1"));
  SENT("", ack('C', NULL));
  SENT("", ack('L', "l m"));
  SENT("C: a=2 c#7 | L: m#5", set("C: a=2 b=#14 c=#7 L: l=#14 m=#5 n=1"));
}

Test(error, c68_nothing_but_an_error) {
  xds_begin(&client, EGRESS__XDS_SOTW);
  set("L: l=#5 S: s=#5");
  SENT("L: l#5", ask('L', "l"));
  SENT("S: s#5", ask('S', "s"));
}

Test(error, c68_refused_with_other_things_it_is_told_again_with_the_next_change) {
  for (int i = 0; i < 2; i++) {
    xds_begin(&client, both[i]);
    set("C: a=1");
    ask('C', NULL);
    ack('C', NULL);
    SENT("C: a=2 b#14", set("C: a=2 b=#14"));
    SENT("", nack('C', NULL));
    SENT("C: a=3 b#14", set("C: a=3 b=#14"));
    SENT("", ack('C', NULL));
    SENT("C: a=4", set("C: a=4 b=#14"));
    if (i == 0)
      end();
  }
}

Test(error, c68_a_new_stream_is_told_anew) {
  for (int i = 0; i < 2; i++) {
    xds_begin(&client, both[i]);
    set("C: a=1 b=#14");
    SENT("C: a=1 b#14", ask('C', NULL));
    xds_reconnect(&client);
    SENT("C: a=1 b#14", ask('C', NULL));
    if (i == 0)
      end();
  }
}

Test(error, c68_sotw_another_label_is_no_other_error) {
  xds_begin(&client, EGRESS__XDS_SOTW);
  set("C: a=1 b=#14 E: a=1 b=#14");
  ask('C', NULL);
  ask('E', "a b");
  ack('C', NULL);
  ack('E', "a b");
  xds_set_labelled(&client, "g", "C: a=1 b=#14 E: a=1 b=#14", "x");
  SENT("C: a=1 | E: a=1", xds_drain(&client));
}

/* Of clusters an error is none that would need its endpoints again. */
Test(error, of_a_cluster_warms_nothing) {
  xds_begin(&client, EGRESS__XDS_DELTA);
  set("C: a=1! E: a=1");
  ask('C', NULL);
  ask('E', "a");
  ack('C', NULL);
  ack('E', NULL);
  SENT("C: a#14", set("C: a=#14 E: a=1"));
}

Test(error, streams_from_the_same_share_the_body) {
  xds_begin(&client, EGRESS__XDS_SOTW);
  xds_client other;
  xds_connect(&other, client.cache, EGRESS__XDS_SOTW);
  set("C: a=1 b=#14");
  ask('C', NULL);
  ack('C', NULL);
  xds_ask(&other, (xds_request){.type = 'C'});
  xds_ack(&other, 'C', NULL);
  xds_set(&client, "g", "C: a=2 b=#14");
  egress__response mine, others;
  cr_assert_eq(egress__stream_next(client.stream, &mine), 1);
  cr_assert_eq(egress__stream_next(other.stream, &others), 1);
  cr_assert_eq(mine.body, others.body);
  egress__blob_unref(mine.body);
  egress__blob_unref(others.body);
  xds_end(&other);
}
