/* One request in JSON, one answer, and nothing remembered: what the client has is what its version says. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <egress/egress.h>

#include "support/counted.h"

#define SCOPED_ROUTES "type.googleapis.com/envoy.config.route.v3.ScopedRouteConfiguration"
#define SECRET "type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.Secret"

enum { TEXT = 4096 };

static egress_cache *cache;
static egress_fetch *fetch; /* NULL: made with `options` when it is first asked */
static egress_fetch_options options;
static egress_diag *diag;
static int rv;
static char version[TEXT], held[TEXT]; /* of the last answer, and one kept for later */
static char resources[4 * TEXT];       /* "a=1 b=2" of the last answer */
static char whole[TEXT];               /* its JSON */

static void begin(void) {
  cr_assert_eq(egress_cache_new(&cache, NULL), 0);
  options = (egress_fetch_options)EGRESS_FETCH_OPTIONS_INIT;
  diag = egress_diag_new(NULL);
}

static void end(void) {
  egress_fetch_free(fetch);
  fetch = NULL;
  egress_cache_unref(cache);
  egress_diag_free(diag);
}

TestSuite(fetch, .init = begin, .fini = end);

/* ---- what there is ---- */

/* A cluster whose alt_stat_name is the value; of other types the value is not used. */
static egress_resource *resource(const char *type_url, const char *name, const char *value) {
  char text[TEXT];
  egress_resource *made;
  int is_cluster = strcmp(type_url, EGRESS_TYPE_CLUSTER) == 0,
      is_endpoint = strcmp(type_url, EGRESS_TYPE_ENDPOINT) == 0;
  snprintf(text, sizeof text, "{\"@type\": \"%s\", \"%s\": \"%s\"%s%s%s}", type_url,
           is_endpoint ? "clusterName" : "name", name, is_cluster ? ", \"altStatName\": \"" : "",
           is_cluster ? value : "", is_cluster ? "\"" : "");
  cr_assert_eq(egress_resource_from_json(&made, text, strlen(text), NULL, NULL), 0, "%s", text);
  return made;
}

/* Takes the resources over. */
static void set(const char *label, egress_resource *first, egress_resource *second) {
  egress_snapshot_builder *builder;
  egress_snapshot *snap;
  cr_assert_eq(egress_snapshot_builder_new(&builder, NULL, NULL), 0);
  cr_assert_eq(egress_snapshot_builder_set_label(builder, NULL, label), 0);
  cr_assert_eq(first == NULL ? 0 : egress_snapshot_builder_put(builder, first), 0);
  cr_assert_eq(second == NULL ? 0 : egress_snapshot_builder_put(builder, second), 0);
  cr_assert_eq(egress_snapshot_builder_build(&snap, builder), 0);
  cr_assert_eq(egress_cache_set(cache, "g", snap), 0);
  egress_snapshot_unref(snap);
  egress_snapshot_builder_free(builder);
  egress_resource_unref(first);
  egress_resource_unref(second);
}

static void set_clusters(const char *a, const char *b) {
  set(NULL, a == NULL ? NULL : resource(EGRESS_TYPE_CLUSTER, "a", a),
      b == NULL ? NULL : resource(EGRESS_TYPE_CLUSTER, "b", b));
}

/* ---- asking ---- */

static const char *text_of(const egress_value *object, const char *key) {
  return egress_value_text(egress_value_member(object, key));
}

static void read_answer(const egress_text *text) {
  egress_document *document;
  snprintf(whole, sizeof whole, "%s", egress_text_data(text));
  cr_assert_eq(egress_document_from_json(&document, egress_text_data(text), egress_text_size(text), NULL, NULL, NULL),
               0);
  const egress_value *root = egress_document_root(document);
  snprintf(version, sizeof version, "%s", text_of(root, "versionInfo"));
  char found[2][TEXT] = {"", ""}; /* in order of their names */
  const egress_value *at = egress_value_first(egress_value_member(root, "resources"));
  for (; at != NULL; at = egress_value_next(at)) {
    char *to = found[found[0][0] != '\0'];
    cr_assert_eq(to[0], '\0', "more than two");
    snprintf(to, TEXT, "%s%s=%s", text_of(at, "name"), text_of(at, "clusterName"), text_of(at, "altStatName"));
  }
  int is_sorted = found[1][0] == '\0' || strcmp(found[0], found[1]) < 0;
  snprintf(resources, sizeof resources, "%s%s%s", found[!is_sorted], found[1][0] != '\0' ? " " : "", found[is_sorted]);
  egress_document_free(document);
}

