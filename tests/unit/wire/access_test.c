#include "wire/access.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#include <egress/error.h>
#include <egress/resource.h>

#include "wire/conn.h"
#include "wire/status_code.h"

#define SECRET "envoy.extensions.transport_sockets.tls.v3.Secret"
#define GOOGLE "type.googleapis.com/"

static egress_server server;
static char address[] = "ipv4:127.0.0.1:1";
static egress__conn conn;
static egress__stream_fault fault;

static int ask(const char *type_url) {
  const egress_node node = {.id = "n", .cluster = "c"};
  const egress__caller caller = {.server = &server, .conn = &conn, .address = "ipv4:127.0.0.1:1", .stream_id = 7};
  return egress__access_check(&caller, &node, type_url, &fault);
}

static int ask_over(egress_transport transport, const char *type_url) {
  conn.transport = transport;
  return ask(type_url);
}

static void begin(void) {
  server = (egress_server){.alloc = egress__alloc_or_default(NULL)};
  conn = (egress__conn){.server = &server, .transport = EGRESS_TRANSPORT_PLAINTEXT, .address = address};
  memset(&fault, '?', sizeof fault);
}

TestSuite(access, .init = begin);

/* ---- secrets ---- */

Test(access, secrets_go_where_nobody_else_reads_them) {
  cr_expect_eq(ask_over(EGRESS_TRANSPORT_UNIX, GOOGLE SECRET), 0);
  cr_expect_eq(ask_over(EGRESS_TRANSPORT_MUTUAL_TLS, GOOGLE SECRET), 0);
}

Test(access, secrets_go_nowhere_else) {
  cr_expect_eq(ask_over(EGRESS_TRANSPORT_PLAINTEXT, GOOGLE SECRET), EGRESS_EINVAL);
  cr_expect_eq(fault.status, EGRESS__STATUS_PERMISSION_DENIED);
  cr_expect_str_eq(fault.message,
                   "secrets (SDS) are served over mutual TLS or a unix socket only, and this is plaintext TCP; connect "
                   "that way, or allow it at the server (insecure_secrets of the listen options)");
  cr_expect_eq(ask_over(EGRESS_TRANSPORT_TLS, GOOGLE SECRET), EGRESS_EINVAL);
  cr_expect_not_null(strstr(fault.message, "TLS without a client certificate"));
}

Test(access, a_secret_by_another_host_is_one) {
  cr_expect_eq(ask("types.example/" SECRET), EGRESS_EINVAL);
  cr_expect_eq(ask("a/b/" SECRET), EGRESS_EINVAL);
  cr_expect_eq(ask(SECRET), EGRESS_EINVAL);
}

Test(access, other_types_are_no_secrets) {
  cr_expect_eq(ask(EGRESS_TYPE_CLUSTER), 0);
  cr_expect_eq(ask(GOOGLE SECRET "s"), 0);
  cr_expect_eq(ask(GOOGLE "x." SECRET), 0);
  cr_expect_eq(ask(""), 0);
}

Test(access, a_listener_may_be_told_to_serve_secrets_to_anybody) {
  conn.insecure_secrets = 1;
  cr_expect_eq(ask_over(EGRESS_TRANSPORT_PLAINTEXT, GOOGLE SECRET), 0);
  cr_expect_eq(ask_over(EGRESS_TRANSPORT_TLS, GOOGLE SECRET), 0);
}

/* ---- the embedder's function ---- */

static int32_t answer;
static const char *reason;
static int asked_times, its_own;

static int32_t judge(const egress_access *access, char *out, size_t size, void *user) {
  asked_times++;
  cr_assert(user == &its_own && size == 256 && access->stream_id == 7);
  for (size_t i = 0; i < size; i++)
    cr_assert_eq(out[i], '\0', "nothing of another refusal is left");
  cr_expect_eq(access->peer->transport, (int32_t)conn.transport);
  cr_expect_str_eq(access->peer->address, "ipv4:127.0.0.1:1");
  cr_expect_str_eq(access->peer->spiffe_id, "");
  cr_expect_str_eq(access->peer->common_name, "");
  cr_expect(access->peer->uri_count == 0 && access->peer->dns_name_count == 0);
  cr_expect_str_eq(access->node->id, "n");
  cr_expect_str_eq(access->node->cluster, "c");
  cr_expect_str_eq(access->type_url, EGRESS_TYPE_CLUSTER);
  if (reason != NULL)
    memcpy(out, reason, strlen(reason) < size ? strlen(reason) + 1 : size);
  return answer;
}

static int judged(int32_t code, const char *why) {
  answer = code;
  reason = why;
  server.options.authorise = judge;
  server.options.user = &its_own;
  return ask(EGRESS_TYPE_CLUSTER);
}

static void check_refused(int32_t code, const char *why, int32_t status, const char *message) {
  cr_expect_eq(judged(code, why), EGRESS_EINVAL);
  cr_expect_eq(fault.status, status, "%d", (int)code);
  cr_expect_str_eq(fault.message, message);
}

Test(access, the_function_may_allow) {
  cr_expect_eq(judged(0, NULL), 0);
  cr_expect_eq(judged(0, "said anyway"), 0);
  cr_expect_eq(ask_over(EGRESS_TRANSPORT_UNIX, EGRESS_TYPE_CLUSTER), 0);
  cr_expect_eq(ask_over(EGRESS_TRANSPORT_TLS, EGRESS_TYPE_CLUSTER), 0);
  cr_expect_eq(asked_times, 4);
}

Test(access, the_function_may_refuse_with_a_status_and_a_reason) {
  check_refused(7, "not from there", 7, "not from there");
  check_refused(1, "a", 1, "a");
  check_refused(16, "gr\xc3\xbc\xc3\x9f dich", 16, "gr\xc3\xbc\xc3\x9f dich");
}

Test(access, what_is_no_status_is_permission_denied) {
  check_refused(17, "a", 7, "a");
  check_refused(-1, "a", 7, "a");
  check_refused(INT32_MIN, "a", 7, "a");
}

Test(access, what_is_no_text_is_said_otherwise) {
  static const char otherwise[] = "this client may not have resources of this type";
  check_refused(7, NULL, 7, otherwise);
  check_refused(7, "", 7, otherwise);
  check_refused(7, "gr\xfc\xdf dich", 7, otherwise);
}

Test(access, a_reason_without_an_end_gets_one) {
  char endless[300] = "";
  memset(endless, 'x', sizeof endless - 1);
  cr_expect_eq(judged(7, endless), EGRESS_EINVAL);
  cr_expect_eq(strlen(fault.message), 255);
}

Test(access, the_function_is_not_asked_of_secrets_that_go_nowhere) {
  server.options.authorise = judge;
  cr_expect_eq(ask(GOOGLE SECRET), EGRESS_EINVAL);
  cr_expect_eq(asked_times, 0);
}
