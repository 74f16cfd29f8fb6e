#include "wire/patience.h"

#include <inttypes.h>
#include <stdio.h>

#include "wire/status_code.h"

static uint64_t unread_end_ms(const egress__patience *patience, const egress_server_options *options, int is_crowded) {
  uint64_t wait_ms = options->max_unread_ms;
  if (!patience->has_unread)
    return UINT64_MAX;
  if (is_crowded && wait_ms > EGRESS__PATIENCE_CROWDED_MS)
    wait_ms = EGRESS__PATIENCE_CROWDED_MS;
  return patience->sent_ms + wait_ms;
}

/* Of a request whose end does not come. */
static uint64_t whole_end_ms(const egress__patience *patience, const egress_server_options *options) {
  return patience->has_begun ? patience->begun_ms + options->first_request_ms : UINT64_MAX;
}

static uint64_t sooner_ms(uint64_t a_ms, uint64_t b_ms) {
  return a_ms < b_ms ? a_ms : b_ms;
}

/* Of a stream that says nothing. */
static uint64_t quiet_end_ms(const egress__patience *patience, const egress_server_options *options) {
  if (patience->turn_ms != 0)
    return UINT64_MAX;
  if (!patience->has_asked)
    return patience->active_ms + options->first_request_ms;
  return options->idle_ms != 0 ? patience->active_ms + options->idle_ms : UINT64_MAX;
}

uint64_t egress__patience_end_ms(const egress__patience *patience, const egress_server_options *options,
                                 int is_crowded) {
  return sooner_ms(unread_end_ms(patience, options, is_crowded),
                   sooner_ms(whole_end_ms(patience, options), quiet_end_ms(patience, options)));
}

int32_t egress__patience_explain(char out[EGRESS__PATIENCE_TEXT], const egress__patience *patience,
                                 const egress_server_options *options, int is_crowded, uint64_t now_ms) {
  if (unread_end_ms(patience, options, 0) <= now_ms) {
    snprintf(out, EGRESS__PATIENCE_TEXT, "a response was not read for %" PRIu32 " ms (max_unread_ms)",
             options->max_unread_ms);
    return EGRESS__STATUS_DEADLINE_EXCEEDED;
  }
  if (unread_end_ms(patience, options, is_crowded) <= now_ms) {
    snprintf(out, EGRESS__PATIENCE_TEXT,
             "a response was not read for %d ms, and unread ones take %" PRIu32 " bytes, the most (max_unread_bytes)",
             EGRESS__PATIENCE_CROWDED_MS, options->max_unread_bytes);
    return EGRESS__STATUS_RESOURCE_EXHAUSTED;
  }
  if (whole_end_ms(patience, options) <= now_ms)
    snprintf(out, EGRESS__PATIENCE_TEXT, "a request did not come whole for %" PRIu32 " ms (first_request_ms)",
             options->first_request_ms);
  else if (!patience->has_asked)
    snprintf(out, EGRESS__PATIENCE_TEXT, "no request came for %" PRIu32 " ms (first_request_ms)",
             options->first_request_ms);
  else
    snprintf(out, EGRESS__PATIENCE_TEXT, "nothing passed for %" PRIu32 " ms (idle_ms)", options->idle_ms);
  return EGRESS__STATUS_DEADLINE_EXCEEDED;
}