/* Sends bytes; "304", the name of a code, or the resources of the answer. */
static const char *send_text(const char *type_url, const char *text, size_t size) {
  egress_text *out = (egress_text *)&cache; /* neither NULL nor an answer: it must be written, or be left */
  egress_diag_clear(diag);
  resources[0] = whole[0] = version[0] = '\0';
  if (fetch == NULL)
    cr_assert_eq(egress_fetch_new(&fetch, cache, &options), 0);
  rv = egress_fetch_answer(&out, fetch, type_url, text, size, diag);
  if (rv != 0) {
    cr_assert_eq(out, (egress_text *)&cache);
    return egress_code_name(rv);
  }
  if (out == NULL)
    return "304";
  read_answer(out);
  egress_text_free(out);
  return resources;
}

/* "names" is what stands between the brackets. */
static const char *ask(const char *type_url, const char *names, const char *has) {
  char text[TEXT];
  snprintf(text, sizeof text, "{\"node\": {\"cluster\": \"g\"}, \"version_info\": \"%s\", \"resource_names\": [%s]}",
           has, names);
  return send_text(type_url, text, strlen(text));
}

static const char *ask_clusters(const char *names, const char *has) {
  return ask(EGRESS_TYPE_CLUSTER, names, has);
}

/* Asks without a version, and keeps that of the answer. */
static const char *get_clusters(const char *names) {
  const char *got = ask_clusters(names, "");
  snprintf(held, sizeof held, "%s", version);
  return got;
}

static void refuses(const char *text, const char *code, const char *message) {
  cr_assert_str_eq(send_text(EGRESS_TYPE_CLUSTER, text, strlen(text)), code, "%.200s", text);
  cr_assert_str_eq(egress_diag_text(diag), message);
}

/* ---- what is answered ---- */

Test(fetch, c81_all_or_what_exists_of_what_is_named) {
  set_clusters("1", "2");
  cr_assert_str_eq(ask_clusters("", ""), "a=1 b=2");
  cr_assert_str_eq(ask_clusters("\"*\"", ""), "a=1 b=2");
  cr_assert_str_eq(ask_clusters("\"b\", \"none\"", ""), "b=2");
  cr_assert_str_eq(ask_clusters("\"none\"", ""), "");
}

Test(fetch, c31_an_empty_list_of_scoped_routes_means_all) {
  set(NULL, resource(SCOPED_ROUTES, "a", ""), resource(SCOPED_ROUTES, "b", ""));
  cr_assert_str_eq(ask(SCOPED_ROUTES, "", ""), "a= b=");
  cr_assert_str_eq(ask(SCOPED_ROUTES, "\"b\"", ""), "b=");
}

Test(fetch, c34_an_empty_list_of_another_type_means_none) {
  set(NULL, resource(EGRESS_TYPE_ENDPOINT, "e", ""), resource(EGRESS_TYPE_ENDPOINT, "f", ""));
  cr_assert_str_eq(ask(EGRESS_TYPE_ENDPOINT, "", ""), "");
  cr_assert_str_eq(ask(EGRESS_TYPE_ENDPOINT, "\"f\"", ""), "f=");
}

Test(fetch, c81_an_answer_is_a_whole_discovery_response) {
  options.identifier = "me";
  set_clusters("1", NULL);
  get_clusters("");
  cr_assert_not_null(strstr(whole, "\"typeUrl\": \"" EGRESS_TYPE_CLUSTER "\""));
  cr_assert_not_null(strstr(whole, "\"@type\": \"" EGRESS_TYPE_CLUSTER "\""));
  cr_assert_not_null(strstr(whole, "\"identifier\": \"me\""));
}

Test(fetch, c81_the_version_of_everything_is_that_of_streams) {
  set_clusters("1", "2");
  get_clusters("");
  cr_assert_str_eq(held, egress_snapshot_type_version(egress_cache_get(cache, "g"), EGRESS_TYPE_CLUSTER));
}

/* ---- what is not ---- */

Test(fetch, c81_what_the_client_has_is_not_answered) {
  set_clusters("1", "2");
  get_clusters("");
  cr_assert_str_eq(ask_clusters("", held), "304");
  get_clusters("\"a\", \"none\"");
  cr_assert_str_eq(ask_clusters("\"a\", \"none\"", held), "304");
}

