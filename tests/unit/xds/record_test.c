#include "xds/record.h"

#include <criterion/criterion.h>

#include <egress/error.h>

#include "support/counted.h"
#include "support/xds_client.h"
#include "xds/track.h"

static egress__versions versions;
static egress__record record;

static void begin(void) {
  egress__versions_init(&versions, &counted);
  record = (egress__record){0};
}

static void end(void) {
  egress__record_dispose(&record, &counted);
  egress__versions_dispose(&versions);
  cr_assert_eq(counted_live, 0);
}
TestSuite(record, .init = begin, .fini = end);

static egress__version *version(const char *text) {
  egress__version *made;
  cr_assert_eq(egress__versions_get(&made, &versions, text), 0);
  return made;
}

Test(record, equal_versions_are_one_and_go_with_the_last_reference) {
  egress__version *a = version("1"), *b = version("1"), *c = version("2");
  cr_assert_eq(a, b);
  cr_assert_neq(a, c);
  cr_assert_str_eq(c->text, "2");
  cr_assert_eq(versions.map.count, 2);
  egress__version_unref(a);
  cr_assert_eq(versions.map.count, 2);
  egress__version_unref(b);
  cr_assert_eq(versions.map.count, 1);
  egress__version_unref(c);
  egress__version_unref(NULL);
  cr_assert_eq(versions.map.count, 0);
}

Test(record, what_was_sent_becomes_what_was_accepted) {
  egress__record_sent(&record, version("1"), 10);
  cr_assert_null(record.acked);
  egress__record_accepted(&record, 15);
  egress__record_sent(&record, version("2"), 20);
  cr_assert_str_eq(record.sent->text, "2");
  cr_assert_str_eq(record.acked->text, "1");
  cr_assert_eq(record.sent_ms, 20);
  cr_assert_eq(record.acked_ms, 15);
  cr_assert_eq(record.nacked_ms, 0);
}

Test(record, a_refusal_keeps_what_was_accepted_and_the_clients_words) {
  egress__record_sent(&record, version("1"), 10);
  egress__record_accepted(&record, 11);
  egress__record_sent(&record, version("2"), 12);
  cr_assert_eq(egress__record_refused(&record, &counted, 3, "no", 13), 0);
  egress__record_sent(&record, version("3"), 14);
  cr_assert_eq(egress__record_refused(&record, &counted, 13, "neither", 15), 0);
  cr_assert_str_eq(record.acked->text, "1");
  cr_assert_str_eq(record.nacked->text, "3");
  cr_assert_str_eq(record.refusal->text, "neither");
  cr_assert_eq(record.refusal->code, 13);
  cr_assert_eq(record.nacked_ms, 15);
  cr_assert_eq(versions.map.count, 2, "what nobody refers to is gone");
}

Test(record, a_refusal_without_memory_changes_nothing) {
  egress__record_sent(&record, version("1"), 10);
  cr_assert_eq(egress__record_refused(&record, &counted, 3, "no", 11), 0);
  egress__record_sent(&record, version("2"), 12);
  counted_left = 0;
  cr_assert_eq(egress__record_refused(&record, &counted, 4, "again", 13), EGRESS_ENOMEM);
  egress__version *none = NULL;
  cr_assert_eq(egress__versions_get(&none, &versions, "3"), EGRESS_ENOMEM);
  counted_left = SIZE_MAX;
  cr_assert_null(none);
  cr_assert_str_eq(record.nacked->text, "1");
  cr_assert_str_eq(record.refusal->text, "no");
  cr_assert_eq(record.nacked_ms, 11);
}

/* ---- on a stream ---- */

static xds_client client;
static egress__versions kept;
static char heard[XDS_TEXT];

static void hear(egress__stream *stream, const egress_event *event, void *user) {
  static const char *const names[] = {
      [EGRESS_EVENT_CONNECTED] = "connected", [EGRESS_EVENT_ACKED] = "acked",
      [EGRESS_EVENT_NACKED] = "nacked",       [EGRESS_EVENT_REQUEST] = "request",
      [EGRESS_EVENT_RESPONSE] = "response",   [EGRESS_EVENT_SUBSCRIPTION] = "subscription"};
  (void)stream;
  (void)user;
  size_t used = strlen(heard);
  cr_assert_eq(event->bytes > 0, event->kind == EGRESS_EVENT_REQUEST || event->kind == EGRESS_EVENT_RESPONSE);
  snprintf(heard + used, sizeof heard - used, "%s%s%s", used > 0 ? " " : "", names[event->kind],
           event->elapsed_ms > 0 ? " late" : "");
}

