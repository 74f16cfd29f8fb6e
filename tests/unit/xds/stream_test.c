/* What a stream takes and refuses, and how it lives with its cache. */
#include "support/counted.h"
#include "support/xds_client.h"

#include "xds/request.h"

static xds_client client;

static void begin(void) {
  xds_begin(&client, EGRESS__XDS_SOTW);
}
static void end(void) {
  xds_end(&client);
}
TestSuite(stream, .init = begin, .fini = end);

static int send_bytes(const void *bytes, size_t size) {
  client.fault = (egress__stream_fault){0};
  return egress__stream_request(client.stream, bytes, size, &client.fault);
}

enum { INVALID_ARGUMENT = 3, PERMISSION_DENIED = 7, RESOURCE_EXHAUSTED = 8 };

Test(stream, c2_type_url_is_required) {
  cr_assert_eq(send_bytes("", 0), EGRESS_EPROTO);
  cr_assert_eq(client.fault.status, INVALID_ARGUMENT);
  cr_assert_str_eq(client.fault.message, "a request on an aggregated stream must say its type_url");
}

/* The stream of a service for one type. */
static void serve(egress__xds_variant variant, const char *type_url) {
  xds_end(&client);
  xds_begin(&client, variant);
  egress__stream_free(client.stream);
  cr_assert_eq(egress__stream_new(&client.stream, &client.config, variant, type_url, &client), 0);
}

Test(stream, c2_type_url_is_that_of_the_service) {
  for (int variant = EGRESS__XDS_SOTW; variant <= EGRESS__XDS_DELTA; variant++) {
    const char *all = variant == EGRESS__XDS_SOTW ? "a b" : "b"; /* a whole list, or what is new in it */
    serve((egress__xds_variant)variant, EGRESS_TYPE_ROUTE);
    xds_set(&client, "g", "R: a=1 b=1 C: c=1");
    SENT("R: a=1", xds_ask(&client, (xds_request){.names = "a"}));
    SENT("R: b=1", xds_ask(&client, (xds_request){.names = all, .nonce = xds_nonce(&client, 'R')}));
  }
}

Test(stream, c2_another_type_than_the_services_is_refused) {
  serve(EGRESS__XDS_SOTW, EGRESS_TYPE_ROUTE);
  cr_assert_eq(xds_send(&client, (xds_request){.type = 'C', .node_id = "n"}), EGRESS_EPROTO);
  cr_assert_eq(client.fault.status, INVALID_ARGUMENT);
  cr_assert_str_eq(client.fault.message, "the type_url of the request is not that of its service, " EGRESS_TYPE_ROUTE);
  cr_assert_str_eq(client.events, "");
}

static const char *fetch(xds_request request) {
  egress__response response;
  request.node_id = "n";
  request.cluster = "g";
  cr_assert_eq(xds_send(&client, request), 0);
  int rv = egress__stream_fetch(client.stream, &response);
  if (rv == 0)
    return "no snapshot";
  cr_assert_eq(rv, 1);
  xds_decode(&client.last, &response, client.variant);
  xds_print(client.text, sizeof client.text, &client.last);
  return client.text;
}

Test(stream, c81_fetch_answers_with_what_exists_of_what_is_asked) {
  xds_set(&client, "g", "C: a=1 b=1 R: r=1 s=1");
  SENT("C: a=1 b=1", fetch((xds_request){.type = 'C'}));
  xds_reconnect(&client);
  SENT("C: a=1 b=1", fetch((xds_request){.type = 'C', .version = client.last.version}));
  xds_reconnect(&client);
  SENT("R: s=1", fetch((xds_request){.type = 'R', .names = "s none"}));
}

Test(stream, c81_fetch_of_what_does_not_exist_is_answered_with_nothing) {
  xds_set(&client, "g", "C: a=1 R: r=1");
  SENT("R:", fetch((xds_request){.type = 'R', .names = "none"}));
  cr_assert_str_eq(client.last.version,
                   egress_snapshot_type_version(egress_cache_get(client.cache, "g"), EGRESS_TYPE_ROUTE));
  xds_reconnect(&client);
  SENT("E:", fetch((xds_request){.type = 'E'}));
}