Test(fetch, c81_nothing_is_answered_to_who_has_no_version) {
  set_clusters(NULL, NULL);
  cr_assert_str_eq(get_clusters(""), "");
  cr_assert_str_neq(held, "");
  cr_assert_str_eq(ask_clusters("", held), "304");
}

Test(fetch, c81_a_change_is_answered) {
  set_clusters("1", "2");
  get_clusters("");
  set_clusters("1", "3");
  cr_assert_str_eq(ask_clusters("", held), "a=1 b=3");
  get_clusters("\"b\"");
  set_clusters("1", "4");
  cr_assert_str_eq(ask_clusters("\"b\"", held), "b=4");
}

Test(fetch, c76_a_change_of_what_is_not_wanted_is_not_answered) {
  set_clusters("1", "2");
  get_clusters("\"b\"");
  set_clusters("3", "2");
  cr_assert_str_eq(ask_clusters("\"b\"", held), "304");
}

Test(fetch, c81_a_removal_is_answered) {
  set_clusters("1", "2");
  get_clusters("");
  set_clusters("1", NULL);
  cr_assert_str_eq(ask_clusters("", held), "a=1");
  get_clusters("\"a\"");
  set_clusters(NULL, NULL);
  cr_assert_str_eq(ask_clusters("\"a\"", held), "");
}

/* The client lacks it, though nothing changed since it asked. */
Test(fetch, c81_a_name_that_is_new_is_answered) {
  set_clusters("1", "2");
  get_clusters("\"a\"");
  cr_assert_str_eq(ask_clusters("\"a\", \"b\"", held), "a=1 b=2");
  cr_assert_str_eq(ask_clusters("\"b\"", held), "b=2");
  cr_assert_str_eq(ask_clusters("", held), "a=1 b=2");
}

Test(fetch, c81_what_comes_under_a_name_is_answered) {
  set_clusters("1", NULL);
  get_clusters("\"a\", \"b\"");
  set_clusters("1", "2");
  cr_assert_str_eq(ask_clusters("\"a\", \"b\"", held), "a=1 b=2");
}

/* The client has refused the second answer, and may have taken over a part of it: it does not say so. */
Test(fetch, c19_what_was_refused_and_taken_back_is_answered) {
  set_clusters("1", "2");
  get_clusters("");
  set_clusters("1", "3");
  cr_assert_str_eq(ask_clusters("", held), "a=1 b=3");
  set_clusters("1", "2");
  cr_assert_str_eq(ask_clusters("", held), "a=1 b=2");
  cr_assert_str_eq(ask_clusters("", held), "304");
}

/* Or before: nobody knows. */
Test(fetch, c25_who_comes_after_a_restart_is_told_once) {
  set_clusters("1", "2");
  get_clusters("");
  end();
  begin();
  set_clusters("1", "2");
  cr_assert_str_eq(ask_clusters("", held), "a=1 b=2");
  cr_assert_str_eq(version, held);
  cr_assert_str_eq(ask_clusters("", held), "304");
}

Test(fetch, c4_types_have_nothing_to_do_with_each_other) {
  char clusters[TEXT];
  set(NULL, resource(EGRESS_TYPE_CLUSTER, "a", "1"), resource(EGRESS_TYPE_ENDPOINT, "a", ""));
  get_clusters("\"a\"");
  strcpy(clusters, held);
  cr_assert_str_eq(ask(EGRESS_TYPE_ENDPOINT, "\"a\"", ""), "a=");
  strcpy(held, version);
  cr_assert_str_eq(ask_clusters("\"a\"", clusters), "304");
  cr_assert_str_eq(ask(EGRESS_TYPE_ENDPOINT, "\"a\"", held), "304");
}

Test(fetch, c24_a_label_is_the_version) {
  set("v1", resource(EGRESS_TYPE_CLUSTER, "a", "1"), NULL);
  cr_assert_str_eq(ask_clusters("", "v1"), "a=1"); /* a version of somebody else */
  cr_assert_str_eq(version, "v1");
  cr_assert_str_eq(ask_clusters("", "v1"), "304");
  cr_assert_str_eq(ask_clusters("\"a\"", "v1"), "a=1");
  cr_assert_str_eq(version, "v1");
}

