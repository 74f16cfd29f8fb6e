#ifndef EGRESS_WIRE_PATIENCE_H
#define EGRESS_WIRE_PATIENCE_H

#include <egress/server.h>

/** What a stream is waited for, in the time of the loop. */
typedef struct egress__patience {
  uint64_t active_ms;            /* when it was opened, or a request or response passed last */
  uint64_t sent_ms;              /* when the response that is unread was begun */
  uint64_t begun_ms;             /* when the first bytes came of a request that has not come whole */
  uint64_t turn_ms;              /* when its next request, which has come, may be taken; 0: none waits for that */
  uint8_t has_asked, has_unread; /* its first request has come; a response is not written yet */
  uint8_t has_begun;             /* a request has not come whole */
} egress__patience;

/** While unread responses take all the room there is, those that are older than this make room for others. */
enum { EGRESS__PATIENCE_CROWDED_MS = 5000 };

/**
 * When it is over, if nothing happens before; UINT64_MAX: never. `options` has no zero where that means a default.
 * `is_crowded`: unread responses take max_unread_bytes.
 */
uint64_t egress__patience_end_ms(const egress__patience *patience, const egress_server_options *options,
                                 int is_crowded);

enum { EGRESS__PATIENCE_TEXT = 160 };

/** Says to the client which limit it is that has passed. Returns the status that goes with it. */
int32_t egress__patience_explain(char out[EGRESS__PATIENCE_TEXT], const egress__patience *patience,
                                 const egress_server_options *options, int is_crowded, uint64_t now_ms);

#endif