Test(stream, fetch_without_a_snapshot_has_no_answer) {
  SENT("no snapshot", fetch((xds_request){.type = 'C'}));
}

Test(stream, node_without_a_group_is_refused) {
  cr_assert_eq(xds_send(&client, (xds_request){.type = 'C'}), EGRESS_EINVAL);
  cr_assert_eq(client.fault.status, PERMISSION_DENIED);
  cr_assert_str_eq(client.fault.message, "no group for node \"\" of cluster \"\"");
  cr_assert_str_eq(client.events, "");
  cr_assert_str_eq(egress__stream_node_id(client.stream), "");
  cr_assert_str_eq(egress__stream_group(client.stream), "");
}

Test(stream, node_id_is_the_group_of_a_node_without_a_cluster) {
  cr_assert_eq(xds_send(&client, (xds_request){.type = 'C', .node_id = "n"}), 0);
  cr_assert_str_eq(egress__stream_group(client.stream), "n");
}

/* ---- who may have what ---- */

static char asked[XDS_TEXT]; /* "n/g C; n/g L; " */
static char refused;         /* the letter of a type; 0: none */

static int judge(egress__stream *stream, const egress_node *node, const char *type_url, egress__stream_fault *fault,
                 void *user) {
  char letter = xds_letter((egress__span){(const uint8_t *)type_url, strlen(type_url)});
  size_t used = strlen(asked);
  cr_assert(stream == client.stream && user == &client);
  cr_assert_str_eq(egress__stream_node_id(stream), node->id);
  snprintf(asked + used, sizeof asked - used, "%s/%s %c%s; ", node->id, node->cluster, letter,
           egress__stream_group(stream)[0] == '\0' ? " without a group" : "");
  if (letter != refused)
    return 0;
  fault->status = 16;
  snprintf(fault->message, sizeof fault->message, "not you");
  return EGRESS_EINVAL;
}

static void judge_types(char refuse) {
  asked[0] = '\0';
  refused = refuse;
  client.config.authorise = judge;
}

Test(stream, each_type_is_judged_once_and_the_first_before_the_node_has_a_group) {
  judge_types(0);
  xds_set(&client, "g", "C: a=1 L: l=1");
  SENT("C: a=1", xds_ask(&client, (xds_request){.type = 'C'}));
  cr_assert_str_eq(client.events, "connected n of g; ");
  SENT("", xds_ack(&client, 'C', ""));
  SENT("L: l=1", xds_ask(&client, (xds_request){.type = 'L'}));
  SENT("", xds_ack(&client, 'L', ""));
  cr_assert_str_eq(asked, "n/g C without a group; n/g L; ");
}

Test(stream, a_type_that_is_refused_ends_the_stream) {
  judge_types('S');
  xds_ask(&client, (xds_request){.type = 'C'});
  cr_assert_eq(xds_send(&client, (xds_request){.type = 'S', .names = "s"}), EGRESS_EINVAL);
  cr_assert_eq(client.fault.status, 16);
  cr_assert_str_eq(client.fault.message, "not you");
  cr_assert_str_eq(client.fault.type_url, xds_type_url('S'));
}

Test(stream, a_first_type_that_is_refused_joins_no_group) {
  judge_types('C');
  client.fault.type_url = "old";
  cr_assert_eq(xds_send(&client, (xds_request){.type = 'C', .node_id = "n", .cluster = "g"}), EGRESS_EINVAL);
  cr_assert_str_eq(client.fault.type_url, EGRESS_TYPE_CLUSTER);
  cr_assert_str_eq(client.events, "");
  cr_assert_str_eq(egress__stream_node_id(client.stream), "n", "for the log");
  cr_assert_str_eq(egress__stream_group(client.stream), "");
}

Test(stream, another_fault_is_of_no_type) {
  judge_types(0);
  client.fault.type_url = "old";
  cr_assert_eq(xds_send(&client, (xds_request){.type = 'C'}), EGRESS_EINVAL, "it has no group");
  cr_assert_null(client.fault.type_url);
}