/* Which of the two the client has accepted, it does not say. */
Test(fetch, c25_other_content_under_the_same_label_is_answered) {
  set("v1", resource(EGRESS_TYPE_CLUSTER, "a", "1"), NULL);
  get_clusters("");
  set("v1", resource(EGRESS_TYPE_CLUSTER, "a", "2"), NULL);
  cr_assert_str_eq(ask_clusters("", "v1"), "a=2");
  cr_assert_str_eq(ask_clusters("", "v1"), "a=2");
  set("v2", resource(EGRESS_TYPE_CLUSTER, "a", "2"), NULL);
  cr_assert_str_eq(ask_clusters("", "v1"), "a=2");
  cr_assert_str_eq(ask_clusters("", "v2"), "304");
}

Test(fetch, c81_another_label_is_answered) {
  set("v1", resource(EGRESS_TYPE_CLUSTER, "a", "1"), NULL);
  get_clusters("\"a\"");
  set("v2", resource(EGRESS_TYPE_CLUSTER, "a", "1"), NULL);
  cr_assert_str_eq(ask_clusters("\"a\"", held), "a=1");
}

Test(fetch, c65_an_error_is_told_once) {
  egress_resource *error;
  cr_assert_eq(egress_resource_new_error(&error, EGRESS_TYPE_CLUSTER, "b", 5, "not yet", NULL), 0);
  set(NULL, resource(EGRESS_TYPE_CLUSTER, "a", "1"), NULL);
  get_clusters("\"a\", \"b\"");
  set(NULL, resource(EGRESS_TYPE_CLUSTER, "a", "1"), error);
  cr_assert_str_eq(ask_clusters("\"a\", \"b\"", held), "a=1");
  cr_assert_not_null(strstr(whole, "not yet"));
  snprintf(held, sizeof held, "%s", version);
  cr_assert_str_eq(ask_clusters("\"a\", \"b\"", held), "304");
}

Test(fetch, c62_times_to_live_are_told_to_who_can_take_them) {
  egress_resource *lasting = resource(EGRESS_TYPE_CLUSTER, "a", "1"), *mortal;
  static const char able[] =
      "{\"node\": {\"cluster\": \"g\", \"clientFeatures\": [\"xds.config.supports-resource-ttl\", "
      "\"xds.config.supports-resource-in-sotw\"]}}";
  cr_assert_eq(egress_resource_with_ttl(&mortal, lasting, 2500, NULL), 0);
  egress_resource_unref(lasting);
  set(NULL, mortal, NULL);
  cr_assert_str_eq(get_clusters(""), "a=1");
  cr_assert_null(strstr(whole, "ttl"));
  send_text(EGRESS_TYPE_CLUSTER, able, strlen(able));
  cr_assert_not_null(strstr(whole, "\"ttl\": \"2.500s\""), "%s", whole);
}

/* And little is remembered. */
Test(fetch, nothing_is_left_of_what_clients_asked) {
  set_clusters("1", "2");
  options.alloc = &counted;
  get_clusters("\"a\"");
  size_t before = counted_live;
  cr_assert_str_eq(ask_clusters("\"a\"", held), "304");
  cr_assert_str_eq(ask_clusters("\"a\"", ""), "a=1");
  cr_assert_eq(counted_live, before);
  end();
  cr_assert_eq(counted_live, 0);
  begin();
}

Test(fetch, who_asks_once_is_no_judge_of_a_trial) {
  egress_trial_options trial = EGRESS_TRIAL_OPTIONS_INIT;
  trial.on_nack = EGRESS_ON_NACK_ROLLBACK;
  cr_assert_eq(egress_cache_set_trial(cache, "g", &trial), 0);
  set_clusters("1", NULL);
  cr_assert_eq(egress_cache_trial(cache, "g"), EGRESS_TRIAL_OPEN);
  get_clusters("");
  cr_assert_str_eq(ask_clusters("", held), "304");
  cr_assert_str_eq(ask(EGRESS_TYPE_ENDPOINT, "", ""), "");
  cr_assert_eq(egress_cache_trial(cache, "g"), EGRESS_TRIAL_OPEN);
}

/* ---- who may have what ---- */

/* Nobody hears of these clients: a question of theirs would be open, and a stream's would be taken for the same. */
Test(fetch, c75_who_asks_once_asks_nobody_for_what_is_not_there) {
  egress_cache_options asking = EGRESS_CACHE_OPTIONS_INIT;
  asking.answer_ms = 1000;
  egress_cache_unref(cache);
  cr_assert_eq(egress_cache_new(&cache, &asking), 0);
  set_clusters("1", NULL);
  cr_assert_str_eq(ask_clusters("\"a\", \"none\"", ""), "a=1");
  cr_assert_eq(egress_cache_absent(cache, "g", EGRESS_TYPE_CLUSTER, "none"), EGRESS_ENOENT);
}