static const char *take_heard(void) {
  static char text[XDS_TEXT];
  memcpy(text, heard, sizeof text);
  heard[0] = '\0';
  return text;
}

static void begin_stream(egress__xds_variant variant) {
  xds_begin(&client, variant);
  egress__versions_init(&kept, egress__alloc_or_default(NULL));
  client.config.versions = &kept;
  client.config.is_verbose = 1;
  client.config.on_event = hear;
  client.config.now_ms = 1000;
}

static void end_stream(void) {
  xds_end(&client);
  cr_assert_eq(kept.map.count, 0);
  egress__versions_dispose(&kept);
}

Test(record, a_stream_tells_of_all_that_passes) {
  for (int variant = EGRESS__XDS_SOTW; variant <= EGRESS__XDS_DELTA; variant++) {
    int is_delta = variant == EGRESS__XDS_DELTA;
    begin_stream((egress__xds_variant)variant);
    xds_set(&client, "g", "E: a=1 b=1");
    SENT("E: a=1", xds_ask(&client, (xds_request){.type = 'E', .names = "a"}));
    SENT("connected request subscription response", take_heard());
    client.config.now_ms = 1007;
    SENT("", xds_ack(&client, 'E', is_delta ? NULL : "a"));
    SENT("request acked late", take_heard());
    SENT("E: b=1", xds_ask(&client, (xds_request){.type = 'E',
                                                  .names = is_delta ? "b" : "a b",
                                                  .nonce = is_delta ? NULL : xds_nonce(&client, 'E')}));
    SENT("request subscription response", take_heard());
    xds_ask(&client, (xds_request){.type = 'E',
                                   .names = is_delta ? NULL : "b",
                                   .drop = is_delta ? "a" : NULL,
                                   .nonce = xds_nonce(&client, 'E'),
                                   .error = "no"});
    SENT("request nacked subscription", take_heard());
    end_stream();
  }
}

/* ---- since a change ---- */

static uint64_t since_ms; /* of the last ACK */

static void note_since(egress__stream *stream, const egress_event *event, void *user) {
  (void)stream;
  (void)user;
  if (event->kind == EGRESS_EVENT_ACKED)
    since_ms = event->since_change_ms;
  else
    cr_assert_eq(event->since_change_ms, 0);
}

static void begin_since(egress__xds_variant variant) {
  begin_stream(variant);
  client.config.on_event = note_since;
  since_ms = 99;
}

static uint64_t ack_at(char type, uint64_t now_ms) {
  client.config.now_ms = now_ms;
  since_ms = 99;
  xds_ack(&client, type, NULL);
  return since_ms;
}

static void set_at(const char *text, uint64_t now_ms) {
  client.config.now_ms = now_ms;
  xds_set(&client, "g", text);
}

Test(record, a_change_that_waits_for_an_answer_is_as_old_as_it_is) {
  for (int variant = EGRESS__XDS_SOTW; variant <= EGRESS__XDS_DELTA; variant++) {
    begin_since((egress__xds_variant)variant);
    set_at("C: a=1", 1000);
    SENT("C: a=1", xds_ask(&client, (xds_request){.type = 'C'}));
    cr_assert_eq(ack_at('C', 1500), 0, "the first state is no change");
    set_at("C: a=2", 2000);
    SENT("C: a=2", xds_drain(&client));
    set_at("C: a=3", 2100); /* waits, */
    set_at("C: a=4", 2200); /* and is overtaken */
    SENT("", xds_drain(&client));
    cr_assert_eq(ack_at('C', 7000), 5000);
    SENT("C: a=4", client.text);
    cr_assert_eq(ack_at('C', 7010), 4910, "since the first that it was not told");
    set_at("C: a=5", 8000);
    xds_drain(&client);
    cr_assert_eq(ack_at('C', 8000), 1, "in no time");
    end_stream();
  }
}