Test(stream, nothing_is_said_before_the_first_request) {
  xds_set(&client, "*", "C: a=1");
  SENT("", xds_drain(&client));
  cr_assert_eq(client.ready, 0);
}

Test(stream, change_makes_it_ready) {
  xds_ask(&client, (xds_request){.type = 'C'});
  xds_set(&client, "other", "C: a=1");
  cr_assert_eq(client.ready, 0);
  xds_set(&client, "*", "C: a=1");
  cr_assert_eq(client.ready, 1);
  SENT("C: a=1", xds_drain(&client));
  xds_set(&client, "g", "C: a=2");
  cr_assert_eq(client.ready, 2);
  xds_set(&client, "*", "C: a=3");
  cr_assert_eq(client.ready, 2);
}

static void set_on_connect(egress__stream *stream, const egress_event *event, void *user) {
  (void)stream;
  (void)user;
  if (event->kind == EGRESS_EVENT_CONNECTED)
    xds_set(&client, event->group, "C: made=1");
}

Test(stream, event_handler_may_give_the_group_its_snapshot) {
  client.config.on_event = set_on_connect;
  SENT("C: made=1", xds_ask(&client, (xds_request){.type = 'C'}));
  cr_assert_eq(client.ready, 0); /* the call that is on looks itself */
}

Test(stream, streams_do_not_disturb_each_other) {
  static xds_client other;
  xds_connect(&other, client.cache, EGRESS__XDS_DELTA);
  xds_set(&client, "g", "C: a=1 b=1");
  SENT("C: a=1 b=1", xds_ask(&client, (xds_request){.type = 'C'}));
  SENT("C: a=1 b=1", xds_ask(&other, (xds_request){.type = 'C'}));
  xds_ack(&client, 'C', NULL);
  xds_set(&client, "g", "C: a=2 b=1");
  SENT("C: a=2 b=1", xds_drain(&client));
  SENT("", xds_drain(&other));
  SENT("C: a=2", xds_ack(&other, 'C', NULL));
  xds_end(&other);
  xds_set(&client, "g", "C: a=3");
  SENT("C: a=3", xds_ack(&client, 'C', NULL));
}

Test(stream, same_step_is_packed_once) {
  static xds_client other;
  egress__response first, second;
  for (int variant = EGRESS__XDS_SOTW; variant <= EGRESS__XDS_DELTA; variant++) {
    xds_end(&client);
    xds_begin(&client, (egress__xds_variant)variant);
    xds_connect(&other, client.cache, (egress__xds_variant)variant);
    xds_set(&client, "g", "C: a=1 b=1");
    xds_request request = {.type = 'C', .node_id = "n", .cluster = "g"};
    for (int push = 0; push < 2; push++) {
      cr_assert_eq(xds_send(&client, request), 0);
      cr_assert_eq(xds_send(&other, request), 0);
      cr_assert_eq(egress__stream_next(client.stream, &first), 1);
      cr_assert_eq(egress__stream_next(other.stream, &second), 1);
      cr_assert_eq(first.body, second.body);
      egress__blob_unref(first.body);
      egress__blob_unref(second.body);
      xds_set(&client, "g", "C: a=2 b=1");
      request.nonce = "1";
    }
    xds_end(&other);
  }
}

Test(stream, c78_a_stream_that_ends_leaves_the_cache) {
  egress__stream *gone;
  cr_assert_eq(egress__stream_new(&gone, &client.config, EGRESS__XDS_SOTW, NULL, NULL), 0);
  egress__stream_free(gone); /* before it joined */
  egress__stream_free(NULL);
  xds_ask(&client, (xds_request){.type = 'C'});
  xds_reconnect(&client);
  xds_set(&client, "g", "C: a=1");
  cr_assert_eq(client.ready, 0);
}

Test(stream, snapshot_goes_when_its_streams_have_moved_on) {
  egress_snapshot *snap;
  cr_assert_eq(xds_snapshot_new(&snap, "C: a=1 b=1", &counted), 0);
  cr_assert_eq(egress_cache_set(client.cache, "g", snap), 0);
  egress_snapshot_unref(snap);
  SENT("C: a=1 b=1", xds_ask(&client, (xds_request){.type = 'C'}));
  xds_ack(&client, 'C', NULL);
  cr_assert_gt(counted_live, 0);
  xds_set(&client, "g", "C: a=1 b=2");
  SENT("C: a=1 b=2", xds_drain(&client));
  cr_assert_gt(counted_live, 0); /* what the client has is known until it accepts what is new */
  xds_ack(&client, 'C', NULL);
  cr_assert_eq(counted_live, 0);
}

