#include "wire/grpc_log.h"

#include <criterion/criterion.h>
#include <grpc/grpc.h>
#include <grpc/support/log.h>
#include <stdio.h>
#include <string.h>

typedef struct heard {
  int count;
  int32_t level;
  char text[100];
} heard;

static void on_log(int32_t level, const char *category, const char *text, void *user) {
  heard *h = user;
  h->count++;
  h->level = level;
  cr_assert_str_eq(category, "grpc");
  snprintf(h->text, sizeof h->text, "%s", text);
  gpr_log(GPR_ERROR, "a line about a line"); /* would never end */
}

TestSuite(grpc_log, .init = grpc_init, .fini = grpc_shutdown); /* gRPC reads its level of logging when it starts */

Test(grpc_log, the_first_server_with_a_hook_gets_the_lines) {
  heard one = {0}, two = {0};
  egress__grpc_log silent = {0}, first = {.log = on_log, .user = &one}, second = {.log = on_log, .user = &two};
  egress__grpc_log_join(&silent);
  gpr_log(GPR_ERROR, "to nobody");
  egress__grpc_log_join(&first);
  egress__grpc_log_join(&second);
  gpr_log(GPR_ERROR, "line %d", 1);
  cr_assert_eq(one.count, 1);
  cr_assert_eq(two.count, 0);
  cr_assert_str_eq(one.text, "line 1");
  cr_assert_eq(one.level, EGRESS_LOG_WARN);
  egress__grpc_log_leave(&first);
  gpr_log(GPR_ERROR, "line %d", 2);
  cr_assert_eq(one.count, 1);
  cr_assert_eq(two.count, 1);
  egress__grpc_log_leave(&second);
  egress__grpc_log_leave(&second); /* is not there */
  gpr_log(GPR_ERROR, "to nobody");
  cr_assert_eq(two.count, 1);
  egress__grpc_log_leave(&silent);
}

Test(grpc_log, an_error_can_be_caught) {
  heard one = {0};
  char text[16];
  egress__grpc_log member = {.log = on_log, .user = &one};
  egress__grpc_log_join(&member);
  egress__grpc_log_catch(text, sizeof text);
  cr_assert_str_eq(text, "");
  gpr_log(GPR_ERROR, "the deepest cause");
  gpr_log(GPR_ERROR, "what came of it");
  egress__grpc_log_release();
  cr_assert_str_eq(text, "the deepest cau");
  cr_assert_eq(one.count, 0);
  gpr_log(GPR_ERROR, "later");
  cr_assert_eq(one.count, 1);
  egress__grpc_log_leave(&member);
}