Test(fetch, no_snapshot_for_the_group) {
  refuses("{\"node\": {\"id\": \"n\"}}", "EGRESS_ENOENT",
          "error: there is no snapshot yet for the group of this node\n");
}

Test(fetch, no_group_for_the_node) {
  refuses("{}", "EGRESS_EDENIED", "error: no group for node \"\" of cluster \"\"\n");
}

Test(fetch, secrets_are_served_to_who_says_that_they_may_be) {
  set(NULL, resource(SECRET, "s", ""), NULL);
  cr_assert_str_eq(ask(SECRET, "\"s\"", ""), "EGRESS_EDENIED");
  cr_assert_str_eq(egress_diag_message(diag, 0),
                   "secrets (SDS) are not served here: nothing says that only their client can read them");
  egress_fetch_free(fetch);
  fetch = NULL;
  options.secrets = 1;
  cr_assert_str_eq(ask(SECRET, "\"s\"", ""), "s=");
}

/* ---- what a request may be ---- */

Test(fetch, c2_type_url_is_that_of_the_path) {
  set_clusters("1", NULL);
  static const char same[] = "{\"node\": {\"cluster\": \"g\"}, \"typeUrl\": \"" EGRESS_TYPE_CLUSTER "\"}";
  cr_assert_str_eq(send_text(EGRESS_TYPE_CLUSTER, same, strlen(same)), "a=1");
  refuses("{\"node\": {\"cluster\": \"g\"}, \"typeUrl\": \"" EGRESS_TYPE_ROUTE "\"}", "EGRESS_EPROTO",
          "error: the type_url of the request is not that of its service, " EGRESS_TYPE_CLUSTER "\n");
}

/* As a newer Envoy may write it; and nonce, error and metadata have no bearing on the answer. */
Test(fetch, c84_what_is_of_no_use_is_skipped) {
  static const char text[] =
      "{\"new\": [{}], \"responseNonce\": 7, \"errorDetail\": {\"details\": [{\"@type\": \"x/y\"}]},"
      " \"node\": {\"cluster\": \"g\", \"metadata\": [], \"extensions\": [{\"later\": 1}],"
      " \"locality\": {\"region\": \"eu\", \"later\": 1}}}";
  set_clusters("1", NULL);
  cr_assert_str_eq(send_text(EGRESS_TYPE_CLUSTER, text, strlen(text)), "a=1");
}

Test(fetch, both_spellings_of_a_member) {
  static const char text[] = "{\"node\": {\"cluster\": \"g\"}, \"resourceNames\": [\"a\"], \"versionInfo\": null}";
  set_clusters("1", "2");
  cr_assert_str_eq(send_text(EGRESS_TYPE_CLUSTER, text, strlen(text)), "a=1");
  refuses("{\"resourceNames\": [],\n \"resource_names\": []}", "EGRESS_ERESOURCE",
          "request:2:2: error: `resource_names` is the same field as `resourceNames` on line 1\n");
}

Test(fetch, bad_text_is_told_with_its_place) {
  refuses("", "EGRESS_ESYNTAX", "request:1:1: error: not well-formed JSON: expected a value, but the text ends\n");
  refuses("[]", "EGRESS_ERESOURCE", "request:1:1: error: the message must be an object, not a list\n");
  refuses("{\n\"node\": {\"id\": 5},\n\"resource_names\": [\"a\", 7]}", "EGRESS_ERESOURCE",
          "request:2:16: error: `node.id` must be text, in quotes, not 5\n"
          "request:3:25: error: `resource_names[1]` must be text, in quotes, not 7\n");
  refuses("{\"node\": []}", "EGRESS_ERESOURCE", "request:1:10: error: `node` must be an object, not a list\n");
  refuses("{\"node\": {\"id\": \"a\\u0000b\"}}", "EGRESS_ERESOURCE", "request:1:17: error: text has a NUL character\n");
}

/* ---- limits ---- */

/* `head`, `count` times `part`, and `tail`. */
static char *repeat(const char *head, const char *part, size_t count, const char *tail) {
  char *text = malloc(strlen(head) + count * strlen(part) + strlen(tail) + 1), *to = text;
  to += sprintf(to, "%s", head);
  for (size_t i = 0; i < count; i++) {
    memcpy(to, part, strlen(part));
    to += strlen(part);
  }
  strcpy(to, tail);
  return text;
}