Test(stream, snapshot_of_equal_content_replaces_the_old_one) {
  egress_snapshot *snap;
  cr_assert_eq(xds_snapshot_new(&snap, "C: a=1", &counted), 0);
  cr_assert_eq(egress_cache_set(client.cache, "g", snap), 0);
  egress_snapshot_unref(snap);
  SENT("C: a=1", xds_ask(&client, (xds_request){.type = 'C'}));
  xds_set(&client, "g", "C: a=1");
  SENT("", xds_drain(&client));
  cr_assert_eq(counted_live, 0);
}

Test(stream, types_are_limited) {
  char url[XDS_WORD];
  uint8_t bytes[XDS_TEXT];
  for (int i = 0; i <= EGRESS__TYPES_MAX; i++) {
    uint8_t *to = egress__put_bytes(bytes, 2, "\x0a\x01n", 3);
    snprintf(url, sizeof url, "type.googleapis.com/t%d", i);
    to = xds_put_text(to, 4, url);
    int rv = send_bytes(bytes, (size_t)(to - bytes));
    cr_assert_eq(rv, i < EGRESS__TYPES_MAX ? 0 : EGRESS_ELIMIT);
  }
  cr_assert_eq(client.fault.status, RESOURCE_EXHAUSTED);
  cr_assert_str_eq(client.fault.message, "more than 64 types on one stream");
}

/* The client's stream is a new one, with these limits. */
static void limit(uint32_t max_subscriptions, size_t max_bytes) {
  egress__stream_free(client.stream);
  client.config.max_subscriptions = max_subscriptions;
  client.config.max_bytes = max_bytes;
  cr_assert_eq(egress__stream_new(&client.stream, &client.config, client.variant, NULL, &client), 0);
}

Test(stream, names_are_limited_over_all_types) {
  limit(3, EGRESS__STREAM_BYTES_MAX);
  SENT("", xds_ask(&client, (xds_request){.type = 'E', .names = "a b"}));
  SENT("", xds_ask(&client, (xds_request){.type = 'R', .names = "c"}));
  SENT("", xds_ask(&client, (xds_request){.type = 'R', .names = "c"}));
  SENT("", xds_ask(&client, (xds_request){.type = 'E', .names = "a"}));
  SENT("", xds_ask(&client, (xds_request){.type = 'R', .names = "c d"}));
  cr_assert_eq(xds_send(&client, (xds_request){.type = 'L', .names = "e"}), EGRESS_ELIMIT);
  cr_assert_eq(client.fault.status, RESOURCE_EXHAUSTED);
  cr_assert_str_eq(client.fault.message, "more than 3 resource names subscribed to");
}

/* The table of a type takes 512 bytes at first; so two types fit, with their names, and a third does not. */
Test(stream, bytes_are_limited_over_all_types) {
  static xds_client other;
  xds_connect(&other, client.cache, EGRESS__XDS_SOTW);
  limit(100, 1500);
  xds_set(&client, "g", "E: a=1 R: c=1");
  SENT("E: a=1", xds_ask(&client, (xds_request){.type = 'E', .names = "a b"}));
  SENT("R: c=1", xds_ask(&client, (xds_request){.type = 'R', .names = "c"}));
  cr_assert_eq(xds_send(&client, (xds_request){.type = 'L', .names = "e"}), EGRESS_ELIMIT);
  cr_assert_eq(client.fault.status, RESOURCE_EXHAUSTED);
  cr_assert_str_eq(client.fault.message, "the names and versions of one stream take more than 1500 bytes");
  SENT("E: a=1", xds_ask(&other, (xds_request){.type = 'E', .names = "a b"})); /* others go on */
  xds_end(&other);
}