Test(record, what_brings_no_change_has_no_time_since_one) {
  begin_since(EGRESS__XDS_DELTA);
  set_at("E: a=1 b=1", 1000);
  xds_ask(&client, (xds_request){.type = 'E', .names = "a"});
  cr_assert_eq(ack_at('E', 1001), 0);
  set_at("E: a=1 b=2", 2000); /* of nothing that the client wants */
  SENT("", xds_drain(&client));
  SENT("E: b=2", xds_ask(&client, (xds_request){.type = 'E', .names = "b"}));
  cr_assert_eq(ack_at('E', 3000), 0);
  set_at("E: a=1 b=3", 4000);
  xds_drain(&client);
  set_at("E: a=2 b=3", 5000);
  set_at("E: a=1 b=3", 6000); /* back again: there is nothing to bring */
  cr_assert_eq(ack_at('E', 6500), 2500);
  SENT("", client.text);
  SENT("E: b=3", xds_ask(&client, (xds_request){.type = 'E', .names = "b"}));
  cr_assert_eq(ack_at('E', 7000), 0);
  end_stream();
}

Test(record, a_refusal_ends_the_time_since_a_change) {
  begin_since(EGRESS__XDS_DELTA);
  set_at("C: a=1", 1000);
  xds_ask(&client, (xds_request){.type = 'C'});
  ack_at('C', 1001);
  set_at("C: a=2", 2000);
  xds_drain(&client);
  xds_nack(&client, 'C', NULL);
  SENT("C: a=2", xds_ask(&client, (xds_request){.type = 'C', .names = "a"}));
  cr_assert_eq(ack_at('C', 3000), 0);
  set_at("C: a=3", 4000);
  xds_drain(&client);
  cr_assert_eq(ack_at('C', 4200), 200);
  end_stream();
}

Test(record, what_goes_last_is_as_old_as_the_change_that_removes_it) {
  begin_since(EGRESS__XDS_SOTW);
  set_at("C: a=1 b=1 R: r=1", 1000);
  xds_ask(&client, (xds_request){.type = 'C'});
  ack_at('C', 1001);
  xds_ask(&client, (xds_request){.type = 'R', .names = "r"});
  client.config.now_ms = 1002;
  xds_ack(&client, 'R', "r");
  set_at("C: a=1 R: r=2", 2000);
  SENT("R: r=2", xds_drain(&client));
  client.config.now_ms = 2500;
  SENT("C: a=1", xds_ack(&client, 'R', "r"));
  cr_assert_eq(since_ms, 500);
  cr_assert_eq(ack_at('C', 2600), 600);
  end_stream();
}

Test(record, everything_wanted_and_not_any_more_is_a_change_of_the_subscription) {
  begin_stream(EGRESS__XDS_DELTA);
  xds_ask(&client, (xds_request){.type = 'C'});
  SENT("connected request subscription", take_heard());
  xds_ask(&client, (xds_request){.type = 'C', .drop = "*"});
  SENT("request subscription", take_heard());
  xds_ask(&client, (xds_request){.type = 'C', .drop = "never_wanted"});
  SENT("request", take_heard());
  end_stream();
}

Test(record, of_a_stream_says_what_its_client_was_told_and_answered) {
  begin_stream(EGRESS__XDS_SOTW);
  xds_set_labelled(&client, "g", "C: a=1", "one");
  xds_ask(&client, (xds_request){.type = 'C'});
  const egress__track *track = egress__stream_tracks(client.stream);
  cr_assert_null(track->next);
  SENT("one", track->record.sent->text);
  cr_assert_null(track->record.acked);
  client.config.now_ms = 1100;
  xds_ack(&client, 'C', NULL);
  SENT("one", track->record.acked->text);
  cr_assert_eq(track->record.requested_ms, 1100);
  cr_assert_eq(track->record.sent_ms, 1000);
  cr_assert_eq(track->record.acked_ms, 1100);
  xds_set_labelled(&client, "g", "C: a=2", "two");
  xds_drain(&client);
  SENT("two", track->record.sent->text);
  xds_nack(&client, 'C', NULL);
  SENT("one", track->record.acked->text);
  SENT("two", track->record.nacked->text);
  SENT("bad", track->record.refusal->text);
  end_stream();
}