static void is_over_limit(char *text, const char *what) {
  cr_assert_str_eq(send_text(EGRESS_TYPE_CLUSTER, text, strlen(text)), "EGRESS_ELIMIT");
  cr_assert_not_null(strstr(egress_diag_text(diag), what), "%s", egress_diag_text(diag));
  free(text);
}

Test(fetch, a_request_has_limits) {
  set_clusters("1", NULL);
  is_over_limit(repeat("{\"x\": \"", "y", 4 << 20, "\"}"), "4194304 bytes");
  is_over_limit(repeat("{\"x\": [0", ",0", 1 << 18, "]}"), "262144 values");
  is_over_limit(repeat("{\"x\": ", "[", 200, ""), "136 levels");
  is_over_limit(repeat("{\"node\": {\"cluster\": \"g\"}, \"resource_names\": [\"", "n", 4097, "\"]}"),
                "a resource name is longer than 4096 bytes");
  is_over_limit(repeat("{\"node\": {\"cluster\": \"", "g", 256, "\"}}"), "node.cluster is longer than 255 bytes");
}

Test(fetch, names_have_a_limit) {
  static char text[2 << 20] = "{\"node\": {\"cluster\": \"g\"}, \"resource_names\": [\"0\"";
  size_t used = strlen(text);
  for (int i = 1; i <= 100000; i++)
    used += (size_t)sprintf(text + used, ",\"%d\"", i);
  strcpy(text + used, "]}");
  set_clusters("1", NULL);
  cr_assert_str_eq(send_text(EGRESS_TYPE_CLUSTER, text, strlen(text)), "EGRESS_ELIMIT");
  cr_assert_str_eq(egress_diag_message(diag, 0), "more than 100000 resource names subscribed to");
}

/* ---- arguments ---- */

static int new_code(egress_fetch_options made) {
  egress_fetch *none;
  return egress_fetch_new(&none, cache, &made);
}

Test(fetch, arguments_are_checked) {
  egress_fetch *made;
  egress_text *out;
  cr_assert_eq(egress_fetch_new(&made, cache, NULL), 0);
  cr_assert_eq(egress_fetch_answer(&out, made, EGRESS_TYPE_CLUSTER, "{}", 2, NULL), EGRESS_EDENIED);
  cr_assert_eq(egress_fetch_answer(NULL, made, EGRESS_TYPE_CLUSTER, "{}", 2, NULL), EGRESS_EINVAL);
  cr_assert_eq(egress_fetch_answer(&out, NULL, EGRESS_TYPE_CLUSTER, "{}", 2, NULL), EGRESS_EINVAL);
  cr_assert_eq(egress_fetch_answer(&out, made, NULL, "{}", 2, NULL), EGRESS_EINVAL);
  cr_assert_eq(egress_fetch_answer(&out, made, "", "{}", 2, NULL), EGRESS_EINVAL);
  cr_assert_eq(egress_fetch_answer(&out, made, EGRESS_TYPE_CLUSTER, NULL, 2, NULL), EGRESS_EINVAL);
  egress_fetch_free(made);
  egress_fetch_free(NULL);
  cr_assert_eq(egress_fetch_new(NULL, cache, NULL), EGRESS_EINVAL);
  cr_assert_eq(egress_fetch_new(&made, NULL, NULL), EGRESS_EINVAL);
  cr_assert_eq(new_code((egress_fetch_options){.size = sizeof options, .secrets = 2}), EGRESS_EINVAL);
  cr_assert_eq(new_code((egress_fetch_options){.size = sizeof options, .identifier = "\xff"}), EGRESS_EINVAL);
  cr_assert_eq(new_code((egress_fetch_options){.size = sizeof options, .reserved = 1}), EGRESS_EABI);
  cr_assert_eq(new_code((egress_fetch_options){.size = sizeof options - 1}), EGRESS_EINVAL);
}

/* Served as it is to streams; JSON has no form for it. */
Test(fetch, a_resource_that_is_not_its_message_has_no_json) {
  egress_resource *odd;
  cr_assert_eq(egress_resource_new(&odd, EGRESS_TYPE_CLUSTER, "a", "\x0a\x01\xff", 3, NULL), 0); /* name: not UTF-8 */
  set(NULL, odd, NULL);
  cr_assert_str_eq(ask_clusters("", ""), "EGRESS_EWIRE");
  cr_assert_str_eq(egress_diag_message(diag, 0), "a resource in the answer is not the message that its type says");
}