Test(stream, new_names_of_a_stale_list_take_nothing) {
  limit(3, EGRESS__STREAM_BYTES_MAX);
  xds_set(&client, "g", "E: a=1");
  SENT("E: a=1", xds_ask(&client, (xds_request){.type = 'E', .names = "a b"}));
  SENT("", xds_ask(&client, (xds_request){.type = 'E', .names = "a c d e"}));
  SENT("", xds_ask(&client, (xds_request){.type = 'R', .names = "c"}));
  cr_assert_eq(xds_send(&client, (xds_request){.type = 'R', .names = "c d"}), EGRESS_ELIMIT); /* b still counts */
}

/* What is asked for and dropped again is given back: or a stream would be refused at last. */
Test(stream, bytes_come_back) {
  for (int variant = EGRESS__XDS_SOTW; variant <= EGRESS__XDS_DELTA; variant++) {
    client.variant = (egress__xds_variant)variant;
    limit(100, 1500);
    for (int i = 0; i < 1000; i++) {
      char name[XDS_WORD];
      snprintf(name, sizeof name, "name-%d", i);
      SENT("", xds_ask(&client, (xds_request){.type = 'E', .names = name})); /* in delta one more, else the only one */
      if (variant == EGRESS__XDS_DELTA)
        SENT("", xds_ask(&client, (xds_request){.type = 'E', .drop = name}));
    }
  }
}

enum { MANY = 10000, LONG = 300, REQUEST = 8 << 20 };

/* A request that says `MANY` names of `LONG` bytes, and in delta a version of each. */
static int send_many(char type) {
  static uint8_t bytes[REQUEST], entry[2 * LONG];
  char name[LONG + 1];
  int delta = client.variant == EGRESS__XDS_DELTA;
  uint8_t *to = egress__put_bytes(bytes, delta ? 1 : 2, "\x0a\x01n", 3);
  to = xds_put_text(to, delta ? 2 : 4, xds_type_url(type));
  for (int i = 0; i < MANY; i++) {
    snprintf(name, sizeof name, "%0*d", LONG, i);
    to = xds_put_text(to, 3, name);
    uint8_t *end = xds_put_text(xds_put_text(entry, 1, name), 2, "0123456789abcdef0123456789abcdef");
    if (delta)
      to = egress__put_bytes(to, 5, entry, (size_t)(end - entry));
  }
  return send_bytes(bytes, (size_t)(to - bytes));
}

Test(stream, budget_has_room_for_many_long_names) {
  for (int variant = EGRESS__XDS_SOTW; variant <= EGRESS__XDS_DELTA; variant++) {
    client.variant = (egress__xds_variant)variant;
    limit(100000, EGRESS__STREAM_BYTES_MAX);
    cr_assert_eq(send_many('C'), 0, "%s", client.fault.message);
    cr_assert_eq(send_many('E'), 0, "%s", client.fault.message);
  }
}

static size_t message_size;

static void measure_message(egress__stream *stream, const egress_event *event, void *user) {
  (void)stream;
  (void)user;
  message_size = strlen(event->message);
}

Test(stream, long_nack_text_is_cut_before_a_character) {
  static char text[EGRESS__ERROR_TEXT_MAX + 100];
  text[0] = 'x'; /* so that the limit falls into a character */
  for (size_t i = 1; i + 2 < sizeof text; i += 2)
    memcpy(text + i, "\xc3\xbc", 2);
  xds_set(&client, "g", "C: a=1");
  xds_ask(&client, (xds_request){.type = 'C'});
  client.config.on_event = measure_message;
  uint8_t bytes[2 * XDS_TEXT], error[2 * XDS_TEXT];
  size_t error_size = (size_t)(xds_put_text(error, 2, text) - error);
  uint8_t *to = xds_put_text(bytes, 4, EGRESS_TYPE_CLUSTER);
  to = xds_put_text(to, 5, xds_nonce(&client, 'C'));
  to = egress__put_bytes(to, 6, error, error_size);
  cr_assert_eq(send_bytes(bytes, (size_t)(to - bytes)), 0);
  cr_assert_eq(message_size, EGRESS__ERROR_TEXT_MAX - 1);
}
