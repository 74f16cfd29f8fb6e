#include "wire/patience.h"

#include <criterion/criterion.h>
#include <string.h>

#include "wire/status_code.h"

static const egress_server_options options = {
    .max_unread_bytes = 1000, .max_unread_ms = 60000, .first_request_ms = 2000, .idle_ms = 30000};

enum { NOW = 1000 };

/* Whether the client is told `name` with `status` once the time is over. */
static void expect(const egress__patience *patience, int is_crowded, const char *name, int32_t status) {
  char text[EGRESS__PATIENCE_TEXT];
  uint64_t end_ms = egress__patience_end_ms(patience, &options, is_crowded);
  cr_assert_eq(egress__patience_explain(text, patience, &options, is_crowded, end_ms), status);
  cr_assert_not_null(strstr(text, name), "%s", text);
}

Test(patience, a_first_request_has_a_time_of_its_own) {
  const egress__patience patience = {.active_ms = NOW};
  cr_assert_eq(egress__patience_end_ms(&patience, &options, 0), NOW + 2000);
  expect(&patience, 0, "2000 ms (first_request_ms)", EGRESS__STATUS_DEADLINE_EXCEEDED);
}

/* However often a few of its bytes come. */
Test(patience, a_request_has_to_come_whole) {
  const egress__patience patience = {.active_ms = NOW + 1500, .has_asked = 1, .has_begun = 1, .begun_ms = NOW};
  cr_assert_eq(egress__patience_end_ms(&patience, &options, 0), NOW + 2000);
  expect(&patience, 0, "did not come whole for 2000 ms (first_request_ms)", EGRESS__STATUS_DEADLINE_EXCEEDED);
}

Test(patience, a_quiet_stream_lasts_unless_told_otherwise) {
  const egress__patience patience = {.active_ms = NOW, .has_asked = 1};
  egress_server_options forever = options;
  forever.idle_ms = 0;
  cr_assert_eq(egress__patience_end_ms(&patience, &forever, 0), UINT64_MAX);
  cr_assert_eq(egress__patience_end_ms(&patience, &forever, 1), UINT64_MAX, "it has read all");
  cr_assert_eq(egress__patience_end_ms(&patience, &options, 0), NOW + 30000);
  expect(&patience, 0, "30000 ms (idle_ms)", EGRESS__STATUS_DEADLINE_EXCEEDED);
}

Test(patience, a_stream_is_not_quiet_while_its_request_waits_here) {
  const egress__patience patience = {.active_ms = NOW, .turn_ms = NOW + 90000},
                         unread = {.active_ms = NOW, .turn_ms = NOW + 90000, .has_unread = 1, .sent_ms = NOW};
  cr_assert_eq(egress__patience_end_ms(&patience, &options, 0), UINT64_MAX);
  cr_assert_eq(egress__patience_end_ms(&unread, &options, 0), NOW + 60000);
}

Test(patience, an_unread_response_has_less_when_there_is_no_room) {
  const egress__patience patience = {.active_ms = NOW + 59000, .has_asked = 1, .has_unread = 1, .sent_ms = NOW};
  cr_assert_eq(egress__patience_end_ms(&patience, &options, 0), NOW + 60000);
  expect(&patience, 0, "60000 ms (max_unread_ms)", EGRESS__STATUS_DEADLINE_EXCEEDED);
  cr_assert_eq(egress__patience_end_ms(&patience, &options, 1), NOW + EGRESS__PATIENCE_CROWDED_MS);
  expect(&patience, 1, "1000 bytes, the most (max_unread_bytes)", EGRESS__STATUS_RESOURCE_EXHAUSTED);
}

Test(patience, a_shorter_limit_is_never_lengthened) {
  const egress__patience patience = {.active_ms = NOW, .has_asked = 1, .has_unread = 1, .sent_ms = NOW};
  egress_server_options brisk = options;
  brisk.max_unread_ms = 10;
  cr_assert_eq(egress__patience_end_ms(&patience, &brisk, 1), NOW + 10);
}
